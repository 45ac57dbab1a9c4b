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

/* The service's word, as long as it may be true: the run walks over so many. */
static int64_t
told_count(const struct nm_run *run, const struct nm_batch *batch)
{
	int64_t most = run->source->count;

	return batch->total > 0 && batch->total < most ? batch->total : most;
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

/* From the first that the canary left. Which questions a later attempt asked is not
 * known: none in particular. */
static void
place_shards(struct nm_shard_record *shards, size_t n_shards, int64_t canary,
             int64_t count)
{
	int64_t first = canary < count ? canary : 0;
	size_t i;

	qsort(shards, n_shards, sizeof(*shards), by_place);
	for (i = 0; i < n_shards; i++) {
		shards[i].first = shards[i].attempt == 1 ? first : count;
		first += shards[i].count;
	}
}

void
nm_adoption_place(const struct nm_run *run, const struct nm_batch *batches,
                  size_t n_batches, struct nm_shard_record *shards)
{
	size_t i;

	for (i = 0; i < n_batches; i++)
		adopt_shard(run, &shards[i], &batches[i]);
	place_shards(shards, n_batches, told(batches, "canary", 0),
	             run->source->count);
}
