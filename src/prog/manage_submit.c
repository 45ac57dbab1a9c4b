/*
 * manage_submit: --submit: request files sent in shards.
 */
#include <inttypes.h>

#include "cli/terminal.h"
#include "prog/dispatch.h"
#include "prog/prospect.h"
#include "prog/remains.h"
#include "run/via_batch.h"
#include "task/command.h"
#include "task/complaint.h"

/* One file of the call, from when its run is recorded. */
struct entry {
	char run[NM_RUN_ID_DIGITS + 1]; /* "" = not yet */
	bool taken_up;
};

/* What --submit does, in the order of the files. */
struct posting {
	struct nm_manager       *manager;
	struct nm_prospect_file *files;
	struct entry            *entries; /* of these */
	size_t                   n;
	int64_t                  since_ms; /* as nm_prospect_look tells it */
	struct nm_remains        remains;  /* of the runs begun so far */
};

static const char *
first_batch(const struct nm_run *run)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].batch_id[0])
			return run->shards[i].batch_id;
	return "";
}

static void
write_text(struct nm_dispatch *d, struct nm_buf *out)
{
	const struct nm_run *run = &d->parcel.run;
	size_t i, waiting = nm_via_batch_waiting(run);

	nm_terminal_add(out, nm_text_of(run->record.name), 0);
	nm_buf_addf(out, ": %" PRId64 " request%s in %zu batch%s (run %s)\n",
	            run->record.requests,
	            run->record.requests == 1 ? "" : "s", run->n_shards,
	            run->n_shards == 1 ? "" : "es", run->record.id);
	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].batch_id[0])
			nm_buf_addf(out, "Batch ID: %s\n",
			            run->shards[i].batch_id);
	if (waiting)
		nm_buf_addf(out, "%zu more wait%s for room in the account;"
		            " --wait sends %s\n", waiting,
		            waiting == 1 ? "s" : "",
		            waiting == 1 ? "it" : "them");
	nm_buf_add_string(out, "\nTo wait for all of it, run:\n");
	nm_dispatch_add_command(d, " --wait", first_batch(run), "", out);
	nm_buf_add_string(out, "\nTo write a row a request, in order, run:\n");
	nm_dispatch_add_command(d, " --download", first_batch(run), " -o OUT.jsonl", out);
}

/* A line a file, as soon as it is sent: of what follows any may fail. */
static void
write_json(struct nm_dispatch *d, const struct entry *entry,
           struct nm_buf *out)
{
	const struct nm_run *run = &d->parcel.run;
	struct nm_json_writer w = { .out = out };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "file", nm_request_file_path(d->parcel.file));
	nm_json_put_string(&w, "run", run->record.id);
	nm_json_put_true(&w, "taken_up", entry->taken_up);
	nm_json_put_int(&w, "requests", run->record.requests);
	nm_json_open_array(&w, "batches");
	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].batch_id[0])
			nm_json_put_string(&w, NULL, run->shards[i].batch_id);
	nm_json_close_array(&w);
	nm_json_put_int(&w, "waiting", (int64_t)nm_via_batch_waiting(run));
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}

static void
tell_taken_up(struct nm_dispatch *d)
{
	const struct nm_run_record *record = &d->parcel.run.record;

	if (record->state == NM_RUN_DONE)
		nm_message_note(&d->manager->message, "the run of %s is done, and"
			" others of this command are not: nothing of it is sent"
			" (--new submits all afresh)", record->name);
	else if (record->state == NM_RUN_PARTIAL)
		nm_message_note(&d->manager->message, "a run of %s has ended but"
			" for requests that failed: taking it up (--new submits"
			" all of it afresh)", record->name);
	else
		nm_message_note(&d->manager->message, "this run of %s is"
			" unfinished: taking it up (--new submits afresh)",
			record->name);
	nm_complain_of_size(&d->manager->message, &d->parcel.run);
}

/* Records the run, or takes it up. */
static enum nm_code
open_entry(struct nm_dispatch *d, struct posting *posting, size_t i,
           struct nm_err *err)
{
	struct entry *entry = &posting->entries[i];
	const char *digest = posting->files[i].digest;
	struct nm_parcel_wish wish = {
		.path = posting->files[i].path,
		.digest = digest[0] ? digest : NULL,
		.take = nm_options_given(&d->manager->options, MANAGER_NEW)
			? NM_RUN_AFRESH : NM_RUN_TAKE_UP,
		.done_since_ms = posting->since_ms,
	};
	const struct nm_run *run = &d->parcel.run;
	enum nm_code rc = nm_parcel_open(&d->parcel, &d->tools, &wish, err);

	if (rc)
		return rc;
	snprintf(entry->run, sizeof(entry->run), "%s", run->record.id);
	entry->taken_up = run->origin == NM_RUN_RESUMED;
	if (entry->taken_up)
		tell_taken_up(d);
	return wish.take == NM_RUN_TAKE_UP
		? nm_run_note_earlier(&d->parcel.run, err) : NM_OK;
}

/* All before the first is sent: whatever ends this process then, the same command finds
 * all of its runs, and asks none anew. */
static enum nm_code
record_all(struct posting *posting, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < posting->n; i++) {
		struct nm_dispatch d;

		nm_dispatch_init(&d, posting->manager);
		rc = open_entry(&d, posting, i, err);
		nm_dispatch_release(&d);
	}
	return rc;
}

static enum nm_code
send_entry(struct posting *posting, size_t i, struct nm_buf *out,
           struct nm_err *err)
{
	struct entry *entry = &posting->entries[i];
	struct nm_manager *manager = posting->manager;
	struct nm_dispatch d;
	enum nm_code rc;

	nm_dispatch_init(&d, manager);
	rc = entry->run[0]
		? nm_parcel_resume(&d.parcel, &d.tools, entry->run, err)
		: open_entry(&d, posting, i, err);
	if (!rc)
		rc = nm_via_batch_submit(&d.parcel.run, err);
	nm_remains_add(&posting->remains, &d.parcel.run);
	if (!rc && nm_manager_wants_json(manager))
		write_json(&d, entry, out);
	else if (!rc)
		write_text(&d, out);
	nm_dispatch_release(&d);
	return rc;
}

static enum nm_code
check_paths(const char *const *paths, size_t n, struct nm_err *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(paths[i], "-") == 0)
			return nm_fail(err, NM_USAGE, 0, "--submit wants files, "
			               "since --wait and --download read them "
			               "again: standard input is none");
	return NM_OK;
}

/* Without --new, which would begin once more: all that it wanted is recorded. */
static void
tell_rest(struct posting *posting, size_t from, const char *lead)
{
	struct nm_manager *manager = posting->manager;
	struct nm_buf command = {0};
	size_t i;

	nm_command_add_program(&command, manager->typed, "batch_manager");
	nm_buf_add_string(&command, " --submit");
	for (i = from; i < posting->n; i++)
		nm_command_add_word(&command, posting->files[i].path);
	nm_manager_add_bounds(manager, &command);
	nm_message_plain(&manager->message, "%s\n  %s", lead,
	                 nm_buf_string(&command));
	nm_buf_release(&command);
}

/* What is so of all that was begun, and what there is to be done. */
static const char *
lead_of(const struct posting *posting, size_t at)
{
	const struct nm_remains *remains = &posting->remains;

	if (remains->at_work && !remains->waiting && at + 1 == posting->n)
		return "All was sent, and goes on. To see it once more, run:";
	if (remains->at_work)
		return "What was sent goes on. To send the rest, run:";
	if (remains->doubtful)
		return remains->created
			? "Whether another batch was created is not known yet."
			  " To look for it, and send the rest, run:"
			: "Whether a batch was created is not known yet. To"
			  " look for it, and send the rest, run:";
	return remains->created
		? "No batch is at work any more. To send the rest, run:"
		: "No batch was created yet. To go on, run:";
}

/* Where this one was left: what goes on with all that is not sent. */
static void
tell_ending(struct posting *posting, size_t at, enum nm_code rc)
{
	bool recorded = posting->entries[at].run[0];

	if (rc == NM_INTERRUPTED && !recorded)
		nm_message_plain(&posting->manager->message, "Nothing was sent."
		                 " To submit, run the same command again.");
	else if (rc == NM_INTERRUPTED)
		tell_rest(posting, at, lead_of(posting, at));
	else if (recorded && nm_options_given(&posting->manager->options,
	                                      MANAGER_NEW))
		tell_rest(posting, at, "To go on with it, and begin nothing once"
		          " more, run without --new:");
}

static enum nm_code
send_all(struct posting *posting, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < posting->n; i++) {
		struct nm_buf out = { 0 };

		if (i && !nm_manager_wants_json(posting->manager))
			nm_buf_add_byte(&out, '\n');
		rc = send_entry(posting, i, &out, err);
		nm_manager_print(&out);
		nm_buf_release(&out);
		if (rc)
			tell_ending(posting, i, rc);
	}
	return rc;
}

static enum nm_code
post(struct posting *posting, struct nm_err *err)
{
	struct nm_manager *manager = posting->manager;
	enum nm_code rc = nm_prospect_look(manager, posting->files, posting->n,
	                                   &posting->since_ms, err);

	if (!rc)
		rc = nm_manager_make_journal(manager, err);
	if (!rc && posting->n > 1)
		rc = record_all(posting, err);
	if (rc) {
		tell_ending(posting, posting->n - 1, rc);
		return rc;
	}
	return send_all(posting, err);
}

enum nm_code
nm_manage_submit(struct nm_manager *manager, struct nm_err *err)
{
	struct posting posting = { .manager = manager };
	struct nm_arena arena = { 0 };
	const char *const *paths = nm_options_list(&manager->options,
	                                           MANAGER_SUBMIT, &posting.n);
	enum nm_code rc = check_paths(paths, posting.n, err);
	size_t i;

	posting.files = nm_arena_array(&arena, posting.n,
	                               sizeof(*posting.files));
	posting.entries = nm_arena_array(&arena, posting.n,
	                                 sizeof(*posting.entries));
	for (i = 0; i < posting.n; i++)
		posting.files[i].path = paths[i];
	if (!rc)
		rc = post(&posting, err);
	nm_arena_release(&arena);
	return rc;
}
