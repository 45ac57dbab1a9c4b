/* query and range: what a URL and a Range header ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/query.h"
#include "server/range.h"

static void
test_find(void **state)
{
	static const struct {
		const char *query, *name, *value; /* value NULL: not there */
		const char *why;
	} rows[] = {
		{ "limit=2&after=x", "after", "x", "the second" },
		{ "limit=2&after=x", "limit", "2", "the first" },
		{ "limit=2", "lim", NULL, "no prefix of a name" },
		{ "", "a", NULL, "nothing at all" },
		{ "a", "a", "", "a name alone has an empty value" },
		{ "a=", "a", "", "so has one with '='" },
		{ "&&a=1&&", "a", "1", "empty pairs are passed over" },
		{ "a=1&a=2", "a", "1", "the first of a name counts" },
		{ "a=1=2", "a", "1=2", "'=' within the value" },
		{ "a%5Bb%5D=c%20d", "a[b]", "c d", "names are decoded too" },
		{ "a=1+2", "a", "1 2", "plus is a space" },
		{ "a=%zz%4", "a", "%zz%4", "no hex: left as it is" },
		{ "a=%C3%9f", "a", "\xc3\x9f", "either case of digits" },
	};
	struct nm_arena arena = {0};
	struct nm_text value;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = (struct nm_text){0};
		if (nm_query_find(nm_text_of(rows[i].query), rows[i].name,
		                  &arena, &value) != (rows[i].value != NULL) ||
		    !nm_text_is(value, rows[i].value ? rows[i].value : ""))
			fail_msg("%s: %s", rows[i].query, rows[i].why);
	}
	nm_arena_release(&arena);
}

static void
test_number(void **state)
{
	static const struct {
		const char *text;
		bool        good;
		int64_t     number;
	} rows[] = {
		{ "0", true, 0 }, { "100", true, 100 }, { "-1", true, -1 },
		{ "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 },
		{ "1x", false, 0 }, { " 1", false, 0 }, { "1.0", false, 0 },
		{ "999999999999999999", true, 999999999999999999 },
		{ "9999999999999999999", false, 0 },
	};
	int64_t number;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		number = 0;
		if (nm_query_number(nm_text_of(rows[i].text), &number) !=
		    rows[i].good || number != rows[i].number)
			fail_msg("\"%s\"", rows[i].text);
	}
}

static void
test_range(void **state)
{
	static const struct {
		const char          *header;
		enum nm_byte_range   is;
		uint64_t             from, bytes;
		const char          *why;
	} rows[] = {
		{ "bytes=0-9", NM_RANGE_PART, 0, 10, "both ends count" },
		{ "bytes=90-", NM_RANGE_PART, 90, 10, "to the end" },
		{ "bytes=-10", NM_RANGE_PART, 90, 10, "the last ten" },
		{ "bytes=-200", NM_RANGE_PART, 0, 100, "more than there are" },
		{ "bytes=50-500", NM_RANGE_PART, 50, 50, "cut at the end" },
		{ "bytes=99-99", NM_RANGE_PART, 99, 1, "the last byte" },
		{ "bytes=100-", NM_RANGE_NEVER, 0, 0, "just past the end" },
		{ "bytes=-0", NM_RANGE_NEVER, 0, 0, "no bytes" },
		{ "bytes=9-0", NM_RANGE_WHOLE, 0, 0, "turned round: ignored" },
		{ "bytes=0-1,5-6", NM_RANGE_WHOLE, 0, 0, "several: ignored" },
		{ "bytes=-", NM_RANGE_WHOLE, 0, 0, "neither end" },
		{ "bytes=a-b", NM_RANGE_WHOLE, 0, 0, "no numbers" },
		{ "lines=0-9", NM_RANGE_WHOLE, 0, 0, "another unit" },
		{ "", NM_RANGE_WHOLE, 0, 0, "no header" },
		{ "bytes=99999999999999999999-", NM_RANGE_WHOLE, 0, 0,
		  "overflow: ignored" },
	};
	uint64_t from, bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		from = bytes = 0;
		if (nm_byte_range_read(nm_text_of(rows[i].header), 100, &from,
		                       &bytes) != rows[i].is ||
		    from != rows[i].from || bytes != rows[i].bytes)
			fail_msg("%s: %s", rows[i].header, rows[i].why);
	}
	assert_int_equal(nm_byte_range_read(NM_TEXT("bytes=0-"), 0, &from,
	                                    &bytes), NM_RANGE_NEVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
