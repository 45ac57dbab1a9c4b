/*
 * fetch: a shard's result files brought to this machine, whole.
 * Must not know what is in them.
 */
#ifndef NM_RUN_FETCH_H
#define NM_RUN_FETCH_H

#include "run/run.h"

/*
 * Brings a shard from ENDED to COLLECTED: downloads the files it names ("" = there
 * is none). One that the service has no longer is noted and left out: its rows
 * count as missing; but NM_INPUT where it was on this machine before. Where the
 * service is away or fails the shard stays ENDED, which is borne as setback.h has it.
 */
enum nm_code nm_fetch_step(struct nm_run *run, struct nm_shard_record *shard,
                           struct nm_err *err) NM_MUST_USE;

/* Shards whose downloads somebody has removed are ENDED again, in memory alone: the
 * service may still have the files. */
void nm_fetch_miss(struct nm_run *run);

#endif
