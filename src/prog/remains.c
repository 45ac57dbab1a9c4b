/*
 * remains: see the header.
 */
#include "prog/remains.h"

static int
is_at_work(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return shard->state == NM_SHARD_CREATED &&
	       !nm_run_has_lost(run, shard);
}

void
nm_remains_add(struct nm_remains *remains, const struct nm_run *run)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		remains->created += shard->batch_id[0] != 0;
		remains->at_work += (size_t)is_at_work(run, shard);
		remains->doubtful += shard->state == NM_SHARD_CREATING;
		remains->waiting += shard->state < NM_SHARD_CREATED;
	}
}

int
nm_remains_at_work(const struct nm_run *run, const char *batch_id)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++)
		if (strcmp(run->shards[i].batch_id, batch_id) == 0)
			return is_at_work(run, &run->shards[i]);
	return 0;
}
