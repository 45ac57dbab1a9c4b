/*
 * adoption: batches that the journal does not know, as shards of a run: where each
 * stands in it, by what its metadata tell. Looks at batches alone; records nothing.
 */
#ifndef NM_RUN_ADOPTION_H
#define NM_RUN_ADOPTION_H

#include "run/run.h"

/*
 * Writes a shard for each batch to `shards` (n_batches of them, at least 1), by attempt
 * and number; other texts than the batches' own are left NULL. The first attempt's
 * follow each other from the first request that the canary left; which requests a
 * later one asked is not known: none in particular. Batches without our metadata are
 * the first shard of the first attempt. An attempt beyond NM_RUN_ATTEMPTS_MAX is told
 * to the run's watch. Texts are lent from the batches.
 */
void nm_adoption_place(const struct nm_run *run, const struct nm_batch *batches,
                       size_t n_batches, struct nm_shard_record *shards);

#endif
