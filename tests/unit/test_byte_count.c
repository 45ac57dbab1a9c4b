/* byte_count: the unit that suits, and never four digits before the point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/byte_count.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct {
	uint64_t    bytes;
	const char *text, *why;
} rows[] = {
	{ 0, "0 bytes", "none" },
	{ 1, "1 byte", "one alone" },
	{ 2, "2 bytes", "more than one" },
	{ 999, "999 bytes", "the last that is counted out" },
	{ 1000, "1.0 kB", "powers of 1000, not of 1024" },
	{ 1024, "1.0 kB", "rounded down" },
	{ 1250, "1.2 kB", "half to even" },
	{ 999949, "999.9 kB", "the last in kB" },
	{ 999950, "1.0 MB", "never 1000.0 kB" },
	{ 200000000, "200.0 MB", "a shard" },
	{ 999950000, "1.0 GB", "never 1000.0 MB" },
	{ 1500000000000, "1.5 TB", "the largest unit" },
	{ UINT64_MAX, "18446744.1 TB", "whatever it holds fits in" },
};

static void
texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[NM_BYTE_COUNT_MAX];

		assert_ptr_equal(nm_byte_count(rows[i].bytes, text), text);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].why, text,
			         rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
