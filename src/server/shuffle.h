/*
 * shuffle: a file's lines in another order.
 * Knows lines' places; must not know what they say.
 */
#ifndef NM_SERVER_SHUFFLE_H
#define NM_SERVER_SHUFFLE_H

#include "base/buf.h"

/* Writes a second file, whole or not at all, synced, in an order drawn from the seed:
 * the same one gives the same. */
enum nm_code nm_shuffle_lines(int fd, const char *path, uint64_t seed,
                              struct nm_err *err) NM_MUST_USE;

#endif
