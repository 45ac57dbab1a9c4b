/* test_stats: intervals and means by known values, and by resampling
 * questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "eval/random.h"
#include "eval/stats.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
near(double got, double wanted, double by, const char *why)
{
	if (!(fabs(got - wanted) <= by))
		fail_msg("%s: %.12g, not %.12g", why, got, wanted);
}

static void
wilson(void **state)
{
	static const struct {
		uint64_t    successes, n;
		double      low, high;
		const char *why;
	} rows[] = {
		/* By the closed form, with fractions of 40 digits. */
		{ 0, 0, 0.0, 1.0, "nothing known" },
		{ 0, 10, 0.0, 0.277532799862889205, "none" },
		{ 10, 10, 0.722467200137110795, 1.0, "all" },
		{ 1, 10, 0.017876213095072907, 0.404150026795238457, "one" },
		{ 50, 100, 0.403831530365995638, 0.596168469634004362, "half" },
		{ 4321, 14872, 0.283304013613717916, 0.297896147920277546, "many" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_interval got = nm_stats_wilson(rows[i].successes,
		                                         rows[i].n);

		near(got.low, rows[i].low, 1e-12, rows[i].why);
		near(got.high, rows[i].high, 1e-12, rows[i].why);
	}
}

static const struct nm_triple triples[] = {
	{ 0, 0, 2, 30 },  { 0, 1, 1, 100 }, { 0, 3, 2, 3 },  { 1, 0, 0, 200 },
	{ 1, 0, 2, 1 },   { 1, 2, 0, 40 },  { 2, 0, 1, 60 }, { 2, 1, 3, 2 },
	{ 3, 0, 0, 20 },  { 5, 5, 5, 4 },   { 9, 1, 40, 1 }, { 20, 0, 80, 1 },
};

static void
means(void **state)
{
	static const struct nm_triple few[] = {
		{ 0, 0, 1, 1 }, { 1, 1, 0, 1 }, { 1, 0, 2, 2 },
	};
	/* c = 3, i = 1, m = 5 over 4 questions. */
	static const double wanted[NM_N_MEANS] = {
		[NM_MEAN_PRECISION] = 3.0 / 4,
		[NM_MEAN_RECALL] = 3.0 / 8,
		[NM_MEAN_F1] = 0.5,
		[NM_MEAN_MACRO_PRECISION] = (0.5 + 2 * 1.0) / 4,
		[NM_MEAN_MACRO_RECALL] = (1.0 + 2.0 / 3) / 4,
		[NM_MEAN_MACRO_F1] = (2.0 / 3 + 2 * 0.5) / 4,
		[NM_MEAN_CORRECT] = 3.0 / 4,
		[NM_MEAN_INCORRECT] = 1.0 / 4,
		[NM_MEAN_MISSED] = 5.0 / 4,
	};
	double got[NM_N_MEANS];

	(void)state;
	nm_stats_means(few, COUNT(few), got);
	for (int i = 0; i < NM_N_MEANS; i++)
		near(got[i], wanted[i], 1e-15, nm_mean_name((enum nm_mean)i));
	nm_stats_means(NULL, 0, got);
	for (int i = 0; i < NM_N_MEANS; i++)
		assert_true(got[i] == 0.0);
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The plain way: draw questions one by one, with replacement. */
static void
resample(double *low, double *high)
{
	enum { QUESTIONS = 462, RESAMPLES = 4000 };
	static double values[NM_N_MEANS][RESAMPLES];
	struct nm_triple drawn[COUNT(triples)];
	struct nm_random random;
	size_t owner[QUESTIONS] = { 0 }, n = 0;

	for (size_t i = 0; i < COUNT(triples); i++)
		for (uint64_t k = 0; k < triples[i].questions; k++)
			owner[n++] = i;
	assert_int_equal(n, QUESTIONS);
	nm_random_init(&random, 99);
	for (size_t b = 0; b < RESAMPLES; b++) {
		double got[NM_N_MEANS];

		for (size_t i = 0; i < COUNT(triples); i++) {
			drawn[i] = triples[i];
			drawn[i].questions = 0;
		}
		for (size_t k = 0; k < QUESTIONS; k++)
			drawn[owner[nm_random_below(&random, QUESTIONS)]]
				.questions++;
		nm_stats_means(drawn, COUNT(drawn), got);
		for (int m = 0; m < NM_N_MEANS; m++)
			values[m][b] = got[m];
	}
	for (int m = 0; m < NM_N_MEANS; m++) {
		qsort(values[m], RESAMPLES, sizeof(double), ascending);
		low[m] = values[m][RESAMPLES / 40];
		high[m] = values[m][RESAMPLES - RESAMPLES / 40];
	}
}

static void
bootstrap_is_that_over_questions(void **state)
{
	struct nm_interval got[NM_N_MEANS], again[NM_N_MEANS];
	double low[NM_N_MEANS], high[NM_N_MEANS], all[NM_N_MEANS];

	(void)state;
	nm_stats_bootstrap(triples, COUNT(triples), NM_STATS_SEED, got);
	nm_stats_bootstrap(triples, COUNT(triples), NM_STATS_SEED, again);
	nm_stats_means(triples, COUNT(triples), all);
	resample(low, high);
	for (int m = 0; m < NM_N_MEANS; m++) {
		const char *name = nm_mean_name((enum nm_mean)m);
		double width = high[m] - low[m];

		assert_true(got[m].low == again[m].low);
		assert_true(got[m].high == again[m].high);
		assert_true(got[m].low < all[m] && all[m] < got[m].high);
		near(got[m].low, low[m], 0.12 * width, name);
		near(got[m].high, high[m], 0.12 * width, name);
	}
}

static void
nothing_and_one_outcome(void **state)
{
	static const struct nm_triple one[] = { { 1, 1, 2, 50 } };
	struct nm_interval got[NM_N_MEANS];

	(void)state;
	nm_stats_bootstrap(NULL, 0, 1, got);
	assert_true(got[NM_MEAN_F1].low == 0.0 && got[NM_MEAN_F1].high == 0.0);
	nm_stats_bootstrap(one, 1, 1, got);
	near(got[NM_MEAN_PRECISION].low, 0.5, 0.0, "no other outcome: low");
	near(got[NM_MEAN_PRECISION].high, 0.5, 0.0, "high");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wilson),
		cmocka_unit_test(means),
		cmocka_unit_test(bootstrap_is_that_over_questions),
		cmocka_unit_test(nothing_and_one_outcome),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
