/* json: what is read, what is refused, and that numbers stay as they stood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "wire/json.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A copy of exactly its length, so that a sanitizer sees reading past it. */
static char *
exact(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

static void
written_as_read(void **state)
{
	static const struct {
		const char *given;
		size_t      len;
		const char *text; /* NULL = as given */
		const char *why;
	} rows[] = {
		{ BYTES("null"), NULL, "a value alone" },
		{ BYTES(" \t\r\n[ 1 , 2 ]\n"), "[1,2]", "space around" },
		{ BYTES("{}"), NULL, "empty object" },
		{ BYTES("[]"), NULL, "empty array" },
		{ BYTES("[[],{},[[{}]],{\"a\":{}}]"), NULL, "empties nested" },
		{ BYTES("{\"a\":1,\"b\":[true,false,null],\"c\":\"x\"}"), NULL,
		  "all kinds" },
		{ BYTES("{\"a\":1,\"a\":2}"), NULL, "a name twice" },
		{ BYTES("{\"\":0}"), NULL, "the empty name" },
		{ BYTES("[1994,1e400,-0,-0.0,12345678901234567890,1E+5,0.10]"),
		  NULL, "numbers as they stand" },
		{ BYTES("1"), NULL, "a number that ends the text" },
		{ BYTES("\"\\u0041\\/\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\""),
		  "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\"", "escapes" },
		{ BYTES("\"\\ud83d\\ude00\\u2028\xe2\x80\xa9\x7f\""),
		  "\"\xf0\x9f\x98\x80\xe2\x80\xa8\xe2\x80\xa9\x7f\"",
		  "pairs, line separators and DEL stay readable" },
		{ BYTES("\"\\ud83d\""), "\"\xef\xbf\xbd\"", "lone high" },
		{ BYTES("\"\\ude00\""), "\"\xef\xbf\xbd\"", "lone low" },
		{ BYTES("\"\\uD83Dx\\uDE00\""),
		  "\"\xef\xbf\xbdx\xef\xbf\xbd\"", "parted" },
		{ BYTES("\"\\ud83d\\ud83d\\ude00\""),
		  "\"\xef\xbf\xbd\xf0\x9f\x98\x80\"", "high, then a pair" },
		{ BYTES("\"\\ude00\\ud83d\""),
		  "\"\xef\xbf\xbd\xef\xbf\xbd\"", "the wrong way round" },
		{ BYTES("\"\\ud83d\\n\""), "\"\xef\xbf\xbd\\n\"",
		  "high, another escape" },
		{ BYTES("[\"\\\\ud83d\",\"\\ud83d\"]"),
		  "[\"\\\\ud83d\",\"\xef\xbf\xbd\"]",
		  "an escaped backslash begins no surrogate" },
		{ BYTES("{\"\\udead\":\"\\\\\\udead\"}"),
		  "{\"\xef\xbf\xbd\":\"\\\\\xef\xbf\xbd\"}", "in a name" },
	};
	struct nm_json json = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *copy = exact(rows[i].given, rows[i].len);
		const char *text = rows[i].text ? rows[i].text : rows[i].given;
		const struct nm_value *root = NULL;
		struct nm_buf out = { 0 };
		struct nm_err err;

		if (nm_json_read(&json, copy, rows[i].len, &root, &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		free(copy);
		nm_json_write(&out, root);
		if (strcmp(nm_buf_string(&out), text) != 0)
			fail_msg("%s: %s", rows[i].why, nm_buf_string(&out));
		nm_buf_release(&out);
	}
	nm_json_release(&json);
	nm_json_release(NULL);
}

static void
refused(void **state)
{
	static const struct {
		const char *given;
		size_t      len;
		long        at; /* -1 = wherever */
		const char *why;
	} rows[] = {
		{ BYTES(""), 0, "empty" },
		{ BYTES(" \n"), -1, "blank" },
		{ BYTES("\xef\xbb\xbf{}"), 0, "byte order mark" },
		{ BYTES("{} x"), 3, "something behind it" },
		{ BYTES("{}{}"), 2, "a second value" },
		{ BYTES("{\"a\":1"), 6, "cut off" },
		{ BYTES("\"abc"), -1, "cut off in a string" },
		{ BYTES("\"abc\\"), -1, "cut off in an escape" },
		{ BYTES("\"\\ud83"), -1, "cut off in a surrogate" },
		{ BYTES("\"\\ud83d\\ude"), -1, "cut off in a pair" },
		{ BYTES("[1,]"), -1, "trailing comma" },
		{ BYTES("{\"a\":1,}"), -1, "trailing comma" },
		{ BYTES("[1 2]"), 3, "no comma" },
		{ BYTES("{a:1}"), 1, "bare name" },
		{ BYTES("{'a':1}"), 1, "single quotes" },
		{ BYTES("{1:1}"), 1, "a number as name" },
		{ BYTES("NaN"), -1, "no number" },
		{ BYTES("[Infinity]"), -1, "no number" },
		{ BYTES("[-Infinity]"), -1, "no number" },
		{ BYTES("nul"), -1, "half a word" },
		{ BYTES("True"), -1, "another language" },
		{ BYTES("// x\n1"), 0, "comment" },
		{ BYTES("1 /* x */"), 2, "comment" },
		{ BYTES("01"), -1, "leading zero" },
		{ BYTES("+1"), 0, "plus" },
		{ BYTES(".5"), 0, "no whole part" },
		{ BYTES("5."), -1, "no fraction" },
		{ BYTES("1e"), -1, "no exponent" },
		{ BYTES("-"), -1, "no digits" },
		{ BYTES("0x10"), -1, "hexadecimal" },
		{ BYTES("\"a\nb\""), 2, "a raw line end in a string" },
		{ BYTES("\"a\0b\""), 2, "a raw NUL in a string" },
		{ BYTES("\0"), 0, "NUL" },
		{ BYTES("1\0"), 1, "NUL behind" },
		{ BYTES("\"\\x41\""), -1, "unknown escape" },
		{ BYTES("\"\\u12g4\""), -1, "no hex digit" },
		{ BYTES("\"\xff\""), -1, "no UTF-8" },
		{ BYTES("\"\xc3\""), -1, "half a character" },
		{ BYTES("\"\xc0\xaf\""), -1, "overlong" },
		{ BYTES("\"\xed\xa0\x80\""), -1, "raw surrogate" },
		{ BYTES("\"\xf4\x90\x80\x80\""), -1, "beyond Unicode" },
		{ BYTES("\"\\ud83d \xff\""), 8, "mended, and still none" },
		{ BYTES("[\"\\ud83d\", x]"), 11, "positions as given" },
	};
	struct nm_json json = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *copy = exact(rows[i].given, rows[i].len);
		const struct nm_value *root = NULL;
		struct nm_err err = { 0 };
		enum nm_code rc = nm_json_read(&json, copy, rows[i].len, &root,
		                               &err);

		free(copy);
		if (rc != NM_INPUT || (rows[i].at >= 0
		                       && err.detail != rows[i].at))
			fail_msg("%s: %d at %ld: %s", rows[i].why, (int)rc,
			         err.detail, err.text);
		assert_null(root);
	}
	nm_json_release(&json);
}

static void
nest(struct nm_buf *text, const char *open, const char *close, int depth)
{
	nm_buf_clear(text);
	for (int i = 0; i < depth; i++)
		nm_buf_add_string(text, open);
	nm_buf_add_byte(text, '1');
	for (int i = 0; i < depth; i++)
		nm_buf_add_string(text, close);
}

static void
depths(void **state)
{
	static const struct {
		const char *open, *close;
		int         depth;
		bool        taken;
		const char *why;
	} rows[] = {
		{ "[", "]", 512, true, "the deepest" },
		{ "[", "]", 513, false, "one more" },
		{ "{\"\":", "}", 512, true, "objects" },
		{ "{\"\":", "}", 513, false, "objects, one more" },
		{ "[{\"[[\":", "}]", 256, true, "brackets in strings" },
		{ "[{\"\\\"[\":", "}]", 256, true, "behind escaped quotes" },
		{ "[{\"\\\"[[\\\"\":", "}]", 256, true, "between such" },
		{ "[[],[],{},", "]", 511, true, "many side by side" },
		{ "[", "]", 1000000, false, "a bomb" },
		{ "[", "", 1000000, false, "half a bomb" },
	};
	struct nm_json json = { 0 };
	struct nm_buf text = { 0 }, out = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct nm_value *root = NULL;
		struct nm_err err = { 0 };
		enum nm_code rc;

		nest(&text, rows[i].open, rows[i].close, rows[i].depth);
		rc = nm_json_read(&json, text.at, text.len, &root, &err);
		if (rc != (rows[i].taken ? NM_OK : NM_INPUT))
			fail_msg("%s: %s", rows[i].why, err.text);
		if (rc == NM_OK) {
			nm_buf_clear(&out);
			nm_json_write(&out, root);
			assert_string_equal(out.at, text.at);
		}
	}
	nm_buf_release(&out);
	nm_buf_release(&text);
	nm_json_release(&json);
}

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t     whole;  /* -7 = none */
		double      number; /* -7 = none */
		const char *why;
	} rows[] = {
		{ "1994", 1994, 1994, "a year" },
		{ "0", 0, 0, "zero" },
		{ "-0", 0, 0, "negative zero" },
		{ "-15", -15, -15, "negative" },
		{ "1.0", -7, 1, "written as a fraction" },
		{ "2.50", -7, 2.5, "a fraction" },
		{ "1e3", -7, 1000, "an exponent" },
		{ "9223372036854775807", INT64_MAX, 0x1p63, "largest" },
		{ "9223372036854775808", -7, 0x1p63, "one more" },
		{ "-9223372036854775808", INT64_MIN, -0x1p63, "smallest" },
		{ "-9223372036854775809", -7, -0x1p63, "one less" },
		{ "12345678901234567890", -7, 12345678901234567890.0, "long" },
		{ "99999999999999999999999", -7, 1e23, "longer" },
		{ "1e400", -7, -7, "past all doubles" },
		{ "-1e400", -7, -7, "past them, below" },
		{ "1e-400", -7, 0, "under all doubles" },
		{ "0.1", -7, 0.1, "rounded right" },
		{ "2.2250738585072011e-308", -7, 2.2250738585072011e-308,
		  "hard to round" },
	};
	struct nm_json json = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct nm_value *root = NULL;
		struct nm_err err;

		assert_int_equal(nm_json_read(&json, rows[i].text,
		                              strlen(rows[i].text), &root,
		                              &err),
		                 NM_OK);
		assert_int_equal(nm_json_kind(root), NM_JSON_NUMBER);
		if (!nm_text_is(nm_json_number_text(root), rows[i].text)
		    || nm_json_int(root, -7) != rows[i].whole
		    || nm_json_double(root, -7) != rows[i].number)
			fail_msg("%s: %lld %.17g", rows[i].why,
			         (long long)nm_json_int(root, -7),
			         nm_json_double(root, -7));
		assert_int_equal(nm_json_text(root).len, 0);
		assert_null(nm_json_string(root));
	}
	nm_json_release(&json);
}

static void
members(void **state)
{
	static const char text[] = "{\"a\":1,\"b\":{\"c\":{\"d\":\"x\\u0000y\"},"
		"\"c\":[1,\"2\",null]},\"a\":2,\"t\":true,\"f\":false,"
		"\"n\":null,\"a.b\":3,\"\":4}";
	static const struct {
		const char  *path;
		enum nm_kind kind;
		int64_t      number; /* -1 = none */
		size_t       count;
		const char  *why;
	} rows[] = {
		{ "a", NM_JSON_NUMBER, 2, 0, "the last of its name" },
		{ "b", NM_JSON_OBJECT, -1, 2, "an object" },
		{ "b.c", NM_JSON_ARRAY, -1, 3, "the last, nested" },
		{ "b.c.d", NM_JSON_ABSENT, -1, 0, "an array has no members" },
		{ "t", NM_JSON_BOOLEAN, -1, 0, "true" },
		{ "f", NM_JSON_BOOLEAN, -1, 0, "false" },
		{ "n", NM_JSON_NULL, -1, 0, "null is there" },
		{ "n.x", NM_JSON_ABSENT, -1, 0, "and has no members" },
		{ "x", NM_JSON_ABSENT, -1, 0, "absent" },
		{ "x.y", NM_JSON_ABSENT, -1, 0, "within the absent" },
		{ "a.b", NM_JSON_ABSENT, -1, 0, "dots part names" },
		{ "", NM_JSON_NUMBER, 4, 0, "the empty name" },
		{ "b.", NM_JSON_ABSENT, -1, 0, "an empty name, absent" },
	};
	struct nm_json json = { 0 };
	const struct nm_value *root = NULL;
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_json_read(&json, text, sizeof(text) - 1, &root,
	                              &err), NM_OK);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct nm_value *value = nm_json_path(root, rows[i].path);

		if (nm_json_kind(value) != rows[i].kind
		    || nm_json_int(value, -1) != rows[i].number
		    || nm_json_count(value) != rows[i].count)
			fail_msg("%s: kind %d", rows[i].why,
			         (int)nm_json_kind(value));
	}
	assert_int_equal(nm_json_int(nm_json_get(root, "a.b"), -1), 3);
	assert_true(nm_json_true(nm_json_get(root, "t")));
	assert_false(nm_json_true(nm_json_get(root, "f")));
	assert_false(nm_json_true(nm_json_get(root, "a")));
	nm_json_release(&json);
}

static void
absent_everywhere(void **state)
{
	struct nm_json_walk walk;
	struct nm_text name;
	struct nm_buf out = { 0 };

	(void)state;
	assert_int_equal(nm_json_kind(NULL), NM_JSON_ABSENT);
	assert_null(nm_json_get(NULL, "a"));
	assert_null(nm_json_path(NULL, "a.b"));
	assert_int_equal(nm_json_count(NULL), 0);
	assert_int_equal(nm_json_text(NULL).len, 0);
	assert_null(nm_json_string(NULL));
	assert_int_equal(nm_json_number_text(NULL).len, 0);
	assert_int_equal(nm_json_int(NULL, 5), 5);
	assert_true(nm_json_double(NULL, 0.5) == 0.5);
	assert_false(nm_json_true(NULL));
	nm_json_walk_init(&walk, NULL);
	assert_null(nm_json_walk_next(&walk, &name));
	nm_json_write(&out, NULL);
	assert_string_equal(out.at, "null");
	nm_buf_release(&out);
}

static void
walks(void **state)
{
	static const char text[] = "{\"a\":[10,[],20],\"b\\u0000\":{},\"c\":1}";
	static const char *const names[] = { "a", "b", "c" };
	struct nm_json json = { 0 };
	const struct nm_value *root = NULL;
	struct nm_json_walk walk;
	struct nm_text name;
	struct nm_err err;
	int n = 0;

	(void)state;
	assert_int_equal(nm_json_read(&json, text, sizeof(text) - 1, &root,
	                              &err), NM_OK);
	nm_json_walk_init(&walk, root);
	while (nm_json_walk_next(&walk, &name))
		assert_string_equal(name.at, names[n++]);
	assert_int_equal(n, 3);
	assert_null(nm_json_walk_next(&walk, &name));
	nm_json_walk_init(&walk, nm_json_get(root, "a"));
	assert_int_equal(nm_json_int(nm_json_walk_next(&walk, &name), 0), 10);
	assert_int_equal(name.len, 0);
	assert_int_equal(nm_json_count(nm_json_walk_next(&walk, NULL)), 0);
	assert_int_equal(nm_json_int(nm_json_walk_next(&walk, NULL), 0), 20);
	assert_null(nm_json_walk_next(&walk, NULL));
	nm_json_release(&json);
}

static void
one_value_after_another(void **state)
{
	static const char text[] = "{\"a\":1} [2]\n\"\\ud83d\"3 x";
	static const struct {
		const char *value;
		size_t      end;
	} rows[] = {
		{ "{\"a\":1}", 7 }, { "[2]", 11 }, { "\"\xef\xbf\xbd\"", 20 },
		{ "3", 21 }, { NULL, 0 },
	};
	struct nm_json json = { 0 };
	const struct nm_value *root = NULL;
	struct nm_err err;
	size_t at = 0, used = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_buf out = { 0 };
		enum nm_code rc = nm_json_read_first(&json, text + at,
		                                     sizeof(text) - 1 - at,
		                                     &used, &root, &err);

		assert_int_equal(rc, rows[i].value ? NM_OK : NM_INPUT);
		if (rc == NM_OK) {
			nm_json_write(&out, root);
			assert_string_equal(out.at, rows[i].value);
			at += used;
			assert_int_equal(at, rows[i].end);
		}
		nm_buf_release(&out);
	}
	nm_json_release(&json);
}

/* The pool is kept for small texts, and large ones do without. */
static void
small_and_large_in_turn(void **state)
{
	struct nm_json json = { 0 };
	struct nm_buf large = { 0 };
	size_t pool_bytes = 0;
	struct nm_err err;

	(void)state;
	nm_buf_add_byte(&large, '[');
	for (int i = 0; i < 300000; i++)
		nm_buf_add_string(&large, i ? ",1" : "0");
	nm_buf_add_byte(&large, ']');
	for (int i = 0; i < 20; i++) {
		const struct nm_value *root = NULL;
		size_t len = i % 4 == 3 ? large.len : 3;

		assert_int_equal(nm_json_read(&json,
		                              i % 4 == 3 ? large.at : "[1]",
		                              len, &root, &err),
		                 0);
		assert_int_equal(nm_json_count(root), len > 3 ? 300000 : 1);
		if (i == 0)
			pool_bytes = json.pool_bytes;
		assert_int_equal(json.pool_bytes, pool_bytes);
	}
	nm_buf_release(&large);
	nm_json_release(&json);
}

/* Half a text of values, each of which takes eight times its bytes. */
static void
too_many_values(void **state)
{
	enum { LEN = 100 << 20 };
	const struct nm_text lone = NM_TEXT("\"\\ud800x\"");
	char *text = malloc(LEN);
	const struct nm_value *root = NULL;
	struct nm_json json = { 0 };
	struct nm_err err;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < LEN; i++)
		text[i] = i % 2 ? '1' : ',';
	text[0] = '[';
	text[LEN - 2] = ']';
	assert_int_equal(nm_json_read(&json, text, LEN - 1, &root, &err),
	                 NM_LIMIT);
	assert_string_equal(err.text, "JSON of too many values: 104857599 bytes"
	                    " of text");
	assert_null(root);
	/* The same where a lone surrogate had it read twice. */
	memcpy(text + 1, lone.at, lone.len);
	assert_int_equal(nm_json_read(&json, text, LEN - 1, &root, &err),
	                 NM_LIMIT);
	assert_null(root);
	/* A quarter of them is read, and so is another text. */
	text[LEN / 4 - 2] = ']';
	assert_int_equal(nm_json_read(&json, text, LEN / 4 - 1, &root, &err),
	                 NM_OK);
	assert_int_equal(nm_json_read(&json, "7", 1, &root, &err), NM_OK);
	nm_json_release(&json);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_as_read),
		cmocka_unit_test(refused),
		cmocka_unit_test(depths),
		cmocka_unit_test(numbers),
		cmocka_unit_test(members),
		cmocka_unit_test(absent_everywhere),
		cmocka_unit_test(walks),
		cmocka_unit_test(one_value_after_another),
		cmocka_unit_test(small_and_large_in_turn),
		cmocka_unit_test(too_many_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
