/*
 * stake: every request of a run is in one place (paid, in flight, unsent, unasked),
 * and is priced by the way it will go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "small_task.h"
#include "state/answers.h"
#include "task/stake.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TEXT(literal) { literal, sizeof(literal) - 1 }

/* Direct answers: so many of the first attempt, one of the second. */
static void
answer(struct small_task *s, int64_t count)
{
	struct nm_answer_record later = { 0, 2, TEXT("{}") };
	struct nm_err err;

	assert_int_equal(nm_answers_keep(s->journal, "r", &later, &err), NM_OK);
	for (int64_t i = 0; i < count; i++) {
		struct nm_answer_record answer = { i, 1, TEXT("{}") };

		assert_int_equal(nm_answers_keep(s->journal, "r", &answer,
		                                 &err), NM_OK);
	}
}

static void
counting(void **state)
{
	static const struct {
		const char     *mode;
		int64_t         requests, answered;
		struct nm_shard_record shards[2]; /* a count of 0 is none */
		struct nm_stake stake;
		int             scoring_only;
		const char     *why;
	} rows[] = {
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_PLANNED } }, { 0, 9, 0, 0 }, 0, "planned" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_CREATING } }, { 0, 9, 0, 0 }, 0,
		  "a creation that may have acted may be sent again" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_CREATED } }, { 9, 0, 0, 0 }, 0, "created" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_ENDED } }, { 9, 0, 0, 0 }, 0,
		  "ended: its results are not here" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_COLLECTED, .status = "completed" } },
		  { 0, 0, 0, 0 }, 0, "its results tell what it cost" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_COLLECTED, .status = "cancelling" } },
		  { 9, 0, 0, 0 }, 0,
		  "given up: nobody knows what it did, it may be paid for" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_SPLIT } }, { 0, 0, 0, 0 }, 0,
		  "smaller ones stand for it" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_REFUSED } }, { 0, 0, 0, 0 }, 0,
		  "nothing will be sent of it" },
		{ "batch", 9, 1, { { .attempt = 1, .first = 3, .count = 6,
		  .state = NM_SHARD_CREATED } }, { 6, 0, 0, 2 }, 0,
		  "a canary of three, one answered; a later attempt is no"
		  " answer to it" },
		{ "batch", 9, 3, { { .attempt = 1, .first = 3, .count = 4,
		  .state = NM_SHARD_CREATED }, { .attempt = 1, .first = 7,
		  .count = 2, .state = NM_SHARD_UPLOADED } }, { 4, 2, 0, 0 }, 0,
		  "the canary is through, one shard of two is sent" },
		{ "direct", 9, 4, { { 0 } }, { 0, 0, 0, 5 }, 0,
		  "direct mode has no shards" },
		{ "direct", 9, 9, { { 0 } }, { 0, 0, 0, 0 }, 0, "all is answered" },
		{ "batch", 9, 0, { { .attempt = 1, .count = 9,
		  .state = NM_SHARD_PLANNED } }, { 0, 0, 0, 0 }, 1,
		  "what is only scored costs nothing" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_shard_record shards[2];
		void *entered = NULL;
		struct nm_source source = { .count = rows[i].requests };
		struct nm_stake got = { 7, 7, 7, 7 };
		struct nm_err err;
		struct small_task *s;

		assert_int_equal(small_task_enter(&entered), 0);
		s = entered;
		memcpy(shards, rows[i].shards, sizeof(shards));
		s->task.run.source = &source;
		s->task.run.record.mode = rows[i].mode;
		s->task.run.record.requests = rows[i].requests;
		s->task.run.shards = shards;
		s->task.run.n_shards = (size_t)(shards[0].count > 0) +
		                       (size_t)(shards[1].count > 0);
		s->task.scoring_only = rows[i].scoring_only;
		answer(s, rows[i].answered);
		assert_int_equal(nm_stake_count(&s->task, &got, &err), NM_OK);
		if (got.in_flight != rows[i].stake.in_flight ||
		    got.unsent != rows[i].stake.unsent ||
		    got.unasked != rows[i].stake.unasked)
			fail_msg("%s: %lld in flight, %lld unsent, %lld unasked",
			         rows[i].why, (long long)got.in_flight,
			         (long long)got.unsent, (long long)got.unasked);
		small_task_leave(&entered);
	}
}

static void
costs(void **state)
{
	static const struct {
		const char       *model;
		struct nm_stake   stake;
		enum nm_cost_kind kind;
		int64_t           expected_pusd;
		const char       *why;
	} rows[] = {
		{ "m", { 0, 3, 0, 0 }, NM_COST_KNOWN, 3 * SEEN_TOKENS * BATCH_PUSD,
		  "by batch" },
		{ "m", { 0, 0, 0, 3 }, NM_COST_KNOWN, 3 * SEEN_TOKENS * DIRECT_PUSD,
		  "directly" },
		{ "m", { 0, 3, 0, 2 }, NM_COST_KNOWN,
		  SEEN_TOKENS * (3 * BATCH_PUSD + 2 * DIRECT_PUSD), "both ways" },
		{ "m", { 5, 0, 0, 0 }, NM_COST_KNOWN, 0,
		  "what flies is not asked again" },
		{ "batch-alone", { 0, 3, 0, 0 }, NM_COST_KNOWN,
		  3 * SEEN_TOKENS * BATCH_PUSD,
		  "the column that nobody asks for may be empty" },
		{ "direct-alone", { 0, 0, 0, 3 }, NM_COST_KNOWN,
		  3 * SEEN_TOKENS * DIRECT_PUSD, "nor the other one" },
		{ "batch-alone", { 0, 3, 0, 1 }, NM_COST_UNKNOWN, 0,
		  "one request without a price is enough" },
		{ "no-such", { 0, 3, 0, 0 }, NM_COST_UNKNOWN, 0, "no price at all" },
	};
	struct small_task *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_estimate_cost cost;
		struct nm_err err;

		small_task_ask(s, rows[i].model);
		assert_int_equal(nm_stake_cost(&s->task, &rows[i].stake, &cost,
		                               &err), NM_OK);
		if (cost.kind != rows[i].kind || (cost.kind == NM_COST_KNOWN &&
		    (cost.expected_pusd != rows[i].expected_pusd ||
		     cost.low_pusd > cost.expected_pusd ||
		     cost.high_pusd < cost.expected_pusd)))
			fail_msg("%s: %d, %lld", rows[i].why, (int)cost.kind,
			         (long long)cost.expected_pusd);
	}
}

/* Another attempt is taken on at its highest, and refused where that is too much. */
static void
taking(void **state)
{
	struct small_task *s = *state;
	static const struct nm_stake_again two = { 2, 0, NM_PRICE_BATCH };
	static const struct nm_stake_again thousand = { 1000, 0,
	                                                NM_PRICE_BATCH };
	int64_t high = 2 * 39 * BATCH_PUSD; /* 10 and four times that over root 2 */
	struct nm_err err = { 0 };

	small_task_ask(s, "m");
	assert_int_equal(nm_stake_take(&s->task, &thousand, &err), NM_OK);
	assert_int_equal(s->task.taken_pusd, 0); /* without a ceiling */
	s->budget.max_pusd = 2 * high - 1;
	assert_int_equal(nm_stake_take(&s->task, &two, &err), NM_OK);
	assert_int_equal(s->task.taken_pusd, high);
	assert_int_equal(s->budget.taken_pusd, high);
	assert_int_equal(nm_stake_take(&s->task, &two, &err), NM_USAGE);
	assert_int_equal(s->task.taken_pusd, high); /* refused: untouched */
	assert_int_equal(s->budget.taken_pusd, high);
	s->task.scoring_only = 1;
	assert_int_equal(nm_stake_take(&s->task, &two, &err), NM_OK);
	assert_int_equal(s->budget.taken_pusd, high);
}

/* What the model answered may be as long again as its longest answer was. */
static void
taking_replied(void **state)
{
	static const struct {
		int64_t count, replied, longest, output_tokens;
	} rows[] = {
		{ 3, 0, 1000, 3 * 240 }, { 3, 1, 1000, 2 * 292 + 1000 },
		{ 3, 3, 999, 3 * 999 }, { 3, 3, 29, 3 * 42 },
		{ 3, 3, 10, 3 * 34 },
	};
	struct small_task *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_stake_again again = { rows[i].count, rows[i].replied,
		                                NM_PRICE_STANDARD };
		struct nm_err err;

		s->budget = (struct nm_budget){ .max_pusd = INT64_MAX };
		s->task.seen.longest_tokens = rows[i].longest;
		assert_int_equal(nm_stake_take(&s->task, &again, &err), NM_OK);
		assert_int_equal(s->budget.taken_pusd,
		                 rows[i].output_tokens * DIRECT_PUSD);
	}
}

/* A maximum that requests state is taken as it stands, whatever was seen below it, and
 * no less than was seen above it. */
static void
taking_stated(void **state)
{
	static const struct {
		int64_t        stated;
		struct nm_seen seen;
		int64_t        replied, output_tokens;
	} rows[] = {
		{ 5000, { 0, 0, 0 }, 0, 3 * 5000 },
		{ 5000, { 1000, 10000, 10 }, 0, 3 * 5000 },
		{ 5000, { 1, 5000, 5000 }, 3, 3 * 5000 },
		{ 10, { 1000, 10000, 10 }, 0, 3 * 10 },
		{ 10, { 1, 11, 11 }, 0, 3 * 1000 },
		{ 9, { 1000, 10000, 10 }, 0, 3 * 34 },
	};
	struct small_task *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_stake_again again = { 3, rows[i].replied,
		                                NM_PRICE_BATCH };
		struct nm_err err;

		small_task_state(s, "m", rows[i].stated);
		s->budget = (struct nm_budget){ .max_pusd = INT64_MAX };
		s->task.seen = rows[i].seen;
		s->task.by_guess = 1; /* there was none to make */
		assert_int_equal(nm_stake_take(&s->task, &again, &err), NM_OK);
		if (s->budget.taken_pusd != rows[i].output_tokens * BATCH_PUSD)
			fail_msg("%d: %lld", (int)i,
			         (long long)s->budget.taken_pusd / BATCH_PUSD);
	}
}

/* What a process planned to ask again, and died, may be as long as the longest was. */
static void
planned_again(void **state)
{
	struct nm_shard_record shards[2] = {
		{ .attempt = 1, .count = 9, .state = NM_SHARD_COLLECTED,
		  .status = "completed" },
		{ .attempt = 2, .count = 2, .state = NM_SHARD_PLANNED },
	};
	struct small_task *s = *state;
	struct nm_source source = { .count = 9 };
	struct nm_stake got;
	struct nm_err err;

	s->task.run.source = &source;
	s->task.run.record.requests = 9;
	s->task.run.shards = shards;
	s->task.run.n_shards = 2;
	assert_int_equal(nm_stake_count(&s->task, &got, &err), NM_OK);
	assert_int_equal(got.unsent, 2);
	assert_int_equal(got.again, 0);
	s->task.run.settings.reask = 1;
	assert_int_equal(nm_stake_count(&s->task, &got, &err), NM_OK);
	assert_int_equal(got.unsent, 2);
	assert_int_equal(got.again, 2);
}

/* What came takes the place of what could have come, however often it is settled. */
static void
settling(void **state)
{
	struct nm_spending spending = {
		.replies = 3, .cost_pusd = 700, .told_output_tokens = -1,
		.seen = { 3, 10, 5 },
	};
	struct small_task *s = *state;
	struct nm_err err;

	s->budget = (struct nm_budget){ .max_pusd = 5000, .taken_pusd = 2100 };
	s->task.taken_pusd = 2000; /* 100 are another task's */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(nm_stake_settle(&s->task, &spending, &err),
		                 NM_OK);
		assert_int_equal(s->budget.taken_pusd, 800);
		assert_int_equal(s->task.taken_pusd, 0);
		assert_int_equal(s->task.spent_pusd, 700);
		assert_int_equal(nm_seen_mean(&s->task.seen), 4);
	}
	/* More than can be counted. */
	spending.cost_pusd = INT64_MAX;
	assert_int_equal(nm_stake_settle(&s->task, &spending, &err),
	                 NM_OK);
	assert_int_equal(s->budget.taken_pusd, INT64_MAX);
	s->task.taken_pusd = 2000;
	assert_int_equal(nm_stake_settle(&s->task, &spending, &err),
	                 NM_OK);
	assert_int_equal(s->budget.taken_pusd, INT64_MAX);
	spending.unpriced = 1;
	assert_int_equal(nm_stake_settle(&s->task, &spending, &err),
	                 NM_OK);
	assert_int_equal(s->budget.unpriced, 1);
	assert_int_equal(s->task.spent_pusd, 0);
}

/* What came and did not tell its usage may have been as long as any, by its way. */
static void
settling_mute(void **state)
{
	struct nm_spending spending = {
		.replies = 3, .cost_pusd = 700, .told_output_tokens = -1,
		.seen = { 3, 10, 5 }, .mute = { [NM_WAY_BATCH] = 2,
		                                [NM_WAY_DIRECT] = 1 },
	};
	/* 4 and four times that over the root of two, and of one; a quarter of the
	 * guess while three were seen. */
	int64_t held = (2 * BATCH_PUSD + DIRECT_PUSD) * 500;
	struct small_task *s = *state;
	struct nm_err err;

	s->budget = (struct nm_budget){ .max_pusd = 500000 };
	for (int round = 0; round < 2; round++) {
		assert_int_equal(nm_stake_settle(&s->task, &spending, &err),
		                 NM_OK);
		assert_int_equal(s->budget.taken_pusd, 700 + held);
		assert_int_equal(s->task.held_pusd, held);
	}
	s->budget.max_pusd = 0;
	assert_int_equal(nm_stake_settle(&s->task, &spending, &err), NM_OK);
	assert_int_equal(s->task.held_pusd, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counting),
		cmocka_unit_test_setup_teardown(costs,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(taking,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(taking_replied,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(taking_stated,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(planned_again,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(settling_mute,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(settling,
		                                small_task_enter,
		                                small_task_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
