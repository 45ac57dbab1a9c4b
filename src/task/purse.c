/*
 * purse: see the header.
 */
#include "task/purse.h"

#include "task/stake.h"
#include "task/toll.h"

/* So many requests, each reply as long as one in flight may be. */
static enum nm_code
cost_of(struct nm_purse *purse, int64_t count, struct nm_estimate_cost *cost,
        struct nm_err *err)
{
	int64_t stated = nm_toll_stated_tokens(purse->task);

	return nm_toll_directly(purse->task, count,
	                        nm_bound_flying(&purse->seen, count, stated),
	                        cost, err);
}

/* What one may have cost that nobody tells of; its price was known when it was sent. */
static int64_t
most_of_one(struct nm_purse *purse)
{
	struct nm_estimate_cost cost;
	struct nm_err none;

	return cost_of(purse, 1, &cost, &none) || cost.kind != NM_COST_KNOWN
		? 0 : cost.high_pusd;
}

/* Was it the model's, though it does not tell what it took? */
static int
is_mute(const struct nm_row *row)
{
	return !row->usage.present && !nm_class_is_instrument(row->class);
}

static void
pay(struct nm_purse *purse, const struct nm_row *row)
{
	const struct nm_task *task = purse->task;
	struct nm_text model = row->model.len
		? row->model : nm_text_of(task->run.record.model);
	struct nm_cost cost;

	if (nm_collect_is_simulated(model))
		return;
	if (is_mute(row))
		purse->taken_pusd = nm_price_add(purse->taken_pusd,
		                                 most_of_one(purse));
	if (!row->usage.present)
		return;
	cost = nm_price_cost(nm_prices_find(task->tools->prices, model),
	                     NM_PRICE_STANDARD, &row->usage);
	if (cost.kind == NM_COST_UNKNOWN)
		purse->unpriced = 1;
	else
		purse->taken_pusd = nm_price_add(purse->taken_pusd, cost.pusd);
}

/* One task's replies tell the next what to expect. */
static void
note_length(struct nm_purse *purse, const struct nm_row *row)
{
	if (row->usage.present) {
		nm_seen_add(&purse->seen, row->usage.output_tokens);
		nm_seen_add(&purse->task->tools->budget->seen,
		            row->usage.output_tokens);
	} else if (is_mute(row)) {
		purse->mute++;
	}
}

static void
hear(void *user, struct nm_text line)
{
	struct nm_purse *purse = user;
	struct nm_row row;

	nm_row_read(&purse->reader, line.at, line.len, &row);
	note_length(purse, &row);
	pay(purse, &row);
}

/* What nobody tells the cost of is in flight for as long as the call lives. */
static void
lose(void *user)
{
	struct nm_purse *purse = user;
	int64_t most_pusd = most_of_one(purse);

	nm_budget_hold(purse->task->tools->budget, most_pusd);
	purse->taken_pusd = nm_price_add(purse->taken_pusd, most_pusd);
}

/* Where a maximum is stated, and heeded, there is nothing to be learnt. What was refused
 * for the moment took nothing, and keeps no other from being sent. */
static int
is_too_early(const struct nm_purse *purse, int64_t flying)
{
	return flying > purse->seen.replies + purse->mute &&
	       !nm_bound_is_exact(&purse->seen,
	                          nm_toll_stated_tokens(purse->task));
}

static enum nm_code
may_send(void *user, int64_t flying, int64_t waiting, struct nm_err *err)
{
	struct nm_purse *purse = user;
	const struct nm_task *task = purse->task;
	struct nm_budget rest = { .max_pusd = task->tools->budget->max_pusd,
	                          .taken_pusd = purse->taken_pusd,
	                          .unpriced = purse->unpriced ||
	                                      task->tools->budget->unpriced };
	int64_t count = flying + waiting + 1;
	struct nm_estimate_cost cost;
	enum nm_code rc;

	if (is_too_early(purse, flying))
		return nm_fail(err, NM_UNFINISHED, 0,
		               "how long replies are is not known yet");
	rc = cost_of(purse, count, &cost, err);
	if (rc)
		return rc;
	rc = nm_budget_take(&rest, &cost, task->run.record.model, err);
	if (rc && nm_budget_is_short(&rest, &cost))
		nm_toll_explain(task, &purse->seen,
		                nm_bound_flying(&purse->seen, count,
		                                nm_toll_stated_tokens(task)),
		                err);
	purse->empty |= rc == NM_USAGE;
	return rc;
}

/* The call's replies may be this task's too, and are counted once. */
static struct nm_seen
seen_before(const struct nm_task *task)
{
	const struct nm_seen *own = &task->seen;
	const struct nm_seen *all = &task->tools->budget->seen;
	struct nm_seen seen = all->replies > own->replies ? *all : *own;

	seen.longest_tokens = all->longest_tokens > own->longest_tokens
		? all->longest_tokens : own->longest_tokens;
	return seen;
}

const struct nm_direct_purse *
nm_purse_open(struct nm_purse *purse, struct nm_task *task)
{
	*purse = (struct nm_purse){
		.form = { .heard = hear, .lost = lose, .may_send = may_send,
		          .user = purse },
		.task = task,
		.seen = seen_before(task),
		.taken_pusd = task->tools->budget->taken_pusd -
		              (task->taken_pusd - task->held_pusd),
	};
	return nm_stake_is_free(task) ? NULL : &purse->form;
}

void
nm_purse_release(struct nm_purse *purse)
{
	nm_row_reader_release(&purse->reader);
}
