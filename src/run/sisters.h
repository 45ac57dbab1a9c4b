/*
 * sisters: the batches of one run, as the service's lists show them: for machines
 * whose journal does not know the run. Knows metadata, not what was asked.
 */
#ifndef NM_RUN_SISTERS_H
#define NM_RUN_SISTERS_H

#include "remote/batches.h"

/* Of one run, in the arena of the call: earlier attempts first, then by shard. */
struct nm_sisters {
	struct nm_batch *batches;
	size_t           n; /* 1 where there are none */
};

/*
 * The batch and all that have the same run in their metadata. Where the service lets
 * its lists not be seen (NM_ABSENT, NM_REFUSED) the batch is there alone. Codes as
 * nm_batches_list.
 */
enum nm_code nm_sisters_find(struct nm_api *api, const struct nm_batch *batch,
                             struct nm_arena *arena,
                             struct nm_sisters *sisters, struct nm_err *err)
	NM_MUST_USE;

/* As the metadata tell it; 1 where they do not. */
int64_t nm_sisters_attempt(const struct nm_batch *batch);

#endif
