/*
 * secret: see secret.h.
 */
#include "net/secret.h"

#include <stdlib.h>

#include "base/digest.h"

#define FINGERPRINT_PREFIX "nightmail account key\n"

static bool
is_visible(struct nm_text key)
{
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] < 0x21 || key.at[i] > 0x7e)
			return false;
	return true;
}

enum nm_code
nm_secret_set(struct nm_secret *secret, struct nm_text key,
              struct nm_err *err)
{
	char *copy;

	if (key.len == 0)
		return nm_fail(err, NM_USAGE, 0, "the key is empty");
	if (key.len > NM_SECRET_MAX_BYTES)
		return nm_fail(err, NM_USAGE, 0,
		               "the key is longer than %d bytes",
		               NM_SECRET_MAX_BYTES);
	/* Anything else could end the header and begin another one. */
	if (!is_visible(key))
		return nm_fail(err, NM_USAGE, 0,
		               "the key holds a space, a line break or another "
		               "byte that no key has");
	copy = malloc(key.len + 1);
	if (!copy)
		nm_die("memory is exhausted");
	memcpy(copy, key.at, key.len);
	copy[key.len] = 0;
	nm_secret_release(secret);
	secret->hidden = copy;
	secret->len = key.len;
	return NM_OK;
}

void
nm_secret_release(struct nm_secret *secret)
{
	if (!secret || !secret->hidden)
		return;
	explicit_bzero(secret->hidden, secret->len);
	free(secret->hidden);
	*secret = (struct nm_secret){0};
}

bool
nm_secret_held(const struct nm_secret *secret)
{
	return secret && secret->len > 0;
}

void
nm_secret_fingerprint(const struct nm_secret *secret, char *out)
{
	struct nm_digest digest;
	char hex[NM_DIGEST_HEX_MAX];

	if (!nm_secret_held(secret)) {
		memcpy(out, "none", sizeof("none"));
		return;
	}
	nm_digest_init(&digest, NM_SHA256);
	nm_digest_add(&digest, FINGERPRINT_PREFIX,
	              sizeof(FINGERPRINT_PREFIX) - 1);
	nm_digest_add(&digest, secret->hidden, secret->len);
	nm_digest_finish(&digest, hex);
	memcpy(out, hex, NM_SECRET_FINGERPRINT_MAX - 1);
	out[NM_SECRET_FINGERPRINT_MAX - 1] = 0;
}

const char *
nm_secret_shown(const struct nm_secret *secret)
{
	return nm_secret_held(secret) ? "(key)" : "(no key)";
}

void
nm_secret_redact(const struct nm_secret *secret, char *text, size_t len)
{
	char *found;

	/* A key of a few bytes would be found in innocent words. */
	if (!nm_secret_held(secret) || secret->len < NM_SECRET_SHORT_BYTES)
		return;
	while (len >= secret->len &&
	       (found = memmem(text, len, secret->hidden, secret->len))) {
		memset(found, '*', secret->len);
		len -= (size_t)(found - text) + secret->len;
		text = found + secret->len;
	}
}

struct nm_text
nm_secret_reveal(const struct nm_secret *secret)
{
	if (!nm_secret_held(secret))
		return (struct nm_text){0};
	return (struct nm_text){ secret->hidden, secret->len };
}
