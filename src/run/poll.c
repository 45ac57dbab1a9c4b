/*
 * poll: see the header.
 */
#include "run/poll.h"

#include "run/headroom.h"
#include "run/upload.h"

enum { UNSEEN_AGE_MAX_S = 600 };

static enum nm_code
take_leave(struct nm_run *run, const struct nm_shard_record *shard,
           struct nm_err *err)
{
	nm_while(err, "looking at %s (if it is gone for good, --new submits"
	         " its run afresh)", shard->batch_id);
	err->code = NM_ABSENT;
	if (!run->gone.code)
		run->gone = *err;
	nm_run_lose_batch(run, shard);
	return NM_OK;
}

/* A batch just made may be unknown to some of the service's machines. */
static enum nm_code
bear(struct nm_run *run, const struct nm_shard_record *shard, enum nm_code rc,
     struct nm_err *err)
{
	struct nm_setback *own = nm_setback_of(run, shard);
	struct nm_setback_terms terms = { 0 };

	if (rc == NM_ABSENT)
		terms.limit_ms = run->settings.patience_ms;
	if (!nm_setback_bear(run, own, rc == NM_ABSENT ? NM_UNREACHABLE : rc,
	                     &terms, err))
		return NM_OK;
	if (rc == NM_ABSENT)
		return take_leave(run, shard, err);
	nm_while(err, "looking at %s", shard->batch_id);
	return rc;
}

static const char *
first_error(struct nm_run *run, const struct nm_batch *batch)
{
	const struct nm_batch_error *e = batch->errors;

	if (!batch->n_errors)
		return "";
	if (e->line)
		return nm_arena_printf(&run->arena, "%s: %s (line %lld)",
		                       e->code, e->message,
		                       (long long)e->line);
	return nm_arena_printf(&run->arena, "%s: %s", e->code, e->message);
}

/* Files are seen late: a batch made just after the upload can fail for that. */
static int
may_be_seen_yet(const struct nm_shard_record *shard,
                const struct nm_batch *batch)
{
	return shard->refusals % (NM_UPLOAD_UNSEEN_MAX + 1) <
	       NM_UPLOAD_UNSEEN_MAX &&
	       batch->created_s - shard->input_created < UNSEEN_AGE_MAX_S;
}

/* Nothing was planned here for a batch that was made elsewhere. */
static int
is_ours(const struct nm_shard_record *shard)
{
	return shard->bytes > 0;
}

/* The failed batch carries the old tag. */
static void
forget_batch(struct nm_run *run, struct nm_shard_record *shard)
{
	char tag[NM_SHARD_TAG_DIGITS + 1];

	nm_digest_random_hex(tag, NM_SHARD_TAG_DIGITS);
	shard->tag = nm_arena_string(&run->arena, tag);
	shard->state = NM_SHARD_UPLOADED;
	shard->batch_id = "";
	shard->status = "";
	run->parts[shard - run->shards].status = NULL;
}

static void
tell_refused(struct nm_run *run, const struct nm_batch *batch)
{
	nm_run_warn(run, "%s is submitted again in a while: %s", batch->id,
	            first_error(run, batch));
}

/* It ran nothing, so nothing is doubled: the file is waited for, or sent again. */
static enum nm_code
bear_unseen(struct nm_run *run, struct nm_shard_record *shard,
            const struct nm_batch *batch, int *later, struct nm_err *err)
{
	enum nm_code rc;

	if (may_be_seen_yet(shard, batch)) {
		nm_headroom_hold(run);
		tell_refused(run, batch);
		forget_batch(run, shard);
		shard->refusals++;
		*later = 1;
		return nm_run_save(run, shard, err);
	}
	rc = nm_upload_again(run, shard, err);
	*later = !rc;
	if (*later)
		nm_headroom_taken(run);
	return rc == NM_REFUSED ? NM_OK : rc;
}

/* A batch refused so did no harm: its file serves again. */
static enum nm_code
try_again_later(struct nm_run *run, struct nm_shard_record *shard,
                const struct nm_batch *batch, int *later, struct nm_err *err)
{
	enum nm_limit_kind kind;
	enum nm_code rc;

	*later = 0;
	if (batch->status != NM_BATCH_FAILED || batch->n_errors != 1 ||
	    !is_ours(shard))
		return NM_OK;
	rc = nm_headroom_learn(run, 0, batch->errors->code,
	                       batch->errors->message, -1, &kind, err);
	if (rc)
		return rc;
	if (!kind && shard->input_created &&
	    strcmp(batch->errors->param, "file_id") == 0)
		return bear_unseen(run, shard, batch, later, err);
	*later = kind != NM_LIMIT_NONE;
	if (!*later)
		return NM_OK;
	tell_refused(run, batch);
	forget_batch(run, shard);
	return nm_headroom_refused(run, shard, kind, first_error(run, batch),
	                           err);
}

static enum nm_code
take_end(struct nm_run *run, struct nm_shard_record *shard,
         const struct nm_batch *batch, struct nm_err *err)
{
	shard->state = NM_SHARD_ENDED;
	shard->status = batch->status_text;
	shard->created = batch->created_s;
	shard->ended = nm_batch_ended_s(batch);
	shard->input_file_id = batch->input_file_id;
	shard->output_file_id = batch->output_file_id;
	shard->error_file_id = batch->error_file_id;
	shard->input_tokens = batch->usage.input_tokens;
	shard->cached_tokens = batch->usage.cached_tokens;
	shard->output_tokens = batch->usage.output_tokens;
	shard->reasoning_tokens = batch->usage.reasoning_tokens;
	if (batch->n_errors)
		shard->note = first_error(run, batch);
	nm_headroom_taken(run);
	return nm_run_save(run, shard, err);
}

static void
show(struct nm_run *run, const struct nm_shard_record *shard,
     const struct nm_batch *batch)
{
	struct nm_part *part = &run->parts[shard - run->shards];
	int64_t done = batch->completed > 0 ? batch->completed : 0;
	int64_t failed = batch->failed > 0 ? batch->failed : 0;
	int same = part->status && !strcmp(part->status, batch->status_text);

	if (!same)
		part->status = nm_arena_string(&run->arena,
		                               batch->status_text);
	if (!same || part->done != done || part->failed != failed ||
	    !part->moved_ms)
		part->moved_ms = nm_clock_mono_ms(run->clock);
	part->name = shard->batch_id;
	part->done = done;
	part->failed = failed;
	part->expires_s = batch->expires_s;
	if (batch->total > 0)
		part->total = batch->total;
}

/*
 * It has rows by its own count, and names no file of them: the names may be seen
 * late, as much else is. Taking the rows for missing would pay for them again.
 */
static int
is_unnamed(const struct nm_batch *batch)
{
	if (batch->status == NM_BATCH_FAILED || batch->output_file_id[0])
		return 0;
	return batch->completed > 0 ||
	       (batch->failed > 0 && !batch->error_file_id[0]);
}

/* Within the patience: a count is no proof. */
static int
wait_for_names(struct nm_run *run, const struct nm_shard_record *shard,
               const struct nm_batch *batch)
{
	struct nm_setback *setback = nm_setback_of(run, shard);
	struct nm_setback_terms terms = {
		.limit_ms = run->settings.patience_ms,
		.silence = NM_SETBACK_OWN,
	};
	long long rows = (long long)(batch->completed > 0 ? batch->completed
	                                                  : batch->failed);
	struct nm_err err;

	if (!is_unnamed(batch))
		return 0;
	nm_fail(&err, NM_UNREACHABLE, 0, "%s has %lld row%s and names no file"
	        " of %s", shard->batch_id, rows, rows == 1 ? "" : "s",
	        rows == 1 ? "it" : "them");
	if (!nm_setback_bear(run, setback, NM_UNREACHABLE, &terms, &err))
		return 1;
	nm_run_warn(run, "%s: counted as missing", err.text);
	/* It did not go well again. */
	setback->told = 0;
	return 0;
}

enum nm_code
nm_poll_step(struct nm_run *run, struct nm_shard_record *shard,
             struct nm_err *err)
{
	struct nm_arena arena = { 0 };
	struct nm_batch batch;
	enum nm_code rc;
	int later = 0;

	rc = nm_batches_get(run->api, shard->batch_id, &arena, &batch, err);
	if (rc) {
		nm_arena_release(&arena);
		return rc == NM_INTERRUPTED ? rc : bear(run, shard, rc, err);
	}
	show(run, shard, &batch);
	if (nm_batch_is_final(batch.status))
		later = wait_for_names(run, shard, &batch);
	if (!later)
		nm_setback_over(run, nm_setback_of(run, shard));
	if (nm_batch_is_final(batch.status) && !later) {
		rc = try_again_later(run, shard, &batch, &later, err);
		if (!rc && !later)
			rc = take_end(run, shard, &batch, err);
	}
	nm_run_progress(run);
	nm_arena_release(&arena);
	return rc;
}
