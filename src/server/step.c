#include "server/step.h"

#include <errno.h>

#include "base/clock.h"
#include "server/ending.h"
#include "server/pass.h"
#include "server/relay.h"
#include "server/timetable.h"

enum {
	KEEP_MS = 100, /* between two keepings of the books */
	MAX_READING = 4
};

static bool
must_keep(const struct nm_job *job, enum nm_step_keep keep)
{
	return memcmp(&job->kept, &job->batch.books, sizeof(job->kept)) != 0 &&
	       (keep == NM_STEP_KEEP_NOW ||
	        nm_clock_machine_ms() - job->kept_ms >= KEEP_MS);
}

/* A check under way holds all ids of its file: only so many at once. */
static enum nm_code
read_trial(struct nm_job *job, struct nm_desk *desk,
           const struct nm_batch_fault *fault, struct nm_err *err)
{
	enum nm_code rc;

	desk->n_reading -= job->trial.stage == NM_TRIAL_READING;
	rc = nm_trial_step(&job->trial, &job->batch, desk, fault, err);
	desk->n_reading += job->trial.stage == NM_TRIAL_READING;
	return rc;
}

/* The input, and not just its being readable: what was answered would go with it. */
static bool
is_gone(enum nm_code rc, const struct nm_err *err)
{
	return rc == NM_INPUT && err->detail == ENOENT;
}

/* The input file went before its batch was done with it. */
static enum nm_code
fail_for_input(struct nm_job *job, struct nm_desk *desk,
               const struct nm_batch_fault *fault, struct nm_err *err)
{
	enum nm_code rc;

	nm_trial_lose_input(&job->trial, job->batch.input_file_id);
	rc = nm_job_move(job, desk, fault, NM_BATCH_FAILED, err);
	if (!rc && job->batch.state == NM_BATCH_FAILED)
		nm_shelf_clear(desk->parts->store, job->id);
	return rc;
}

/* From here on the input may be deleted, or expire. */
static enum nm_code
begin_rows(struct nm_job *job, struct nm_desk *desk,
           const struct nm_batch_fault *fault, struct nm_err *err)
{
	enum nm_code rc;

	rc = nm_shelf_set_up(desk->parts->store, job->id,
	                     job->batch.input_file_id, err);
	if (rc == NM_INPUT)
		return fail_for_input(job, desk, fault, err);
	job->batch.books.total = job->trial.requests;
	job->batch.books.prompt_tokens = job->trial.tokens;
	if (!rc)
		rc = nm_model_refresh(desk->parts->model, err);
	if (!rc)
		rc = nm_job_move(job, desk, fault, NM_BATCH_IN_PROGRESS, err);
	if (!rc)
		nm_job_end_trial(job, desk);
	return rc;
}

static enum nm_code
validate(struct nm_job *job, struct nm_desk *desk,
         const struct nm_batch_fault *fault, enum nm_step_did *did,
         int64_t *due_ms, struct nm_err *err)
{
	struct nm_trial *trial = &job->trial;
	enum nm_code rc;

	if (job->batch.books.due_ms == 0)
		job->batch.books.due_ms = nm_timetable_leave_ms(
			desk->parts, fault, NM_BATCH_VALIDATING,
			job->batch.at_s[NM_BATCH_VALIDATING]);
	if (nm_timetable_is_over(desk->parts, &job->batch))
		return nm_ending_reach(job, desk, fault, NM_BATCH_EXPIRED, err);
	if (trial->stage == NM_TRIAL_NEW && desk->n_reading >= MAX_READING) {
		*did = NM_STEP_WAITS;
		return NM_OK;
	}
	if (trial->stage != NM_TRIAL_DONE)
		return read_trial(job, desk, fault, err);
	if (nm_timetable_waits(desk->parts, &job->batch, due_ms)) {
		*did = NM_STEP_WAITS;
		return NM_OK;
	}
	rc = nm_trial_weigh(trial, job->batch.tenant, desk, fault, err);
	if (rc)
		return rc;
	if (trial->errors.len)
		return nm_job_move(job, desk, fault, NM_BATCH_FAILED, err);
	return begin_rows(job, desk, fault, err);
}

static enum nm_code
relay(struct nm_job *job, struct nm_desk *desk,
      const struct nm_script *script, enum nm_step_did *did, int64_t *due_ms,
      struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (!job->relay)
		rc = nm_relay_open(job, desk, err);
	*due_ms = job->batch.expires_s * 1000;
	return rc ? rc : nm_relay_step(job, desk, script, did, err);
}

/* Before rows are given up, those at the upstream are: what came of them stays. */
static enum nm_code
call_back(struct nm_job *job, struct nm_desk *desk, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (job->rows_done || (!desk->parts->upstream && !job->batch.books.by_id))
		return NM_OK;
	if (!job->relay)
		rc = nm_relay_open(job, desk, err);
	return rc ? rc : nm_relay_stop(job, desk, err);
}

/* How many rows the simulated model may answer now. What is known by its id is a
 * real model's, though none may be behind us now. */
static uint64_t
ask_alone(const struct nm_job *job, const struct nm_desk *desk,
          const struct nm_batch_fault *fault, int64_t *due_ms)
{
	if (!job->batch.books.by_id)
		return nm_timetable_rows(desk->parts, &job->batch, fault, due_ms);
	/* Simulated answers among real ones would be worse than none. */
	*due_ms = job->batch.expires_s * 1000;
	return 0;
}

/* Each row has its line. */
static enum nm_code
leave_rows(struct nm_job *job, struct nm_desk *desk,
           const struct nm_batch_fault *fault, enum nm_step_did *did,
           int64_t *due_ms, struct nm_err *err)
{
	enum nm_code rc;

	nm_relay_close(job);
	if (nm_timetable_is_over(desk->parts, &job->batch))
		return nm_ending_reach(job, desk, fault, NM_BATCH_EXPIRED, err);
	if (nm_timetable_waits(desk->parts, &job->batch, due_ms)) {
		*did = NM_STEP_WAITS;
		return NM_OK;
	}
	rc = nm_ending_settle(job, desk, err);
	return rc ? rc : nm_job_move(job, desk, fault, NM_BATCH_FINALIZING, err);
}

static enum nm_code
progress(struct nm_job *job, struct nm_desk *desk,
         const struct nm_script *script, const struct nm_batch_fault *fault,
         enum nm_step_did *did, int64_t *due_ms, struct nm_err *err)
{
	bool over = nm_timetable_is_over(desk->parts, &job->batch);
	uint64_t most = UINT64_MAX;
	enum nm_code rc;

	if (job->rows_done)
		return leave_rows(job, desk, fault, did, due_ms, err);
	if (!over && !desk->parts->upstream)
		most = ask_alone(job, desk, fault, due_ms);
	if (most == 0) {
		*did = NM_STEP_WAITS;
		return NM_OK;
	}
	rc = over ? call_back(job, desk, err) : NM_OK;
	if (!rc && !over && desk->parts->upstream)
		rc = relay(job, desk, script, did, due_ms, err);
	else if (!rc)
		rc = nm_pass_run(job, desk, over ? NM_PASS_EXPIRE : NM_PASS_ASK,
		                 script, most, err);
	return is_gone(rc, err) ? fail_for_input(job, desk, fault, err) : rc;
}

static enum nm_code
finalize(struct nm_job *job, struct nm_desk *desk,
         const struct nm_batch_fault *fault, enum nm_step_did *did,
         int64_t *due_ms, struct nm_err *err)
{
	if (nm_timetable_is_over(desk->parts, &job->batch))
		return nm_ending_reach(job, desk, fault, NM_BATCH_EXPIRED, err);
	if (!nm_timetable_waits(desk->parts, &job->batch, due_ms))
		return nm_ending_reach(job, desk, fault, NM_BATCH_COMPLETED, err);
	*did = NM_STEP_WAITS;
	return NM_OK;
}

/* Finished rows stay; the rest gets a line that says why it has none. */
static enum nm_code
cancel(struct nm_job *job, struct nm_desk *desk,
       const struct nm_script *script, const struct nm_batch_fault *fault,
       enum nm_step_did *did, int64_t *due_ms, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (job->batch.at_s[NM_BATCH_IN_PROGRESS])
		rc = call_back(job, desk, err);
	if (rc)
		return rc;
	if (nm_timetable_waits(desk->parts, &job->batch, due_ms)) {
		*did = NM_STEP_WAITS;
		return NM_OK;
	}
	if (job->rows_done || job->batch.at_s[NM_BATCH_IN_PROGRESS] == 0)
		return nm_ending_reach(job, desk, fault, NM_BATCH_CANCELLED, err);
	rc = nm_pass_run(job, desk, NM_PASS_CANCEL, script, UINT64_MAX, err);
	if (is_gone(rc, err)) {
		job->rows_done = true;
		rc = NM_OK;
	}
	return rc;
}

static enum nm_code
act(struct nm_job *job, struct nm_desk *desk, const struct nm_script *script,
    const struct nm_batch_fault *fault, enum nm_step_did *did,
    int64_t *due_ms, struct nm_err *err)
{
	switch (job->batch.state) {
	case NM_BATCH_VALIDATING:
		return validate(job, desk, fault, did, due_ms, err);
	case NM_BATCH_IN_PROGRESS:
		return progress(job, desk, script, fault, did, due_ms, err);
	case NM_BATCH_FINALIZING:
		return finalize(job, desk, fault, did, due_ms, err);
	case NM_BATCH_CANCELLING:
		return cancel(job, desk, script, fault, did, due_ms, err);
	default:
		return NM_OK;
	}
}

enum nm_code
nm_step_take(struct nm_job *job, struct nm_desk *desk, enum nm_step_keep keep,
             enum nm_step_did *did, int64_t *due_ms, struct nm_err *err)
{
	const struct nm_script *script =
		nm_faults_script_take(desk->parts->faults, job->id,
		                      &job->number);
	struct nm_batch_fault fault;
	enum nm_code rc = NM_OK;

	*did = NM_STEP_WORKED;
	*due_ms = INT64_MAX;
	nm_script_batch(script, job->number, &fault);
	if (job->told == NM_BATCH_CANCELLING)
		nm_job_notice(job, desk, &fault, job->told);
	if (must_keep(job, keep))
		rc = nm_job_keep(job, desk, &fault, err);
	if (!rc && !nm_batch_state_is_final(job->batch.state))
		rc = act(job, desk, script, &fault, did, due_ms, err);
	if (!rc && nm_batch_state_is_final(job->batch.state)) {
		*did = NM_STEP_ENDED;
		atomic_fetch_add(&desk->parts->metrics->batches_ended, 1);
	}
	nm_faults_script_release(desk->parts->faults, script);
	return rc;
}

void
nm_step_leave(struct nm_job *job, struct nm_desk *desk)
{
	if (!job)
		return;
	/* What cannot be written now was never answered. */
	if (job->relay)
		(void)!nm_relay_stop(job, desk, NULL);
	nm_relay_close(job);
	nm_job_free(job, desk);
}
