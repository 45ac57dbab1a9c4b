/*
 * batch_run: what this machine's journal knows of a batch: its run and sisters.
 * Reads the journal alone; knows no service.
 */
#ifndef NM_RUN_BATCH_RUN_H
#define NM_RUN_BATCH_RUN_H

#include "state/runs.h"
#include "state/shards.h"

/* In the arena of the call. Invariant: shards[place] is the batch's own. */
struct nm_batch_run {
	struct nm_run_record          record;
	const struct nm_shard_record *shards; /* by number */
	size_t                        n_shards;
	size_t                        place;
};

/* NM_ABSENT where no run has that batch. */
enum nm_code nm_batch_run_find(struct nm_journal *journal,
                               const char *batch_id, struct nm_arena *arena,
                               struct nm_batch_run *out, struct nm_err *err)
	NM_MUST_USE;

/* "open", "done", "left", "partial". */
const char *nm_run_state_word(enum nm_run_state state);

#endif
