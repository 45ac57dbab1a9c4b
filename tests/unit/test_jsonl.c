/* jsonl: the same lines, however the bytes arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "wire/jsonl.h"

#define BYTES(literal) literal, sizeof(literal) - 1

/*
 * Lines as told by draw(): "number@offset[bytes]", with '.' after an unended line
 * and '>' after one that passes the ceiling.
 */
static const struct {
	const char *given;
	size_t      given_len, max;
	const char *lines;
	size_t      lines_len;
	const char *why;
} rows[] = {
	{ BYTES(""), 0, BYTES(""), "nothing is no line" },
	{ BYTES("\n"), 0, BYTES("1@0[]"), "an empty line" },
	{ BYTES("\n\n"), 0, BYTES("1@0[]2@1[]"), "two" },
	{ BYTES("a"), 0, BYTES("1@0[a]."), "unended" },
	{ BYTES("a\n"), 0, BYTES("1@0[a]"), "ended: none follows" },
	{ BYTES("a\nbc"), 0, BYTES("1@0[a]2@2[bc]."), "the last unended" },
	{ BYTES("ab\r\ncd\r\n"), 0, BYTES("1@0[ab]2@4[cd]"), "CRLF" },
	{ BYTES("a\r\r\n\r\n"), 0, BYTES("1@0[a\r]2@4[]"), "one CR is taken" },
	{ BYTES("a\rb\r"), 0, BYTES("1@0[a\rb\r]."), "CR ends nothing" },
	{ BYTES("a\0b\n\0"), 0, BYTES("1@0[a\0b]2@4[\0]."), "NULs are bytes" },
	{ BYTES("a\xe2\x80\xa8" "b\xc2\x85" "c\v\f\x1c\n"), 0,
	  BYTES("1@0[a\xe2\x80\xa8" "b\xc2\x85" "c\v\f\x1c]"),
	  "U+2028, U+0085 and their like are no line ends" },
	{ BYTES("\xff\xfe\n\n"), 0, BYTES("1@0[\xff\xfe]2@3[]"), "not UTF-8" },
	{ BYTES("abc\nd\n"), 3, BYTES("1@0[abc]2@4[d]"), "the ceiling itself" },
	{ BYTES("abcd\ne\n"), 3, BYTES("1@0[abc]>2@5[e]"), "one past it" },
	{ BYTES("abcdefghijk"), 3, BYTES("1@0[abc]>."), "and unended" },
	{ BYTES("ab\r\n"), 3, BYTES("1@0[ab]"), "CR counts, and fits" },
	{ BYTES("abc\r\n"), 3, BYTES("1@0[abc]>"), "CR counts, and is over" },
	{ BYTES("ab\rde\n"), 3, BYTES("1@0[ab\r]>"), "a cut keeps its CR" },
	{ BYTES("abcde\n\nf"), 1, BYTES("1@0[a]>2@6[]3@7[f]."),
	  "a ceiling of one byte" },
};

static void
draw(struct nm_jsonl *jsonl, struct nm_buf *out)
{
	struct nm_line line;

	while (nm_jsonl_next(jsonl, &line)) {
		nm_buf_addf(out, "%llu@%llu[", (unsigned long long)line.number,
		            (unsigned long long)line.offset);
		nm_buf_add(out, line.at, line.len);
		nm_buf_add_string(out, "]");
		if (line.over)
			nm_buf_add_byte(out, '>');
		if (!line.ended)
			nm_buf_add_byte(out, '.');
	}
}

/* Each chunk in memory of its own size, so that a sanitizer sees every slip. */
static void
feed(struct nm_jsonl *jsonl, const char *bytes, size_t len, struct nm_buf *out)
{
	char *chunk = malloc(len ? len : 1);

	if (len)
		memcpy(chunk, bytes, len);
	nm_jsonl_feed(jsonl, chunk, len);
	draw(jsonl, out);
	free(chunk);
}

static void
check(size_t row, struct nm_jsonl *jsonl, struct nm_buf *out)
{
	nm_jsonl_finish(jsonl);
	draw(jsonl, out);
	draw(jsonl, out);
	if (!nm_text_equal(nm_buf_text(out), (struct nm_text){
	    rows[row].lines, rows[row].lines_len }))
		fail_msg("%s: %s", rows[row].why, nm_buf_string(out));
	assert_true(jsonl->carry.cap
	            <= (rows[row].max ? rows[row].max + 1 : 100));
	nm_jsonl_release(jsonl);
	nm_buf_release(out);
}

static void
cut_in_three_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *given = rows[i].given;
		size_t len = rows[i].given_len;

		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				struct nm_jsonl jsonl = { .line_max_bytes =
					                          rows[i].max };
				struct nm_buf out = { 0 };

				feed(&jsonl, given, a, &out);
				feed(&jsonl, given + a, b - a, &out);
				feed(&jsonl, given + b, len - b, &out);
				check(i, &jsonl, &out);
			}
		}
	}
}

static void
byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_jsonl jsonl = { .line_max_bytes = rows[i].max };
		struct nm_buf out = { 0 };

		for (size_t a = 0; a < rows[i].given_len; a++)
			feed(&jsonl, rows[i].given + a, 1, &out);
		check(i, &jsonl, &out);
	}
}

static void
lends_from_the_chunk(void **state)
{
	static const char chunk[] = "first\nsecond\n";
	struct nm_jsonl jsonl = { 0 };
	struct nm_line line;

	(void)state;
	nm_jsonl_feed(&jsonl, chunk, sizeof(chunk) - 1);
	assert_true(nm_jsonl_next(&jsonl, &line));
	assert_ptr_equal(line.at, chunk);
	assert_true(nm_jsonl_next(&jsonl, &line));
	assert_ptr_equal(line.at, chunk + 6);
	assert_null(jsonl.carry.at);
	nm_jsonl_release(&jsonl);
}

/* A line without end costs no more memory than the ceiling. */
static void
endless_line(void **state)
{
	static char chunk[1 << 16];
	struct nm_jsonl jsonl = { .line_max_bytes = 100000 };
	struct nm_line line;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 100; i++) {
		nm_jsonl_feed(&jsonl, chunk, sizeof(chunk));
		assert_false(nm_jsonl_next(&jsonl, &line));
	}
	assert_true(jsonl.carry.cap <= 100001);
	nm_jsonl_feed(&jsonl, "\nab", 3);
	assert_true(nm_jsonl_next(&jsonl, &line));
	assert_true(line.over && line.ended);
	assert_int_equal(line.len, 100000);
	assert_false(nm_jsonl_next(&jsonl, &line));
	nm_jsonl_finish(&jsonl);
	assert_true(nm_jsonl_next(&jsonl, &line));
	assert_int_equal(line.number, 2);
	assert_int_equal(line.offset, 100 * sizeof(chunk) + 1);
	assert_false(nm_jsonl_next(&jsonl, &line));
	nm_jsonl_release(&jsonl);
	assert_int_equal(jsonl.line_max_bytes, 100000);
	nm_jsonl_release(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_in_three_anywhere),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(lends_from_the_chunk),
		cmocka_unit_test(endless_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
