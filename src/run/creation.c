/*
 * creation: see the header.
 */
#include "run/creation.h"

#include "run/canary.h"
#include "run/headroom.h"
#include "run/look.h"
#include "run/trace.h"
#include "run/upload.h"

/* The run's own pairs, after those that the caller wished. */
static size_t
write_metadata(struct nm_run *run, const struct nm_shard_record *shard,
               struct nm_arena *arena, struct nm_batch_pair *pairs)
{
	int64_t canary = nm_canary_size(run);
	size_t n = run->n_metadata;

	memcpy(pairs, run->metadata, n * sizeof(*pairs));
	pairs[n++] = (struct nm_batch_pair){ "run", run->record.id };
	pairs[n++] = (struct nm_batch_pair){
		"shard", nm_arena_printf(arena, "%lld",
		                         (long long)shard->number) };
	pairs[n++] = (struct nm_batch_pair){
		"attempt", nm_arena_printf(arena, "%lld",
		                           (long long)shard->attempt) };
	pairs[n++] = (struct nm_batch_pair){ "tag", shard->tag };
	pairs[n++] = (struct nm_batch_pair){
		"program", "nightmail " NM_VERSION };
	/* Whoever takes the batch up elsewhere has not got these answers. */
	if (canary)
		pairs[n++] = (struct nm_batch_pair){
			"canary", nm_arena_printf(arena, "%lld",
			                          (long long)canary) };
	return n;
}

/* Two shards in one batch would take each other's answers for their own. */
static enum nm_code
check_new(const struct nm_run *run, const struct nm_shard_record *shard,
          const struct nm_batch *batch, struct nm_err *err)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++)
		if (&run->shards[i] != shard &&
		    strcmp(run->shards[i].batch_id, batch->id) == 0)
			return nm_fail(err, NM_REFUSED, 0,
			               "the service gave the id of shard %lld's"
			               " batch again, %s",
			               (long long)run->shards[i].number,
			               batch->id);
	return NM_OK;
}

static enum nm_code
send_once(struct nm_run *run, struct nm_shard_record *shard,
          struct nm_err *err)
{
	struct nm_batch_pair pairs[NM_RUN_METADATA_MAX + 6];
	struct nm_batch_wish wish = {
		.input_file_id = shard->input_file_id,
		.endpoint = run->record.endpoint,
		.metadata = pairs,
	};
	struct nm_arena arena = { 0 };
	struct nm_batch batch;
	enum nm_code rc;

	wish.n_metadata = write_metadata(run, shard, &arena, pairs);
	rc = nm_batches_create(run->api, &wish, &arena, &batch, err);
	if (!rc)
		rc = check_new(run, shard, &batch, err);
	if (!rc) {
		nm_trace_take_batch(shard, &batch);
		rc = nm_run_save(run, shard, err);
	}
	nm_arena_release(&arena);
	return rc;
}

static enum nm_code
look_once(struct nm_run *run, struct nm_shard_record *shard, int *found,
          struct nm_err *err)
{
	struct nm_trace met;
	enum nm_code rc = nm_trace_batches(run, shard, 1, &met, err);

	*found = met.found > 0;
	return rc;
}

static int
is_about_file(const struct nm_refusal *refusal)
{
	return refusal->status == 400 &&
	       (strcmp(refusal->param, "file_id") == 0 ||
	        strcmp(refusal->param, "input_file_id") == 0);
}

/* Files become visible late: a 400 about file_id just after the upload. Later it says
 * that the file is gone. */
static enum nm_code
bear_unseen(struct nm_run *run, struct nm_shard_record *shard,
            struct nm_err *err)
{
	struct nm_err trouble = { 0 };
	enum nm_code rc = NM_OK;

	if (nm_setback_age_ms(run, &run->submitting) >=
	    4 * run->settings.patience_ms)
		rc = nm_upload_again(run, shard, &trouble);
	if (rc && rc != NM_REFUSED)
		*err = trouble;
	return err->code = rc ? rc : NM_UNREACHABLE;
}

static enum nm_code
step_back(struct nm_run *run, struct nm_shard_record *shard, enum nm_code rc,
          struct nm_err *err)
{
	if (rc == NM_REFUSED && is_about_file(&run->api->refusal))
		rc = bear_unseen(run, shard, err);
	else if (rc == NM_REFUSED && nm_headroom_is_meant(&run->api->refusal))
		rc = err->code = NM_UNREACHABLE;
	if (shard->state == NM_SHARD_PLANNED)
		return rc;
	return nm_look_refused(run, shard, NM_SHARD_UPLOADED, rc, err);
}

static enum nm_code
look(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	int found;
	enum nm_code rc = nm_look(run, shard, look_once, &found, err);

	if (!rc && !found)
		shard->state = NM_SHARD_UPLOADED;
	return rc;
}

static enum nm_code
intend(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	shard->state = NM_SHARD_CREATING;
	shard->intent_ms = nm_clock_wall_ms(run->clock);
	shard->note = "";
	return nm_run_save(run, shard, err);
}

enum nm_code
nm_creation_step(struct nm_run *run, struct nm_shard_record *shard,
                 struct nm_err *err)
{
	enum nm_code rc;

	if (shard->state == NM_SHARD_CREATING)
		return look(run, shard, err);
	rc = intend(run, shard, err);
	if (rc)
		return rc;
	rc = send_once(run, shard, err);
	if (rc == NM_UNREACHABLE || rc == NM_REFUSED || rc == NM_ABSENT)
		rc = step_back(run, shard, rc, err);
	return rc ? nm_while(err, "creating the batch of shard %lld",
	                     (long long)shard->number) : NM_OK;
}
