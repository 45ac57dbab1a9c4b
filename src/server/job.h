/*
 * job: one batch that is not final, taken through its states a step at a time, so
 * that many go on side by side. What a step did is in the store and on the shelf
 * before the next; a job may be dropped after any step and opened again, by
 * another process too.
 * Knows states, times and books; pass does the rows, trial the validation.
 *
 * Calling sequence: open, step until NM_JOB_ENDED, close.
 */
#ifndef NM_SERVER_JOB_H
#define NM_SERVER_JOB_H

#include "server/call.h"
#include "server/params.h"
#include "server/rows.h"
#include "server/script.h"
#include "server/shelf.h"
#include "server/trial.h"

/* What one worker works with, lent to each job in turn. Zeroed but for parts. */
struct nm_desk {
	const struct nm_parts *parts;
	struct nm_rows         rows;
	struct nm_shelf        shelf;
	struct nm_ask          ask;
	struct nm_verdict      verdict;
	struct nm_buf          scratch, line;
	unsigned               n_reading; /* jobs that read their input to check it */
};

void nm_desk_release(struct nm_desk *desk);

struct nm_map;
struct nm_relay;

struct nm_job {
	struct nm_job         *next;
	const char            *id;       /* lives like the job */
	struct nm_stored_batch batch;    /* its texts too; state and books as the
	                                    store has them, or further */
	struct nm_arena        arena;
	uint64_t               number;   /* of the batch, for scripts */
	uint64_t               salt;
	struct nm_trial        trial;    /* while validating */
	struct nm_relay       *relay;    /* while rows are at an upstream */
	const struct nm_map   *answered; /* the ids that a pass leaves out; the relay's,
	                                    NULL = none */
	bool                   rows_done; /* each row has its line */
	struct nm_batch_books  kept;     /* as the store has them */
	int64_t                kept_ms;  /* real: when they were kept last */
	enum nm_batch_state    told;     /* what the store last said of it; only a
	                                    cancel is news */
	int64_t                retry_ms;  /* real: no step before; 0 = at once */
};

enum nm_job_did {
	NM_JOB_WORKED, /* more can be done at once */
	NM_JOB_WAITS,  /* until *due_ms, virtual, or a change from outside */
	NM_JOB_ENDED
};

/* NM_ABSENT when there is no such batch. */
enum nm_code nm_job_open(struct nm_desk *desk, const char *id,
                         struct nm_job **job, struct nm_err *err) NM_MUST_USE;

/*
 * A slice of work, some 10 ms. keep: the books go to the store first, now rather
 * than after a while. On error nothing is lost, and the step may be tried again.
 */
enum nm_job_keep { NM_JOB_KEEP_SOMETIMES, NM_JOB_KEEP_NOW };
enum nm_code nm_job_step(struct nm_job *job, struct nm_desk *desk,
                         enum nm_job_keep keep, enum nm_job_did *did,
                         int64_t *due_ms, struct nm_err *err) NM_MUST_USE;

/* Writes answers that came, calls back what is under way. NULL is fine. */
void nm_job_close(struct nm_job *job, struct nm_desk *desk);

#endif
