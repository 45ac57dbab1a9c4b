/*
 * via_batch: drives a run's shards, each by the step that its state asks for.
 * What to do next is read from the shards alone, so any process can go on.
 */
#ifndef NM_RUN_VIA_BATCH_H
#define NM_RUN_VIA_BATCH_H

#include "run/run.h"

/* Who pays for batches, where money is short: asked before anything of a shard is
 * sent. run.purse; NULL = nobody asks. */
struct nm_batch_purse {
	/* NM_OK; NM_USAGE when that is too much; else why nothing can be told. */
	enum nm_code (*may_send)(void *user, struct nm_err *err);
	void *user;
};

/*
 * Submits all shards for which there is room, and returns when each of them has
 * its batch. Shards that must wait for others are left (nm_via_batch_waiting).
 */
enum nm_code nm_via_batch_submit(struct nm_run *run, struct nm_err *err)
	NM_MUST_USE;

/* Shards that have no batch yet. */
size_t nm_via_batch_waiting(const struct nm_run *run);

/*
 * Goes on until every shard has ended and its files are on this machine:
 * submits as room appears, polls with a pause that grows from a quarter of a
 * second to the settings' interval, downloads. When the settings' deadline nears,
 * unfinished batches are cancelled, and so are those that are stuck.
 * NM_ABSENT when batches are gone (run.gone tells of the first): all others are done.
 * When the purse says that it is too much, no more are sent, and those that were are
 * all that is waited for: run.unpaid tells.
 * NM_INTERRUPTED by the clock's stop flag: all that was done is kept.
 */
enum nm_code nm_via_batch_finish(struct nm_run *run, struct nm_err *err)
	NM_MUST_USE;

#endif
