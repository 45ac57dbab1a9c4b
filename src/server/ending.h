/*
 * ending: how a batch ends with results: what is on its shelf is made whole, published
 * as files, and the store told, in this order.
 * Knows shelves and books; must not know when a batch ends, or why.
 */
#ifndef NM_SERVER_ENDING_H
#define NM_SERVER_ENDING_H

#include "server/job.h"

/* What lies past the books is cut, so that the files are what the books say; and
 * they last before the store says that they are whole. */
enum nm_code nm_ending_settle(struct nm_job *job, struct nm_desk *desk,
                              struct nm_err *err) NM_MUST_USE;

/* Settles, and ends in `to`. Where the batch was cancelled meanwhile it is that, and
 * not at its end. */
enum nm_code nm_ending_reach(struct nm_job *job, struct nm_desk *desk,
                             const struct nm_batch_fault *fault,
                             enum nm_batch_state to, struct nm_err *err)
	NM_MUST_USE;

#endif
