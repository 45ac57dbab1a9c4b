/*
 * batch_sight: one look at a batch, as a person expects it to turn out: an id that
 * is known elsewhere is told so, and the server inside this process is given the
 * time to do what a service in the background would have done long ago. What was seen
 * is kept for --runs.
 */
#ifndef NM_PROG_BATCH_SIGHT_H
#define NM_PROG_BATCH_SIGHT_H

#include "prog/manager.h"

/* As nm_batches_get; of an unknown id that the journal has of another service the
 * text says which. */
enum nm_code nm_batch_sight(struct nm_manager *manager, const char *id,
                            struct nm_arena *arena, struct nm_batch *out,
                            struct nm_err *err) NM_MUST_USE;

/*
 * With --local: whether a batch of that age and status is behind, since no process
 * was there to work on it. False for another service.
 */
bool nm_batch_is_behind(const struct nm_manager *manager,
                        const struct nm_batch *batch);

/*
 * Keeps the status of a batch of this machine's in the journal, where it is news there
 * and the batch has not ended there. Whoever drives its run meanwhile is not disturbed,
 * and overwrites it. A courtesy: where it cannot be kept, nothing is said.
 */
void nm_batch_sight_keep(struct nm_manager *manager,
                         const struct nm_batch *batch);

/* Adds to err's NM_ABSENT where the journal knows the id of another service. */
enum nm_code nm_batch_sight_explain(struct nm_manager *manager,
                                    const char *id, enum nm_code rc,
                                    struct nm_err *err);

enum { NM_BATCH_SIGHT_PAUSE_MS = 50, NM_BATCH_SIGHT_PATIENCE_MS = 2000 };

#endif
