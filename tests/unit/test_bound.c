/* bound: what is held to is never below what requests state, or texts can be cut into,
 * and follows what was seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eval/bound.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
weighing(void **state)
{
	static const struct {
		const char *text;
		uint64_t    half_tokens;
		const char *why;
	} rows[] = {
		{ "", 0, "nothing" },
		{ "who was in it", 13, "words" },
		{ "AZ", 4, "capitals" },
		{ "a1b2c3", 3 + 6, "digits" },
		{ "`{|}~\t\n", 14, "what stands beside the letters" },
		{ "\xf0\x9f\xa7\xac", 8, "an emoji may be as many as its bytes" },
		{ "\xc3\xa4" "a", 5, "a letter of two bytes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (nm_bound_weigh(rows[i].text, strlen(rows[i].text)) !=
		    rows[i].half_tokens)
			fail_msg("%s", rows[i].why);
}

static void
input(void **state)
{
	(void)state;
	assert_int_equal(nm_bound_input(0, 0), 0);
	assert_int_equal(nm_bound_input(13, 2), 7 + 16);
	assert_int_equal(nm_bound_input(14, 0), 7);
	assert_true(nm_bound_input(UINT64_MAX, UINT64_MAX) == INT64_MAX);
	assert_true(nm_bound_times(3, INT64_MAX / 2) == INT64_MAX);
	assert_int_equal(nm_bound_times(3, 5), 15);
}

static void
replies(void **state)
{
	static const struct {
		struct nm_seen seen;
		int64_t        n, stated, reply, one, four; /* in flight */
		const char    *why;
	} rows[] = {
		{ { 0, 0, 0 }, 10, 0, 2000, 2000, 2000, "nothing known" },
		{ { 0, 0, 0 }, 10, 70, 70, 70, 70, "a short maximum" },
		{ { 0, 0, 0 }, 10, 9000, 9000, 9000, 9000,
		  "one above all guesses is none the less what could come" },
		{ { 1, 20, 20 }, 10, 9000, 9000, 9000, 9000,
		  "a short reply makes it no shorter" },
		{ { 1, 9000, 9000 }, 10, 9000, 9000, 9000, 9000,
		  "just as long" },
		{ { 1, 9001, 9001 }, 10, 9000, 45005, 18002, 90010,
		  "a longer one was seen: it does not hold" },
		{ { 100, 10002, 102 }, 1000, 101, 142, 204, 286,
		  "the same: one a little longer" },
		{ { 1, 20, 20 }, 1000, 0, 1000, 1000, 1000,
		  "one reply does not say much against the guess" },
		{ { 1, 600, 600 }, 1000, 0, 3000, 1200, 6000,
		  "nor for itself" },
		{ { 1, 1500, 1500 }, 1000, 0, 7500, 2000, 15000,
		  "one after the other as was guessed" },
		{ { 1, 2001, 2001 }, 1000, 0, 10005, 4002, 20010,
		  "no more once it was passed" },
		{ { 4, 2400, 600 }, 1000, 0, 1800, 1200, 3600,
		  "four say more" },
		{ { 100, 60000, 600 }, 1000, 0, 840, 1200, 1680,
		  "so do 100" },
		{ { 10000, 6000000, 600 }, 100000, 0, 624, 1200, 1248,
		  "after so many the mean is known" },
		{ { 10000, 6000000, 600 }, 4, 0, 1800, 1200, 1248,
		  "of few that are to come it says little" },
		{ { 10000, 6000000, 600 }, 1, 0, 3000, 1200, 1248,
		  "nor of one" },
		{ { 100, 10000, 5000 }, 1000, 0, 380, 10000, 14000,
		  "where one was far longer than the others" },
		{ { 1, INT64_MAX, INT64_MAX }, 1, 0, INT64_MAX, INT64_MAX,
		  INT64_MAX, "beyond all sums" },
		{ { 3, 0, 0 }, 1, 0, 500, 500, 500, "replies of nothing" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct nm_seen *seen = &rows[i].seen;
		int64_t reply = nm_bound_reply(seen, rows[i].n, rows[i].stated);
		int64_t one = nm_bound_flying(seen, 1, rows[i].stated);
		int64_t four = nm_bound_flying(seen, 4, rows[i].stated);

		if (reply != rows[i].reply || one != rows[i].one ||
		    four != rows[i].four)
			fail_msg("%s: %lld; %lld and %lld in flight",
			         rows[i].why, (long long)reply, (long long)one,
			         (long long)four);
	}
}

static void
seeing(void **state)
{
	struct nm_seen seen = { 0 };

	(void)state;
	assert_int_equal(nm_seen_mean(&seen), 0);
	nm_seen_add(&seen, 7);
	nm_seen_add(&seen, 3);
	nm_seen_add(&seen, 1);
	assert_int_equal(nm_seen_mean(&seen), 4);
	assert_int_equal(seen.longest_tokens, 7);
	nm_seen_add(&seen, INT64_MAX);
	assert_true(seen.tokens == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weighing),
		cmocka_unit_test(input),
		cmocka_unit_test(replies),
		cmocka_unit_test(seeing),
	};

	return cmocka_run_group_tests_name("bound", tests, NULL, NULL);
}
