/* content_range: what a reply says of its bytes, and what is no such word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "remote/content_range.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
reading(void **state)
{
	static const struct {
		const char             *text;
		int                     is_one;
		struct nm_content_range range;
		const char             *why;
	} rows[] = {
		{ "bytes 5-9/10", 1, { 5, 10 }, "the end of ten" },
		{ "bytes 0-0/1", 1, { 0, 1 }, "a single one" },
		{ "bytes 5-9/*", 1, { 5, -1 }, "of an untold whole" },
		{ "bytes */10", 1, { -1, 10 }, "none of ten" },
		{ "bytes 999999999999999998-999999999999999999/*", 1,
		  { 999999999999999998, -1 }, "as far as numbers go" },
		{ "bytes 9-5/10", 0, { -1, -1 }, "backwards" },
		{ "bytes 5/10", 0, { -1, -1 }, "no last" },
		{ "bytes 5-/10", 0, { -1, -1 }, "an empty last" },
		{ "bytes -9/10", 0, { -1, -1 }, "an empty first" },
		{ "bytes 5-9", 0, { -1, -1 }, "no whole" },
		{ "bytes 5-9/10 ", 0, { -1, -1 }, "more behind it" },
		{ "bytes 5-9/x", 0, { -1, -1 }, "a whole that is no number" },
		{ "bytes 1000000000000000000000-9/10", 0, { -1, -1 },
		  "more than can be counted" },
		{ "lines 5-9/10", 0, { -1, -1 }, "another unit" },
		{ "", 0, { -1, -1 }, "nothing" },
	};
	struct nm_content_range range;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int is_one = nm_content_range_read(nm_text_of(rows[i].text),
		                                   &range);

		if (is_one != rows[i].is_one ||
		    range.first != rows[i].range.first ||
		    range.total != rows[i].range.total)
			fail_msg("%s: %d, %lld of %lld", rows[i].why, is_one,
			         (long long)range.first,
			         (long long)range.total);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
	};

	return cmocka_run_group_tests_name("content_range", tests, NULL, NULL);
}
