/*
 * step: what a batch does next in the state that it is in. What a step did is in the
 * store and on the shelf before the next; a job may be dropped after any step and
 * opened again, by another process too.
 * Knows states; pass and relay do the rows, trial the validation, ending the end.
 *
 * Calling sequence: nm_job_open, take until NM_STEP_ENDED, leave.
 */
#ifndef NM_SERVER_STEP_H
#define NM_SERVER_STEP_H

#include "server/job.h"

/*
 * A slice of work, some 10 ms. keep: the books go to the store first, now rather
 * than after a while. On error nothing is lost, and the step may be taken again.
 */
enum nm_step_keep { NM_STEP_KEEP_SOMETIMES, NM_STEP_KEEP_NOW };
enum nm_code nm_step_take(struct nm_job *job, struct nm_desk *desk,
                          enum nm_step_keep keep, enum nm_step_did *did,
                          int64_t *due_ms, struct nm_err *err) NM_MUST_USE;

/* Writes answers that came, calls back what is under way, frees the job. NULL is
 * fine. */
void nm_step_leave(struct nm_job *job, struct nm_desk *desk);

#endif
