/*
 * digest: see digest.h. The only file that includes libcrypto's headers.
 */
#include "base/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include "base/crew.h"

enum {
	HEX_MAX_DIGITS = 64,
	APART_FROM_BYTES = 1 << 20,
	PIECE_BYTES = 128 << 10
};

/* What another thread digests at once. */
struct nm_digest_piece {
	void  *context;
	size_t len;
	char   bytes[PIECE_BYTES];
};

static void
write_hex(const unsigned char *bytes, size_t n_digits, char *hex)
{
	for (size_t i = 0; i < n_digits; i++) {
		int nibble = i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4;

		hex[i] = "0123456789abcdef"[nibble];
	}
	hex[n_digits] = 0;
}

void
nm_digest_init(struct nm_digest *digest, enum nm_digest_kind kind)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (!context)
		nm_die("out of memory");
	if (!EVP_DigestInit_ex(context,
	                       kind == NM_MD5 ? EVP_md5() : EVP_sha256(), NULL))
		nm_die("libcrypto has no such digest");
	*digest = (struct nm_digest){ .context = context };
}

static void
update(void *context, const void *bytes, size_t len)
{
	if (len && !EVP_DigestUpdate(context, bytes, len))
		nm_die("libcrypto cannot go on with a digest");
}

/* ---- apart ---- */

static void
work(void *user)
{
	struct nm_digest_piece *piece = user;

	update(piece->context, piece->bytes, piece->len);
	piece->len = 0;
}

void
nm_digest_apart(struct nm_digest *digest)
{
	digest->apart = true;
}

static void
give_open(struct nm_digest *digest)
{
	digest->open->context = digest->context;
	nm_crew_give(digest->crew);
	digest->open = NULL;
}

static void
hand_over(struct nm_digest *digest, const char *bytes, size_t len)
{
	while (len) {
		struct nm_digest_piece *piece = digest->open;
		size_t n;

		if (!piece)
			piece = digest->open = nm_crew_turn(digest->crew);
		n = PIECE_BYTES - piece->len;
		n = n < len ? n : len;
		memcpy(piece->bytes + piece->len, bytes, n);
		piece->len += n;
		bytes += n;
		len -= n;
		if (piece->len == PIECE_BYTES)
			give_open(digest);
	}
}

/* All that was handed over is in the digest then. */
static void
come_back(struct nm_digest *digest)
{
	if (digest->open)
		give_open(digest);
	while (nm_crew_rest(digest->crew))
		continue;
	nm_crew_close(digest->crew);
	digest->crew = NULL;
}

/* ---- all ---- */

void
nm_digest_add(struct nm_digest *digest, const void *bytes, size_t len)
{
	if (digest->apart && !digest->crew
	    && (digest->bytes += len) >= APART_FROM_BYTES)
		digest->crew = nm_crew_open(&(struct nm_crew_options){
			.piece_bytes = sizeof(struct nm_digest_piece),
			.work = work, .in_turn = 1 });
	if (digest->crew)
		hand_over(digest, bytes, len);
	else
		update(digest->context, bytes, len);
}

void
nm_digest_finish(struct nm_digest *digest, char *hex)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (digest->crew)
		come_back(digest);
	if (!EVP_DigestFinal_ex(digest->context, bytes, &len)
	    || len * 2 > HEX_MAX_DIGITS)
		nm_die("libcrypto cannot finish a digest");
	write_hex(bytes, (size_t)len * 2, hex);
	nm_digest_release(digest);
}

void
nm_digest_release(struct nm_digest *digest)
{
	if (!digest)
		return;
	nm_crew_close(digest->crew);
	EVP_MD_CTX_free(digest->context);
	*digest = (struct nm_digest){ 0 };
}

void
nm_digest_hex(enum nm_digest_kind kind, const void *bytes, size_t len,
              char *hex)
{
	struct nm_digest digest = { 0 };

	nm_digest_init(&digest, kind);
	nm_digest_add(&digest, bytes, len);
	nm_digest_finish(&digest, hex);
}

void
nm_digest_random(void *bytes, size_t len)
{
	unsigned char *at = bytes;

	while (len) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno != EINTR)
			nm_die("the system gives no random bytes");
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}

void
nm_digest_random_hex(char *hex, size_t n_digits)
{
	unsigned char bytes[HEX_MAX_DIGITS / 2];

	if (n_digits > HEX_MAX_DIGITS)
		n_digits = HEX_MAX_DIGITS;
	nm_digest_random(bytes, (n_digits + 1) / 2);
	write_hex(bytes, n_digits, hex);
}

int
nm_digest_same(const void *a, const void *b, size_t len)
{
	return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}
