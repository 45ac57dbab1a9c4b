/* buf: grows, keeps its NUL, stops at its ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void
check_invariant(const struct nm_buf *buf)
{
	size_t max = buf->max ? buf->max : NM_BUF_MAX_BYTES;

	if (!buf->at)
		return;
	assert_true(buf->len < buf->cap);
	assert_true(buf->cap <= max + 1);
	assert_int_equal(buf->at[buf->len], 0);
}

static void
ceilings(void **state)
{
	static const struct {
		size_t      max, first, second;
		size_t      len;
		bool        over;
		const char *why;
	} rows[] = {
		{ 10, 4, 6, 10, false, "exactly the ceiling" },
		{ 10, 4, 7, 4, true, "one more: nothing of it is taken" },
		{ 10, 11, 1, 0, true, "after the first refusal no more" },
		{ 10, 0, 0, 0, false, "nothing is always taken" },
		{ 10, 10, 0, 10, false, "nothing at the ceiling too" },
		{ 1, 1, 0, 1, false, "a ceiling of one byte" },
		{ 1, 1, 1, 1, true, "passed by one byte" },
		{ 0, 100, 100, 200, false, "no ceiling named" },
		{ 100, 64, 36, 100, false, "growth stops at the ceiling" },
	};
	static const char bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf buf = { .max = rows[i].max };
		struct nm_err err;

		nm_buf_add(&buf, bytes, rows[i].first);
		check_invariant(&buf);
		nm_buf_add(&buf, bytes, rows[i].second);
		check_invariant(&buf);
		if (buf.len != rows[i].len || buf.over != rows[i].over)
			fail_msg("%s: %zu bytes", rows[i].why, buf.len);
		assert_int_equal(nm_buf_check(&buf, "x", &err),
		                 rows[i].over ? NM_LIMIT : NM_OK);
		nm_buf_clear(&buf);
		assert_int_equal(nm_buf_check(&buf, "x", &err), NM_OK);
		nm_buf_release(&buf);
	}
}

static void
hostile_sizes(void **state)
{
	struct nm_buf buf = { 0 };

	(void)state;
	nm_buf_add_string(&buf, "ab");
	assert_null(nm_buf_room(&buf, SIZE_MAX));
	assert_true(buf.over);
	nm_buf_clear(&buf);
	buf.max = SIZE_MAX;
	nm_buf_add_string(&buf, "ab");
	assert_null(nm_buf_room(&buf, SIZE_MAX - 2));
	nm_buf_release(&buf);
}

static void
grows_byte_by_byte(void **state)
{
	struct nm_buf buf = { .max = 3000 };

	(void)state;
	for (int i = 0; i < 3000; i++) {
		nm_buf_add_byte(&buf, (char)('a' + i % 26));
		check_invariant(&buf);
	}
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buf.at[i], 'a' + i % 26);
	nm_buf_add_byte(&buf, 'x');
	assert_true(buf.over);
	assert_int_equal(buf.len, 3000);
	nm_buf_release(&buf);
	assert_int_equal(buf.max, 3000);
}

static void
formats(void **state)
{
	struct nm_buf buf = { .max = 300 };
	char *room;

	(void)state;
	nm_buf_addf(&buf, "%d-%s", 7, "x");
	nm_buf_addf(&buf, "%s", "");
	assert_string_equal(nm_buf_string(&buf), "7-x");
	nm_buf_addf(&buf, "%200d", 1);
	assert_int_equal(buf.len, 203);
	assert_int_equal(buf.at[202], '1');
	nm_buf_addf(&buf, "%98d", 1);
	assert_true(buf.over);
	assert_int_equal(buf.len, 203);
	check_invariant(&buf);
	nm_buf_addf(&buf, "%d", 1);
	assert_int_equal(buf.len, 203); /* no more after the first refusal */
	nm_buf_clear(&buf);
	nm_buf_addf(&buf, "%301d", 1); /* written in part, then refused */
	assert_true(buf.over);
	check_invariant(&buf);
	nm_buf_clear(&buf);
	room = nm_buf_room(&buf, 5);
	memset(room, 'h', 5);
	nm_buf_took(&buf, 4);
	assert_string_equal(nm_buf_string(&buf), "hhhh");
	nm_buf_release(&buf);
	assert_string_equal(nm_buf_string(&buf), "");
}

static void
whole_numbers(void **state)
{
	static const struct {
		int64_t     number;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { -1, "-1" }, { 10, "10" }, { 1994, "1994" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf buf = { 0 };

		nm_buf_add_int(&buf, rows[i].number);
		assert_string_equal(nm_buf_string(&buf), rows[i].text);
		nm_buf_release(&buf);
	}
}

static void
drops_from_the_front(void **state)
{
	struct nm_buf buf = { 0 };

	(void)state;
	nm_buf_drop(&buf, 3);
	nm_buf_add_string(&buf, "abcdef");
	nm_buf_drop(&buf, 2);
	assert_string_equal(nm_buf_string(&buf), "cdef");
	nm_buf_drop(&buf, 0);
	assert_string_equal(nm_buf_string(&buf), "cdef");
	nm_buf_drop(&buf, 99);
	assert_int_equal(buf.len, 0);
	check_invariant(&buf);
	nm_buf_release(&buf);
}

static void
texts(void **state)
{
	(void)state;
	assert_true(nm_text_is(NM_TEXT("ab"), "ab"));
	assert_false(nm_text_is(NM_TEXT("ab"), "abc"));
	assert_false(nm_text_is(NM_TEXT("a\0b"), "a"));
	assert_true(nm_text_equal(nm_text_of(NULL), NM_TEXT("")));
	assert_false(nm_text_equal(NM_TEXT("a"), NM_TEXT("b")));
}

static void
recycles(void **state)
{
	struct nm_buf buf = { .max = 1 << 20 };

	(void)state;
	nm_buf_recycle(&buf, 1000); /* an empty one */
	nm_buf_add_string(&buf, "some");
	nm_buf_recycle(&buf, 1000);
	assert_non_null(buf.at);
	assert_string_equal(nm_buf_string(&buf), "");
	assert_non_null(nm_buf_room(&buf, 1001));
	nm_buf_recycle(&buf, 1000);
	assert_null(buf.at);
	assert_int_equal(buf.max, 1 << 20);
	nm_buf_add_string(&buf, "more");
	assert_string_equal(nm_buf_string(&buf), "more");
	nm_buf_release(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ceilings),
		cmocka_unit_test(hostile_sizes),
		cmocka_unit_test(grows_byte_by_byte),
		cmocka_unit_test(formats),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(drops_from_the_front),
		cmocka_unit_test(recycles),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
