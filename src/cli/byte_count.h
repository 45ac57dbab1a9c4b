/*
 * byte_count: so many bytes, in the unit that suits a person. Pure.
 */
#ifndef NM_CLI_BYTE_COUNT_H
#define NM_CLI_BYTE_COUNT_H

#include <stdint.h>

enum { NM_BYTE_COUNT_MAX = 24 };

/* "812 bytes", "1.2 kB", "34.5 MB" (powers of 1000) into out
 * (NM_BYTE_COUNT_MAX bytes); out is returned. */
const char *nm_byte_count(uint64_t bytes, char *out);

#endif
