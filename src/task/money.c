/*
 * money: see the header.
 */
#include "task/money.h"

#include "cli/consent.h"
#include "run/canary.h"
#include "run/plan.h"
#include "task/stake.h"
#include "task/toll.h"

#define DOLLAR_PUSD INT64_C(1000000000000)

/* What nothing is known of yet but its questions. */
static enum nm_code
guess_cost(struct nm_task *task, int64_t canary, struct nm_estimate_cost *cost,
           struct nm_err *err)
{
	int64_t count = nm_quiz_source(task->quiz)->count;
	struct nm_stake stake = { .unsent = count - canary,
	                          .unasked = canary };
	struct nm_task unseen = *task;
	enum nm_code rc;

	unseen.seen = (struct nm_seen){ 0 };
	rc = nm_stake_cost(&unseen, &stake, cost, err);
	task->load = unseen.load;
	return rc;
}

static enum nm_code
estimate_job(struct nm_task *task, const struct nm_run_settings *wish,
             struct nm_estimate *estimate, struct nm_err *err)
{
	struct nm_source *source = nm_quiz_source(task->quiz);
	struct nm_run_settings settings = *wish;
	struct nm_estimate_cost mixed = { 0 };
	struct nm_plan plan = { 0 };
	enum nm_code rc;

	settings.canary = nm_canary_wished(wish->canary, source->count);
	rc = nm_plan_measure(&plan, source, &settings, err);
	if (!rc)
		rc = guess_cost(task, settings.canary, &mixed, err);
	if (!rc) {
		nm_load_estimate(&task->load, source->count, 0, estimate);
		estimate->mixed = mixed;
		estimate->canary = (uint64_t)settings.canary;
		estimate->shards = plan.n_shards;
		estimate->bytes = (uint64_t)plan.bytes;
	}
	nm_plan_release(&plan);
	return rc;
}

enum nm_code
nm_money_estimate(struct nm_task *tasks, size_t n_tasks,
                  const struct nm_run_settings *settings,
                  enum nm_money_form form, struct nm_buf *out,
                  struct nm_err *err)
{
	struct nm_estimate *list = calloc(n_tasks + 1, sizeof(*list));
	enum nm_code rc = NM_OK;
	size_t i;

	if (!list)
		abort();
	for (i = 0; !rc && i < n_tasks; i++)
		rc = estimate_job(&tasks[i], settings, &list[i], err);
	if (!rc && form == NM_MONEY_JSON)
		nm_estimate_write_json(list, n_tasks, out);
	else if (!rc)
		nm_estimate_write(list, n_tasks, out);
	free(list);
	return rc;
}

static void
add_cost(struct nm_estimate_cost *sum, const struct nm_estimate_cost *cost)
{
	if (cost->kind != NM_COST_KNOWN)
		return;
	sum->low_pusd = nm_price_add(sum->low_pusd, cost->low_pusd);
	sum->expected_pusd = nm_price_add(sum->expected_pusd,
	                                  cost->expected_pusd);
	sum->high_pusd = nm_price_add(sum->high_pusd, cost->high_pusd);
}

/* What was recorded for nothing is left. */
static void
leave_all(struct nm_task *tasks, size_t n_tasks)
{
	size_t i;

	for (i = 0; i < n_tasks; i++)
		nm_task_leave(&tasks[i]);
}

enum nm_code
nm_money_ask(const struct nm_task_tools *tools,
             const struct nm_estimate_cost *cost, struct nm_err *err)
{
	char low[NM_PRICE_TEXT_MAX], high[NM_PRICE_TEXT_MAX];

	if (tools->pay == NM_PAY_AGREED || tools->service->server ||
	    cost->expected_pusd <= DOLLAR_PUSD)
		return NM_OK;
	nm_price_print(cost->low_pusd, 2, low);
	nm_price_print(cost->high_pusd, 2, high);
	if (nm_consent_ask(tools->message,
	                   "this is estimated to cost $%s to $%s; go on?",
	                   low, high) != NM_CONSENT_NO)
		return NM_OK;
	nm_message_note(tools->message, "nothing of it was sent");
	return nm_fail(err, NM_INTERRUPTED, 0, "nothing was sent");
}

enum nm_code
nm_money_consent(struct nm_task *tasks, size_t n_tasks,
                 struct nm_task_tools *tools, struct nm_err *err)
{
	struct nm_estimate_cost sum = { 0 }, cost;
	struct nm_stake stake;
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < n_tasks; i++) {
		rc = nm_stake_count(&tasks[i], &stake, err);
		if (rc)
			break;
		rc = nm_stake_cost(&tasks[i], &stake, &cost, err);
		if (!rc)
			add_cost(&sum, &cost);
	}
	if (!rc)
		rc = nm_money_ask(tools, &sum, err);
	if (rc)
		leave_all(tasks, n_tasks);
	else if (sum.expected_pusd > DOLLAR_PUSD)
		tools->pay = NM_PAY_AGREED;
	return rc;
}

/* What came, or flies, by an earlier call. */
static void
note_passed(struct nm_task *tasks, size_t n_tasks)
{
	int64_t before_pusd = 0;
	size_t i;

	for (i = 0; i < n_tasks; i++)
		before_pusd = nm_price_add(before_pusd, nm_price_add(
			tasks[i].spent_pusd, tasks[i].held_pusd));
	if (n_tasks && before_pusd > tasks[0].tools->budget->max_pusd)
		tasks[0].tools->budget->passed_before = 1;
}

enum nm_code
nm_money_take(struct nm_task *tasks, size_t n_tasks, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < n_tasks; i++)
		rc = nm_stake_take_all(&tasks[i], err);
	note_passed(tasks, n_tasks);
	if (rc)
		leave_all(tasks, n_tasks);
	return rc && n_tasks > 1
		? nm_while(err, "adding %s", tasks[i - 1].run.record.name) : rc;
}

/* Of all that may be so, the first that is. */
static const char *
why_passed(const struct nm_task *tasks, size_t n_tasks)
{
	int64_t stated = 0, longest = 0;
	size_t i;

	if (tasks[0].tools->budget->passed_before)
		return "it was sent before, and what was sent is paid for";
	for (i = 0; i < n_tasks; i++) {
		if (tasks[i].seen.longest_tokens > longest)
			longest = tasks[i].seen.longest_tokens;
		stated = nm_toll_stated_tokens(&tasks[i]);
		if (!stated)
			return "replies were longer than those before them let"
			       " expect; --max-output-tokens bounds them";
	}
	return longest > stated
		? "replies were longer than --max-output-tokens: the service"
		  " does not heed it"
		: "prompts had more tokens than was reckoned with";
}

void
nm_money_tell_passed(const struct nm_task *tasks, size_t n_tasks)
{
	char spent[NM_PRICE_TEXT_MAX], max[NM_PRICE_TEXT_MAX];
	int64_t spent_pusd = 0;
	size_t i;

	for (i = 0; i < n_tasks; i++)
		spent_pusd = nm_price_add(spent_pusd, tasks[i].spent_pusd);
	if (!n_tasks || nm_stake_is_free(&tasks[0]) ||
	    spent_pusd <= tasks[0].tools->budget->max_pusd)
		return;
	nm_price_print_exactly(spent_pusd, spent);
	nm_price_print_exactly(tasks[0].tools->budget->max_pusd, max);
	nm_message_warn(tasks[0].tools->message,
	                "this cost $%s, more than --max-cost $%s: %s", spent,
	                max, why_passed(tasks, n_tasks));
}
