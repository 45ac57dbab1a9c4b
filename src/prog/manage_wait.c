/*
 * manage_wait: --wait: looks at a batch until it has ended, then shows it.
 */
#include <inttypes.h>

#include "prog/batch_sight.h"
#include "task/command.h"

enum { FIRST_PAUSE_MS = 250, SLICE_MS = 1000 };

struct vigil {
	struct nm_manager *manager;
	const char        *id;
	struct nm_arena    arena;    /* of the newest look */
	struct nm_batch    batch;
	int64_t            left;     /* of its run, such as may be sent again */
	struct nm_progress progress;
	int64_t            pause_ms;
	int64_t            failing_since_ms; /* mono; -1 = the last look was good */
};

static void
show(struct vigil *vigil)
{
	const struct nm_batch *batch = &vigil->batch;
	struct nm_progress_part part = {
		.status = batch->status_text,
		.done = batch->completed > 0 ? (uint64_t)batch->completed : 0,
		.failed = batch->failed > 0 ? (uint64_t)batch->failed : 0,
		.total = batch->total > 0 ? (uint64_t)batch->total : 0,
	};

	nm_progress_show(&vigil->progress, &part, 1, NULL);
}

/* In slices, so that the time elapsed moves on the screen. */
static enum nm_code
pause(struct vigil *vigil, struct nm_err *err)
{
	const struct nm_clock *clock = &vigil->manager->service.clock;
	int64_t left_ms = vigil->pause_ms;
	enum nm_code rc = NM_OK;

	while (!rc && left_ms > 0) {
		rc = nm_clock_sleep(clock, left_ms < SLICE_MS ? left_ms
		                                              : SLICE_MS, err);
		left_ms -= SLICE_MS;
		if (!rc && vigil->failing_since_ms < 0)
			show(vigil);
	}
	return rc;
}

/* A service that is away for a while is waited for: the batch goes on there. */
static enum nm_code
bear(struct vigil *vigil, enum nm_code rc, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(&vigil->manager->service.clock);
	int64_t longest_ms = nm_options_whole(&vigil->manager->options,
	                                      MANAGER_OUTAGE);

	if (rc != NM_UNREACHABLE && rc != NM_PROTOCOL)
		return rc;
	if (!vigil->batch.id)
		return rc;
	if (vigil->failing_since_ms < 0) {
		vigil->failing_since_ms = now_ms;
		nm_message_warn(&vigil->manager->message,
		                "%s; looking on", err->text);
	}
	return now_ms - vigil->failing_since_ms > longest_ms ? rc : NM_OK;
}

static enum nm_code
look(struct vigil *vigil, struct nm_err *err)
{
	struct nm_manager *manager = vigil->manager;
	struct nm_arena arena = {0};
	struct nm_batch batch;
	enum nm_code rc = nm_batches_get(&manager->service.api, vigil->id,
	                                 &arena, &batch, err);

	if (rc) {
		nm_arena_release(&arena);
		rc = bear(vigil, rc, err);
		return nm_batch_sight_explain(manager, vigil->id, rc, err);
	}
	nm_arena_release(&vigil->arena);
	vigil->arena = arena;
	vigil->batch = batch;
	vigil->failing_since_ms = -1;
	return NM_OK;
}

static enum nm_code
watch(struct vigil *vigil, struct nm_err *err)
{
	int64_t longest_ms = nm_options_whole(&vigil->manager->options,
	                                      MANAGER_POLL_INTERVAL);
	enum nm_code rc;

	vigil->pause_ms = FIRST_PAUSE_MS;
	for (;;) {
		rc = look(vigil, err);
		if (rc || nm_batch_is_final(vigil->batch.status))
			return rc;
		show(vigil);
		if (vigil->pause_ms > longest_ms)
			vigil->pause_ms = longest_ms;
		rc = pause(vigil, err);
		if (rc)
			return rc;
		vigil->pause_ms += vigil->pause_ms / 2;
	}
}

void
nm_manage_tell_wait(struct nm_manager *manager, const char *batch_id,
                    const char *so)
{
	struct nm_buf command = {0};

	nm_command_add_program(&command, manager->typed, "batch_manager");
	nm_buf_add_string(&command, " --wait");
	nm_command_add_word(&command, batch_id);
	nm_manager_add_bounds(manager, &command);
	nm_message_plain(&manager->message, "%sTo wait for it again, run:\n"
	                 "  %s", so, nm_buf_string(&command));
	nm_buf_release(&command);
}

static enum nm_code
conclude(struct vigil *vigil, struct nm_err *err)
{
	const struct nm_batch *batch = &vigil->batch;

	nm_batch_sight_keep(vigil->manager, batch);
	nm_manager_print_batch(vigil->manager, batch, NULL);
	if (batch->status == NM_BATCH_COMPLETED && vigil->left)
		return nm_fail(err, NM_UNFINISHED, 0, "%" PRId64 " request%s of "
		               "its run failed and may be sent again", vigil->left,
		               vigil->left == 1 ? "" : "s");
	if (batch->status == NM_BATCH_COMPLETED)
		return NM_OK;
	return nm_fail(err, NM_UNFINISHED, 0, "%s %s%s", batch->id,
	               batch->status == NM_BATCH_CANCELLED ? "was " : "",
	               batch->status_text);
}

/* A run of --submit is more than this batch: it is brought to its end first. */
static enum nm_code
follow(struct vigil *vigil, struct nm_err *err)
{
	enum nm_code rc = nm_manage_follow(vigil->manager, vigil->id,
	                                   &vigil->left, err);

	return rc == NM_ABSENT ? NM_OK : rc;
}

enum nm_code
nm_manage_wait(struct nm_manager *manager, struct nm_err *err)
{
	struct vigil vigil = { .manager = manager, .failing_since_ms = -1 };
	enum nm_code rc = nm_manager_id(manager, &vigil.id, err);

	if (!rc)
		rc = follow(&vigil, err);
	if (rc)
		return rc;
	nm_progress_open(&vigil.progress, &manager->message,
	                 &manager->service.clock, 0);
	rc = watch(&vigil, err);
	nm_progress_close(&vigil.progress);
	/* Of what was not seen once nothing is known, and what has ended is waited for no
	 * more. */
	if (rc == NM_INTERRUPTED)
		nm_manage_tell_wait(manager, vigil.id, vigil.batch.id
		                    ? "The batch goes on. " : "");
	else if (!rc)
		rc = conclude(&vigil, err);
	nm_arena_release(&vigil.arena);
	return rc;
}
