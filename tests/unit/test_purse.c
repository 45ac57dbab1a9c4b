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
		if (lent->may_send(lent->user, 0, &err) !=
		    (i < 3 ? NM_OK : NM_USAGE))
			fail_msg("after %d replies", i + 1);
	}
	assert_int_equal(purse.empty, 1);
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
		if (lent->may_send(lent->user, 0, &err) != NM_USAGE)
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
		cmocka_unit_test_setup_teardown(beyond_all_sums,
		                                small_task_enter,
		                                small_task_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
