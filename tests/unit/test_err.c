/* err: one clear line, whatever strangers sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void
texts(void **state)
{
	static const struct {
		const char *given, *text, *why;
	} rows[] = {
		{ "a b", "a b", "stays as it is" },
		{ "", "", "empty" },
		{ "a\nb\r\tc", "a b  c", "one line" },
		{ "a\033[31mb\x7f", "a [31mb ", "no terminal commands" },
		{ "a\xc2\x9b" "31m", "a  31m", "no C1 commands either" },
		{ "a\xe2\x80\xa8" "b", "a   b", "no line separator" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "UTF-8 stays" },
		{ "\xff" "a\xc3", "?a?", "what is not UTF-8 is told as '?'" },
		{ "\xc0\xaf\xed\xa0\x80", "?????", "overlong, surrogate" },
		{ "\xf4\x90\x80\x80\xe0\x80\x80\xf0\x80\x80\x80",
		  "???????????", "beyond Unicode, overlong" },
	};
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&err, 0xee, sizeof(err));
		assert_int_equal(nm_fail(&err, NM_IO, 7, "%s", rows[i].given),
		                 NM_IO);
		if (strcmp(err.text, rows[i].text) != 0)
			fail_msg("%s: \"%s\"", rows[i].why, err.text);
		assert_int_equal(err.code, NM_IO);
		assert_int_equal(err.detail, 7);
	}
}

static void
cut_at_a_character(void **state)
{
	char given[2000];
	struct nm_err err;

	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		size_t len;

		memset(given, 'x', lead);
		for (size_t i = lead; i + 4 < sizeof(given); i += 4)
			memcpy(given + i, "\xf0\x9f\x98\x80", 5);
		(void)nm_fail(&err, NM_INPUT, 0, "%s", given);
		len = strlen(err.text);
		assert_true(len < NM_ERR_TEXT_MAX);
		assert_true(len > NM_ERR_TEXT_MAX - 6);
		assert_int_equal((len - lead) % 4, 0);
	}
}

static void
context_is_added(void **state)
{
	struct nm_err err;

	(void)state;
	(void)nm_fail(&err, NM_HELD, 12, "journal is held");
	assert_int_equal(nm_while(&err, "opening %s\n", "x"), NM_HELD);
	assert_string_equal(err.text, "journal is held, while opening x ");
	assert_int_equal(err.detail, 12);
	for (int i = 0; i < 100; i++)
		(void)nm_while(&err, "doing \xc3\xa9\xc3\xa9\xc3\xa9");
	assert_true(strlen(err.text) < NM_ERR_TEXT_MAX);
	assert_null(strchr(err.text, '?'));
}

static void
own_text_as_argument(void **state)
{
	struct nm_err err;

	(void)state;
	(void)nm_fail(&err, NM_IO, 0, "first");
	(void)nm_fail(&err, NM_STATE, 0, "x: %s", err.text);
	assert_string_equal(err.text, "x: first");
}

static void
nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(nm_fail(NULL, NM_LIMIT, 0, "x"), NM_LIMIT);
	assert_int_not_equal(nm_while(NULL, "x"), NM_OK);
}

static void
exit_statuses(void **state)
{
	static const struct {
		enum nm_code code;
		int          status;
	} rows[] = {
		{ NM_OK, 0 }, { NM_UNFINISHED, 1 }, { NM_USAGE, 2 },
		{ NM_INPUT, 3 }, { NM_LIMIT, 3 }, { NM_UNREACHABLE, 4 },
		{ NM_AMBIGUOUS, 4 }, { NM_REFUSED, 4 }, { NM_ABSENT, 4 },
		{ NM_PROTOCOL, 4 }, { NM_IO, 5 }, { NM_STATE, 5 },
		{ NM_HELD, 5 }, { NM_INTERRUPTED, 130 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(nm_code_exit_status(rows[i].code),
		                 rows[i].status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(cut_at_a_character),
		cmocka_unit_test(context_is_added),
		cmocka_unit_test(own_text_as_argument),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(exit_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
