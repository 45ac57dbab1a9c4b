/*
 * creation: a shard's batch, created exactly once. Must not know what the batch asks.
 */
#ifndef NM_RUN_CREATION_H
#define NM_RUN_CREATION_H

#include "run/run.h"

/*
 * Brings a shard from UPLOADED to CREATED: the intent first, then one POST. One that is
 * CREATING may have its batch already: its tag is looked for, and it is CREATED, or
 * UPLOADED where there is none (which the journal need not know).
 * NM_OK       CREATED, or UPLOADED after a look
 * NM_AMBIGUOUS  the reply was lost: the next call looks
 * NM_UNREACHABLE  not sent, or refused for the moment (also for want of room, by a
 *             conflict, or since the service does not see the input file yet): the next
 *             call looks, when nm_look_wait_ms is over
 * else        as remote/api.h has it; the shard stays where it can be taken up
 */
enum nm_code nm_creation_step(struct nm_run *run,
                              struct nm_shard_record *shard,
                              struct nm_err *err) NM_MUST_USE;

#endif
