/*
 * money: see the header.
 */
#include "prog/money.h"

#include "cli/consent.h"
#include "prog/stake.h"
#include "run/plan.h"

#define DOLLAR_PUSD INT64_C(1000000000000)

static enum nm_code
estimate_job(struct nm_job *job, const struct nm_run_settings *settings,
             struct nm_estimate *estimate, struct nm_err *err)
{
	struct nm_source *source = nm_quiz_source(job->quiz);
	struct nm_plan plan = { 0 };
	enum nm_code rc = nm_plan_measure(&plan, source, settings, err);

	if (!rc) {
		nm_budget_estimate(job->quiz, job->tools->prices,
		                   source->count, 0, estimate);
		estimate->shards = plan.n_shards;
		estimate->bytes = (uint64_t)plan.bytes;
	}
	nm_plan_release(&plan);
	return rc;
}

enum nm_code
nm_money_estimate(struct nm_job *jobs, size_t n_jobs,
                  const struct nm_run_settings *settings, int as_json,
                  struct nm_buf *out, struct nm_err *err)
{
	struct nm_estimate *list = calloc(n_jobs + 1, sizeof(*list));
	enum nm_code rc = NM_OK;
	size_t i;

	if (!list)
		abort();
	for (i = 0; !rc && i < n_jobs; i++)
		rc = estimate_job(&jobs[i], settings, &list[i], err);
	if (!rc && as_json)
		nm_estimate_write_json(list, n_jobs, out);
	else if (!rc)
		nm_estimate_write(list, n_jobs, out);
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
leave_all(struct nm_job *jobs, size_t n_jobs)
{
	size_t i;

	for (i = 0; i < n_jobs; i++)
		nm_job_leave(&jobs[i]);
}

enum nm_code
nm_money_ask(const struct nm_job_tools *tools,
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
	return nm_fail(err, NM_INTERRUPTED, 0, "nothing was sent");
}

enum nm_code
nm_money_consent(struct nm_job *jobs, size_t n_jobs,
                 struct nm_job_tools *tools, struct nm_err *err)
{
	struct nm_estimate_cost sum = { 0 }, cost;
	struct nm_stake stake;
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < n_jobs; i++) {
		rc = nm_stake_count(&jobs[i], &stake, err);
		if (rc)
			break;
		cost = nm_stake_cost(&jobs[i], &stake);
		add_cost(&sum, &cost);
	}
	if (!rc)
		rc = nm_money_ask(tools, &sum, err);
	if (rc)
		leave_all(jobs, n_jobs);
	else if (sum.expected_pusd > DOLLAR_PUSD)
		tools->pay = NM_PAY_AGREED;
	return rc;
}

enum nm_code
nm_money_take(struct nm_job *jobs, size_t n_jobs, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < n_jobs; i++)
		rc = nm_stake_take_all(&jobs[i], err);
	if (rc)
		leave_all(jobs, n_jobs);
	return rc && n_jobs > 1
		? nm_while(err, "adding %s", jobs[i - 1].run.record.name) : rc;
}
