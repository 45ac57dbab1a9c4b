/*
 * trace: see the header.
 */
#include "run/trace.h"

#include "base/path.h"
#include "run/upload.h"

enum {
	HOUR_S = 3600, DAY_S = 86400, FILES_PAGE = 1000, BATCHES_PAGE = 100,
	SILENT_MS = 3000, AGAIN_MS = 30000
};

/* A walk for those of the shards that are before `wanted`. */
struct walk {
	struct nm_run          *run;
	struct nm_shard_record *shards;
	size_t                  n;
	enum nm_shard_state     wanted;
	int64_t                 oldest_s; /* nothing of them is older */
	size_t                  missing;
	size_t                  seen;     /* in the list so far */
	int64_t                 tell_ms;  /* mono; of that, when it takes so long */
	struct nm_trace         met;
};

void
nm_trace_name(const struct nm_run *run, const struct nm_shard_record *shard,
              struct nm_buf *out)
{
	nm_buf_add_string(out, "nightmail-");
	nm_path_add_safe(out, nm_text_of(run->record.name));
	nm_buf_addf(out, "-%s-%lld-%s.jsonl", run->record.id,
	            (long long)shard->number, shard->tag);
}

void
nm_trace_take_file(struct nm_shard_record *shard,
                   const struct nm_remote_file *file)
{
	shard->state = NM_SHARD_UPLOADED;
	shard->input_file_id = file->id;
	shard->input_created = file->created_s;
	shard->note = "";
}

void
nm_trace_take_batch(struct nm_shard_record *shard,
                    const struct nm_batch *batch)
{
	shard->state = NM_SHARD_CREATED;
	shard->batch_id = batch->id;
	shard->status = batch->status_text;
	shard->created = batch->created_s;
	if (!shard->input_file_id[0])
		shard->input_file_id = batch->input_file_id;
	shard->note = "";
}

/* An intent's time is this machine's, and so is that of the run. */
static int64_t
oldest_file_s(const struct nm_run *run, const struct nm_shard_record *shard)
{
	int64_t since_ms = shard->intent_ms ? shard->intent_ms
	                                    : run->record.created_ms;

	return since_ms / 1000 - DAY_S;
}

/* A batch is never older than its input file, by the service's own clock. */
static int64_t
oldest_batch_s(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return shard->input_created ? shard->input_created - HOUR_S
	                            : oldest_file_s(run, shard);
}

static void
walk_init(struct walk *walk,
          int64_t (*oldest_s)(const struct nm_run *run,
                              const struct nm_shard_record *shard))
{
	size_t i;

	walk->tell_ms = nm_clock_mono_ms(walk->run->clock) + SILENT_MS;
	walk->oldest_s = INT64_MAX;
	for (i = 0; i < walk->n; i++) {
		int64_t its_s = oldest_s(walk->run, &walk->shards[i]);

		if (walk->shards[i].state >= walk->wanted)
			continue;
		walk->missing++;
		if (its_s < walk->oldest_s)
			walk->oldest_s = its_s;
	}
}

/* An account may have a hundred thousand. */
static void
turn_page(struct walk *walk, size_t count, const char *what)
{
	int64_t now_ms = nm_clock_mono_ms(walk->run->clock);

	walk->seen += count;
	if (now_ms < walk->tell_ms)
		return;
	walk->tell_ms = now_ms + AGAIN_MS;
	nm_run_note(walk->run, "looking through the account's %s for those of"
	            " this run: %zu so far", what, walk->seen);
}

/* Is all that follows older? Of lists that begin with the oldest, nothing is. */
static int
is_past(const struct walk *walk, int64_t first_s, int64_t last_s)
{
	return last_s && last_s < walk->oldest_s && last_s <= first_s;
}

static enum nm_code
keep(struct walk *walk, struct nm_shard_record *shard, struct nm_err *err)
{
	struct nm_part *part = &walk->run->parts[shard - walk->run->shards];
	enum nm_code rc = nm_run_save(walk->run, shard, err);

	walk->missing--;
	walk->met.found++;
	if (shard->batch_id[0]) {
		part->name = shard->batch_id;
		part->status = shard->status;
	}
	return rc;
}

/* Some services tell no length, or 0. */
static int
has_length_of(const struct nm_remote_file *file,
              const struct nm_shard_record *shard)
{
	return file->bytes <= 0 || !shard->bytes || file->bytes == shard->bytes;
}

static enum nm_code
refuse_file(struct walk *walk, struct nm_shard_record *shard,
            const struct nm_remote_file *file, struct nm_err *err)
{
	nm_run_warn(walk->run, "%s has %lld bytes instead of the %lld of shard"
	            " %lld: that is uploaded again", file->id,
	            (long long)file->bytes, (long long)shard->bytes,
	            (long long)shard->number);
	walk->met.misfits++;
	return nm_upload_anew(walk->run, shard, err);
}

static enum nm_code
match_file(struct walk *walk, const struct nm_remote_file *file,
           struct nm_err *err)
{
	struct nm_buf name = { 0 };
	enum nm_code rc = NM_OK;
	size_t i;

	if (!strstr(file->filename, walk->run->record.id))
		return NM_OK;
	for (i = 0; !rc && i < walk->n; i++) {
		struct nm_shard_record *shard = &walk->shards[i];

		if (shard->state >= walk->wanted)
			continue;
		nm_buf_clear(&name);
		nm_trace_name(walk->run, shard, &name);
		if (strcmp(file->filename, nm_buf_string(&name)) != 0)
			continue;
		if (!has_length_of(file, shard)) {
			rc = refuse_file(walk, shard, file, err);
			continue;
		}
		nm_trace_take_file(shard, file);
		rc = keep(walk, shard, err);
	}
	nm_buf_release(&name);
	return rc;
}

enum nm_code
nm_trace_files(struct nm_run *run, struct nm_shard_record *shards, size_t n,
               struct nm_trace *out, struct nm_err *err)
{
	struct walk walk = {
		.run = run, .shards = shards, .n = n,
		.wanted = NM_SHARD_UPLOADED,
	};
	struct nm_files_query query = {
		.purpose = "batch", .limit = FILES_PAGE, .order = "desc",
	};
	struct nm_arena arenas[2] = { { 0 }, { 0 } };
	struct nm_files_page page = { .more = true };
	enum nm_code rc = NM_OK;
	size_t i, which = 0;

	walk_init(&walk, oldest_file_s);
	while (!rc && walk.missing && page.more) {
		/* The page before holds `after` while this one is asked for. */
		struct nm_arena *arena = &arenas[which ^= 1];

		nm_arena_clear(arena);
		rc = nm_files_list(run->api, &query, arena, &page, err);
		if (rc)
			break;
		for (i = 0; !rc && i < page.count; i++)
			rc = match_file(&walk, &page.files[i], err);
		if (!page.count ||
		    is_past(&walk, page.files[0].created_s,
		            page.files[page.count - 1].created_s))
			page.more = false;
		if (page.more)
			turn_page(&walk, page.count, "files");
		query.after = page.after;
	}
	nm_arena_release(&arenas[0]);
	nm_arena_release(&arenas[1]);
	*out = walk.met;
	return rc;
}

/* One that is replaced, by a new tag, has failed and brought nothing. */
static int
is_worth_something(const struct nm_batch *batch)
{
	return batch->status != NM_BATCH_FAILED &&
	       (!nm_batch_is_final(batch->status) || batch->completed > 0 ||
	        batch->output_file_id[0]);
}

static int
is_stranger(const struct nm_run *run, const struct nm_batch *batch,
            const char *tag)
{
	size_t i;

	if (strcmp(nm_batch_metadata(batch, "run"), run->record.id) != 0 ||
	    !is_worth_something(batch))
		return 0;
	for (i = 0; i < run->n_shards; i++)
		if (strcmp(run->shards[i].tag, tag) == 0)
			return 0;
	return 1;
}

static enum nm_code
match_batch(struct walk *walk, const struct nm_batch *batch,
            struct nm_err *err)
{
	const char *tag = nm_batch_metadata(batch, "tag");
	size_t i;

	if (!tag[0])
		return NM_OK;
	for (i = 0; i < walk->n; i++) {
		struct nm_shard_record *shard = &walk->shards[i];

		if (shard->state >= walk->wanted ||
		    strcmp(tag, shard->tag) != 0)
			continue;
		nm_trace_take_batch(shard, batch);
		return keep(walk, shard, err);
	}
	if (is_stranger(walk->run, batch, tag))
		walk->met.stranger = nm_arena_string(&walk->run->arena,
		                                     batch->id);
	return NM_OK;
}

enum nm_code
nm_trace_batch(struct nm_run *run, const struct nm_batch *batch,
               struct nm_trace *out, struct nm_err *err)
{
	struct walk walk = {
		.run = run, .shards = run->shards, .n = run->n_shards,
		.wanted = NM_SHARD_CREATED,
	};
	enum nm_code rc = match_batch(&walk, batch, err);

	*out = walk.met;
	return rc;
}

enum nm_code
nm_trace_batches(struct nm_run *run, struct nm_shard_record *shards, size_t n,
                 struct nm_trace *out, struct nm_err *err)
{
	struct walk walk = {
		.run = run, .shards = shards, .n = n,
		.wanted = NM_SHARD_CREATED,
	};
	struct nm_arena arenas[2] = { { 0 }, { 0 } };
	struct nm_batches_page page = { .more = true };
	enum nm_code rc = NM_OK;
	size_t i, which = 0;

	walk_init(&walk, oldest_batch_s);
	while (!rc && walk.missing && page.more) {
		struct nm_arena *arena = &arenas[which ^= 1];

		nm_arena_clear(arena);
		rc = nm_batches_list(run->api, page.after, BATCHES_PAGE, arena,
		                     &page, err);
		if (rc)
			break;
		for (i = 0; !rc && i < page.count; i++)
			rc = match_batch(&walk, &page.batches[i], err);
		if (!page.count ||
		    is_past(&walk, page.batches[0].created_s,
		            page.batches[page.count - 1].created_s))
			page.more = false;
		if (page.more)
			turn_page(&walk, page.count, "batches");
	}
	nm_arena_release(&arenas[0]);
	nm_arena_release(&arenas[1]);
	*out = walk.met;
	return rc;
}
