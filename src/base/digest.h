/*
 * digest: SHA-256 and MD5 of bytes that come in pieces, and random names.
 * libcrypto inside. Knows bytes alone.
 */
#ifndef NM_BASE_DIGEST_H
#define NM_BASE_DIGEST_H

#include "base/buf.h"

enum nm_digest_kind { NM_SHA256, NM_MD5 };

enum { NM_DIGEST_HEX_MAX = 65 }; /* 64 hex digits of SHA-256, and NUL */

/* Calling sequence: init, (apart,) add…, finish. finish releases; so does release. */
struct nm_digest {
	void                   *context;
	bool                    apart;
	uint64_t                bytes; /* added, if apart */
	struct nm_crew         *crew;
	struct nm_digest_piece *open;  /* of the crew's, being filled */
};

void nm_digest_init(struct nm_digest *digest, enum nm_digest_kind kind);
/* Once a megabyte was added, another thread digests what comes, if there is a
 * processor for it: for large files whose reading is work too. */
void nm_digest_apart(struct nm_digest *digest);
void nm_digest_add(struct nm_digest *digest, const void *bytes, size_t len);
/* Lower-case hex and NUL into hex (NM_DIGEST_HEX_MAX bytes). */
void nm_digest_finish(struct nm_digest *digest, char *hex);
void nm_digest_release(struct nm_digest *digest);

/* All at once. */
void nm_digest_hex(enum nm_digest_kind kind, const void *bytes, size_t len,
                   char *hex);

/* Random hex digits from the system's generator, and NUL: n_digits + 1 bytes,
 * n_digits at most 64. Cannot be guessed. */
void nm_digest_random_hex(char *hex, size_t n_digits);

/* Random bytes from the system's generator. */
void nm_digest_random(void *bytes, size_t len);

/* Equal or not, in time that depends on len alone. */
int nm_digest_same(const void *a, const void *b, size_t len);

#endif
