/*
 * run: made, taken up, saved.
 */
#include "run/run.h"

#include <errno.h>
#include <unistd.h>

#include "base/path.h"
#include "run/adoption.h"
#include "run/plan.h"

enum {
	POLL_INTERVAL_MS = 30000,
	PATIENCE_MS = 15000,
	OUTAGE_MS = 6 * 3600 * 1000,
	SHARD_REQUESTS = 50000,
	SHARD_BYTES = 200000000,
	MAX_ATTEMPTS = 3,
	CONCURRENCY = 64
};

void
nm_run_fill_settings(struct nm_run_settings *out,
                     const struct nm_run_settings *in)
{
	if (in)
		*out = *in;
	if (!out->poll_interval_ms)
		out->poll_interval_ms = POLL_INTERVAL_MS;
	if (!out->patience_ms)
		out->patience_ms = PATIENCE_MS;
	if (!out->outage_ms)
		out->outage_ms = OUTAGE_MS;
	if (!out->shard_requests)
		out->shard_requests = SHARD_REQUESTS;
	if (!out->shard_bytes)
		out->shard_bytes = SHARD_BYTES;
	if (!out->max_attempts)
		out->max_attempts = MAX_ATTEMPTS;
	if (!out->concurrency)
		out->concurrency = CONCURRENCY;
}

static void
take_tools(struct nm_run *run, const struct nm_run_tools *tools,
           struct nm_source *source)
{
	memset(run, 0, sizeof(*run));
	run->journal = tools->journal;
	run->api = tools->api;
	run->clock = tools->clock;
	run->watch = tools->watch;
	run->source = source;
	nm_run_fill_settings(&run->settings, tools->settings);
}

static const char *
keep(struct nm_run *run, const char *text)
{
	return nm_arena_string(&run->arena, text ? text : "");
}

static void
keep_metadata(struct nm_run *run, const struct nm_run_wish *wish)
{
	size_t i;

	run->metadata = nm_arena_array(&run->arena, NM_RUN_METADATA_MAX,
	                               sizeof(*run->metadata));
	for (i = 0; i < wish->n_metadata && i < NM_RUN_METADATA_MAX; i++) {
		run->metadata[i].name = keep(run, wish->metadata[i].name);
		run->metadata[i].value = keep(run, wish->metadata[i].value);
	}
	run->n_metadata = i;
}

/* Joins with a byte that stands in none of them, so that no two runs meet. */
static const char *
make_key(struct nm_run *run, const struct nm_run_wish *wish)
{
	const char *const texts[] = {
		wish->mode, wish->name, wish->model, wish->endpoint,
		wish->identity, run->source->digest,
		nm_buf_string(&run->api->account->identity),
	};
	struct nm_digest digest;
	char hex[NM_DIGEST_HEX_MAX];
	size_t i;

	nm_digest_init(&digest, NM_SHA256);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		nm_digest_add(&digest, texts[i], strlen(texts[i]) + 1);
	nm_digest_finish(&digest, hex);
	return keep(run, hex);
}

static void
make_record(struct nm_run *run, const struct nm_run_wish *wish)
{
	char id[NM_RUN_ID_DIGITS + 1];

	nm_digest_random_hex(id, NM_RUN_ID_DIGITS);
	run->record = (struct nm_run_record){
		.id = keep(run, id),
		.key = make_key(run, wish),
		.mode = keep(run, wish->mode),
		.state = NM_RUN_OPEN,
		.created_ms = nm_clock_wall_ms(run->clock),
		.name = keep(run, wish->name),
		.model = keep(run, wish->model),
		.endpoint = keep(run, wish->endpoint),
		.account = keep(run,
			nm_buf_string(&run->api->account->identity)),
		.requests = run->source->count,
		.spec = keep(run, wish->spec),
		.results_path = "",
	};
	run->record.updated_ms = run->record.created_ms;
}

/* One process drives a run; the downloads' folder is its own too. */
static enum nm_code
enter_folder(struct nm_run *run, struct nm_err *err)
{
	struct nm_buf path = { 0 };
	enum nm_code rc;

	nm_buf_clear(&run->folder);
	nm_path_join(&run->folder, nm_journal_folder(run->journal), "runs");
	nm_buf_addf(&run->folder, "/%s", run->record.id);
	rc = nm_path_make(nm_buf_string(&run->folder), 0700, err);
	if (!rc) {
		nm_buf_addf(&path, "%s.lock", nm_buf_string(&run->folder));
		rc = nm_lock_open(&run->lock, nm_buf_string(&path), err);
	}
	if (rc == NM_HELD)
		nm_fail(err, NM_HELD, err->detail,
			"run %s is being driven by process %ld: wait for it,"
			" or stop it and run this again",
			run->record.id, err->detail);
	nm_buf_release(&path);
	return rc;
}

void
nm_run_show_shards(struct nm_run *run)
{
	size_t i;

	run->parts = nm_arena_array(&run->arena, run->n_shards + 1,
	                            sizeof(*run->parts));
	run->shown = nm_arena_array(&run->arena, run->n_shards + 1,
	                            sizeof(*run->shown));
	run->direct = NULL;
	for (i = 0; i < run->n_shards; i++) {
		if (run->shards[i].state >= NM_SHARD_ENDED)
			run->parts[i].done = run->shards[i].count;
		run->parts[i].total = run->shards[i].count;
		run->parts[i].status = run->shards[i].status;
		run->parts[i].name = run->shards[i].batch_id[0]
			? run->shards[i].batch_id : NULL;
	}
}

static const char GONE[] = "gone"; /* ours, the service has no word for it */

void
nm_run_lose_batch(struct nm_run *run, const struct nm_shard_record *shard)
{
	run->parts[shard - run->shards].status = GONE;
}

int
nm_run_has_lost(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return run->parts[shard - run->shards].status == GONE;
}

static enum nm_code
load_shards(struct nm_run *run, struct nm_err *err)
{
	enum nm_code rc = nm_shards_list(run->journal, run->record.id,
	                                 &run->arena, &run->shards,
	                                 &run->n_shards, err);

	run->ended_before = nm_runs_has_ended(run->record.state);
	if (!rc)
		nm_run_show_shards(run);
	return rc;
}

static enum nm_code
take_up(struct nm_run *run, const struct nm_run_record *old,
        struct nm_err *err)
{
	enum nm_code rc;

	run->record = *old;
	run->origin = NM_RUN_RESUMED;
	rc = enter_folder(run, err);
	return rc ? rc : load_shards(run, err);
}

static enum nm_code
leave_earlier(struct nm_run *run, struct nm_err *err)
{
	struct nm_run_record old;
	enum nm_code rc;

	for (;;) {
		rc = nm_runs_find_open(run->journal, run->record.key,
		                       &run->arena, &old, err);
		if (rc)
			return rc == NM_ABSENT ? NM_OK : rc;
		rc = nm_runs_set_state(run->journal, old.id,
		                       old.state == NM_RUN_PARTIAL
		                       ? NM_RUN_DONE : NM_RUN_LEFT,
		                       NULL, nm_clock_wall_ms(run->clock),
		                       err);
		if (rc)
			return rc;
	}
}

/* Writes the run, unless one like it was begun meanwhile: *other is that one. */
static enum nm_code
write_new(struct nm_run *run, const struct nm_plan *plan,
          enum nm_run_take take, struct nm_run_record *other,
          struct nm_err *err)
{
	enum nm_code rc;

	if (take == NM_RUN_AFRESH) {
		rc = leave_earlier(run, err);
		if (rc)
			return rc;
	} else {
		rc = nm_runs_find_open(run->journal, run->record.key,
		                       &run->arena, other, err);
		if (rc != NM_ABSENT)
			return rc;
	}
	other->id = NULL;
	rc = nm_runs_add(run->journal, &run->record, err);
	if (!rc)
		rc = nm_run_add_shards(run, plan->shards, plan->n_shards, err);
	return rc;
}

/* Nobody else knows the id of a run that was not written down. */
static void
leave_folder(struct nm_run *run)
{
	struct nm_buf lock = { 0 };

	nm_buf_addf(&lock, "%s.lock", nm_buf_string(&run->folder));
	(void)rmdir(nm_buf_string(&run->folder));
	(void)unlink(nm_buf_string(&lock));
	nm_lock_close(&run->lock);
	nm_buf_release(&lock);
}

/* In a transaction of its own; *other as write_new. */
static enum nm_code
commit_new(struct nm_run *run, const struct nm_plan *plan,
           enum nm_run_take take, struct nm_run_record *other,
           struct nm_err *err)
{
	enum nm_code rc = nm_journal_begin(run->journal, err);

	if (rc)
		return rc;
	rc = write_new(run, plan, take, other, err);
	if (!rc && !other->id)
		return nm_journal_commit(run->journal, err);
	nm_journal_rollback(run->journal);
	return rc;
}

/*
 * The look for a run like this one and the writing of it are one transaction: of
 * two processes that begin at the same time, the second takes up the first's.
 */
static enum nm_code
record_new(struct nm_run *run, const struct nm_plan *plan,
           enum nm_run_take take, struct nm_err *err)
{
	struct nm_run_record other = { 0 };
	enum nm_code rc = enter_folder(run, err);

	if (rc)
		return rc;
	rc = commit_new(run, plan, take, &other, err);
	if (rc || other.id)
		leave_folder(run);
	return !rc && other.id ? take_up(run, &other, err) : rc;
}

static enum nm_code
plan_new(struct nm_run *run, const struct nm_run_wish *wish,
         enum nm_run_take take, struct nm_err *err)
{
	struct nm_plan plan = { 0 };
	enum nm_code rc = nm_plan_make(&plan, run, wish, err);

	if (!rc)
		rc = record_new(run, &plan, take, err);
	nm_plan_release(&plan);
	return rc;
}

/* The open run that is the same, else a new one. */
static enum nm_code
find_or_record(struct nm_run *run, const struct nm_run_wish *wish,
               enum nm_run_take take, struct nm_err *err)
{
	struct nm_run_record old;
	enum nm_code rc;

	if (take == NM_RUN_AFRESH)
		return plan_new(run, wish, take, err);
	rc = nm_runs_find_open(run->journal, run->record.key, &run->arena,
	                       &old, err);
	if (rc == NM_ABSENT)
		return plan_new(run, wish, take, err);
	return rc ? rc : take_up(run, &old, err);
}

enum nm_code
nm_run_open(struct nm_run *run, const struct nm_run_tools *tools,
            struct nm_source *source, const struct nm_run_wish *wish,
            enum nm_run_take take, struct nm_err *err)
{
	take_tools(run, tools, source);
	keep_metadata(run, wish);
	make_record(run, wish);
	return find_or_record(run, wish, take, err);
}

/* Shards that were not sent yet need the pairs that the first process had. */
static enum nm_code
recall_metadata(struct nm_run *run, struct nm_err *err)
{
	struct nm_run_wish wish = { 0 };
	struct nm_batch_pair pairs[NM_RUN_METADATA_MAX];
	const struct nm_value *root, *value;
	struct nm_json json = { 0 };
	struct nm_json_walk walk;
	struct nm_text member;
	enum nm_code rc;

	rc = nm_json_read(&json, run->record.spec, strlen(run->record.spec),
	                  &root, err);
	if (rc) {
		nm_json_release(&json);
		return nm_while(err, "reading run %s in the journal",
		                run->record.id);
	}
	nm_json_walk_init(&walk, nm_json_get(root, "metadata"));
	while (wish.n_metadata < NM_RUN_METADATA_MAX &&
	       (value = nm_json_walk_next(&walk, &member))) {
		pairs[wish.n_metadata].name =
			nm_arena_text(&run->arena, member).at;
		pairs[wish.n_metadata++].value =
			nm_arena_text(&run->arena, nm_json_text(value)).at;
	}
	wish.metadata = pairs;
	keep_metadata(run, &wish);
	nm_json_release(&json);
	return NM_OK;
}

enum nm_code
nm_run_resume(struct nm_run *run, const struct nm_run_tools *tools,
              const char *id, struct nm_source *source, struct nm_err *err)
{
	enum nm_code rc;

	take_tools(run, tools, source);
	run->origin = NM_RUN_RESUMED;
	rc = nm_runs_get(run->journal, id, &run->arena, &run->record, err);
	if (!rc)
		rc = recall_metadata(run, err);
	if (!rc)
		rc = enter_folder(run, err);
	return rc ? rc : load_shards(run, err);
}

enum nm_code
nm_run_adopt(struct nm_run *run, const struct nm_run_tools *tools,
             struct nm_source *source, const struct nm_run_wish *wish,
             const struct nm_batch *batches, size_t n_batches,
             struct nm_err *err)
{
	struct nm_plan plan = { .n_shards = n_batches };

	take_tools(run, tools, source);
	keep_metadata(run, wish);
	make_record(run, wish);
	run->origin = NM_RUN_RESUMED;
	plan.shards = nm_arena_array(&run->arena, n_batches,
	                             sizeof(*plan.shards));
	nm_adoption_place(run, batches, n_batches, plan.shards);
	return record_new(run, &plan, NM_RUN_TAKE_UP, err);
}

void
nm_run_release(struct nm_run *run)
{
	nm_lock_close(&run->lock);
	nm_buf_release(&run->folder);
	nm_arena_release(&run->arena);
	memset(run, 0, sizeof(*run));
}

static void
keep_texts(struct nm_run *run, struct nm_shard_record *shard)
{
	const char **texts[] = {
		&shard->run, &shard->tag, &shard->input_file_id,
		&shard->batch_id, &shard->status, &shard->output_file_id,
		&shard->error_file_id, &shard->output_path,
		&shard->error_path, &shard->note,
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = keep(run, *texts[i]);
}

enum nm_code
nm_run_save(struct nm_run *run, struct nm_shard_record *shard,
            struct nm_err *err)
{
	keep_texts(run, shard);
	return nm_shards_save(run->journal, shard, err);
}

static void
finish_shard(struct nm_run *run, struct nm_shard_record *shard, int64_t number)
{
	char tag[NM_SHARD_TAG_DIGITS + 1];

	nm_digest_random_hex(tag, NM_SHARD_TAG_DIGITS);
	shard->run = run->record.id;
	shard->tag = tag;
	shard->number = number;
	shard->input_tokens = -1;
	shard->cached_tokens = -1;
	shard->output_tokens = -1;
	shard->reasoning_tokens = -1;
	shard->members = nm_arena_text(&run->arena, shard->members);
	keep_texts(run, shard);
}

enum nm_code
nm_run_add_shards(struct nm_run *run, const struct nm_shard_record *shards,
                  size_t n_shards, struct nm_err *err)
{
	size_t all = run->n_shards + n_shards, i;
	struct nm_shard_record *list;
	enum nm_code rc;

	list = nm_arena_array(&run->arena, all + 1, sizeof(*list));
	if (run->n_shards)
		memcpy(list, run->shards, run->n_shards * sizeof(*list));
	for (i = run->n_shards; i < all; i++) {
		list[i] = shards[i - run->n_shards];
		finish_shard(run, &list[i], (int64_t)i + 1);
	}
	rc = nm_shards_add(run->journal, list + run->n_shards, n_shards, err);
	if (rc)
		return rc;
	run->shards = list;
	run->n_shards = all;
	nm_run_show_shards(run);
	return NM_OK;
}

enum nm_code
nm_run_reopen(struct nm_run *run, struct nm_err *err)
{
	if (run->record.state == NM_RUN_OPEN)
		return NM_OK;
	return nm_run_saved(run, run->record.results_path, NM_RUN_OPEN, err);
}

enum nm_code
nm_run_note_earlier(struct nm_run *run, struct nm_err *err)
{
	char ended[NM_CLOCK_TEXT_MAX];
	struct nm_run_record old;
	enum nm_code rc;

	if (run->origin != NM_RUN_NEW)
		return NM_OK;
	rc = nm_runs_find_done(run->journal, run->record.key, &run->arena,
	                       &old, err);
	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	nm_clock_local(old.updated_ms, ended);
	nm_run_note(run, "the same was asked before, by run %s, which ended"
	            " %s: all of %s is asked anew", old.id, ended,
	            run->record.name);
	return NM_OK;
}

enum nm_code
nm_run_saved(struct nm_run *run, const char *results_path,
             enum nm_run_state state, struct nm_err *err)
{
	enum nm_code rc = nm_runs_set_state(run->journal, run->record.id,
	                                    state, results_path,
	                                    nm_clock_wall_ms(run->clock), err);

	if (rc)
		return rc;
	run->record.state = state;
	run->record.results_path = keep(run, results_path);
	return NM_OK;
}
