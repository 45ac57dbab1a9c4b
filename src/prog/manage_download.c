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
#include "prog/outlet.h"
#include "run/batch_files.h"
#include "run/gathering.h"
#include "run/sisters.h"
#include "state/answers.h"
#include "task/parcel.h"

/* One batch whose files are taken. Texts are in the arena. */
struct part {
	const char *id;
	int64_t     attempt;
	const char *output_path; /* where it is on this machine; "" = it is not */
	const char *error_path;
};

struct harvest {
	struct nm_manager    *manager;
	const char           *id;
	struct nm_outlet      outlet;
	struct part          *parts;
	size_t                n_parts;
	struct nm_run_record  run;     /* id NULL = the journal knows none */
	const char           *run_id;  /* by the journal, else by the batch */
	const char           *requests; /* the run's own file; NULL = it has none,
	                                   or not as it was sent */
	size_t                brought; /* files of results */
	size_t                lost;    /* such as the service has no more */
	struct nm_batch_files files;
	struct nm_gathering   gathering;
	struct nm_arena       arena;
};

static const char *
present(const char *path)
{
	return path[0] && access(path, R_OK) == 0 ? path : "";
}

static void
take_shards(struct harvest *harvest, const struct nm_batch_run *run)
{
	size_t i;

	harvest->parts = nm_arena_array(&harvest->arena, run->n_shards + 1,
	                                sizeof(*harvest->parts));
	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		if (!shard->batch_id[0])
			continue;
		harvest->parts[harvest->n_parts++] = (struct part){
			.id = shard->batch_id,
			.attempt = shard->attempt,
			.output_path = present(shard->output_path),
			.error_path = present(shard->error_path),
		};
	}
}

static enum nm_code
count_answer(void *context, const struct nm_answer_record *answer,
             struct nm_err *err)
{
	int64_t *n = context;

	(void)answer;
	(void)err;
	++*n;
	return NM_OK;
}

/* A canary's answers, and those of --finish-direct, are in no batch. */
static void
tell_direct(const struct harvest *harvest, const struct nm_run_record *run)
{
	struct nm_manager *manager = harvest->manager;
	struct nm_err ignored;
	int64_t n = 0;

	if (nm_answers_walk(manager->journal, run->id, count_answer, &n,
	                    &ignored) || !n)
		return;
	nm_message_note(&manager->message, "%" PRId64 " answer%s of run %s came "
	                "directly and %s in no batch: %s", n,
	                n == 1 ? "" : "s", run->id, n == 1 ? "is" : "are",
	                run->results_path[0] ? run->results_path
	                : "its results will have them");
}

/* By the journal, if it knows the batch's run and that is of this service. Its request
 * file is the same one where the key was replaced. */
static void
recall_parts(struct harvest *harvest)
{
	struct nm_manager *manager = harvest->manager;
	const char *here = nm_buf_string(&manager->service.account.identity);
	struct nm_batch_run run;
	struct nm_err err;

	if (nm_manager_find_journal(manager, &err) ||
	    nm_batch_run_find(manager->journal, harvest->id, &harvest->arena,
	                      &run, &err))
		return;
	harvest->requests = nm_parcel_find_file(&run.record, &harvest->arena);
	if (strcmp(run.record.account, here) != 0)
		return;
	take_shards(harvest, &run);
	tell_direct(harvest, &run.record);
	harvest->run = run.record;
	harvest->run_id = run.record.id;
}

static void
take_sisters(struct harvest *harvest, const struct nm_sisters *sisters)
{
	size_t i;

	harvest->parts = nm_arena_array(&harvest->arena, sisters->n,
	                                sizeof(*harvest->parts));
	for (i = 0; i < sisters->n; i++)
		harvest->parts[harvest->n_parts++] = (struct part){
			.id = sisters->batches[i].id,
			.attempt = nm_sisters_attempt(&sisters->batches[i]),
			.output_path = "",
			.error_path = "",
		};
	harvest->run_id = nm_batch_metadata(&sisters->batches[0], "run");
}

/* By what the service tells: the batch alone, unless its run was sent by this
 * program, from another machine or before the journal was lost. */
static enum nm_code
look_for_parts(struct harvest *harvest, struct nm_err *err)
{
	struct nm_manager *manager = harvest->manager;
	struct nm_sisters sisters;
	struct nm_batch batch;
	enum nm_code rc;

	rc = nm_batch_sight(manager, harvest->id, &harvest->arena, &batch, err);
	if (rc)
		return rc;
	sisters = (struct nm_sisters){ &batch, 1 };
	/* Others have runs of their own in their metadata. */
	if (nm_batch_metadata(&batch, "tag")[0])
		rc = nm_sisters_find(&manager->service.api, &batch,
		                     &harvest->arena, &sisters, err);
	if (rc == NM_ABSENT || rc == NM_REFUSED) {
		nm_message_warn(&manager->message, "%s: whether %s has sisters "
		                "cannot be seen", err->text, harvest->id);
		rc = NM_OK;
	}
	if (!rc)
		take_sisters(harvest, &sisters);
	return rc;
}

static enum nm_code
find_parts(struct harvest *harvest, struct nm_err *err)
{
	recall_parts(harvest);
	return harvest->n_parts ? NM_OK : look_for_parts(harvest, err);
}

static enum nm_code
add_results(struct harvest *harvest, const struct part *part,
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
add_input(struct harvest *harvest, const char *file_id, struct nm_err *err)
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
add_inputs(struct harvest *harvest, const struct nm_batch *batches,
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
tell_sisters(const struct harvest *harvest)
{
	if (harvest->n_parts > 1)
		nm_message_note(&harvest->manager->message, "%s belongs to run "
		                "%s: the results of its %zu batches are saved "
		                "together", harvest->id, harvest->run_id,
		                harvest->n_parts);
}

static enum nm_code
gather(struct harvest *harvest, struct nm_err *err)
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
		struct part *part = &harvest->parts[i];

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
save(struct harvest *harvest, struct nm_err *err)
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
note_saved(struct harvest *harvest)
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

static void
add_count(struct nm_sheet *sheet, const char *key, uint64_t count)
{
	if (count)
		nm_sheet_add(sheet, key, "%" PRIu64, count);
}

static void
write_ledger(const struct harvest *harvest, struct nm_buf *out)
{
	const struct nm_gathering_counts *counts = &harvest->gathering.counts;
	struct nm_sheet sheet = {0};

	if (!harvest->outlet.standard)
		nm_sheet_add(&sheet, "Saved", "%s",
		             nm_buf_string(&harvest->outlet.path));
	nm_sheet_add(&sheet, "Requests", "%" PRIu64, counts->requests);
	nm_sheet_add(&sheet, "Succeeded", "%" PRIu64, counts->succeeded);
	add_count(&sheet, "Failed", counts->failed);
	add_count(&sheet, "Expired", counts->expired);
	add_count(&sheet, "Cancelled", counts->cancelled);
	add_count(&sheet, "Missing", counts->missing);
	add_count(&sheet, "Rows left out: doubled", counts->duplicate);
	add_count(&sheet, "  never asked for", counts->unknown);
	add_count(&sheet, "  unreadable", counts->malformed);
	nm_sheet_write(&sheet, 0, out);
	nm_sheet_release(&sheet);
}

static void
write_json(const struct harvest *harvest, struct nm_buf *out)
{
	const struct nm_gathering_counts *counts = &harvest->gathering.counts;
	struct nm_json_writer w = { .out = out, .indent = 2 };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "path", nm_buf_string(&harvest->outlet.path));
	nm_json_open_array(&w, "batches");
	for (i = 0; i < harvest->n_parts; i++)
		nm_json_put_string(&w, NULL, harvest->parts[i].id);
	nm_json_close_array(&w);
	nm_json_put_int(&w, "requests", (int64_t)counts->requests);
	nm_json_put_int(&w, "succeeded", (int64_t)counts->succeeded);
	nm_json_put_int(&w, "failed", (int64_t)counts->failed);
	nm_json_put_int(&w, "expired", (int64_t)counts->expired);
	nm_json_put_int(&w, "cancelled", (int64_t)counts->cancelled);
	nm_json_put_int(&w, "missing", (int64_t)counts->missing);
	nm_json_put_int(&w, "duplicate_rows", (int64_t)counts->duplicate);
	nm_json_put_int(&w, "unknown_rows", (int64_t)counts->unknown);
	nm_json_put_int(&w, "malformed_rows", (int64_t)counts->malformed);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}

/* Where the lines are on standard output, the ledger is talk. */
static void
tell(const struct harvest *harvest)
{
	struct nm_buf text = {0};

	if (nm_manager_wants_json(harvest->manager))
		write_json(harvest, &text);
	else
		write_ledger(harvest, &text);
	if (harvest->outlet.standard)
		nm_message_plain(&harvest->manager->message, "%.*s",
		                 (int)text.len - 1, nm_buf_string(&text));
	else
		nm_manager_print(&text);
	nm_buf_release(&text);
}

static enum nm_code
conclude(struct harvest *harvest, struct nm_err *err)
{
	const struct nm_gathering_counts *counts = &harvest->gathering.counts;
	uint64_t without = counts->requests - counts->succeeded;

	tell(harvest);
	if (!without && harvest->lost)
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
find_outlet(struct harvest *harvest, struct nm_err *err)
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
find_all(struct harvest *harvest, struct nm_err *err)
{
	enum nm_code rc = nm_batch_files_open(
		&harvest->files, &harvest->manager->service.api, err);

	if (!rc)
		rc = find_parts(harvest, err);
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
	struct harvest harvest = { .manager = manager };
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
