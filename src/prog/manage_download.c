/*
 * manage_download: --download: a batch's results, and those of its run's other
 * batches, as one file in the order of the requests, with a ledger.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "prog/batch_sight.h"
#include "prog/harvest.h"
#include "state/runs.h"

static enum nm_code
add_results(struct nm_harvest *harvest, const struct nm_harvest_part *part,
            const char *path, const char *file_id, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (!path[0] && !file_id[0])
		return NM_OK;
	if (!path[0])
		rc = nm_batch_files_bring(&harvest->files, file_id, &path, err);
	if (rc == NM_ABSENT) {
		nm_message_warn(&harvest->manager->message, "%s: its rows are "
		                "missing", err->text);
		harvest->lost++;
		return NM_OK;
	}
	if (rc)
		return rc;
	harvest->brought++;
	return nm_gathering_add_results(&harvest->gathering, path,
	                                part->attempt, err);
}

/* Without the requests their order is not known, nor what is missing. */
static enum nm_code
add_input(struct nm_harvest *harvest, const char *file_id, struct nm_err *err)
{
	const char *path;
	enum nm_code rc = NM_ABSENT;

	if (file_id[0])
		rc = nm_batch_files_bring(&harvest->files, file_id, &path, err);
	if (rc == NM_ABSENT) {
		if (!harvest->gathering.open_ended)
			nm_message_warn(&harvest->manager->message,
				"a request file is gone: its lines are saved in "
				"the order in which they came, and none of them "
				"can be told to be missing");
		nm_gathering_take_any(&harvest->gathering);
		return NM_OK;
	}
	return rc ? rc : nm_gathering_add_input(&harvest->gathering, path, err);
}

static enum nm_code
check_ended(const struct nm_batch *batch, struct nm_err *err)
{
	if (!nm_batch_is_final(batch->status))
		return nm_fail(err, NM_UNFINISHED, 0, "%s is %s: its results "
		               "can be had when it has ended (--wait %s waits)",
		               batch->id, batch->status_text, batch->id);
	return NM_OK;
}

/* Inputs of all batches first: a row may be of any of them. The file that was
 * submitted holds also what no batch was made for yet. */
static enum nm_code
add_inputs(struct nm_harvest *harvest, const struct nm_batch *batches,
           struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	if (harvest->requests)
		return nm_gathering_add_input(&harvest->gathering,
		                              harvest->requests, err);
	for (i = 0; !rc && i < harvest->n_parts; i++)
		rc = add_input(harvest, batches[i].input_file_id, err);
	return rc;
}

static void
tell_sisters(const struct nm_harvest *harvest)
{
	if (harvest->n_parts > 1)
		nm_message_note(&harvest->manager->message, "%s belongs to run "
		                "%s: the results of its %zu batches are saved "
		                "together", harvest->id, harvest->run_id,
		                harvest->n_parts);
}

static enum nm_code
gather(struct nm_harvest *harvest, struct nm_err *err)
{
	struct nm_batch *batches = nm_arena_array(
		&harvest->arena, harvest->n_parts, sizeof(*batches));
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < harvest->n_parts; i++) {
		rc = nm_batch_sight(harvest->manager, harvest->parts[i].id,
		                    &harvest->arena, &batches[i], err);
		if (!rc)
			rc = check_ended(&batches[i], err);
	}
	if (!rc)
		tell_sisters(harvest);
	if (!rc)
		rc = add_inputs(harvest, batches, err);
	for (i = 0; !rc && i < harvest->n_parts; i++) {
		struct nm_harvest_part *part = &harvest->parts[i];

		rc = add_results(harvest, part, part->output_path,
		                 batches[i].output_file_id, err);
		if (!rc)
			rc = add_results(harvest, part, part->error_path,
			                 batches[i].error_file_id, err);
	}
	/* What an earlier download saved is worth more than nothing. */
	if (!rc && harvest->lost && !harvest->brought)
		rc = nm_fail(err, NM_ABSENT, 0, "the service has the results "
		             "of %s no more, nor has this machine: nothing was "
		             "saved", harvest->id);
	return rc;
}

static enum nm_code
save(struct nm_harvest *harvest, struct nm_err *err)
{
	struct nm_draft draft = {0};
	enum nm_code rc;

	rc = nm_outlet_open(&harvest->outlet,
	                    nm_buf_string(&harvest->files.folder), &draft, err);
	if (!rc)
		rc = nm_gathering_write(&harvest->gathering, &draft, err);
	if (!rc)
		rc = nm_outlet_close(&harvest->outlet, &draft, err);
	else
		nm_draft_abandon(&draft);
	return rc;
}

/* For --prune, which forgets no results that were never saved: whether somebody
 * keeps what went to standard output is not known. Those of questions are another
 * file, and while a run is open there is more to come. */
static void
note_saved(struct nm_harvest *harvest)
{
	struct nm_manager *manager = harvest->manager;
	char whole[PATH_MAX];
	struct nm_err err;

	if (!harvest->outlet.standard && harvest->run.id &&
	    strcmp(harvest->run.mode, "file") == 0 &&
	    nm_runs_has_ended(harvest->run.state) &&
	    nm_runs_set_state(manager->journal, harvest->run.id,
	                      harvest->run.state,
	                      realpath(nm_buf_string(&harvest->outlet.path),
	                               whole),
	                      nm_clock_wall_ms(&manager->clock), &err))
		nm_message_warn(&manager->message, "%s", err.text);
}

static enum nm_code
conclude(struct nm_harvest *harvest, struct nm_err *err)
{
	const struct nm_gathering_counts *counts = &harvest->gathering.counts;
	uint64_t without = counts->requests - counts->succeeded;

	nm_harvest_tell(harvest);
	/* Where all requests are known, another attempt brought these rows. */
	if (!without && harvest->lost && harvest->gathering.open_ended)
		return nm_fail(err, NM_UNFINISHED, 0, "%zu file%s of results "
		               "could not be had: rows may be missing",
		               harvest->lost, harvest->lost == 1 ? "" : "s");
	if (!without)
		return NM_OK;
	return nm_fail(err, NM_UNFINISHED, 0, "%" PRIu64 " of %" PRIu64
	               " requests have no result: their lines say why",
	               without, counts->requests);
}

static enum nm_code
find_outlet(struct nm_harvest *harvest, struct nm_err *err)
{
	struct nm_manager *manager = harvest->manager;
	const char *path = nm_options_text(&manager->options, MANAGER_OUTPUT);
	struct nm_buf otherwise = {0};

	if (!path) {
		nm_path_add_safe(&otherwise, nm_text_of(harvest->id));
		nm_buf_add_string(&otherwise, ".jsonl");
		path = nm_buf_string(&otherwise);
	}
	nm_outlet_name(&harvest->outlet, path);
	nm_buf_release(&otherwise);
	return harvest->outlet.standard && nm_manager_wants_json(manager)
		? nm_fail(err, NM_USAGE, 0, "--json tells on standard output "
		          "what was saved: -o is to name a file") : NM_OK;
}

static enum nm_code
find_all(struct nm_harvest *harvest, struct nm_err *err)
{
	enum nm_code rc = nm_batch_files_open(
		&harvest->files, &harvest->manager->service.api, err);

	if (!rc)
		rc = nm_harvest_find_parts(harvest, err);
	if (rc)
		return rc;
	return nm_outlet_is(&harvest->outlet, harvest->requests)
		? nm_fail(err, NM_USAGE, 0, "%s holds the requests of %s: its "
		          "results would replace them",
		          nm_buf_string(&harvest->outlet.path), harvest->id)
		: NM_OK;
}

enum nm_code
nm_manage_download(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_harvest harvest = { .manager = manager };
	enum nm_code rc = nm_manager_id(manager, &harvest.id, err);

	if (!rc)
		rc = find_outlet(&harvest, err);
	nm_gathering_init(&harvest.gathering);
	if (!rc)
		rc = find_all(&harvest, err);
	if (!rc)
		rc = gather(&harvest, err);
	if (!rc)
		rc = save(&harvest, err);
	if (!rc) {
		note_saved(&harvest);
		rc = conclude(&harvest, err);
	}
	nm_gathering_release(&harvest.gathering);
	nm_batch_files_close(&harvest.files);
	nm_arena_release(&harvest.arena);
	nm_outlet_release(&harvest.outlet);
	return rc;
}
