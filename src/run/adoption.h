/*
 * adoption: batches that the journal does not know, as shards of a run: where each
 * stands in it, by what its metadata tell. Looks at batches alone; records nothing.
 */
#ifndef NM_RUN_ADOPTION_H
#define NM_RUN_ADOPTION_H

#include "run/run.h"

/*
 * Writes a shard for each batch to `shards` (room for n_batches, at least 1), by attempt
 * and number, and returns how many: one that failed and was sent again is passed over,
 * but not the first of the list. Other texts than the batches' own are left NULL. The
 * first attempt's follow each other from the first request that the canary left, those
 * that tell no number sharing what the others leave; which requests a later one asked
 * is not known: none in particular. Batches without our metadata are
 * the first shard of the first attempt. An attempt beyond NM_RUN_ATTEMPTS_MAX is told
 * to the run's watch. Texts are lent from the batches.
 */
size_t nm_adoption_place(const struct nm_run *run,
                         const struct nm_batch *batches, size_t n_batches,
                         struct nm_shard_record *shards);

/* How long ago the first of the batches was created, by the service's clock, of whose
 * calls one came before; 0 where either is untold. */
int64_t nm_adoption_age_ms(const struct nm_run *run,
                           const struct nm_batch *batches, size_t n_batches);

#endif
