/*
 * stake: see the header.
 */
#include "task/stake.h"

#include "run/attempts.h"
#include "run/canary.h"
#include "state/answers.h"

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
count_shard(const struct nm_shard_record *shard, struct nm_stake *stake)
{
	if (shard->state < NM_SHARD_CREATED)
		stake->unsent += shard->count;
	else if (shard->state < NM_SHARD_COLLECTED)
		stake->in_flight += shard->count;
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
		count_shard(&run->shards[i], &found);
done:
	if (!rc)
		*stake = found;
	return rc;
}

static struct nm_estimate_cost
cost_of(const struct nm_task *task, int64_t count, enum nm_price_column column)
{
	struct nm_estimate estimate;

	nm_budget_estimate(task->quiz, task->tools->prices, count,
	                   task->seen_tokens, &estimate);
	return nm_estimate_cost(&estimate, column);
}

struct nm_estimate_cost
nm_stake_cost(const struct nm_task *task, const struct nm_stake *stake)
{
	struct nm_estimate_cost sum, other;

	sum = cost_of(task, stake->unsent, NM_PRICE_BATCH);
	other = cost_of(task, stake->unasked, NM_PRICE_STANDARD);
	/* A column may lack a price that nobody asks for. */
	if (!stake->unsent)
		return other;
	if (!stake->unasked)
		return sum;
	if (other.kind != NM_COST_KNOWN)
		return other;
	sum.low_pusd = nm_price_add(sum.low_pusd, other.low_pusd);
	sum.expected_pusd = nm_price_add(sum.expected_pusd,
	                                 other.expected_pusd);
	sum.high_pusd = nm_price_add(sum.high_pusd, other.high_pusd);
	return sum;
}

static int
is_free(const struct nm_task *task)
{
	return task->scoring_only || task->tools->service->server ||
	       !task->tools->budget->max_pusd;
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

	nm_collect_init(&collect, task->run.source, task->tools->reading);
	nm_spending_attach(&spending, task->tools->prices, &task->run, &collect);
	rc = nm_attempts_collect(&task->run, &collect, &paths, &n_paths,
	                         &attempts, err);
	if (!rc) {
		nm_spending_close(&spending, &task->run);
		nm_stake_settle(task, &spending);
	}
	nm_collect_release(&collect);
	return rc;
}

enum nm_code
nm_stake_take_all(struct nm_task *task, struct nm_err *err)
{
	struct nm_estimate_cost flying, cost;
	struct nm_stake stake;
	enum nm_code rc;

	if (is_free(task))
		return NM_OK;
	rc = look_back(task, err);
	if (!rc)
		rc = nm_stake_count(task, &stake, err);
	if (rc)
		return rc;
	flying = cost_of(task, stake.in_flight, NM_PRICE_BATCH);
	if (stake.in_flight && flying.kind == NM_COST_KNOWN) {
		nm_budget_hold(task->tools->budget, flying.high_pusd);
		task->taken_pusd = nm_price_add(task->taken_pusd,
		                                flying.high_pusd);
	}
	if (!stake.unsent && !stake.unasked)
		return NM_OK;
	cost = nm_stake_cost(task, &stake);
	rc = nm_budget_take(task->tools->budget, &cost, task->run.record.model,
	                    err);
	if (!rc)
		task->taken_pusd = nm_price_add(task->taken_pusd,
		                                cost.high_pusd);
	return rc;
}

enum nm_code
nm_stake_take(struct nm_task *task, int64_t count, enum nm_price_column column,
              struct nm_err *err)
{
	struct nm_estimate_cost cost;
	enum nm_code rc;

	if (is_free(task))
		return NM_OK;
	cost = cost_of(task, count, column);
	rc = nm_budget_take(task->tools->budget, &cost, task->run.record.model,
	                    err);
	if (!rc)
		task->taken_pusd = nm_price_add(task->taken_pusd,
		                                cost.high_pusd);
	return rc;
}

void
nm_stake_settle(struct nm_task *task, const struct nm_spending *spending)
{
	struct nm_cost cost = nm_spending_cost(spending);

	nm_budget_settle(task->tools->budget,
	                 nm_price_add(task->taken_pusd, task->spent_pusd),
	                 cost);
	task->taken_pusd = 0;
	task->spent_pusd = cost.kind == NM_COST_KNOWN ? cost.pusd : 0;
	task->seen_tokens = nm_spending_seen_tokens(spending);
}
