#include "server/job.h"

#include "base/clock.h"
#include "base/map.h"
#include "server/timetable.h"

enum nm_code
nm_job_open(struct nm_desk *desk, const char *id, struct nm_job **job,
            struct nm_err *err)
{
	struct nm_job *new = calloc(1, sizeof(*new));
	enum nm_code rc;

	if (!new)
		abort();
	rc = nm_store_batch_get(desk->parts->store, NULL, id, &new->arena,
	                        &new->batch, err);
	if (rc) {
		nm_job_free(new, desk);
		return rc;
	}
	new->id = new->batch.id;
	new->kept = new->batch.books;
	new->told = new->batch.state;
	new->undated = new->told == NM_BATCH_CANCELLING;
	new->salt = nm_hash(1, id, strlen(id));
	(void)nm_faults_batch_number(desk->parts->faults, id);
	*job = new;
	return NM_OK;
}

void
nm_job_end_trial(struct nm_job *job, struct nm_desk *desk)
{
	desk->n_reading -= job->trial.stage == NM_TRIAL_READING;
	nm_trial_release(&job->trial);
}

void
nm_job_free(struct nm_job *job, struct nm_desk *desk)
{
	nm_job_end_trial(job, desk);
	nm_arena_release(&job->arena);
	free(job);
}

static void
turn(struct nm_job *job, struct nm_desk *desk,
     const struct nm_batch_fault *fault, enum nm_batch_state state,
     int64_t entered_s)
{
	job->batch.state = state;
	job->undated = false;
	job->batch.at_s[state] = entered_s;
	job->batch.books.due_ms =
		nm_timetable_leave_ms(desk->parts, fault, state, entered_s);
}

/* When it was cancelled, or ended, by the store; now, where that cannot be read. */
static int64_t
entered_s(const struct nm_job *job, const struct nm_desk *desk,
          enum nm_batch_state state)
{
	int64_t at = nm_vclock_now_s(desk->parts->clock);
	struct nm_stored_batch batch;
	struct nm_arena arena = { 0 };
	struct nm_err ignored;

	if (!nm_store_batch_get(desk->parts->store, NULL, job->id, &arena,
	                        &batch, &ignored) && batch.at_s[state])
		at = batch.at_s[state];
	nm_arena_release(&arena);
	return at;
}

void
nm_job_notice(struct nm_job *job, struct nm_desk *desk,
              const struct nm_batch_fault *fault, enum nm_batch_state now)
{
	if (now == job->batch.state && !job->undated)
		return;
	nm_job_end_trial(job, desk);
	turn(job, desk, fault, now, entered_s(job, desk, now));
	job->rows_done = false;
}

enum nm_code
nm_job_keep(struct nm_job *job, struct nm_desk *desk,
            const struct nm_batch_fault *fault, struct nm_err *err)
{
	enum nm_batch_state now = job->batch.state;
	enum nm_code rc;

	rc = nm_store_batch_keep(desk->parts->store, job->id, &job->batch.books,
	                         &now, err);
	if (rc)
		return rc;
	job->kept = job->batch.books;
	job->kept_ms = nm_clock_machine_ms();
	nm_job_notice(job, desk, fault, now);
	return NM_OK;
}

enum nm_code
nm_job_move(struct nm_job *job, struct nm_desk *desk,
            const struct nm_batch_fault *fault, enum nm_batch_state to,
            struct nm_err *err)
{
	struct nm_batch_books books = job->batch.books;
	struct nm_batch_move step = { .from = job->batch.state, .to = to,
		.now_s = nm_vclock_now_s(desk->parts->clock), .books = &books };
	enum nm_batch_state now = to;
	enum nm_code rc;

	books.due_ms = nm_timetable_leave_ms(desk->parts, fault, to, step.now_s);
	if (job->trial.model.len)
		step.model = nm_buf_string(&job->trial.model);
	if (to == NM_BATCH_FAILED)
		step.errors = nm_buf_string(&job->trial.errors);
	rc = nm_store_batch_move(desk->parts->store, job->id, &step, &now, err);
	if (rc == NM_HELD) {
		nm_job_notice(job, desk, fault, now);
		return NM_OK;
	}
	if (rc)
		return rc;
	turn(job, desk, fault, to, step.now_s);
	job->batch.books = job->kept = books;
	return NM_OK;
}
