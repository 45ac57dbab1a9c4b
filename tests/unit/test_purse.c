/*
 * purse: each reply is paid from it, and nothing is sent that it could not pay for,
 * whatever a service says that its replies took.
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
#include "task/purse.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { MAX_PUSD = 100000 };

/* A token out costs so much that ten replies of a billion are beyond all sums. */
static const struct nm_price dear = {
	.model = "m", .long_over_tokens = INT64_MAX,
	.plain = { { 0, 0, 0, 1000000000 }, { 0, 0, 0, 1000000000 } },
};
static const struct nm_prices dear_prices = { .models = &dear, .n_models = 1 };

static void
hear(const struct nm_direct_purse *purse, long long tokens)
{
	char line[256];
	int len = snprintf(line, sizeof(line),
		"{\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":"
		"{\"model\":\"m\",\"usage\":{\"prompt_tokens\":1,"
		"\"completion_tokens\":%lld}}}}", tokens);

	purse->heard(purse->user, (struct nm_text){ line, (size_t)len });
}

/* Each reply of 100 tokens costs 20,000, and one more may, as the longest did. */
static void
paying(void **state)
{
	struct small_task *s = *state;
	const struct nm_direct_purse *lent;
	struct nm_purse purse;
	struct nm_err err;

	s->budget.max_pusd = MAX_PUSD;
	lent = nm_purse_open(&purse, &s->task);
	assert_non_null(lent);
	for (int i = 0; i < 4; i++) {
		hear(lent, 100);
		if (lent->may_send(lent->user, 0, 0, &err) !=
		    (i < 3 ? NM_OK : NM_USAGE))
			fail_msg("after %d replies", i + 1);
	}
	assert_int_equal(purse.empty, 1);
	nm_purse_release(&purse);
}

/* Where no maximum is stated no more fly than were heard, and one; and of what flies
 * the longest, and more, is feared. There is money for 100,000 tokens. */
static void
few_fly(void **state)
{
	static const struct {
		int64_t     stated, heard, tokens; /* each of so many */
		int64_t     fly;    /* so many, and no more */
		const char *why;
	} rows[] = {
		{ 0, 0, 0, 1, "nothing is known" },
		{ 0, 1, 10, 2, "one was heard" },
		{ 0, 3, 10, 4, "three were" },
		{ 0, 40, 1000, 18, "as many as can be paid" },
		{ 500, 0, 0, 200, "a maximum needs no hearing" },
		{ 500, 1, 10, 199, "nor more than that" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct nm_direct_purse *lent;
		struct nm_purse purse;
		struct small_task *s;
		void *entered = NULL;
		struct nm_err err;
		int64_t fly = 0;

		assert_int_equal(small_task_enter(&entered), 0);
		s = entered;
		small_task_state(s, "m", rows[i].stated);
		s->task.seen = (struct nm_seen){ 0 };
		s->budget.max_pusd = 100000 * DIRECT_PUSD;
		lent = nm_purse_open(&purse, &s->task);
		for (int64_t n = 0; n < rows[i].heard; n++)
			hear(lent, rows[i].tokens);
		while (fly < 1000 && !lent->may_send(lent->user, fly, 0, &err))
			fly++;
		if (fly != rows[i].fly)
			fail_msg("%s: %lld", rows[i].why, (long long)fly);
		nm_purse_release(&purse);
		small_task_leave(&entered);
	}
}

/* What was refused for the moment is to be paid for, and keeps no other back. */
static void
waiting_beside(void **state)
{
	struct small_task *s = *state;
	const struct nm_direct_purse *lent;
	struct nm_purse purse;
	struct nm_err err;

	s->task.seen = (struct nm_seen){ 0 };
	s->budget.max_pusd = 10 * 2000 * DIRECT_PUSD;
	lent = nm_purse_open(&purse, &s->task);
	assert_int_equal(lent->may_send(lent->user, 0, 9, &err), NM_OK);
	assert_int_equal(lent->may_send(lent->user, 0, 10, &err), NM_USAGE);
	assert_int_equal(lent->may_send(lent->user, 1, 1, &err),
	                 NM_UNFINISHED);
	nm_purse_release(&purse);
}

/* A request that brought no reply may be paid for: there is less for others, also in
 * what the call asks next. */
static void
losing(void **state)
{
	struct small_task *s = *state;
	const struct nm_direct_purse *lent;
	struct nm_purse purse;
	struct nm_err err;

	small_task_state(s, "m", 100);
	s->budget.max_pusd = 3 * 100 * DIRECT_PUSD;
	for (int round = 0; round < 3; round++) {
		lent = nm_purse_open(&purse, &s->task);
		assert_int_equal(lent->may_send(lent->user, 2 - round, 0, &err),
		                 NM_OK);
		lent->lost(lent->user);
		assert_int_equal(lent->may_send(lent->user, 2 - round, 0, &err),
		                 NM_USAGE);
		nm_purse_release(&purse);
	}
	assert_int_equal(s->budget.taken_pusd, s->budget.max_pusd);
}

/* A reply that does not tell what it took may have taken all that it was let. */
static void
hearing_no_usage(void **state)
{
	static const char *const lines[] = {
		"{\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":"
		"{\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\","
		"\"message\":{\"content\":\"hm\"}}]}}}",
		"{\"custom_id\":\"a\",\"response\":{\"status_code\":500,\"body\":{}}}",
	};
	struct small_task *s = *state;
	const struct nm_direct_purse *lent;
	struct nm_purse purse;
	struct nm_err err;

	small_task_state(s, "m", 100);
	s->budget.max_pusd = 3 * 100 * DIRECT_PUSD;
	lent = nm_purse_open(&purse, &s->task);
	for (int i = 0; i < 9; i++)
		lent->heard(lent->user, nm_text_of(lines[1]));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lent->may_send(lent->user, 0, 0, &err), NM_OK);
		lent->heard(lent->user, nm_text_of(lines[0]));
	}
	assert_int_equal(lent->may_send(lent->user, 0, 0, &err), NM_USAGE);
	nm_purse_release(&purse);
}

static void
beyond_all_sums(void **state)
{
	struct small_task *s = *state;
	const struct nm_direct_purse *lent;
	struct nm_purse purse;
	struct nm_err err;

	s->tools.prices = &dear_prices;
	s->budget.max_pusd = MAX_PUSD;
	lent = nm_purse_open(&purse, &s->task);
	for (int i = 0; i < 30; i++) {
		hear(lent, 1000000000);
		if (lent->may_send(lent->user, 0, 0, &err) != NM_USAGE)
			fail_msg("after %d replies", i + 1);
	}
	nm_purse_release(&purse);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paying, small_task_enter,
		                                small_task_leave),
		cmocka_unit_test(few_fly),
		cmocka_unit_test_setup_teardown(waiting_beside,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(losing, small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(hearing_no_usage,
		                                small_task_enter,
		                                small_task_leave),
		cmocka_unit_test_setup_teardown(beyond_all_sums,
		                                small_task_enter,
		                                small_task_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
