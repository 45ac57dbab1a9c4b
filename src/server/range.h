/*
 * range: the Range header of a download (RFC 9110, 14.2), one range at a time. Pure.
 */
#ifndef NM_SERVER_RANGE_H
#define NM_SERVER_RANGE_H

#include "base/buf.h"

enum nm_byte_range { NM_RANGE_WHOLE, NM_RANGE_PART, NM_RANGE_NEVER };

/*
 * What of `total` bytes the header asks for. WHOLE for none, several ranges or a
 * header not understood, which are ignored; NEVER when there are no such bytes.
 */
enum nm_byte_range nm_byte_range_read(struct nm_text header, uint64_t total,
                            uint64_t *from, uint64_t *bytes);

#endif
