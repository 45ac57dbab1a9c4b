/* members: what goes in comes out, in order, whatever the gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/members.h"

static const struct {
	int64_t     ordinals[6];
	size_t      n;
	size_t      bytes;
	const char *why;
} rows[] = {
	{ { 0 }, 1, 1, "the first ordinal is a gap of none" },
	{ { 0, 1, 2, 3 }, 4, 4, "neighbours take a byte each" },
	{ { 127 }, 1, 1, "the largest gap of one byte" },
	{ { 128 }, 1, 2, "the smallest gap of two" },
	{ { 5, 300, 301, 70000 }, 4, 7, "mixed gaps" },
	{ { 0, INT64_MAX - 1 }, 2, 10, "the largest gap there can be" },
};

static void
test_walk(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_members members = { 0 };
		struct nm_members_walk walk;

		for (k = 0; k < rows[i].n; k++)
			nm_members_add(&members, rows[i].ordinals[k]);
		if (members.bytes.len != rows[i].bytes)
			fail_msg("%s: %zu bytes", rows[i].why,
			         members.bytes.len);
		nm_members_walk_init(&walk, 0, members.count,
		                     nm_buf_text(&members.bytes));
		for (k = 0; k < rows[i].n; k++)
			if (nm_members_walk_next(&walk) !=
			    rows[i].ordinals[k])
				fail_msg("%s: number %zu", rows[i].why, k);
		assert_int_equal(nm_members_walk_next(&walk), -1);
		nm_members_release(&members);
	}
}

static void
test_range(void **state)
{
	struct nm_members_walk walk;

	(void)state;
	nm_members_walk_init(&walk, 7, 2, (struct nm_text){ 0 });
	assert_int_equal(nm_members_walk_next(&walk), 7);
	assert_int_equal(nm_members_walk_next(&walk), 8);
	assert_int_equal(nm_members_walk_next(&walk), -1);
}

static void
test_cut_bytes(void **state)
{
	struct nm_members_walk walk;

	(void)state;
	nm_members_walk_init(&walk, 0, 2, NM_TEXT("\x80"));
	assert_int_equal(nm_members_walk_next(&walk), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_cut_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
