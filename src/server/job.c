#include "server/job.h"


#include "base/clock.h"
#include "base/map.h"
#include "server/pass.h"
#include "server/relay.h"
#include "server/options.h"

enum {
	KEEP_MS = 100,  /* between two keepings of the books */
	MAX_READING = 4,
	HOUR_MS = 3600000,
	RESULTS_LIVE_S = 30 * 86400
};

void
nm_desk_release(struct nm_desk *desk)
{
	nm_rows_release(&desk->rows);
	nm_shelf_release(&desk->shelf);
	nm_ask_release(&desk->ask);
	nm_verdict_release(&desk->verdict);
	nm_buf_release(&desk->scratch);
	nm_buf_release(&desk->line);
}

/* ---- time ---- */

/* When a state may be left that began within the second entered_s: now, or before if
 * it was another that began it, and the clock went on until it was seen here. */
static int64_t
leave_ms(const struct nm_desk *desk, const struct nm_batch_fault *fault,
         enum nm_batch_state state, int64_t entered_s)
{
	const struct nm_server_options *options = desk->parts->options;
	int64_t now = nm_vclock_now_ms(desk->parts->clock);
	int64_t dwell = fault->dwell_ms[state];

	if (dwell < 0 && state == NM_BATCH_VALIDATING)
		dwell = options->validating_ms;
	else if (dwell < 0 && state == NM_BATCH_IN_PROGRESS)
		dwell = options->in_progress_ms;
	else if (dwell < 0 && state == NM_BATCH_FINALIZING)
		dwell = options->finalizing_ms;
	else if (dwell < 0 && state == NM_BATCH_CANCELLING)
		dwell = options->cancelling_ms;
	if (dwell < 0)
		dwell = 0;
	if ((entered_s + 1) * 1000 < now)
		now = (entered_s + 1) * 1000;
	return dwell > INT64_MAX - now ? INT64_MAX : now + dwell;
}

static bool
expired(const struct nm_job *job, const struct nm_desk *desk)
{
	return nm_vclock_now_s(desk->parts->clock) >= job->batch.expires_s;
}

/* Not yet due: *due_ms is then when it is, the window's end included. */
static bool
must_wait(const struct nm_job *job, const struct nm_desk *desk,
          int64_t *due_ms)
{
	int64_t end_ms = job->batch.expires_s * 1000;

	if (nm_vclock_now_ms(desk->parts->clock) >= job->batch.books.due_ms ||
	    expired(job, desk))
		return false;
	*due_ms = job->batch.books.due_ms;
	if (end_ms < *due_ms)
		*due_ms = end_ms;
	return true;
}

/* ---- the store ---- */

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
		nm_job_close(new, desk);
		return rc;
	}
	new->id = new->batch.id;
	new->kept = new->batch.books;
	new->told = new->batch.state;
	new->salt = nm_hash(1, id, strlen(id));
	(void)nm_faults_batch_number(desk->parts->faults, id);
	*job = new;
	return NM_OK;
}

static void
end_trial(struct nm_job *job, struct nm_desk *desk)
{
	desk->n_reading -= job->trial.stage == NM_TRIAL_READING;
	nm_trial_release(&job->trial);
}

void
nm_job_close(struct nm_job *job, struct nm_desk *desk)
{
	if (!job)
		return;
	/* What cannot be written now was never answered. */
	if (job->relay)
		(void)!nm_relay_stop(job, desk, NULL);
	nm_relay_close(job);
	end_trial(job, desk);
	nm_arena_release(&job->arena);
	free(job);
}

static void
turn(struct nm_job *job, struct nm_desk *desk,
     const struct nm_batch_fault *fault, enum nm_batch_state state,
     int64_t entered_s)
{
	job->batch.state = state;
	job->batch.at_s[state] = entered_s;
	job->batch.books.due_ms = leave_ms(desk, fault, state, entered_s);
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

/* The state is another than we left it: it was cancelled, or has ended. */
static void
notice(struct nm_job *job, struct nm_desk *desk,
       const struct nm_batch_fault *fault, enum nm_batch_state now)
{
	if (now == job->batch.state)
		return;
	end_trial(job, desk);
	turn(job, desk, fault, now, entered_s(job, desk, now));
	job->rows_done = false;
}

/* Keeps the books, and sees whether the batch was cancelled meanwhile. */
static enum nm_code
keep_books(struct nm_job *job, struct nm_desk *desk,
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
	notice(job, desk, fault, now);
	return NM_OK;
}

static bool
must_keep(const struct nm_job *job, enum nm_job_keep keep)
{
	return memcmp(&job->kept, &job->batch.books, sizeof(job->kept)) != 0 &&
	       (keep == NM_JOB_KEEP_NOW ||
	        nm_clock_machine_ms() - job->kept_ms >= KEEP_MS);
}

static enum nm_code
move(struct nm_job *job, struct nm_desk *desk,
     const struct nm_batch_fault *fault, enum nm_batch_state to,
     struct nm_err *err)
{
	struct nm_batch_books books = job->batch.books;
	struct nm_batch_move step = { .from = job->batch.state, .to = to,
		.now_s = nm_vclock_now_s(desk->parts->clock), .books = &books };
	enum nm_batch_state now = to;
	enum nm_code rc;

	books.due_ms = leave_ms(desk, fault, to, step.now_s);
	if (job->trial.model.len)
		step.model = nm_buf_string(&job->trial.model);
	if (to == NM_BATCH_FAILED)
		step.errors = nm_buf_string(&job->trial.errors);
	rc = nm_store_batch_move(desk->parts->store, job->id, &step, &now, err);
	if (rc == NM_HELD) {
		notice(job, desk, fault, now);
		return NM_OK;
	}
	if (rc)
		return rc;
	turn(job, desk, fault, to, step.now_s);
	job->batch.books = job->kept = books;
	return NM_OK;
}

/* ---- the end ---- */

static enum nm_code
publish(struct nm_job *job, struct nm_desk *desk,
        const struct nm_batch_fault *fault, enum nm_shelf_side side,
        struct nm_stored_file *file, struct nm_err *err)
{
	int64_t bytes = side == NM_SHELF_OUTPUT
	                ? job->batch.books.output_bytes
	                : job->batch.books.error_bytes;
	int64_t now_s = nm_vclock_now_s(desk->parts->clock);
	char id[NM_ID_MAX];

	if (bytes == 0)
		return NM_OK;
	nm_shelf_file_id(job->id, side, id);
	*file = (struct nm_stored_file){
		.id = nm_arena_string(&job->arena, id),
		.tenant = job->batch.tenant,
		.filename = nm_arena_printf(&job->arena, "%s_%s.jsonl", job->id,
			side == NM_SHELF_OUTPUT ? "output" : "error"),
		.purpose = "batch_output",
		.bytes = bytes,
		.created_s = now_s,
		.expires_s = now_s + (job->batch.results_live_s ?
			job->batch.results_live_s : RESULTS_LIVE_S),
	};
	return nm_shelf_publish(desk->parts->store, job->id, side,
		fault->shuffled && side == NM_SHELF_OUTPUT ? &fault->order_seed :
		NULL, err);
}

/* What lies past the books is cut, so that the files are what the books say; and
 * they last before the store says that they are whole. */
static enum nm_code
settle(struct nm_job *job, struct nm_desk *desk, struct nm_err *err)
{
	enum nm_code rc;

	rc = nm_pass_open_shelf(job, desk, &job->batch.books, err);
	if (!rc)
		rc = nm_shelf_sync(&desk->shelf, err);
	nm_shelf_close(&desk->shelf);
	return rc;
}

static enum nm_code
finish(struct nm_job *job, struct nm_desk *desk,
       const struct nm_batch_fault *fault, enum nm_batch_state to,
       struct nm_err *err)
{
	struct nm_stored_file files[NM_SHELF_SIDES] = {{0}};
	struct nm_batch_move step = { .from = job->batch.state, .to = to,
		.now_s = nm_vclock_now_s(desk->parts->clock),
		.books = &job->batch.books };
	enum nm_code rc;

	rc = settle(job, desk, err);
	for (int side = 0; side < NM_SHELF_SIDES && !rc; side++)
		rc = publish(job, desk, fault, (enum nm_shelf_side)side,
		             &files[side], err);
	if (!rc)
		rc = nm_store_batch_finish(desk->parts->store, job->id, &step,
			files[NM_SHELF_OUTPUT].id ? &files[NM_SHELF_OUTPUT] : NULL,
			files[NM_SHELF_ERROR].id ? &files[NM_SHELF_ERROR] : NULL,
			err);
	if (rc == NM_HELD)
		return keep_books(job, desk, fault, err);
	if (rc)
		return rc;
	job->batch.state = to;
	nm_shelf_clear(desk->parts->store, job->id);
	return NM_OK;
}

/* ---- states ---- */

/* A check under way holds all ids of its file: only so many at once. */
static enum nm_code
read_trial(struct nm_job *job, struct nm_desk *desk,
           const struct nm_batch_fault *fault, struct nm_err *err)
{
	enum nm_code rc;

	desk->n_reading -= job->trial.stage == NM_TRIAL_READING;
	rc = nm_trial_step(job, desk, fault, err);
	desk->n_reading += job->trial.stage == NM_TRIAL_READING;
	return rc;
}

/* The input file went before its batch was done with it. */
static enum nm_code
fail_for_input(struct nm_job *job, struct nm_desk *desk,
               const struct nm_batch_fault *fault, struct nm_err *err)
{
	enum nm_code rc;

	nm_trial_lose_input(&job->trial, job->batch.input_file_id);
	rc = move(job, desk, fault, NM_BATCH_FAILED, err);
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
		rc = move(job, desk, fault, NM_BATCH_IN_PROGRESS, err);
	if (!rc)
		end_trial(job, desk);
	return rc;
}

static enum nm_code
validate(struct nm_job *job, struct nm_desk *desk,
         const struct nm_batch_fault *fault, enum nm_job_did *did,
         int64_t *due_ms, struct nm_err *err)
{
	struct nm_trial *trial = &job->trial;
	enum nm_code rc;

	if (job->batch.books.due_ms == 0)
		job->batch.books.due_ms =
			leave_ms(desk, fault, NM_BATCH_VALIDATING,
			         job->batch.at_s[NM_BATCH_VALIDATING]);
	if (expired(job, desk))
		return finish(job, desk, fault, NM_BATCH_EXPIRED, err);
	if (trial->stage == NM_TRIAL_NEW && desk->n_reading >= MAX_READING) {
		*did = NM_JOB_WAITS;
		return NM_OK;
	}
	if (trial->stage != NM_TRIAL_DONE)
		return read_trial(job, desk, fault, err);
	if (must_wait(job, desk, due_ms)) {
		*did = NM_JOB_WAITS;
		return NM_OK;
	}
	rc = nm_trial_weigh(job, desk, fault, err);
	if (rc)
		return rc;
	if (trial->errors.len)
		return move(job, desk, fault, NM_BATCH_FAILED, err);
	return begin_rows(job, desk, fault, err);
}

/* Rows that the pace allows by now; when none, *due_ms is when. */
static uint64_t
allowance(const struct nm_job *job, const struct nm_desk *desk,
          const struct nm_batch_fault *fault, int64_t *due_ms)
{
	int64_t began_ms = job->batch.at_s[NM_BATCH_IN_PROGRESS] * 1000;
	int64_t now_ms = nm_vclock_now_ms(desk->parts->clock);
	int64_t allowed, taken = job->batch.books.input_lines;

	if (fault->rows_an_hour == 0)
		return UINT64_MAX;
	allowed = (now_ms - began_ms) * fault->rows_an_hour / HOUR_MS;
	if (allowed > taken)
		return (uint64_t)(allowed - taken);
	*due_ms = began_ms + (taken + 1) * HOUR_MS / fault->rows_an_hour + 1;
	if (job->batch.expires_s * 1000 < *due_ms)
		*due_ms = job->batch.expires_s * 1000;
	return 0;
}

static enum nm_code
relay(struct nm_job *job, struct nm_desk *desk,
      const struct nm_script *script, enum nm_job_did *did, int64_t *due_ms,
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
		return allowance(job, desk, fault, due_ms);
	/* Simulated answers among real ones would be worse than none. */
	*due_ms = job->batch.expires_s * 1000;
	return 0;
}

static enum nm_code
progress(struct nm_job *job, struct nm_desk *desk,
         const struct nm_script *script, const struct nm_batch_fault *fault,
         enum nm_job_did *did, int64_t *due_ms, struct nm_err *err)
{
	enum nm_pass_kind kind = expired(job, desk) ? NM_PASS_EXPIRE :
		NM_PASS_ASK;
	uint64_t most = UINT64_MAX;
	enum nm_code rc;

	if (job->rows_done)
		nm_relay_close(job);
	if (job->rows_done && kind == NM_PASS_EXPIRE)
		return finish(job, desk, fault, NM_BATCH_EXPIRED, err);
	if (job->rows_done && !must_wait(job, desk, due_ms)) {
		rc = settle(job, desk, err);
		return rc ? rc : move(job, desk, fault, NM_BATCH_FINALIZING, err);
	}
	if (job->rows_done) {
		*did = NM_JOB_WAITS;
		return NM_OK;
	}
	if (kind == NM_PASS_ASK && !desk->parts->upstream)
		most = ask_alone(job, desk, fault, due_ms);
	if (most == 0) {
		*did = NM_JOB_WAITS;
		return NM_OK;
	}
	rc = kind == NM_PASS_ASK ? NM_OK : call_back(job, desk, err);
	if (!rc && kind == NM_PASS_ASK && desk->parts->upstream)
		rc = relay(job, desk, script, did, due_ms, err);
	else if (!rc)
		rc = nm_pass_run(job, desk, kind, script, most, err);
	return rc == NM_INPUT ? fail_for_input(job, desk, fault, err) : rc;
}

static enum nm_code
finalize(struct nm_job *job, struct nm_desk *desk,
         const struct nm_batch_fault *fault, enum nm_job_did *did,
         int64_t *due_ms, struct nm_err *err)
{
	if (expired(job, desk))
		return finish(job, desk, fault, NM_BATCH_EXPIRED, err);
	if (!must_wait(job, desk, due_ms))
		return finish(job, desk, fault, NM_BATCH_COMPLETED, err);
	*did = NM_JOB_WAITS;
	return NM_OK;
}

/* Finished rows stay; the rest gets a line that says why it has none. */
static enum nm_code
cancel(struct nm_job *job, struct nm_desk *desk,
       const struct nm_script *script, const struct nm_batch_fault *fault,
       enum nm_job_did *did, int64_t *due_ms, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (job->batch.at_s[NM_BATCH_IN_PROGRESS])
		rc = call_back(job, desk, err);
	if (rc)
		return rc;
	if (must_wait(job, desk, due_ms)) {
		*did = NM_JOB_WAITS;
		return NM_OK;
	}
	if (job->rows_done || job->batch.at_s[NM_BATCH_IN_PROGRESS] == 0)
		return finish(job, desk, fault, NM_BATCH_CANCELLED, err);
	rc = nm_pass_run(job, desk, NM_PASS_CANCEL, script, UINT64_MAX, err);
	if (rc == NM_INPUT) {
		job->rows_done = true;
		rc = NM_OK;
	}
	return rc;
}

static enum nm_code
act(struct nm_job *job, struct nm_desk *desk, const struct nm_script *script,
    const struct nm_batch_fault *fault, enum nm_job_did *did,
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
nm_job_step(struct nm_job *job, struct nm_desk *desk, enum nm_job_keep keep,
            enum nm_job_did *did, int64_t *due_ms, struct nm_err *err)
{
	const struct nm_script *script =
		nm_faults_script_take(desk->parts->faults, job->id,
		                      &job->number);
	struct nm_batch_fault fault;
	enum nm_code rc = NM_OK;

	*did = NM_JOB_WORKED;
	*due_ms = INT64_MAX;
	nm_script_batch(script, job->number, &fault);
	if (job->told == NM_BATCH_CANCELLING)
		notice(job, desk, &fault, job->told);
	if (must_keep(job, keep))
		rc = keep_books(job, desk, &fault, err);
	if (!rc && !nm_batch_state_is_final(job->batch.state))
		rc = act(job, desk, script, &fault, did, due_ms, err);
	if (!rc && nm_batch_state_is_final(job->batch.state)) {
		*did = NM_JOB_ENDED;
		atomic_fetch_add(&desk->parts->metrics->batches_ended, 1);
	}
	nm_faults_script_release(desk->parts->faults, script);
	return rc;
}
