/*
 * run: a run that is open, and its durable steps. How it is opened is in opening.c, what
 * it tells in watch.c.
 */
#include "run/run.h"

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

static const char *
keep(struct nm_run *run, const char *text)
{
	return nm_arena_string(&run->arena, text ? text : "");
}

/* How many of an ended batch's requests succeeded is not in the journal: all, as far as
 * is shown, unless it brought none. */
static int
has_results(const struct nm_shard_record *shard)
{
	return shard->output_path[0] || !strcmp(shard->status, "completed") ||
	       (shard->state >= NM_SHARD_ENDED && shard->output_file_id[0]);
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
		if (has_results(&run->shards[i]))
			run->parts[i].done = run->shards[i].count;
		run->parts[i].total = run->shards[i].count;
		run->parts[i].status = run->shards[i].status;
		run->parts[i].name = run->shards[i].batch_id[0]
			? run->shards[i].batch_id : NULL;
	}
}

int
nm_run_has_sent(const struct nm_run *run)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].state != NM_SHARD_PLANNED)
			return 1;
	return 0;
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
