/*
 * survey: what of a run is at the service already, though the journal knows it not: it
 * may be older than what was sent, by a damaged end or as a backup that was restored.
 */
#ifndef NM_RUN_SURVEY_H
#define NM_RUN_SURVEY_H

#include "run/run.h"

/*
 * Before a run that was taken up sends anything, and again when it has more shards: looks
 * once, without patience, for what is not submitted, and takes what is found. A run that
 * is new, or has nothing to send, is let be. *again: nothing has answered yet, and
 * run.submitting says when to call this anew. Lists that fail, or are none, stop nothing.
 * NM_STATE where the service has a batch of the run that the journal has lost.
 */
enum nm_code nm_survey(struct nm_run *run, int *again, struct nm_err *err)
	NM_MUST_USE;

/* A batch that a person named: the shard's that has its tag, if that is not submitted. So
 * it is known also where lists fail. Codes of the journal. */
enum nm_code nm_survey_take(struct nm_run *run, const struct nm_batch *batch,
                            struct nm_err *err) NM_MUST_USE;

#endif
