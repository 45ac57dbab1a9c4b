/* test_guess: guesses are ordered, bounded and never overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/guess.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
expect(struct nm_guess got, int64_t low, int64_t expected, int64_t high,
       const char *why)
{
	if (got.low_tokens != low || got.expected_tokens != expected
	    || got.high_tokens != high)
		fail_msg("%s: %lld %lld %lld", why, (long long)got.low_tokens,
		         (long long)got.expected_tokens,
		         (long long)got.high_tokens);
}

static void
input(void **state)
{
	(void)state;
	expect(nm_guess_input(0, 0), 0, 0, 0, "nothing");
	expect(nm_guess_input(60, 2), 12 + 6, 15 + 8, 20 + 16, "two messages");
	expect(nm_guess_input(61, 0), 13, 16, 21, "upwards");
	expect(nm_guess_input(UINT64_MAX, UINT64_MAX), INT64_MAX, INT64_MAX,
	       INT64_MAX, "no overflow");
}

static void
output(void **state)
{
	static const struct {
		uint64_t    replies;
		int64_t     seen, most, low, expected, high;
		const char *why;
	} rows[] = {
		{ 10, 0, 0, 200, 1500, 20000, "nothing known" },
		{ 10, 0, 100, 200, 1000, 1000, "a limit" },
		{ 10, 7, 0, 40, 70, 210, "a canary" },
		{ 10, 7, 8, 40, 70, 80, "both" },
		{ 0, 7, 8, 0, 0, 0, "no replies" },
		{ UINT64_MAX, 7, 0, INT64_MAX, INT64_MAX, INT64_MAX, "many" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(nm_guess_output(rows[i].replies, rows[i].seen,
		                       rows[i].most),
		       rows[i].low, rows[i].expected, rows[i].high,
		       rows[i].why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input),
		cmocka_unit_test(output),
	};

	return cmocka_run_group_tests_name("guess", tests, NULL, NULL);
}
