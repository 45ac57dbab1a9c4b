#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "net/secret.h"

#define KEY "sk-test-0123456789abcdef"

static char long_key[NM_SECRET_MAX_BYTES + 2];

static void
only_visible_bytes_are_a_key(void **state)
{
	static const struct {
		struct nm_text key;
		enum nm_code   code;
		const char    *why;
	} rows[] = {
		{ { KEY, sizeof(KEY) - 1 }, NM_OK, "an ordinary key" },
		{ { "x", 1 }, NM_OK, "a short one, for a local server" },
		{ { "", 0 }, NM_USAGE, "none" },
		{ { "sk-1\r\nX-Evil: 1", 15 }, NM_USAGE, "a second header" },
		{ { "sk 1", 4 }, NM_USAGE, "a space, from a careless copy" },
		{ { "sk-\xc3\xa9", 5 }, NM_USAGE, "not ASCII" },
		{ { "sk\0x", 4 }, NM_USAGE, "a NUL would cut it" },
		{ { long_key, sizeof(long_key) - 1 }, NM_USAGE, "over the ceiling" },
	};

	(void)state;
	memset(long_key, 'k', sizeof(long_key) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_secret secret = {0};
		struct nm_err err = {0};

		if (nm_secret_set(&secret, rows[i].key, &err) != rows[i].code)
			fail_msg("%s", rows[i].why);
		assert_int_equal(nm_secret_held(&secret),
		                 rows[i].code == NM_OK);
		assert_null(strstr(err.text, "sk-"));
		assert_null(strstr(err.text, "Evil"));
		nm_secret_release(&secret);
		nm_secret_release(&secret);
	}
}

static void
a_bad_key_leaves_the_one_before(void **state)
{
	struct nm_secret secret = {0};
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_secret_set(&secret, NM_TEXT(KEY), &err), NM_OK);
	assert_int_equal(nm_secret_set(&secret, NM_TEXT("a b"), &err), NM_USAGE);
	assert_true(nm_text_is(nm_secret_reveal(&secret), KEY));
	nm_secret_release(&secret);
}

static void
fingerprints_tell_keys_apart_and_nothing_else(void **state)
{
	struct nm_secret one = {0}, other = {0};
	char a[NM_SECRET_FINGERPRINT_MAX], b[NM_SECRET_FINGERPRINT_MAX];
	struct nm_err err;

	(void)state;
	nm_secret_fingerprint(&one, a);
	assert_string_equal(a, "none");
	assert_string_equal(nm_secret_shown(&one), "(no key)");
	assert_int_equal(nm_secret_set(&one, NM_TEXT(KEY), &err), NM_OK);
	assert_int_equal(nm_secret_set(&other, NM_TEXT(KEY), &err), NM_OK);
	nm_secret_fingerprint(&one, a);
	nm_secret_fingerprint(&other, b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 12);
	assert_int_equal(strspn(a, "0123456789abcdef"), 12);
	assert_int_equal(nm_secret_set(&other, NM_TEXT(KEY "0"), &err), NM_OK);
	nm_secret_fingerprint(&other, b);
	assert_string_not_equal(a, b);
	assert_string_equal(nm_secret_shown(&one), "(key)");
	nm_secret_release(&one);
	nm_secret_release(&other);
}

static void
an_echoed_key_is_blotted_out(void **state)
{
	static const struct {
		const char *key, *text, *left, *why;
	} rows[] = {
		{ "abcdefgh", "key abcdefgh.", "key ********.", "once" },
		{ "abcdefgh", "abcdefghabcdefgh", "****************", "twice" },
		{ "abcdefgh", "abcdefg", "abcdefg", "not quite" },
		{ "a", "a banana", "a banana", "too short to look for" },
		{ "abcdefgh", "", "", "nothing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_secret secret = {0};
		struct nm_err err;
		char text[64];
		size_t len = strlen(rows[i].text);

		memcpy(text, rows[i].text, len + 1);
		assert_int_equal(nm_secret_set(&secret,
		                               nm_text_of(rows[i].key), &err),
		                 NM_OK);
		nm_secret_redact(&secret, text, len);
		if (strcmp(text, rows[i].left) != 0)
			fail_msg("%s: %s", rows[i].why, text);
		nm_secret_release(&secret);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_visible_bytes_are_a_key),
		cmocka_unit_test(a_bad_key_leaves_the_one_before),
		cmocka_unit_test(fingerprints_tell_keys_apart_and_nothing_else),
		cmocka_unit_test(an_echoed_key_is_blotted_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
