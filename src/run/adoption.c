/*
 * adoption: see the header.
 */
#include "run/adoption.h"

#include <stdlib.h>

/* Our own batches tell their place in the run; others have none. */
static int64_t
told(const struct nm_batch *batch, const char *pair_name, int64_t otherwise)
{
	int64_t value = strtoll(nm_batch_metadata(batch, pair_name), NULL, 10);

	return value > 0 && value < INT32_MAX ? value : otherwise;
}

static int64_t
told_attempt(const struct nm_run *run, const struct nm_batch *batch)
{
	int64_t attempt = told(batch, "attempt", 1);

	if (attempt <= NM_RUN_ATTEMPTS_MAX)
		return attempt;
	nm_run_warn(run, "the metadata of %s name attempt %lld, and no run has"
	            " more than %d: taken as that", batch->id,
	            (long long)attempt, NM_RUN_ATTEMPTS_MAX);
	return NM_RUN_ATTEMPTS_MAX;
}

/* The service's word, as long as it may be true: the run walks over so many. 0 where
 * there is none (yet). */
static int64_t
told_count(const struct nm_run *run, const struct nm_batch *batch)
{
	int64_t most = run->source->count;

	if (batch->total <= 0)
		return 0;
	return batch->total < most ? batch->total : most;
}

static int
has_place_of(const struct nm_batch *batch, const struct nm_batch *other)
{
	return told(batch, "shard", 0) > 0 &&
	       told(batch, "shard", 0) == told(other, "shard", 0) &&
	       told(batch, "attempt", 1) == told(other, "attempt", 1);
}

/* Was the same sent again? So it was where there was no room for it at first. */
static int
is_replaced(const struct nm_batch *batches, size_t n_batches, size_t which)
{
	const struct nm_batch *batch = &batches[which];
	size_t i;

	if (batch->status != NM_BATCH_FAILED)
		return 0;
	for (i = 0; i < n_batches; i++)
		if (i != which && has_place_of(batch, &batches[i]) &&
		    (batches[i].status != NM_BATCH_FAILED ||
		     batches[i].created_s > batch->created_s))
			return 1;
	return 0;
}

static void
adopt_shard(const struct nm_run *run, struct nm_shard_record *shard,
            const struct nm_batch *batch)
{
	*shard = (struct nm_shard_record){
		.number = told(batch, "shard", 1),
		.attempt = told_attempt(run, batch),
		.count = told_count(run, batch),
		.state = NM_SHARD_CREATED,
		.batch_id = batch->id,
		.input_file_id = batch->input_file_id,
		.created = batch->created_s,
		.status = batch->status_text,
	};
}

static int
by_place(const void *a, const void *b)
{
	const struct nm_shard_record *x = a, *y = b;

	if (x->attempt != y->attempt)
		return x->attempt < y->attempt ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Those that tell no number have what the others leave, in equal parts. */
static void
share_rest(struct nm_shard_record *shards, size_t n_shards, int64_t rest)
{
	int64_t n = 0, k = 0;
	size_t i;

	for (i = 0; i < n_shards; i++) {
		if (shards[i].attempt != 1)
			continue;
		rest -= shards[i].count;
		n += !shards[i].count;
	}
	for (i = 0; i < n_shards && rest > 0; i++) {
		if (shards[i].attempt != 1 || shards[i].count)
			continue;
		shards[i].count = rest * (k + 1) / n - rest * k / n;
		k++;
	}
}

/* From the first that the canary left. Which questions a later attempt asked is not
 * known: none in particular. */
static void
place_shards(struct nm_shard_record *shards, size_t n_shards, int64_t canary,
             int64_t count)
{
	int64_t first = canary < count ? canary : 0;
	size_t i;

	qsort(shards, n_shards, sizeof(*shards), by_place);
	share_rest(shards, n_shards, count - first);
	for (i = 0; i < n_shards; i++) {
		shards[i].first = shards[i].attempt == 1 ? first : count;
		first += shards[i].count;
	}
}

size_t
nm_adoption_place(const struct nm_run *run, const struct nm_batch *batches,
                  size_t n_batches, struct nm_shard_record *shards)
{
	size_t i, n = 0;

	for (i = 0; i < n_batches; i++)
		if (!i || !is_replaced(batches, n_batches, i))
			adopt_shard(run, &shards[n++], &batches[i]);
	place_shards(shards, n, told(batches, "canary", 0),
	             run->source->count);
	return n;
}

int64_t
nm_adoption_age_ms(const struct nm_run *run, const struct nm_batch *batches,
                   size_t n_batches)
{
	int64_t now_s = run->api->date_ms / 1000, first_s = now_s;
	size_t i;

	for (i = 0; i < n_batches; i++)
		if (batches[i].created_s > 0 && batches[i].created_s < first_s)
			first_s = batches[i].created_s;
	return (now_s - first_s) * 1000;
}
