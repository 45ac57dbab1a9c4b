/*
 * batch_run: see the header.
 */
#include "run/batch_run.h"

enum nm_code
nm_batch_run_find(struct nm_journal *journal, const char *batch_id,
                  struct nm_arena *arena, struct nm_batch_run *out,
                  struct nm_err *err)
{
	struct nm_batch_run found = {0};
	struct nm_shard_record *shards;
	enum nm_code rc;
	size_t i;

	rc = nm_runs_of_batch(journal, batch_id, arena, &found.record, err);
	if (!rc)
		rc = nm_shards_list(journal, found.record.id, arena, &shards,
		                    &found.n_shards, err);
	if (rc)
		return rc;
	for (i = 0; i < found.n_shards; i++)
		if (strcmp(shards[i].batch_id, batch_id) == 0)
			found.place = i;
	found.shards = shards;
	*out = found;
	return NM_OK;
}

const char *
nm_run_state_word(enum nm_run_state state)
{
	switch (state) {
	case NM_RUN_OPEN:
		return "open";
	case NM_RUN_DONE:
		return "done";
	case NM_RUN_PARTIAL:
		return "partial";
	case NM_RUN_LEFT:
		break;
	}
	return "left";
}
