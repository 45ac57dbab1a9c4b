/*
 * stake: see the header.
 */
#include "task/stake.h"

#include "run/attempts.h"
#include "run/canary.h"
#include "run/deadline.h"
#include "state/answers.h"
#include "state/flights.h"
#include "task/toll.h"

static enum nm_code
count_first(void *context, const struct nm_answer_record *answer,
            struct nm_err *err)
{
	int64_t *n = context;

	(void)err;
	*n += answer->attempt == 1;
	return NM_OK;
}

/* A creation that may have taken effect is looked for, or sent again: unsent. */
static void
count_shard(const struct nm_run *run, const struct nm_shard_record *shard,
            struct nm_stake *stake)
{
	if (shard->state < NM_SHARD_CREATED) {
		stake->unsent += shard->count;
		if (shard->attempt > 1 && run->settings.reask)
			stake->again += shard->count;
	} else if (shard->state < NM_SHARD_COLLECTED ||
	         nm_deadline_gave_up(shard)) {
		stake->in_flight += shard->count;
	}
}

enum nm_code
nm_stake_count(const struct nm_task *task, struct nm_stake *stake,
               struct nm_err *err)
{
	const struct nm_run *run = &task->run;
	struct nm_stake found = { 0 };
	int64_t answered = 0;
	enum nm_code rc = NM_OK;
	size_t i;

	if (task->scoring_only)
		goto done;
	rc = nm_answers_walk(run->journal, run->record.id, count_first,
	                     &answered, err);
	if (rc)
		goto done;
	found.unasked = nm_task_is_batch(task) ? nm_canary_size(run)
	                                       : run->source->count;
	found.unasked -= answered < found.unasked ? answered : found.unasked;
	for (i = 0; i < run->n_shards; i++)
		count_shard(run, &run->shards[i], &found);
done:
	if (!rc)
		*stake = found;
	return rc;
}

static struct nm_estimate_cost
sum_of(const struct nm_stake *stake, const struct nm_estimate_cost *unsent,
       const struct nm_estimate_cost *unasked)
{
	/* A column may lack a price that nobody asks for. */
	if (!stake->unsent || (stake->unasked &&
	                       unasked->kind != NM_COST_KNOWN))
		return *unasked;
	if (!stake->unasked)
		return *unsent;
	return (struct nm_estimate_cost){
		.kind = unsent->kind,
		.low_pusd = nm_price_add(unsent->low_pusd, unasked->low_pusd),
		.expected_pusd = nm_price_add(unsent->expected_pusd,
		                              unasked->expected_pusd),
		.high_pusd = nm_price_add(unsent->high_pusd,
		                          unasked->high_pusd),
	};
}

enum nm_code
nm_stake_cost(struct nm_task *task, const struct nm_stake *stake,
              struct nm_estimate_cost *cost, struct nm_err *err)
{
	struct nm_estimate_cost unsent, unasked;
	enum nm_code rc;

	rc = nm_toll_estimate(task, stake->unsent, NM_PRICE_BATCH, &unsent, err);
	if (!rc)
		rc = nm_toll_estimate(task, stake->unasked, NM_PRICE_STANDARD,
		                      &unasked, err);
	if (!rc)
		*cost = sum_of(stake, &unsent, &unasked);
	return rc;
}

/* The same at most. */
static enum nm_code
most_of_stake(struct nm_task *task, const struct nm_stake *stake,
              struct nm_estimate_cost *cost, struct nm_err *err)
{
	struct nm_estimate_cost unsent, unasked;
	enum nm_code rc;

	rc = nm_toll_most(task, stake->unsent - stake->again, stake->again,
	                  NM_PRICE_BATCH, &unsent, err);
	if (!rc)
		rc = nm_toll_most(task, stake->unasked, 0, NM_PRICE_STANDARD,
		                  &unasked, err);
	if (!rc)
		*cost = sum_of(stake, &unsent, &unasked);
	return rc;
}

int
nm_stake_is_free(const struct nm_task *task)
{
	return task->scoring_only || task->tools->service->server ||
	       !task->tools->budget->max_pusd;
}

static size_t
batches_here(const struct nm_task *task)
{
	size_t i, n = 0;

	for (i = 0; i < task->run.n_shards; i++)
		n += task->run.shards[i].state == NM_SHARD_COLLECTED;
	return n;
}

/* What the replies on this machine have cost, and how long they were. */
static enum nm_code
look_back(struct nm_task *task, struct nm_err *err)
{
	struct nm_spending spending;
	struct nm_collect collect;
	const char *const *paths;
	size_t n_paths;
	int64_t attempts;
	enum nm_code rc;

	task->weighed = batches_here(task);
	nm_collect_init(&collect, task->run.source, task->tools->reading);
	nm_spending_attach(&spending, task->tools->prices, &task->run, &collect);
	rc = nm_attempts_collect(&task->run, &collect, &paths, &n_paths,
	                         &attempts, err);
	if (!rc) {
		nm_spending_close(&spending, &task->run);
		rc = nm_stake_settle(task, &spending, err);
	}
	nm_collect_release(&collect);
	return rc;
}

/* What flies cannot be refused, nor can what came and did not tell its usage. */
static enum nm_code
hold(struct nm_task *task, int64_t count, enum nm_price_column column,
     struct nm_err *err)
{
	struct nm_estimate_cost cost;
	enum nm_code rc;

	if (!count)
		return NM_OK;
	rc = nm_toll_most(task, count, 0, column, &cost, err);
	if (!rc && cost.kind != NM_COST_KNOWN)
		task->tools->budget->unpriced = 1;
	if (rc || cost.kind != NM_COST_KNOWN)
		return rc;
	nm_budget_hold(task->tools->budget, cost.high_pusd);
	task->taken_pusd = nm_price_add(task->taken_pusd, cost.high_pusd);
	task->held_pusd = nm_price_add(task->held_pusd, cost.high_pusd);
	return NM_OK;
}

static enum nm_code
take(struct nm_task *task, const struct nm_estimate_cost *cost, int64_t count,
     struct nm_err *err)
{
	enum nm_code rc = nm_budget_take(task->tools->budget, cost,
	                                 task->run.record.model, err);

	if (!rc)
		task->taken_pusd = nm_price_add(task->taken_pusd,
		                                cost->high_pusd);
	else if (nm_budget_is_short(task->tools->budget, cost))
		nm_toll_explain(task, &task->seen, nm_toll_reply(task, count),
		                err);
	return rc;
}

/* All that was looked back on is settled. */
static enum nm_code
take_rest(struct nm_task *task, struct nm_err *err)
{
	struct nm_estimate_cost cost;
	struct nm_stake stake = { 0 };
	enum nm_code rc = nm_stake_count(task, &stake, err);

	if (!rc)
		rc = hold(task, stake.in_flight, NM_PRICE_BATCH, err);
	if (rc || (!stake.unsent && !stake.unasked))
		return rc;
	rc = most_of_stake(task, &stake, &cost, err);
	return rc ? rc : take(task, &cost, stake.unsent + stake.unasked, err);
}

/* Nothing was seen yet, or it was taken before the first was: a process that takes the
 * run up is to be no warier than the one that began it. */
static int
goes_by_guess(const struct nm_task *task)
{
	return !task->seen.replies || !nm_task_is_batch(task) ||
	       nm_run_has_sent(&task->run);
}

enum nm_code
nm_stake_take_all(struct nm_task *task, struct nm_err *err)
{
	enum nm_code rc;

	if (nm_stake_is_free(task))
		return NM_OK;
	rc = look_back(task, err);
	task->by_guess = goes_by_guess(task);
	return rc ? rc : take_rest(task, err);
}

enum nm_code
nm_stake_take_anew(struct nm_task *task, struct nm_err *err)
{
	enum nm_code rc;

	if (nm_stake_is_free(task) || batches_here(task) == task->weighed)
		return NM_OK;
	rc = look_back(task, err);
	return rc ? rc : take_rest(task, err);
}

enum nm_code
nm_stake_take(struct nm_task *task, const struct nm_stake_again *again,
              struct nm_err *err)
{
	struct nm_estimate_cost cost;
	struct nm_stake stake = { 0 };
	enum nm_code rc;

	if (nm_stake_is_free(task))
		return NM_OK;
	task->weighed = batches_here(task);
	rc = nm_stake_count(task, &stake, err);
	if (!rc)
		rc = hold(task, stake.in_flight, NM_PRICE_BATCH, err);
	if (!rc)
		rc = nm_toll_most(task, again->count - again->replied,
		                  again->replied, again->column, &cost, err);
	return rc ? rc : take(task, &cost, again->count, err);
}

/* Once, before this process asks anything: what it loses itself its purse holds. */
static enum nm_code
recall_lost(struct nm_task *task, struct nm_err *err)
{
	enum nm_code rc;

	if (task->lost_is_known)
		return NM_OK;
	rc = nm_flights_get(task->run.journal, task->run.record.id,
	                    &task->lost_before, err);
	task->lost_is_known = !rc;
	return rc;
}

enum nm_code
nm_stake_settle(struct nm_task *task, const struct nm_spending *spending,
                struct nm_err *err)
{
	struct nm_cost cost = nm_spending_cost(spending);
	enum nm_code rc;

	nm_budget_settle(task->tools->budget,
	                 nm_price_add(task->taken_pusd, task->spent_pusd),
	                 cost);
	task->taken_pusd = task->held_pusd = 0;
	task->spent_pusd = cost.kind == NM_COST_KNOWN ? cost.pusd : 0;
	task->seen = spending->seen;
	if (nm_stake_is_free(task))
		return NM_OK;
	rc = hold(task, spending->mute[NM_WAY_BATCH], NM_PRICE_BATCH, err);
	if (!rc)
		rc = recall_lost(task, err);
	return rc ? rc : hold(task, spending->mute[NM_WAY_DIRECT] +
	                      task->lost_before, NM_PRICE_STANDARD, err);
}
