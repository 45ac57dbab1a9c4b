/*
 * upload: see the header.
 */
#include "run/upload.h"

#include "run/feed.h"
#include "run/look.h"
#include "run/trace.h"

static enum nm_code
send_once(struct nm_run *run, struct nm_shard_record *shard,
          struct nm_err *err)
{
	struct nm_feed feed;
	struct nm_http_source source = {
		.read = nm_feed_read, .rewind = nm_feed_rewind, .user = &feed,
		.bytes = (uint64_t)shard->bytes,
	};
	struct nm_upload upload = { .source = &source };
	struct nm_remote_file file;
	struct nm_arena arena = { 0 };
	struct nm_buf name = { 0 };
	enum nm_code rc;

	nm_trace_name(run, shard, &name);
	upload.filename = nm_buf_string(&name);
	nm_feed_init(&feed, run->source, shard);
	rc = nm_files_upload_once(run->api, &upload, &arena, &file, err);
	if (!rc) {
		nm_trace_take_file(shard, &file);
		rc = nm_run_save(run, shard, err);
	}
	nm_arena_release(&arena);
	nm_buf_release(&name);
	return rc;
}

static enum nm_code
look_once(struct nm_run *run, struct nm_shard_record *shard, int *found,
          struct nm_err *err)
{
	struct nm_trace met;
	enum nm_code rc = nm_trace_files(run, shard, 1, &met, err);

	/* One that was not taken is no reason to look on: the next has another name. */
	*found = met.found + met.misfits > 0;
	return rc;
}

static enum nm_code
intend(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	shard->state = NM_SHARD_UPLOADING;
	shard->intent_ms = nm_clock_wall_ms(run->clock);
	shard->note = "";
	return nm_run_save(run, shard, err);
}

static enum nm_code
look(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	int found;
	enum nm_code rc = nm_look(run, shard, look_once, &found, err);

	if (!rc && !found)
		shard->state = NM_SHARD_PLANNED;
	return rc;
}

enum nm_code
nm_upload_step(struct nm_run *run, struct nm_shard_record *shard,
               struct nm_err *err)
{
	enum nm_code rc;

	if (shard->state == NM_SHARD_UPLOADING)
		return look(run, shard, err);
	rc = intend(run, shard, err);
	if (rc)
		return rc;
	rc = send_once(run, shard, err);
	if (rc == NM_UNREACHABLE || rc == NM_REFUSED || rc == NM_ABSENT)
		rc = nm_look_refused(run, shard, NM_SHARD_PLANNED, rc, err);
	return rc ? nm_while(err, "uploading shard %lld",
	                     (long long)shard->number) : NM_OK;
}

enum nm_code
nm_upload_anew(struct nm_run *run, struct nm_shard_record *shard,
               struct nm_err *err)
{
	char tag[NM_SHARD_TAG_DIGITS + 1];

	nm_digest_random_hex(tag, NM_SHARD_TAG_DIGITS);
	shard->tag = tag;
	shard->state = NM_SHARD_PLANNED;
	shard->input_file_id = "";
	shard->input_created = 0;
	shard->batch_id = "";
	shard->status = "";
	shard->note = "";
	run->parts[shard - run->shards].status = NULL;
	return nm_run_save(run, shard, err);
}

enum nm_code
nm_upload_again(struct nm_run *run, struct nm_shard_record *shard,
                struct nm_err *err)
{
	if (shard->refusals > NM_UPLOAD_UNSEEN_MAX)
		return NM_REFUSED;
	nm_run_warn(run, "the service has the input file of shard %lld no more"
	            " (%s): it is uploaded again", (long long)shard->number,
	            shard->input_file_id);
	shard->refusals = NM_UPLOAD_UNSEEN_MAX + 1;
	return nm_upload_anew(run, shard, err);
}
