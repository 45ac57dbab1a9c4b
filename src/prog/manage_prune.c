/*
 * manage_prune: --prune: forgets old finished runs: their journal entries and their
 * downloads on this machine, and what interrupted work left there. Never results,
 * nor anything at the service.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/byte_count.h"
#include "cli/consent.h"
#include "prog/manager.h"
#include "run/leftovers.h"
#include "state/runs.h"

struct pruning {
	struct nm_manager    *manager;
	struct nm_run_record *runs; /* the due ones come first */
	size_t                n_due;
	uint64_t              removed;
	size_t                unsaved; /* finished ones that are kept for that */
	struct nm_leftovers   leftovers; /* bytes: of the runs too */
	struct nm_arena       arena;
};

/* Of a request file's run the downloads are all that there is of its results, until
 * --download has saved them elsewhere. */
static bool
is_unsaved(const struct nm_run_record *run)
{
	return nm_runs_has_ended(run->state) && !run->results_path[0] &&
	       strcmp(run->mode, "file") == 0;
}

static enum nm_code
find_due(struct pruning *pruning, struct nm_err *err)
{
	struct nm_manager *manager = pruning->manager;
	int64_t older_ms = nm_manager_older_than_ms(&manager->options,
	                                            manager->action);
	int64_t now_ms = nm_clock_wall_ms(&manager->clock);
	enum nm_code rc = nm_manager_find_journal(manager, err);
	size_t n, i;

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	rc = nm_runs_list(manager->journal, &pruning->arena, &pruning->runs,
	                  &n, err);
	for (i = 0; !rc && i < n; i++) {
		if (pruning->runs[i].state == NM_RUN_OPEN ||
		    now_ms - pruning->runs[i].updated_ms < older_ms)
			continue;
		if (is_unsaved(&pruning->runs[i]))
			pruning->unsaved++;
		else
			pruning->runs[pruning->n_due++] = pruning->runs[i];
	}
	return rc;
}

static enum nm_code
ask(struct pruning *pruning, struct nm_err *err)
{
	struct nm_manager *manager = pruning->manager;

	if (nm_options_given(&manager->options, MANAGER_YES))
		return NM_OK;
	switch (nm_consent_ask(&manager->message, "forget %zu finished run%s "
	                       "and what was downloaded for %s? Results stay",
	                       pruning->n_due, pruning->n_due == 1 ? "" : "s",
	                       pruning->n_due == 1 ? "it" : "them")) {
	case NM_CONSENT_YES:
		return NM_OK;
	case NM_CONSENT_NO:
		return nm_fail(err, NM_UNFINISHED, 0, "nothing was forgotten");
	case NM_CONSENT_UNASKED:
		break;
	}
	return nm_fail(err, NM_USAGE, 0, "%zu run%s would be forgotten: --yes "
	               "does it, where nobody can be asked", pruning->n_due,
	               pruning->n_due == 1 ? "" : "s");
}

/* Under the run's own lock: a process that drives it keeps it. */
static enum nm_code
forget(struct pruning *pruning, const char *run, struct nm_err *err)
{
	struct nm_buf folder = {0}, path = {0};
	struct nm_lock lock = {0};
	enum nm_code rc;

	nm_journal_add_run_folder(pruning->manager->journal, run, &folder);
	nm_buf_addf(&path, "%s.lock", nm_buf_string(&folder));
	rc = nm_folder_make(nm_buf_string(&folder), 0700, err);
	if (!rc)
		rc = nm_lock_open(&lock, nm_buf_string(&path), err);
	if (!rc)
		rc = nm_runs_remove(pruning->manager->journal, run, err);
	if (!rc) {
		nm_leftovers_remove_folder(nm_buf_string(&folder),
		                           &pruning->leftovers);
		/* Of a run that nobody can find any more nobody wants the lock. */
		unlink(nm_buf_string(&path));
		pruning->removed++;
	}
	nm_lock_close(&lock);
	nm_buf_release(&folder);
	nm_buf_release(&path);
	return rc == NM_HELD ? NM_OK : rc;
}

/* A process at work may not have come to hold what it just made. */
enum { AGE_MIN_MS = 60000 };

static enum nm_code
sweep(struct pruning *pruning, struct nm_err *err)
{
	struct nm_manager *manager = pruning->manager;
	int64_t older_ms = nm_manager_older_than_ms(&manager->options,
	                                            manager->action);
	int64_t age_ms = older_ms > AGE_MIN_MS ? older_ms : AGE_MIN_MS;
	struct nm_buf folder = {0};
	enum nm_code rc = nm_path_state(&folder, err);

	if (!rc)
		nm_leftovers_sweep(nm_buf_string(&folder), manager->journal,
		                   nm_clock_wall_ms(&manager->clock) - age_ms,
		                   &pruning->leftovers);
	nm_buf_release(&folder);
	return rc;
}

static void
add_text(const struct pruning *pruning, struct nm_buf *text)
{
	uint64_t count = pruning->leftovers.count;
	char size[NM_BYTE_COUNT_MAX];

	if (pruning->n_due)
		nm_buf_addf(text, "Forgot %" PRIu64 " of %zu run%s",
		            pruning->removed, pruning->n_due,
		            pruning->n_due == 1 ? "" : "s");
	else
		nm_buf_add_string(text, "There is nothing to forget");
	if (count)
		nm_buf_addf(text, "; removed %" PRIu64 " thing%s that "
		            "interrupted work left", count,
		            count == 1 ? "" : "s");
	if (pruning->n_due || count)
		nm_buf_addf(text, "; freed %s", nm_byte_count(
			(uint64_t)pruning->leftovers.bytes, size));
	nm_buf_add_string(text, ".\n");
}

static void
tell(const struct pruning *pruning)
{
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2 };

	if (nm_manager_wants_json(pruning->manager)) {
		nm_json_open_object(&w, NULL);
		nm_json_put_int(&w, "runs", (int64_t)pruning->removed);
		nm_json_put_int(&w, "leftovers",
		                (int64_t)pruning->leftovers.count);
		nm_json_put_int(&w, "bytes", pruning->leftovers.bytes);
		nm_json_close_object(&w);
		nm_buf_add_byte(&text, '\n');
	} else {
		add_text(pruning, &text);
	}
	nm_manager_print(&text);
	nm_buf_release(&text);
}

enum nm_code
nm_manage_prune(struct nm_manager *manager, struct nm_err *err)
{
	struct pruning pruning = { .manager = manager };
	enum nm_code rc = find_due(&pruning, err);
	size_t i;

	if (pruning.unsaved)
		nm_message_note(&manager->message, "%zu finished run%s kept: "
		                "the results were never saved (--download)",
		                pruning.unsaved,
		                pruning.unsaved == 1 ? " is" : "s are");
	if (!rc && pruning.n_due)
		rc = ask(&pruning, err);
	if (rc)
		goto done;
	for (i = 0; !rc && i < pruning.n_due; i++)
		rc = forget(&pruning, pruning.runs[i].id, err);
	if (!rc)
		rc = sweep(&pruning, err);
	tell(&pruning);
done:
	nm_arena_release(&pruning.arena);
	return rc;
}
