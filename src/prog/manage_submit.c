/*
 * manage_submit: --submit: request files sent in shards.
 */
#include <inttypes.h>

#include "cli/terminal.h"
#include "prog/dispatch.h"
#include "prog/prospect.h"
#include "run/via_batch.h"
#include "task/command.h"
#include "task/complaint.h"

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
write_json(struct nm_dispatch *d, struct nm_buf *out)
{
	const struct nm_run *run = &d->parcel.run;
	struct nm_json_writer w = { .out = out };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "file", nm_request_file_path(d->parcel.file));
	nm_json_put_string(&w, "run", run->record.id);
	nm_json_put_true(&w, "taken_up", run->origin == NM_RUN_RESUMED);
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

	if (record->state == NM_RUN_PARTIAL)
		nm_message_note(&d->manager->message, "a run of %s has ended but"
			" for requests that failed: taking it up (--new submits"
			" all of it afresh)", record->name);
	else
		nm_message_note(&d->manager->message, "this run of %s is"
			" unfinished: taking it up (--new submits afresh)",
			record->name);
	nm_complain_of_size(&d->manager->message, &d->parcel.run);
}

static enum nm_code
submit_file(struct nm_manager *manager, const char *path, struct nm_buf *out,
            struct nm_err *err)
{
	enum nm_run_take take =
		nm_options_given(&manager->options, MANAGER_NEW)
		? NM_RUN_AFRESH : NM_RUN_TAKE_UP;
	struct nm_dispatch d;
	enum nm_code rc;

	nm_dispatch_init(&d, manager);
	rc = nm_parcel_open(&d.parcel, &d.tools, path, take, err);
	if (!rc && d.parcel.run.origin == NM_RUN_RESUMED)
		tell_taken_up(&d);
	if (!rc && take == NM_RUN_TAKE_UP)
		rc = nm_run_note_earlier(&d.parcel.run, err);
	if (!rc)
		rc = nm_via_batch_submit(&d.parcel.run, err);
	if (!rc && nm_manager_wants_json(manager))
		write_json(&d, out);
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

/* What bounds the rest as it bounded the whole. */
static void
add_bounds(const struct nm_options *given, struct nm_buf *command)
{
	if (nm_options_given(given, MANAGER_MAX_COST)) {
		nm_buf_add_string(command, " --max-cost");
		nm_command_add_word(command,
		                    nm_options_text(given, MANAGER_MAX_COST));
	}
	if (nm_options_given(given, MANAGER_PRICES)) {
		nm_buf_add_string(command, " --prices");
		nm_command_add_word(command,
		                    nm_options_text(given, MANAGER_PRICES));
	}
	if (nm_options_given(given, MANAGER_SHARD_REQUESTS))
		nm_buf_addf(command, " --shard-requests %" PRId64,
		            nm_options_whole(given, MANAGER_SHARD_REQUESTS));
}

/* Without --new, which would begin once more. */
static void
tell_interrupted(struct nm_manager *manager, const char *const *paths, size_t n)
{
	struct nm_buf command = {0};
	size_t i;

	nm_command_add_program(&command, manager->typed, "batch_manager");
	nm_buf_add_string(&command, " --submit");
	for (i = 0; i < n; i++)
		nm_command_add_word(&command, paths[i]);
	add_bounds(&manager->options, &command);
	nm_buf_add_text(&command, nm_buf_text(&manager->service.flags));
	nm_message_plain(&manager->message, "What was sent goes on. To send the "
	                 "rest, run:\n  %s", nm_buf_string(&command));
	nm_buf_release(&command);
}

enum nm_code
nm_manage_submit(struct nm_manager *manager, struct nm_err *err)
{
	size_t n, i;
	const char *const *paths = nm_options_list(&manager->options,
	                                           MANAGER_SUBMIT, &n);
	enum nm_code rc = check_paths(paths, n, err);

	if (!rc)
		rc = nm_prospect_look(manager, paths, n, err);
	if (!rc)
		rc = nm_manager_make_journal(manager, err);
	for (i = 0; !rc && i < n; i++) {
		struct nm_buf out = { 0 };

		if (i && !nm_manager_wants_json(manager))
			nm_buf_add_byte(&out, '\n');
		rc = submit_file(manager, paths[i], &out, err);
		nm_manager_print(&out);
		nm_buf_release(&out);
		if (rc == NM_INTERRUPTED)
			tell_interrupted(manager, &paths[i], n - i);
	}
	return rc;
}
