/*
 * secret: a key that prints as nothing.
 * Only http may look at its bytes (nm_secret_reveal); whoever else wants to say
 * something about a key says its fingerprint, or the words of nm_secret_shown.
 *
 * A zeroed nm_secret holds no key. Calling sequence: zero; set; lend it to requests;
 * release when none of them is on its way.
 */
#ifndef NM_NET_SECRET_H
#define NM_NET_SECRET_H

#include "base/buf.h"

struct nm_secret {
	char  *hidden; /* NUL-ended; wiped before it is freed */
	size_t len;
};

enum {
	NM_SECRET_MAX_BYTES = 4096,
	NM_SECRET_FINGERPRINT_MAX = 13, /* 12 hex digits and NUL */
	NM_SECRET_SHORT_BYTES = 8 /* shorter ones are not redacted */
};

/*
 * Copies a key in, in place of the one before. NM_USAGE, without a byte of it
 * in the text, when it is empty, too long, or holds anything but visible ASCII.
 */
enum nm_code nm_secret_set(struct nm_secret *secret, struct nm_text key,
                           struct nm_err *err) NM_MUST_USE;

/* Wipes and frees. */
void nm_secret_release(struct nm_secret *secret);

bool nm_secret_held(const struct nm_secret *secret);

/*
 * Tells keys apart without telling them: the first 12 hex digits of SHA-256
 * over a fixed prefix and the key, into out (NM_SECRET_FINGERPRINT_MAX bytes).
 * No key gives "none".
 */
void nm_secret_fingerprint(const struct nm_secret *secret, char *out);

/* "(key)" or "(no key)": all that may be printed. Lives for ever. */
const char *nm_secret_shown(const struct nm_secret *secret);

/*
 * Overwrites every occurrence of the key within text by '*', in place: for
 * texts of the service, which may echo what it was sent.
 */
void nm_secret_redact(const struct nm_secret *secret, char *text, size_t len);

/* The bytes, lent. For http alone; a rule of the tests holds the others off. */
struct nm_text nm_secret_reveal(const struct nm_secret *secret);

#endif
