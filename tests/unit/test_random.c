/* test_random: known numbers of a known generator, and binomials that are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "eval/random.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
known_numbers(void **state)
{
	static const struct {
		uint64_t seed, numbers[3];
	} rows[] = {
		{ 0, { UINT64_C(11091344671253066420),
		       UINT64_C(13793997310169335082),
		       UINT64_C(1900383378846508768) } },
		{ 42, { UINT64_C(1546998764402558742),
		        UINT64_C(6990951692964543102),
		        UINT64_C(12544586762248559009) } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_random random;

		nm_random_init(&random, rows[i].seed);
		for (int k = 0; k < 3; k++)
			assert_true(nm_random_next(&random)
			            == rows[i].numbers[k]);
	}
}

static void
ranges(void **state)
{
	struct nm_random random;
	int dealt[6] = { 0 };

	(void)state;
	nm_random_init(&random, 1);
	for (int i = 0; i < 60000; i++) {
		double unit = nm_random_unit(&random);

		assert_true(unit >= 0.0 && unit < 1.0);
		dealt[nm_random_below(&random, 6)]++;
	}
	for (int i = 0; i < 6; i++) /* standard deviation 91 */
		assert_in_range(dealt[i], 10000 - 500, 10000 + 500);
	assert_int_equal(nm_random_below(&random, 1), 0);
	(void)nm_random_below(&random, UINT64_MAX);
}

static double
chance(uint64_t n, double p, uint64_t k)
{
	double x = (double)k, m = (double)n;

	return exp(lgamma(m + 1) - lgamma(x + 1) - lgamma(m - x + 1)
	           + x * log(p) + (m - x) * log1p(-p));
}

/* Chi-squared over the values that are expected at least 10 times. */
static void
binomials_are_binomial(void **state)
{
	static const struct {
		uint64_t    n;
		double      p;
		const char *why;
	} rows[] = {
		{ 5, 0.3, "inversion" },
		{ 10000, 0.0005, "inversion, many rare trials" },
		{ 12, 0.7, "inversion of the other side" },
		{ 40, 0.25, "rejection at its limit" },
		{ 1000, 0.4, "rejection" },
		{ 300, 0.9, "rejection of the other side" },
	};
	enum { DRAWS = 100000, MAX = 1001 };
	static int seen[MAX];
	struct nm_random random;

	(void)state;
	nm_random_init(&random, 7);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_chance of = nm_chance_of(rows[i].p);
		double square = 0.0;
		int cells = 0;

		for (int k = 0; k < MAX; k++)
			seen[k] = 0;
		for (int k = 0; k < DRAWS; k++) {
			uint64_t x = nm_random_binomial(&random, rows[i].n,
			                                &of);

			assert_true(x <= rows[i].n && x < MAX);
			seen[x]++;
		}
		for (uint64_t k = 0; k <= rows[i].n && k < MAX; k++) {
			double wanted = DRAWS * chance(rows[i].n, rows[i].p, k);
			double off = seen[k] - wanted;

			if (wanted < 10.0)
				continue;
			square += off * off / wanted;
			cells++;
		}
		/* Mean `cells`, variance twice that: five deviations. */
		if (square > cells + 5.0 * sqrt(2.0 * cells))
			fail_msg("%s: chi-squared %.1f over %d", rows[i].why,
			         square, cells);
	}
}

static void
ends(void **state)
{
	static const struct {
		uint64_t n;
		double   chance;
		uint64_t successes;
	} rows[] = { { 0, 0.5, 0 }, { 9, 0.0, 0 }, { 9, 1.0, 9 } };
	struct nm_chance half = nm_chance_of(0.5);
	struct nm_random random;

	(void)state;
	nm_random_init(&random, 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_chance of = nm_chance_of(rows[i].chance);

		assert_int_equal(nm_random_binomial(&random, rows[i].n, &of),
		                 rows[i].successes);
	}
	assert_true(nm_random_binomial(&random, UINT64_C(1) << 40, &half) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_numbers),
		cmocka_unit_test(ranges),
		cmocka_unit_test(binomials_are_binomial),
		cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
