/*
 * opening: runs made, taken up and adopted, and by whom each is driven. Declared in
 * run/run.h.
 */
#include "run/run.h"

#include <unistd.h>

#include "run/adoption.h"
#include "run/fetch.h"
#include "run/plan.h"
#include "run/record.h"

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

enum { HOLDER_MAX = 40 };

static const char *
name_holder(long pid, char text[HOLDER_MAX])
{
	if (pid <= 0)
		return "another process";
	snprintf(text, HOLDER_MAX, "process %ld", pid);
	return text;
}

enum nm_code
nm_run_lock(const struct nm_journal *journal, const char *id,
            struct nm_lock *lock, struct nm_err *err)
{
	char holder[HOLDER_MAX];
	struct nm_buf path = { 0 };
	enum nm_code rc;

	nm_journal_add_run_folder(journal, id, &path);
	rc = nm_folder_make(nm_buf_string(&path), 0700, err);
	if (!rc) {
		nm_buf_add_string(&path, ".lock");
		rc = nm_lock_open(lock, nm_buf_string(&path), err);
	}
	if (rc == NM_HELD)
		nm_fail(err, NM_HELD, err->detail,
			"run %s is being driven by %s: wait for it, or stop it"
			" and run this again", id,
			name_holder(err->detail, holder));
	nm_buf_release(&path);
	return rc;
}

static enum nm_code
enter_folder(struct nm_run *run, struct nm_err *err)
{
	nm_buf_clear(&run->folder);
	nm_journal_add_run_folder(run->journal, run->record.id, &run->folder);
	return nm_run_lock(run->journal, run->record.id, &run->lock, err);
}

static enum nm_code
load_shards(struct nm_run *run, struct nm_err *err)
{
	enum nm_code rc = nm_shards_list(run->journal, run->record.id,
	                                 &run->arena, &run->shards,
	                                 &run->n_shards, err);

	run->ended_before = nm_runs_has_ended(run->record.state);
	if (rc)
		return rc;
	nm_fetch_miss(run);
	nm_run_show_shards(run);
	return NM_OK;
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

static enum nm_code
find_done_since(struct nm_run *run, int64_t since_ms,
                struct nm_run_record *old, struct nm_err *err)
{
	enum nm_code rc = nm_runs_find_done(run->journal, run->record.key,
	                                    &run->arena, old, err);

	return !rc && old->updated_ms < since_ms ? NM_ABSENT : rc;
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
	if (rc == NM_ABSENT && wish->done_since_ms)
		rc = find_done_since(run, wish->done_since_ms, &old, err);
	if (rc != NM_ABSENT)
		return rc ? rc : take_up(run, &old, err);
	return plan_new(run, wish, take, err);
}

enum nm_code
nm_run_open(struct nm_run *run, const struct nm_run_tools *tools,
            struct nm_source *source, const struct nm_run_wish *wish,
            enum nm_run_take take, struct nm_err *err)
{
	enum nm_code rc;

	take_tools(run, tools, source);
	keep_metadata(run, wish);
	nm_record_make(run, wish);
	/* In a damaged journal what is not found may be there all the same: a run, or
	 * a shard of the one that is. */
	rc = nm_journal_check(run->journal, err);
	return rc ? rc : find_or_record(run, wish, take, err);
}

enum nm_code
nm_run_find_begun(const struct nm_run_tools *tools, struct nm_source *source,
                  const struct nm_run_wish *wish, int64_t *began_ms,
                  struct nm_err *err)
{
	struct nm_run_record old;
	struct nm_run run;
	enum nm_code rc;

	take_tools(&run, tools, source);
	rc = nm_runs_find_open(run.journal, nm_record_key(&run, wish), &run.arena,
	                       &old, err);
	if (!rc)
		*began_ms = old.created_ms;
	nm_arena_release(&run.arena);
	return rc;
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

	rc = nm_source_read_spec(run->record.spec, &json, &root, err);
	if (rc) {
		nm_json_release(&json);
		return rc;
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
	rc = nm_journal_check(run->journal, err);
	if (!rc)
		rc = nm_runs_get(run->journal, id, &run->arena, &run->record,
		                 err);
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
	struct nm_plan plan = { 0 };
	enum nm_code rc;

	take_tools(run, tools, source);
	rc = nm_journal_check(run->journal, err);
	if (rc)
		return rc;
	keep_metadata(run, wish);
	nm_record_make(run, wish);
	/* It began where it was made: a deadline counts from then on. */
	run->record.created_ms -= nm_adoption_age_ms(run, batches, n_batches);
	run->origin = NM_RUN_RESUMED;
	plan.shards = nm_arena_array(&run->arena, n_batches,
	                             sizeof(*plan.shards));
	plan.n_shards = nm_adoption_place(run, batches, n_batches,
	                                  plan.shards);
	return record_new(run, &plan, NM_RUN_TAKE_UP, err);
}
