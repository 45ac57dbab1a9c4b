/* json_writer: strings, numbers and layout as Python's json.dumps has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "wire/json.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BAD "\xef\xbf\xbd"

static void
strings(void **state)
{
	static const struct {
		const char *given;
		size_t      len, valid;
		const char *text; /* without the quotes around it */
		const char *why;
	} rows[] = {
		{ BYTES(""), 0, "", "empty" },
		{ BYTES("plain"), 5, "plain", "plain" },
		{ BYTES("/'<&>\x7f"), 6, "/'<&>\x7f", "no need to escape" },
		{ BYTES("\"\\\n\t\r\b\f"), 7, "\\\"\\\\\\n\\t\\r\\b\\f", "short" },
		{ BYTES("\0\1\x1f\v\x1b"), 5,
		  "\\u0000\\u0001\\u001f\\u000b\\u001b", "control bytes" },
		{ BYTES("12345678\"12345678\\"), 18,
		  "12345678\\\"12345678\\\\", "at word boundaries" },
		{ BYTES("\"abcdefgh"), 9, "\\\"abcdefgh", "within a word" },
		{ BYTES("\\abcdefgh"), 9, "\\\\abcdefgh", "within a word" },
		{ BYTES("\x1f" "abcdefgh"), 9, "\\u001fabcdefgh",
		  "within a word" },
		{ BYTES("\x80" "abcdefgh"), 0, BAD "abcdefgh",
		  "within a word" },
		{ BYTES("\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"), 8,
		  "\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", "separators stay" },
		{ BYTES("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
		  "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 24,
		  "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
		  "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		  "first and last of each length" },
		{ BYTES("a\x80z"), 1, "a" BAD "z", "a tail alone" },
		{ BYTES("a\xff\xfe"), 1, "a" BAD BAD, "never in UTF-8" },
		{ BYTES("\xc3"), 0, BAD, "cut off after 1 of 2" },
		{ BYTES("\xe2\x82"), 0, BAD, "cut off after 2 of 3" },
		{ BYTES("\xf0\x9f\x98"), 0, BAD, "cut off after 3 of 4" },
		{ BYTES("\xe2\x82\"x"), 0, BAD "\\\"x", "broken by a quote" },
		{ BYTES("\xe2\x82\xe2\x82\xac"), 0, BAD "\xe2\x82\xac",
		  "broken by another" },
		/* The four examples of Unicode 15, tables 3-8 to 3-11. */
		{ BYTES("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), 0,
		  BAD BAD BAD BAD BAD BAD BAD BAD "A", "overlong" },
		{ BYTES("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), 0,
		  BAD BAD BAD BAD BAD BAD BAD BAD "A", "surrogates" },
		{ BYTES("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), 0,
		  BAD BAD BAD BAD BAD "A" BAD BAD "B", "other bad ones" },
		{ BYTES("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), 0,
		  BAD BAD BAD BAD "A", "cut off" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		/* At every place within four words of 8 bytes. */
		for (size_t lead = 0; lead < 41; lead++) {
			size_t len = lead + rows[i].len;
			char *given = malloc(len ? len : 1);
			struct nm_buf out = { 0 };

			memset(given, 'x', lead);
			memcpy(given + lead, rows[i].given, rows[i].len);
			nm_json_add_string(&out, (struct nm_text){ given, len });
			if (out.len != strlen(rows[i].text) + lead + 2
			    || memcmp(out.at + lead + 1, rows[i].text,
			              out.len - lead - 2) != 0
			    || out.at[0] != '"' || out.at[out.len - 1] != '"')
				fail_msg("%s: %s", rows[i].why, out.at);
			assert_int_equal(nm_json_utf8_valid(given, len),
			                 lead + rows[i].valid);
			nm_buf_release(&out);
			free(given);
		}
	}
}

static void
string_ceilings(void **state)
{
	static const struct {
		const char *given;
		size_t      max;
		bool        over;
		const char *why;
	} rows[] = {
		{ "abc", 5, false, "exactly" }, { "abc", 4, true, "one short" },
		{ "\n\n", 6, false, "escapes, exactly" },
		{ "\n\n", 5, true, "escapes, one short" },
		{ "", 2, false, "empty" }, { "", 1, true, "empty, one short" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_buf out = { .max = rows[i].max };

		nm_json_add_string(&out, nm_text_of(rows[i].given));
		if (out.over != rows[i].over || out.len > rows[i].max)
			fail_msg("%s: %zu", rows[i].why, out.len);
		nm_buf_release(&out);
	}
}

/* Right-hand sides: repr() of Python 3. */
static const struct {
	double      number;
	const char *text;
} doubles[] = {
	{ 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -1, "-1.0" },
	{ 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" },
	{ 1.0 / 3, "0.3333333333333333" }, { 2.0 / 3, "0.6666666666666666" },
	{ 64.0 / 3, "21.333333333333332" }, { 100, "100.0" },
	{ 1e5, "100000.0" }, { 123456789, "123456789.0" },
	{ 1e15, "1000000000000000.0" },
	{ 9999999999999998, "9999999999999998.0" },
	{ 1e16, "1e+16" }, { 1.5e16, "1.5e+16" }, { 1e17, "1e+17" },
	{ 1e21, "1e+21" }, { 1e22, "1e+22" }, { 1e23, "1e+23" },
	{ 1e100, "1e+100" }, { 1e-3, "0.001" }, { 1e-4, "0.0001" },
	{ 0.00012345, "0.00012345" }, { 1e-5, "1e-05" },
	{ 1.5e-5, "1.5e-05" }, { -1.5e-5, "-1.5e-05" }, { 1e-7, "1e-07" },
	{ 123e-9, "1.23e-07" }, { 1e-10, "1e-10" },
	{ 0x1p-1074, "5e-324" }, { 0x13p-1074, "9.4e-323" },
	{ 0x1p-1022, "2.2250738585072014e-308" },
	{ 0x0.fffffffffffffp-1022, "2.225073858507201e-308" },
	{ 0x1.fffffffffffffp+1023, "1.7976931348623157e+308" },
	{ 0x1p-44, "5.684341886080802e-14" },
	{ 0x1p-1017, "7.120236347223045e-307" },
	{ 0x1p53, "9007199254740992.0" }, { 0x1p53 + 2, "9007199254740994.0" },
	{ 0x1p63, "9.223372036854776e+18" },
	{ 0x1p64, "1.8446744073709552e+19" },
	{ 0x1.921fb54442d18p+1, "3.141592653589793" },
	{ 0.8, "0.8" }, { 0.95, "0.95" }, { 4.35, "4.35" },
	{ 0x1.6a09e667f3bcdp-1, "0.7071067811865476" },
	{ NAN, "null" }, { INFINITY, "null" }, { -INFINITY, "null" },
};

static void
check_doubles(void)
{
	for (size_t i = 0; i < COUNT(doubles); i++) {
		struct nm_buf out = { 0 };
		struct nm_json_writer w = { .out = &out };

		nm_json_put_double(&w, NULL, doubles[i].number);
		assert_string_equal(out.at, doubles[i].text);
		nm_buf_release(&out);
	}
}

static void
doubles_as_python(void **state)
{
	(void)state;
	check_doubles();
}

/* Where a comma marks the fraction; said to be skipped where there is no such. */
static void
doubles_in_any_locale(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8",
		"de_DE.utf8", "ps_AF.UTF-8" };
	struct nm_json json = { 0 };
	const struct nm_value *root = NULL;
	struct nm_err err;
	size_t i = 0;

	(void)state;
	while (i < COUNT(names) && !setlocale(LC_NUMERIC, names[i]))
		i++;
	if (i == COUNT(names))
		skip();
	check_doubles();
	assert_int_equal(nm_json_read(&json, "0.5", 3, &root, &err), NM_OK);
	assert_true(nm_json_double(root, 0) == 0.5);
	nm_json_release(&json);
	(void)setlocale(LC_NUMERIC, "C");
}

static void
write_sample(struct nm_json_writer *w)
{
	struct nm_json json = { 0 };
	const struct nm_value *root = NULL;
	struct nm_err err;

	assert_int_equal(nm_json_read(&json, "{\"x\": [1, {}]}", 14, &root,
	                              &err), NM_OK);
	nm_json_open_object(w, NULL);
	nm_json_open_object(w, "none");
	nm_json_close_object(w);
	nm_json_open_array(w, "list");
	nm_json_put_int(w, NULL, -3);
	nm_json_put_double(w, NULL, 0.5);
	nm_json_put_true(w, NULL, 7);
	nm_json_put_true(w, NULL, 0);
	nm_json_put_null(w, NULL);
	nm_json_put_nonzero(w, NULL, 0);
	nm_json_put_nonzero(w, NULL, -1);
	nm_json_open_array(w, NULL);
	nm_json_close_array(w);
	nm_json_open_object(w, NULL);
	nm_json_put_raw(w, "raw", NM_TEXT("1.50"));
	nm_json_close_object(w);
	nm_json_close_array(w);
	nm_json_put_string(w, "q\"", "\xc3\xa9");
	nm_json_put_string(w, "absent", NULL);
	nm_json_put_text(w, "text", NM_TEXT("a\0b"));
	nm_json_put_value(w, "value", root);
	nm_json_close_object(w);
	nm_json_release(&json);
}

static void
layouts(void **state)
{
	static const struct {
		int         indent;
		const char *text;
	} rows[] = {
		{ 0, "{\"none\":{},\"list\":[-3,0.5,true,false,null,null,-1,[],"
		     "{\"raw\":1.50}],\"q\\\"\":\"\xc3\xa9\",\"absent\":null,"
		     "\"text\":\"a\\u0000b\",\"value\":{\"x\":[1,{}]}}" },
		{ 2, "{\n  \"none\": {},\n  \"list\": [\n    -3,\n    0.5,\n"
		     "    true,\n    false,\n    null,\n    null,\n    -1,\n"
		     "    [],\n    {\n"
		     "      \"raw\": 1.50\n    }\n  ],\n  \"q\\\"\": \"\xc3\xa9\""
		     ",\n  \"absent\": null,\n  \"text\": \"a\\u0000b\",\n"
		     "  \"value\": {\"x\":[1,{}]}\n}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_buf out = { 0 };
		struct nm_json_writer w = { .out = &out,
			                    .indent = rows[i].indent };

		write_sample(&w);
		assert_string_equal(out.at, rows[i].text);
		assert_int_equal(w.depth, 0);
		nm_buf_release(&out);
	}
}

static void
deepest(void **state)
{
	struct nm_buf out = { 0 };
	struct nm_json_writer w = { .out = &out };

	(void)state;
	for (int i = 0; i < 32; i++)
		nm_json_open_array(&w, NULL);
	nm_json_put_int(&w, NULL, 1);
	for (int i = 0; i < 32; i++)
		nm_json_close_array(&w);
	assert_int_equal(out.len, 65);
	nm_buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(string_ceilings),
		cmocka_unit_test(doubles_as_python),
		cmocka_unit_test(doubles_in_any_locale),
		cmocka_unit_test(layouts),
		cmocka_unit_test(deepest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
