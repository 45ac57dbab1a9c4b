/*
 * key: who may use the server. Holds digests, never keys.
 *
 * The key file: a line a key, "#" begins a comment, blank lines are fine:
 *     NAME sha256:64 HEX DIGITS     the digest of the key (printf %s KEY | sha256sum)
 *     NAME KEY                      the key itself; then nobody else may read the file
 * Keys of one name share what they own.
 */
#ifndef NM_SERVER_KEY_H
#define NM_SERVER_KEY_H

#include "base/arena.h"
#include "base/buf.h"

struct nm_keys {
	struct nm_arena    arena;
	struct nm_key_row *rows;
	size_t             n_rows; /* 0: no key is asked for */
};

/* file NULL: none needed. NM_INPUT with file:line for a line that is none, for
 * one without any key, and for plain keys in a file that others may read. */
enum nm_code nm_keys_open(struct nm_keys *keys, const char *file,
                          struct nm_err *err) NM_MUST_USE;
void nm_keys_close(struct nm_keys *keys);

/* The name that the key stands for, NULL for a key unknown. Takes the same time
 * for any key of this length. Lives like keys. */
const char *nm_keys_find(const struct nm_keys *keys, struct nm_text key);

#endif
