/*
 * look: patience for something that may have been done though no reply told so.
 * Must not know what it is.
 */
#ifndef NM_RUN_LOOK_H
#define NM_RUN_LOOK_H

#include "run/run.h"

/*
 * Calls once() every second until it finds, or until the settings' patience is
 * over: lists may show late what was done. The patience always counts from now on
 * the steady clock, since the wall clock may have jumped.
 */
enum nm_code nm_look(
	struct nm_run *run, struct nm_shard_record *shard,
	enum nm_code (*once)(struct nm_run *run,
                             struct nm_shard_record *shard, int *found,
                             struct nm_err *err),
	int *found, struct nm_err *err) NM_MUST_USE;

#endif
