/*
 * forerunner: see the header.
 */
#include "task/forerunner.h"

#include "run/canary.h"
#include "run/via_batch.h"
#include "task/money.h"
#include "task/purse.h"
#include "task/stake.h"

/* What went wrong with it would go wrong with all: the run ends here, for another to
 * begin, unless an answer was paid for, which the same command goes on from. */
static int
ends_run(const struct nm_task *task, const struct nm_canary *canary,
         enum nm_code rc)
{
	return (rc == NM_REFUSED || rc == NM_UNREACHABLE) &&
	       !canary->answered && !nm_run_has_sent(&task->run);
}

static enum nm_code
ask_canary(struct nm_task *task, struct nm_canary *canary, struct nm_err *err)
{
	struct nm_purse purse;
	struct nm_canary_wish wish = {
		.reading = task->tools->reading,
		.purse = nm_purse_open(&purse, task),
	};
	enum nm_code rc = nm_canary_ask(&task->run, &wish, canary, err);
	struct nm_err late;

	if (ends_run(task, canary, rc) &&
	    nm_run_saved(&task->run, "", NM_RUN_LEFT, &late))
		nm_message_error(task->tools->message, &late);
	nm_purse_release(&purse);
	return rc;
}

/* Now the length of a reply is known, not guessed. */
static enum nm_code
heed_estimate(const struct nm_task *task, const struct nm_canary *canary,
              struct nm_err *err)
{
	struct nm_task learnt = *task;
	struct nm_stake rest = {
		.unsent = task->run.source->count - canary->asked,
	};
	char low[NM_PRICE_TEXT_MAX], high[NM_PRICE_TEXT_MAX];
	struct nm_estimate_cost cost;
	enum nm_code rc;

	learnt.seen = (struct nm_seen){ 0 };
	nm_seen_add(&learnt.seen, canary->output_tokens);
	rc = nm_stake_cost(&learnt, &rest, &cost, err);
	if (rc || cost.kind != NM_COST_KNOWN || task->tools->service->server)
		return rc;
	nm_price_print(cost.low_pusd, 4, low);
	nm_price_print(cost.high_pusd, 4, high);
	nm_message_note(task->tools->message,
		"the canary took %lld tokens a reply: by that the other %lld"
		" cost $%s to $%s (an estimate)",
		(long long)canary->output_tokens, (long long)rest.unsent,
		low, high);
	return nm_money_ask(task->tools, &cost, err);
}

enum nm_code
nm_forerunner_pass(struct nm_task *task, struct nm_err *err)
{
	struct nm_canary canary;
	enum nm_code rc = ask_canary(task, &canary, err);

	if (rc || !canary.output_tokens ||
	    !nm_via_batch_waiting(&task->run))
		return rc;
	if (!nm_run_has_sent(&task->run))
		rc = heed_estimate(task, &canary, err);
	return rc ? rc : nm_stake_take_all(task, err);
}
