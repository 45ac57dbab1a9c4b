/*
 * purse: see the header.
 */
#include "task/purse.h"

#include "task/stake.h"

static void
pay(struct nm_purse *purse, const struct nm_row *row)
{
	const struct nm_task *task = purse->task;
	struct nm_text model = row->model.len
		? row->model : nm_text_of(task->run.record.model);
	struct nm_cost cost;

	if (!row->usage.present || nm_collect_is_simulated(model))
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
note_length(struct nm_budget *budget, int64_t tokens)
{
	if (tokens > budget->longest_tokens)
		budget->longest_tokens = tokens;
}

static void
hear(void *user, struct nm_text line)
{
	struct nm_purse *purse = user;
	struct nm_row row;

	nm_row_read(&purse->reader, line.at, line.len, &row);
	note_length(purse->task->tools->budget, row.usage.output_tokens);
	pay(purse, &row);
}

static enum nm_code
may_send(void *user, int64_t flying, struct nm_err *err)
{
	struct nm_purse *purse = user;
	const struct nm_budget *budget = purse->task->tools->budget;
	struct nm_budget rest = { .max_pusd = budget->max_pusd,
	                          .taken_pusd = purse->taken_pusd,
	                          .unpriced = purse->unpriced };
	struct nm_estimate_cost cost;
	enum nm_code rc;

	rc = nm_stake_directly(purse->task, flying + 1, budget->longest_tokens,
	                       &cost, err);
	if (rc)
		return rc;
	rc = nm_budget_take(&rest, &cost, purse->task->run.record.model, err);
	purse->empty |= rc == NM_USAGE;
	return rc;
}

const struct nm_direct_purse *
nm_purse_open(struct nm_purse *purse, struct nm_task *task)
{
	struct nm_budget *budget = task->tools->budget;

	note_length(budget, task->longest_tokens);
	*purse = (struct nm_purse){
		.form = { .heard = hear, .may_send = may_send, .user = purse },
		.task = task,
		.taken_pusd = budget->taken_pusd -
		              (task->taken_pusd - task->held_pusd),
	};
	return nm_stake_is_free(task) ? NULL : &purse->form;
}

void
nm_purse_release(struct nm_purse *purse)
{
	nm_row_reader_release(&purse->reader);
}
