/*
 * stake: see the header.
 */
#include "prog/stake.h"

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
nm_stake_count(const struct nm_job *job, struct nm_stake *stake,
               struct nm_err *err)
{
	const struct nm_run *run = &job->run;
	int64_t answered = 0;
	enum nm_code rc;
	size_t i;

	memset(stake, 0, sizeof(*stake));
	if (job->scoring_only)
		return NM_OK;
	rc = nm_answers_walk(run->journal, run->record.id, count_first,
	                     &answered, err);
	if (rc)
		return rc;
	stake->unasked = nm_job_is_batch(job) ? nm_canary_size(run)
	                                      : run->source->count;
	stake->unasked -= answered < stake->unasked ? answered
	                                            : stake->unasked;
	for (i = 0; i < run->n_shards; i++)
		count_shard(&run->shards[i], stake);
	return NM_OK;
}

static struct nm_estimate_cost
cost_of(const struct nm_job *job, int64_t count, enum nm_price_column column)
{
	struct nm_estimate estimate;

	nm_budget_estimate(job->quiz, job->tools->prices, count,
	                   job->seen_tokens, &estimate);
	return nm_estimate_cost(&estimate, column);
}

struct nm_estimate_cost
nm_stake_cost(const struct nm_job *job, const struct nm_stake *stake)
{
	struct nm_estimate_cost sum, other;

	sum = cost_of(job, stake->unsent, NM_PRICE_BATCH);
	other = cost_of(job, stake->unasked, NM_PRICE_STANDARD);
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
is_free(const struct nm_job *job)
{
	return job->scoring_only || job->tools->service->server ||
	       !job->tools->budget->max_pusd;
}

/* What the replies on this machine have cost, and how long they were. */
static enum nm_code
look_back(struct nm_job *job, struct nm_err *err)
{
	struct nm_spending spending;
	struct nm_collect collect;
	const char *const *paths;
	size_t n_paths;
	int64_t attempts;
	enum nm_code rc;

	nm_collect_init(&collect, job->run.source, job->tools->reading);
	nm_spending_attach(&spending, job->tools->prices, &job->run, &collect);
	rc = nm_attempts_collect(&job->run, &collect, &paths, &n_paths,
	                         &attempts, err);
	if (!rc) {
		nm_spending_close(&spending, &job->run);
		nm_stake_settle(job, &spending);
	}
	nm_collect_release(&collect);
	return rc;
}

enum nm_code
nm_stake_take_all(struct nm_job *job, struct nm_err *err)
{
	struct nm_estimate_cost flying, cost;
	struct nm_stake stake;
	enum nm_code rc;

	if (is_free(job))
		return NM_OK;
	rc = look_back(job, err);
	if (!rc)
		rc = nm_stake_count(job, &stake, err);
	if (rc)
		return rc;
	flying = cost_of(job, stake.in_flight, NM_PRICE_BATCH);
	if (stake.in_flight && flying.kind == NM_COST_KNOWN) {
		nm_budget_hold(job->tools->budget, flying.high_pusd);
		job->taken_pusd += flying.high_pusd;
	}
	if (!stake.unsent && !stake.unasked)
		return NM_OK;
	cost = nm_stake_cost(job, &stake);
	rc = nm_budget_take(job->tools->budget, &cost, job->run.record.model,
	                    err);
	if (!rc)
		job->taken_pusd += cost.high_pusd;
	return rc;
}

enum nm_code
nm_stake_take(struct nm_job *job, int64_t count, enum nm_price_column column,
              struct nm_err *err)
{
	struct nm_estimate_cost cost;
	enum nm_code rc;

	if (is_free(job))
		return NM_OK;
	cost = cost_of(job, count, column);
	rc = nm_budget_take(job->tools->budget, &cost, job->run.record.model,
	                    err);
	if (!rc)
		job->taken_pusd += cost.high_pusd;
	return rc;
}

void
nm_stake_settle(struct nm_job *job, const struct nm_spending *spending)
{
	struct nm_cost cost = nm_spending_cost(spending);

	nm_budget_settle(job->tools->budget,
	                 job->taken_pusd + job->spent_pusd, cost);
	job->taken_pusd = 0;
	job->spent_pusd = cost.kind == NM_COST_KNOWN ? cost.pusd : 0;
	job->seen_tokens = nm_spending_seen_tokens(spending);
}
