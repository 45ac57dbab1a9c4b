/* test_tally: rows and scores -> counts, shares, bounds, cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "eval/tally.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct outcome {
	enum nm_class  class;
	size_t         c, i, m;
	struct nm_cost cost;
	int64_t        tokens; /* of input; 0 = no usage */
};

/* Eight questions: 3 correct, 6 answered, 2 instrument failures. */
static const struct outcome outcomes[] = {
	{ NM_CLASS_ANSWERED, 2, 0, 0, { NM_COST_KNOWN, 100 }, 7 },
	{ NM_CLASS_ANSWERED, 1, 1, 0, { NM_COST_KNOWN, 23 }, 5 },
	{ NM_CLASS_ANSWERED, 2, 0, 0, { NM_COST_KNOWN, 0 }, 1 },
	{ NM_CLASS_ANSWERED, 1, 2, 3, { NM_COST_NONE, 0 }, 0 },
	{ NM_CLASS_ANSWERED, 0, 4, 1, { NM_COST_NONE, 0 }, 0 },
	{ NM_CLASS_ANSWERED, 0, 0, 1, { NM_COST_NONE, 0 }, 0 },
	{ NM_CLASS_HTTP_ERROR, 0, 0, 2, { NM_COST_NONE, 0 }, 0 },
	{ NM_CLASS_MISSING, 0, 0, 1, { NM_COST_NONE, 0 }, 0 },
};

static enum nm_category
category_of(const struct outcome *o)
{
	if (o->c == 0)
		return o->i ? NM_CATEGORY_HALLUCINATION_ONLY
		            : NM_CATEGORY_FAILED;
	if (o->m)
		return NM_CATEGORY_PARTIAL;
	return o->i ? NM_CATEGORY_COMPLETE_WITH_HALLUCINATIONS
	            : NM_CATEGORY_PERFECT;
}

static void
add(struct nm_tally *tally, const struct outcome *o)
{
	struct nm_score score = {
		.category = category_of(o),
		.n_correct = o->c, .n_incorrect = o->i, .n_missed = o->m,
		.is_correct = o->c && !o->m,
		.hit_at_1 = o->c > 0, .exact_match = o->c && !o->m && !o->i,
	};
	struct nm_row row = { .class = o->class };

	row.usage.present = o->tokens > 0;
	row.usage.input_tokens = o->tokens;
	row.n_dropped = o->i;
	row.lenient_would_save = o->class == NM_CLASS_MISSING;
	nm_tally_add(tally, &score, &row, o->cost);
}

static void
near(double got, double wanted, const char *why)
{
	if (!(fabs(got - wanted) < 1e-12))
		fail_msg("%s: %.15g, not %.15g", why, got, wanted);
}

static void
counts_and_metrics(void **state)
{
	struct nm_tally tally = { 0 };
	struct nm_metrics m;

	(void)state;
	for (size_t i = 0; i < COUNT(outcomes); i++)
		add(&tally, &outcomes[i]);
	assert_int_equal(tally.questions, 8);
	assert_int_equal(tally.by_class[NM_CLASS_ANSWERED], 6);
	assert_int_equal(tally.by_category[NM_CATEGORY_PERFECT], 2);
	assert_int_equal(tally.by_category[NM_CATEGORY_FAILED], 3);
	assert_int_equal(tally.correct_answers, 6);
	assert_int_equal(tally.incorrect_answers, 7);
	assert_int_equal(tally.missed_answers, 8);
	assert_int_equal(tally.dropped_entries, 7);
	assert_int_equal(tally.lenient_would_save, 1);
	assert_int_equal(tally.n_triples, 6);
	assert_int_equal(tally.rows_with_usage, 3);
	assert_int_equal(tally.rows_mute, 3);
	assert_int_equal(tally.usage.input_tokens, 13);
	assert_int_equal(tally.cost_pusd, 123);

	nm_tally_metrics(&tally, &m);
	near(m.accuracy.value, 3.0 / 8, "accuracy");
	near(m.accuracy.interval.low, nm_stats_wilson(3, 8).low, "interval");
	near(m.success_rate.value, 5.0 / 8, "success");
	near(m.hits_at_1.value, 4.0 / 8, "hits at 1");
	near(m.exact_match_accuracy.value, 2.0 / 8, "exact");
	near(m.by_category[NM_CATEGORY_PARTIAL].value, 1.0 / 8, "partial");
	near(m.accuracy_answered.value, 3.0 / 6, "of the answered");
	near(m.accuracy_low, 3.0 / 8, "failures wrong");
	near(m.accuracy_high, 5.0 / 8, "failures right");
	assert_int_equal(m.instrument_failures, 2);
	near(m.means[NM_MEAN_PRECISION], 6.0 / 13, "precision");
	near(m.means[NM_MEAN_RECALL], 6.0 / 14, "recall");
	near(m.means[NM_MEAN_F1], 12.0 / 27, "f1");
	near(m.means[NM_MEAN_MISSED], 1.0, "missed");
	assert_int_equal(m.cost_kind, NM_COST_KNOWN);
	assert_int_equal(m.cost_pusd, 123);
	assert_int_equal(m.bootstrap_resamples, 1000);
	assert_string_equal(m.bootstrap_generator, "xoshiro256**");
	nm_tally_release(&tally);
	nm_tally_release(NULL);
}

static void
order_does_not_matter(void **state)
{
	struct nm_tally forth = { 0 }, back = { 0 };
	struct nm_metrics a, b;

	(void)state;
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		add(&forth, &outcomes[i]);
		add(&back, &outcomes[COUNT(outcomes) - 1 - i]);
	}
	nm_tally_metrics(&forth, &a);
	nm_tally_metrics(&back, &b);
	for (int i = 0; i < NM_N_MEANS; i++) {
		assert_true(a.means[i] == b.means[i]);
		assert_true(a.intervals[i].low == b.intervals[i].low);
		assert_true(a.intervals[i].high == b.intervals[i].high);
	}
	nm_tally_release(&forth);
	nm_tally_release(&back);
}

/* Counted in two parts, or in one: the same. */
static void
parts_join(void **state)
{
	size_t n = COUNT(outcomes);

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		struct nm_tally whole = { 0 }, parts = { 0 }, second = { 0 };

		for (size_t i = 0; i < n; i++) {
			add(&whole, &outcomes[i]);
			add(i < cut ? &parts : &second, &outcomes[i]);
		}
		nm_tally_join(&parts, &second);
		assert_int_equal(parts.n_triples, whole.n_triples);
		for (size_t i = 0; i < whole.n_triples; i++) {
			const struct nm_triple *x = &parts.triples[i];
			const struct nm_triple *y = &whole.triples[i];

			assert_true(x->correct == y->correct &&
			            x->incorrect == y->incorrect &&
			            x->missed == y->missed &&
			            x->questions == y->questions);
		}
		/* All counts; what follows them are places in memory. */
		assert_memory_equal(&parts, &whole,
		                    offsetof(struct nm_tally, triples));
		nm_tally_release(&whole);
		nm_tally_release(&parts);
		nm_tally_release(&second);
	}
}

static void
unknown_prices_are_never_nothing(void **state)
{
	static const struct outcome unpriced = {
		NM_CLASS_ANSWERED, 1, 0, 0, { NM_COST_UNKNOWN, 0 }, 9
	};
	struct nm_tally tally = { 0 };
	struct nm_metrics m;

	(void)state;
	nm_tally_metrics(&tally, &m);
	assert_int_equal(m.cost_kind, NM_COST_NONE);
	near(m.accuracy.value, 0.0, "of nothing");
	add(&tally, &outcomes[0]);
	add(&tally, &unpriced);
	nm_tally_metrics(&tally, &m);
	assert_int_equal(m.cost_kind, NM_COST_UNKNOWN);
	assert_int_equal(tally.rows_unpriced, 1);
	nm_tally_release(&tally);
}

static void
sums_stop_at_the_top(void **state)
{
	static const struct outcome dear = {
		NM_CLASS_ANSWERED, 1, 0, 0, { NM_COST_KNOWN, INT64_MAX },
		INT64_MAX - 1
	};
	struct nm_tally tally = { 0 };

	(void)state;
	add(&tally, &dear);
	add(&tally, &dear);
	assert_true(tally.cost_pusd == INT64_MAX);
	assert_true(tally.usage.input_tokens == INT64_MAX);
	nm_tally_release(&tally);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_metrics),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(parts_join),
		cmocka_unit_test(unknown_prices_are_never_nothing),
		cmocka_unit_test(sums_stop_at_the_top),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
