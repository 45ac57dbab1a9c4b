/*
 * creation: a shard's batch, created exactly once. Must not know what the batch asks.
 */
#ifndef NM_RUN_CREATION_H
#define NM_RUN_CREATION_H

#include "run/run.h"

/*
 * Brings a shard from UPLOADED or CREATING to CREATED: the intent first, then one
 * POST. Where one may have taken effect already, its tag is looked for first.
 * NM_OK       CREATED
 * NM_AMBIGUOUS  the reply was lost: the next call looks
 * NM_UNREACHABLE  refused for the moment (also an input file that the service does
 *             not see yet); nothing was created; try later
 * else        as remote/api.h has it; the shard stays where it can be taken up
 */
enum nm_code nm_creation_step(struct nm_run *run,
                              struct nm_shard_record *shard,
                              struct nm_err *err) NM_MUST_USE;

#endif
