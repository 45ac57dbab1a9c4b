/*
 * manage_leave: --cancel of a run: asks the service to stop its batches, and gives the
 * run up, so that the same command begins another one.
 */
#include <inttypes.h>

#include "prog/batch_sight.h"
#include "run/batch_run.h"
#include "run/creation.h"
#include "run/look.h"
#include "task/watcher.h"

enum { CONFLICT = 409 };

/* Invariant: stopped of n batches are to stop; the others have ended, or are gone. */
struct leaving {
	struct nm_manager    *manager;
	struct nm_run_record  record;
	struct nm_run         run;  /* held */
	struct nm_watch       watch;
	size_t                n, stopped;
	struct nm_buf         told; /* JSON, the batches' */
	struct nm_json_writer w;
	struct nm_arena       arena;
};

static enum nm_code
refuse_ended(const struct nm_run_record *run, struct nm_err *err)
{
	return nm_fail(err, NM_UNFINISHED, 0, "run %s is already %s; there is "
	               "nothing left to cancel", run->id,
	               nm_run_state_word(run->state));
}

static enum nm_code
find(struct leaving *leaving, const char *id, struct nm_err *err)
{
	struct nm_manager *manager = leaving->manager;
	struct nm_run_record *run = &leaving->record;
	enum nm_code rc = nm_manager_find_journal(manager, err);

	if (!rc)
		rc = nm_runs_get(manager->journal, id, &leaving->arena, run, err);
	if (rc == NM_ABSENT)
		return nm_fail(err, NM_ABSENT, 0, "no run %s is recorded on this "
		               "machine; batch_manager --runs lists them", id);
	if (rc)
		return rc;
	if (run->state == NM_RUN_DONE)
		return refuse_ended(run, err);
	if (!nm_account_owns(&manager->service.account, run->account))
		return nm_fail(err, NM_USAGE, 0, "run %s was sent with another "
		               "key, or to another service: %.*s", id,
		               (int)strcspn(run->account, " "), run->account);
	return NM_OK;
}

/* Nobody drives it meanwhile. */
static enum nm_code
hold(struct leaving *leaving, struct nm_err *err)
{
	struct nm_manager *manager = leaving->manager;
	struct nm_run_settings settings = {
		.patience_ms = nm_options_whole(&manager->options,
		                                MANAGER_PATIENCE),
	};
	struct nm_run_tools tools = {
		.journal = manager->journal,
		.api = &manager->service.api,
		.clock = &manager->service.clock,
		.watch = &leaving->watch,
		.settings = &settings,
	};

	nm_watcher_init(&leaving->watch, &manager->message);
	return nm_run_resume(&leaving->run, &tools, leaving->record.id, NULL,
	                     err);
}

/* By the status that was seen last, as of an earlier --cancel. */
static bool
is_at_work(const struct nm_shard_record *shard)
{
	return shard->state == NM_SHARD_CREATING ||
	       (shard->state == NM_SHARD_CREATED &&
	        strncmp(shard->status, "cancel", 6) != 0);
}

/* Of a run that --new left the batches went on. */
static enum nm_code
check_at_work(const struct leaving *leaving, struct nm_err *err)
{
	const struct nm_run *run = &leaving->run;
	size_t i = 0;

	while (i < run->n_shards && !is_at_work(&run->shards[i]))
		i++;
	return i < run->n_shards || leaving->record.state != NM_RUN_LEFT
	       ? NM_OK : refuse_ended(&leaving->record, err);
}

/* What was refused for the moment may be there all the same, and lists may show it late:
 * one patience is enough for all. Nothing is sent, since these are no more than looked
 * for. Of a run that was left nobody else looks for the rest. */
static enum nm_code
look_for_unseen(struct leaving *leaving, struct nm_err *err)
{
	struct nm_run *run = &leaving->run;
	int64_t began_ms = nm_clock_mono_ms(run->clock);
	enum nm_code rc = NM_OK;

	for (size_t i = 0; !rc && i < run->n_shards; i++) {
		struct nm_shard_record *shard = &run->shards[i];

		if (shard->state != NM_SHARD_CREATING ||
		    (!nm_look_is_refused(shard) &&
		     leaving->record.state != NM_RUN_LEFT))
			continue;
		rc = nm_creation_step(run, shard, err);
		run->refused_ms = began_ms;
	}
	return rc;
}

/* Before any is stopped: going on would send what that one had, once more. */
static enum nm_code
check_seen(struct leaving *leaving, struct nm_err *err)
{
	const struct nm_run *run = &leaving->run;
	enum nm_code rc = look_for_unseen(leaving, err);

	for (size_t i = 0; !rc && i < run->n_shards; i++)
		if (run->shards[i].state == NM_SHARD_CREATING)
			rc = nm_fail(err, NM_UNFINISHED, 0, "a batch of run %s "
			             "may have been made though no reply came: "
			             "go on with the run, which looks for it, "
			             "and cancel then", leaving->record.id);
	return rc;
}

static void
note(struct leaving *leaving, const char *id, const char *outcome)
{
	leaving->n++;
	nm_json_open_object(&leaving->w, NULL);
	nm_json_put_string(&leaving->w, "id", id);
	nm_json_put_string(&leaving->w, "outcome", outcome);
	nm_json_close_object(&leaving->w);
}

static enum nm_code
stop_one(struct leaving *leaving, const struct nm_shard_record *shard,
         struct nm_err *err)
{
	struct nm_api *api = &leaving->manager->service.api;
	struct nm_batch batch = { .status_text = "unknown" };
	struct nm_arena arena = {0};
	enum nm_code rc = NM_OK;

	if (shard->state != NM_SHARD_CREATED) {
		if (shard->batch_id[0])
			note(leaving, shard->batch_id, shard->status);
		return NM_OK;
	}
	rc = nm_batches_cancel(api, shard->batch_id, &arena, &batch, err);
	if (rc == NM_REFUSED && err->detail == CONFLICT)
		rc = nm_batches_get(api, shard->batch_id, &arena, &batch, err);
	if (!rc)
		nm_batch_sight_keep(leaving->manager, &batch);
	if (rc == NM_ABSENT)
		rc = NM_OK;
	if (!rc)
		note(leaving, shard->batch_id, batch.status_text);
	leaving->stopped += !rc && strncmp(batch.status_text, "cancel", 6) == 0;
	nm_arena_release(&arena);
	return rc;
}

static void
tell(struct leaving *leaving, const char *state)
{
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2 };

	if (nm_manager_wants_json(leaving->manager)) {
		nm_json_open_object(&w, NULL);
		nm_json_put_string(&w, "id", leaving->record.id);
		nm_json_put_string(&w, "state", state);
		nm_json_put_raw(&w, "batches", nm_buf_text(&leaving->told));
		nm_json_close_object(&w);
		nm_buf_add_byte(&text, '\n');
	} else {
		nm_buf_addf(&text, "run %s %s.", leaving->record.id,
		            leaving->record.state == NM_RUN_LEFT
		            ? "was given up before" : "is given up: the same "
		            "command begins another one");
		if (leaving->stopped)
			nm_buf_addf(&text, " Of its %zu batch%s %zu %s being "
			            "cancelled, which may take 10 minutes; what "
			            "they had finished is kept.", leaving->n,
			            leaving->n == 1 ? "" : "es", leaving->stopped,
			            leaving->stopped == 1 ? "is" : "are");
		nm_buf_add_byte(&text, '\n');
	}
	nm_manager_print(&text);
	nm_buf_release(&text);
}

/* Its last step: until then the same command goes on with it. */
static enum nm_code
leave(struct leaving *leaving, struct nm_err *err)
{
	struct nm_manager *manager = leaving->manager;
	enum nm_run_state to = leaving->record.state == NM_RUN_PARTIAL
		? NM_RUN_DONE : NM_RUN_LEFT;
	enum nm_code rc = NM_OK;

	nm_json_open_array(&leaving->w, NULL);
	for (size_t i = 0; !rc && i < leaving->run.n_shards; i++)
		rc = stop_one(leaving, &leaving->run.shards[i], err);
	nm_json_close_array(&leaving->w);
	if (!rc)
		rc = nm_runs_set_state(manager->journal, leaving->record.id, to,
		                       NULL, nm_clock_wall_ms(&manager->clock),
		                       err);
	if (!rc)
		tell(leaving, nm_run_state_word(to));
	return rc;
}

enum nm_code
nm_manage_leave(struct nm_manager *manager, const char *id,
                struct nm_err *err)
{
	struct leaving leaving = { .manager = manager };
	enum nm_code rc;

	leaving.w.out = &leaving.told;
	rc = find(&leaving, id, err);
	if (!rc)
		rc = hold(&leaving, err);
	/* Whoever had it may have ended it since. */
	if (!rc)
		rc = find(&leaving, id, err);
	if (!rc)
		rc = check_at_work(&leaving, err);
	if (!rc)
		rc = check_seen(&leaving, err);
	if (!rc)
		rc = leave(&leaving, err);
	nm_run_release(&leaving.run);
	nm_arena_release(&leaving.arena);
	nm_buf_release(&leaving.told);
	return rc;
}
