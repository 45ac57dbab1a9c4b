/*
 * toll: see the header.
 */
#include "task/toll.h"

enum { FEW_REPLIES = 10 };

/* So many requests, each reply of so many tokens. */
struct toll {
	void (*reckon)(const struct nm_load *load, int64_t count,
	               int64_t reply_tokens, struct nm_estimate *estimate);
	int64_t              count, reply_tokens;
	enum nm_price_column column;
};

static enum nm_code
cost_of(struct nm_task *task, const struct toll *toll,
        struct nm_estimate_cost *cost, struct nm_err *err)
{
	struct nm_estimate estimate;
	enum nm_code rc = nm_load_count(&task->load, task->quiz,
	                                task->tools->prices, err);

	if (rc)
		return rc;
	toll->reckon(&task->load, toll->count, toll->reply_tokens, &estimate);
	*cost = nm_estimate_cost(&estimate, toll->column);
	return NM_OK;
}

enum nm_code
nm_toll_estimate(struct nm_task *task, int64_t count,
                 enum nm_price_column column, struct nm_estimate_cost *cost,
                 struct nm_err *err)
{
	struct toll toll = {
		nm_load_estimate, count, nm_seen_mean(&task->seen), column,
	};

	return cost_of(task, &toll, cost, err);
}

int64_t
nm_toll_stated_tokens(const struct nm_task *task)
{
	return nm_quiz_wish(task->quiz)->max_output_tokens;
}

static int
guess_stands(const struct nm_task *task)
{
	return task->by_guess && !nm_toll_stated_tokens(task) &&
	       task->seen.longest_tokens <= NM_BOUND_UNSEEN_TOKENS;
}

int64_t
nm_toll_reply(const struct nm_task *task, int64_t count)
{
	int64_t most = nm_bound_reply(&task->seen, count,
	                              nm_toll_stated_tokens(task));

	return guess_stands(task) && most > NM_BOUND_UNSEEN_TOKENS
		? NM_BOUND_UNSEEN_TOKENS : most;
}

static int64_t
reply_again(const struct nm_task *task, int64_t count)
{
	int64_t most = nm_toll_reply(task, count);

	return most > task->seen.longest_tokens ? most
	                                        : task->seen.longest_tokens;
}

enum nm_code
nm_toll_most(struct nm_task *task, int64_t first, int64_t again,
             enum nm_price_column column, struct nm_estimate_cost *cost,
             struct nm_err *err)
{
	struct toll toll = {
		nm_load_bound, first, nm_toll_reply(task, first), column,
	};
	struct nm_estimate_cost more;
	enum nm_code rc = cost_of(task, &toll, cost, err);

	if (rc || !again)
		return rc;
	toll.count = again;
	toll.reply_tokens = reply_again(task, again);
	rc = cost_of(task, &toll, &more, err);
	if (!rc)
		cost->high_pusd = nm_price_add(cost->high_pusd, more.high_pusd);
	return rc;
}

enum nm_code
nm_toll_directly(struct nm_task *task, int64_t count, int64_t reply_tokens,
                 struct nm_estimate_cost *cost, struct nm_err *err)
{
	struct toll toll = {
		nm_load_bound, count, reply_tokens, NM_PRICE_STANDARD,
	};

	return cost_of(task, &toll, cost, err);
}

void
nm_toll_explain(const struct nm_task *task, const struct nm_seen *seen,
                int64_t reply_tokens, struct nm_err *err)
{
	const char *more = nm_task_is_batch(task) &&
	                   !nm_run_has_sent(&task->run) &&
	                   seen->replies < FEW_REPLIES
		? "--max-output-tokens, or a larger --canary with --new, tells"
		  " more"
		: "--max-output-tokens bounds it";

	if (nm_bound_is_exact(seen, nm_toll_stated_tokens(task)))
		nm_while(err, "a reply counts as the %lld tokens of"
		         " --max-output-tokens", (long long)reply_tokens);
	else if (!seen->replies)
		nm_while(err, "a reply counts as %lld tokens until some came;"
		         " --max-output-tokens bounds it",
		         (long long)reply_tokens);
	else
		nm_while(err, "a reply counts as %lld tokens by the %lld that"
		         " came; %s", (long long)reply_tokens,
		         (long long)seen->replies,
		         nm_toll_stated_tokens(task)
		         ? "the service does not heed --max-output-tokens"
		         : more);
}
