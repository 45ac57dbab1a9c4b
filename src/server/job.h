/*
 * job: one batch that is not final, in the worker's hand, and what the store has of it:
 * many go on side by side. The worker's changes of a batch go through here.
 * Knows states, times and books; step says which comes when.
 *
 * Calling sequence: open; keep, move; end_trial when the check is done with; free.
 */
#ifndef NM_SERVER_JOB_H
#define NM_SERVER_JOB_H

#include "server/desk.h"
#include "server/script.h"
#include "server/trial.h"

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
	struct nm_relay       *relay;    /* while rows are at an upstream; relay's */
	const struct nm_map   *answered; /* the ids that a pass leaves out; the relay's,
	                                    NULL = none */
	bool                   rows_done; /* each row has its line */
	struct nm_batch_books  kept;     /* as the store has them */
	int64_t                kept_ms;  /* real: when they were kept last */
	enum nm_batch_state    told;     /* what the store last said of it; only a
	                                    cancel is news */
	bool                   undated;  /* cancelled before it was opened: its due
	                                    time is that of the state before */
	int64_t                retry_ms;  /* real: no step before; 0 = at once */
};

/* What a step, or the rows' share of it, came to. */
enum nm_step_did {
	NM_STEP_WORKED, /* more can be done at once */
	NM_STEP_WAITS,  /* until *due_ms, virtual, or a change from outside */
	NM_STEP_ENDED
};

/* NM_ABSENT when there is no such batch. */
enum nm_code nm_job_open(struct nm_desk *desk, const char *id,
                         struct nm_job **job, struct nm_err *err) NM_MUST_USE;

/* Its relay is closed before. */
void nm_job_free(struct nm_job *job, struct nm_desk *desk);

/* Frees what the check held, and its place among those that read. May be repeated. */
void nm_job_end_trial(struct nm_job *job, struct nm_desk *desk);

/* The state is `now`, perhaps another than we left it: it was cancelled, or has
 * ended. */
void nm_job_notice(struct nm_job *job, struct nm_desk *desk,
                   const struct nm_batch_fault *fault,
                   enum nm_batch_state now);

/* Keeps the books, and notices whether the batch was cancelled meanwhile. */
enum nm_code nm_job_keep(struct nm_job *job, struct nm_desk *desk,
                         const struct nm_batch_fault *fault,
                         struct nm_err *err) NM_MUST_USE;

/* Moves on, with books, and with the trial's model and, to failed, errors. Where the
 * batch was cancelled meanwhile it is that instead. */
enum nm_code nm_job_move(struct nm_job *job, struct nm_desk *desk,
                         const struct nm_batch_fault *fault,
                         enum nm_batch_state to, struct nm_err *err)
	NM_MUST_USE;

#endif
