/*
 * poll: see the header.
 */
#include "run/poll.h"

#include "run/headroom.h"

enum { UNSEEN_MAX = 4, UNSEEN_AGE_MAX_S = 600 };

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
		nm_while(err, "looking at %s (if it is gone for good, --new"
		         " submits its run afresh)", shard->batch_id);
	else
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
is_unseen_file(const struct nm_shard_record *shard,
               const struct nm_batch *batch)
{
	return strcmp(batch->errors->param, "file_id") == 0 &&
	       shard->input_created && shard->refusals < UNSEEN_MAX &&
	       batch->created_s - shard->input_created < UNSEEN_AGE_MAX_S;
}

/* Nothing was planned here for a batch that was made elsewhere. */
static int
is_ours(const struct nm_shard_record *shard)
{
	return shard->bytes > 0;
}

/* A batch refused so did no harm: its file serves again. */
static enum nm_code
try_again_later(struct nm_run *run, struct nm_shard_record *shard,
                const struct nm_batch *batch, int *later, struct nm_err *err)
{
	enum nm_limit_kind kind;
	char tag[NM_SHARD_TAG_DIGITS + 1];
	enum nm_code rc;

	*later = 0;
	if (batch->status != NM_BATCH_FAILED || batch->n_errors != 1 ||
	    !is_ours(shard))
		return NM_OK;
	rc = nm_headroom_learn(run, 0, batch->errors->code,
	                       batch->errors->message, -1, &kind, err);
	*later = kind != NM_LIMIT_NONE;
	if (!rc && !*later && is_unseen_file(shard, batch)) {
		nm_headroom_hold(run);
		shard->refusals++;
		*later = 1;
	}
	if (rc || !*later)
		return rc;
	nm_run_warn(run, "%s: %s: it is submitted again in a while",
	            shard->batch_id, first_error(run, batch));
	/* The failed batch carries the old tag. */
	nm_digest_random_hex(tag, NM_SHARD_TAG_DIGITS);
	shard->tag = tag;
	shard->state = NM_SHARD_UPLOADED;
	shard->batch_id = "";
	shard->status = "";
	return kind ? nm_headroom_refused(run, shard, kind,
	                                  first_error(run, batch), err)
	            : nm_run_save(run, shard, err);
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
	shard->output_tokens = batch->usage.output_tokens;
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

	if (!part->status || strcmp(part->status, batch->status_text) != 0)
		part->status = nm_arena_string(&run->arena,
		                               batch->status_text);
	part->name = shard->batch_id;
	part->done = batch->completed > 0 ? batch->completed : 0;
	part->failed = batch->failed > 0 ? batch->failed : 0;
	if (batch->total > 0)
		part->total = batch->total;
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
	nm_setback_over(run, nm_setback_of(run, shard));
	show(run, shard, &batch);
	if (nm_batch_is_final(batch.status)) {
		rc = try_again_later(run, shard, &batch, &later, err);
		if (!rc && !later)
			rc = take_end(run, shard, &batch, err);
	}
	nm_run_progress(run);
	nm_arena_release(&arena);
	return rc;
}
