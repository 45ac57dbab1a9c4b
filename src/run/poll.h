/*
 * poll: looks at a shard's batch, and takes note when it ended.
 * Must not know what is in its files.
 */
#ifndef NM_RUN_POLL_H
#define NM_RUN_POLL_H

#include "run/run.h"

/*
 * One look. Brings a shard from CREATED to ENDED when its batch is final; back to
 * UPLOADED when it failed for want of room alone, or because its input file is not seen
 * yet; to PLANNED, once, when that is gone. Looks that fail for the moment
 * (5xx, cut connections, a batch that is not known yet) are borne, as setback.h has it.
 * One that is not known for all of the patience is gone: run.gone tells of the first.
 */
enum nm_code nm_poll_step(struct nm_run *run, struct nm_shard_record *shard,
                          struct nm_err *err) NM_MUST_USE;

#endif
