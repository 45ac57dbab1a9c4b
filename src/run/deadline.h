/*
 * deadline: batches that are brought to an end since they do not come to it in time:
 * the settings' deadline is near, or they are stuck.
 * Knows times and counts of batches; must not know rows.
 */
#ifndef NM_RUN_DEADLINE_H
#define NM_RUN_DEADLINE_H

#include "run/run.h"

/*
 * Cancels what has to end. When the deadline nears, what was not submitted is left.
 * A batch is stuck when its window is over and nothing of it has moved for the
 * settings' outage; one of another's is let be. One that was cancelled and has not
 * moved for an hour is given up, as one that brought nothing.
 */
enum nm_code nm_deadline_heed(struct nm_run *run, struct nm_err *err)
	NM_MUST_USE;

/* Was its batch ended here? What it did not finish is asked again, unlike what a
 * person cancelled. */
int nm_deadline_ended(const struct nm_shard_record *shard);

/* Was it given up before its end was seen? What it did is not known, nor its cost. */
int nm_deadline_gave_up(const struct nm_shard_record *shard);

#endif
