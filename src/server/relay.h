/*
 * relay: a batch's rows at an upstream: some are always under way, and each
 * answer is on the shelf soon after it came. What lies on the shelf is what was
 * answered: a relay that is opened again reads it, and asks only for the rest.
 * Knows rows and answers; must not know a batch's states.
 *
 * Calling sequence: open, step until job->rows_done, or stop; close.
 */
#ifndef NM_SERVER_RELAY_H
#define NM_SERVER_RELAY_H

#include "server/job.h"

struct nm_relay;

/* Reads the shelf, cuts an unended last line, and sets the job's books by what it
 * found, and job->answered: the rows that have a line. Without an upstream it can
 * only be stopped. */
enum nm_code nm_relay_open(struct nm_job *job, struct nm_desk *desk,
                           struct nm_err *err) NM_MUST_USE;

/* Takes in what came, sends what there is room for. */
enum nm_code nm_relay_step(struct nm_job *job, struct nm_desk *desk,
                           const struct nm_script *script,
                           enum nm_step_did *did, struct nm_err *err)
	NM_MUST_USE;

/* Calls back what is under way, keeps what came. The books then stand at the
 * input's start, for a pass over the rows without an answer. May be repeated. */
enum nm_code nm_relay_stop(struct nm_job *job, struct nm_desk *desk,
                           struct nm_err *err) NM_MUST_USE;

/* Also calls back what is under way. Sets job->relay and job->answered to NULL. */
void nm_relay_close(struct nm_job *job);

#endif
