/*
 * spending: see the header.
 */
#include "task/spending.h"

static struct nm_cost
cost_of(const struct nm_spending *spending, const struct nm_heard *reply)
{
	struct nm_text model = reply->model.len
		? reply->model : nm_text_of(spending->model);

	if (!reply->usage.present)
		return (struct nm_cost){ NM_COST_NONE, 0 };
	if (spending->collect->model == NM_COLLECT_SIMULATED)
		return (struct nm_cost){ NM_COST_KNOWN, 0 };
	return nm_price_cost(nm_prices_find(spending->prices, model),
	                     reply->way == NM_WAY_BATCH ? NM_PRICE_BATCH
	                                                : NM_PRICE_STANDARD,
	                     &reply->usage);
}

struct nm_cost
nm_spending_of(const struct nm_spending *spending, const struct nm_row *row,
               enum nm_way way)
{
	return cost_of(spending, &(struct nm_heard){
		.model = row->model, .usage = row->usage, .way = way,
	});
}

static void
add(struct nm_spending *spending, struct nm_cost cost)
{
	if (cost.kind == NM_COST_KNOWN)
		spending->cost_pusd = nm_price_add(spending->cost_pusd,
		                                   cost.pusd);
	else if (cost.kind == NM_COST_UNKNOWN)
		spending->unpriced++;
}

static void
hear(void *user, const struct nm_heard *reply)
{
	struct nm_spending *spending = user;

	if (!reply->usage.present) {
		spending->mute[reply->way] += reply->replied;
		return;
	}
	nm_price_add_usage(&spending->usage, &reply->usage);
	nm_seen_add(&spending->seen, reply->usage.output_tokens);
	spending->replies++;
	if (reply->way == NM_WAY_BATCH)
		nm_price_add_usage(&spending->batch_rows, &reply->usage);
	add(spending, cost_of(spending, reply));
}

void
nm_spending_attach(struct nm_spending *spending,
                   const struct nm_prices *prices, const struct nm_run *run,
                   struct nm_collect *collect)
{
	*spending = (struct nm_spending){
		.prices = prices,
		.collect = collect,
		.model = run->record.model,
	};
	collect->heard = hear;
	collect->heard_user = spending;
}

/* A sum of what some do not tell is told by none. */
static void
add_told(int64_t *sum, int64_t tokens)
{
	if (*sum < 0 || tokens < 0)
		*sum = -1;
	else if (__builtin_add_overflow(*sum, tokens, sum))
		*sum = INT64_MAX;
}

/* Of the batches that ran. Parts of what is not told are not told either. */
static void
add_up_batches(struct nm_spending *spending, const struct nm_run *run)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		if (!shard->batch_id[0] || !strcmp(shard->status, "failed"))
			continue;
		add_told(&spending->told_input_tokens, shard->input_tokens);
		add_told(&spending->told_cached_tokens, shard->cached_tokens);
		add_told(&spending->told_output_tokens, shard->output_tokens);
		add_told(&spending->told_reasoning_tokens,
		         shard->reasoning_tokens);
	}
	if (spending->told_input_tokens >= 0 &&
	    spending->told_output_tokens >= 0)
		return;
	spending->told_input_tokens = -1;
	spending->told_cached_tokens = -1;
	spending->told_output_tokens = -1;
	spending->told_reasoning_tokens = -1;
}

static int64_t
beyond(int64_t told, int64_t heard)
{
	return told > heard ? told - heard : 0;
}

/* A sum over many replies: none of them need have had a long context. */
static struct nm_cost
price_of_sum(const struct nm_spending *spending, const struct nm_usage *sum)
{
	const struct nm_price *price = nm_prices_find(spending->prices,
		nm_text_of(spending->model));
	struct nm_price plain;

	if (spending->collect->model == NM_COLLECT_SIMULATED)
		return (struct nm_cost){ NM_COST_KNOWN, 0 };
	if (!price)
		return (struct nm_cost){ NM_COST_UNKNOWN, 0 };
	plain = *price;
	plain.long_over_tokens = INT64_MAX;
	return nm_price_cost(&plain, NM_PRICE_BATCH, sum);
}

void
nm_spending_close(struct nm_spending *spending, const struct nm_run *run)
{
	struct nm_usage lost = { .present = true };

	add_up_batches(spending, run);
	if (spending->told_output_tokens > 0)
		spending->mute[NM_WAY_BATCH] = 0;
	if (spending->collect->model == NM_COLLECT_SIMULATED)
		spending->mute[NM_WAY_BATCH] = spending->mute[NM_WAY_DIRECT] = 0;
	lost.input_tokens = beyond(spending->told_input_tokens,
	                           spending->batch_rows.input_tokens);
	lost.cached_tokens = beyond(spending->told_cached_tokens,
	                            spending->batch_rows.cached_tokens);
	lost.output_tokens = beyond(spending->told_output_tokens,
	                            spending->batch_rows.output_tokens);
	if (lost.input_tokens || lost.output_tokens)
		add(spending, price_of_sum(spending, &lost));
}

struct nm_cost
nm_spending_cost(const struct nm_spending *spending)
{
	if (spending->unpriced)
		return (struct nm_cost){ NM_COST_UNKNOWN, 0 };
	if (!spending->replies && !spending->cost_pusd)
		return (struct nm_cost){ NM_COST_NONE, 0 };
	return (struct nm_cost){ NM_COST_KNOWN, spending->cost_pusd };
}
