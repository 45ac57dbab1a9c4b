/* digest: the published vectors, and chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

/* FIPS 180-2, appendix B; RFC 1321, appendix A.5. */
static const struct {
	const char *text, *sha256, *md5;
} rows[] = {
	{ "",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	  "d41d8cd98f00b204e9800998ecf8427e" },
	{ "abc",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	  "900150983cd24fb0d6963f7d28e17f72" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	  "8215ef0796a20bcaaae116d3876c664a" },
};

static void
vectors(void **state)
{
	char hex[NM_DIGEST_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);

		nm_digest_hex(NM_SHA256, rows[i].text, len, hex);
		assert_string_equal(hex, rows[i].sha256);
		nm_digest_hex(NM_MD5, rows[i].text, len, hex);
		assert_string_equal(hex, rows[i].md5);
	}
}

static void
in_pieces(void **state)
{
	char hex[NM_DIGEST_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_digest digest = { 0 };

		nm_digest_init(&digest, NM_SHA256);
		for (const char *at = rows[i].text; *at; at++)
			nm_digest_add(&digest, at, 1);
		nm_digest_add(&digest, NULL, 0);
		nm_digest_finish(&digest, hex);
		assert_string_equal(hex, rows[i].sha256);
		assert_null(digest.context);
		nm_digest_release(&digest);
	}
	nm_digest_release(NULL);
}

static void
left_unfinished(void **state)
{
	struct nm_digest digest = { 0 };

	(void)state;
	nm_digest_init(&digest, NM_MD5);
	nm_digest_add(&digest, "x", 1);
	nm_digest_release(&digest);
	assert_null(digest.context);
}

static void
random_names(void **state)
{
	char hex[65], other[65];

	(void)state;
	for (size_t n = 0; n <= 64; n++) {
		memset(hex, '!', sizeof(hex));
		nm_digest_random_hex(hex, n);
		assert_int_equal(strlen(hex), n);
		assert_int_equal(strspn(hex, "0123456789abcdef"), n);
	}
	nm_digest_random_hex(other, 64);
	assert_string_not_equal(hex, other);
}

static void
same_or_not(void **state)
{
	(void)state;
	assert_true(nm_digest_same("abc", "abc", 3));
	assert_false(nm_digest_same("abc", "abd", 3));
	assert_true(nm_digest_same("abc", "abd", 2));
	assert_true(nm_digest_same("a\0c", "a\0c", 3));
	assert_false(nm_digest_same("a\0c", "a\0d", 3));
	assert_true(nm_digest_same(NULL, NULL, 0));
}

/* By another thread or not, in whatever pieces it came: the same. */
static void
apart_or_not(void **state)
{
	static const size_t totals[] = { 0, 5, (1 << 20) - 1, 1 << 20,
		(1 << 20) + 1, (1 << 20) + (128 << 10),
		(1 << 20) + (128 << 10) + 1, 5000000 };
	static const size_t steps[] = { 999, 128 << 10, 300000, 6000000 };
	char *bytes = malloc(5000000);

	(void)state;
	for (size_t i = 0; i < 5000000; i++)
		bytes[i] = (char)(i * 7 / 5);
	for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++)
		for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
			char hex[NM_DIGEST_HEX_MAX], wanted[NM_DIGEST_HEX_MAX];
			struct nm_digest digest = { 0 };
			size_t at, step;

			nm_digest_hex(NM_SHA256, bytes, totals[i], wanted);
			nm_digest_init(&digest, NM_SHA256);
			nm_digest_apart(&digest);
			for (at = 0; at < totals[i]; at += step) {
				step = totals[i] - at < steps[k]
				     ? totals[i] - at : steps[k];
				nm_digest_add(&digest, bytes + at, step);
			}
			nm_digest_finish(&digest, hex);
			assert_string_equal(hex, wanted);
		}
	free(bytes);
}

/* Left in the middle: nothing is left behind, which a sanitizer sees. */
static void
apart_and_left(void **state)
{
	struct nm_digest digest = { 0 };
	static char bytes[3000000];

	(void)state;
	nm_digest_init(&digest, NM_SHA256);
	nm_digest_apart(&digest);
	nm_digest_add(&digest, bytes, sizeof(bytes));
	assert_non_null(digest.crew);
	nm_digest_release(&digest);
	nm_digest_release(&digest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(apart_or_not),
		cmocka_unit_test(apart_and_left),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(left_unfinished),
		cmocka_unit_test(random_names),
		cmocka_unit_test(same_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
