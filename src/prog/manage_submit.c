/*
 * manage_submit: --submit, and what --wait does for the runs that it makes: request
 * files sent in shards and followed to the last row.
 */
#include <inttypes.h>

#include "base/map.h"
#include "base/path.h"
#include "cli/terminal.h"
#include "prog/manager.h"
#include "run/plan.h"
#include "run/via_batch.h"
#include "task/budget.h"
#include "task/command.h"
#include "task/complaint.h"
#include "task/parcel.h"
#include "task/postage.h"
#include "task/watcher.h"

/* A parcel and all that drives it. */
struct dispatch {
	struct nm_manager     *manager;
	struct nm_watch        watch;
	struct nm_progress     progress;
	struct nm_run_settings settings;
	struct nm_run_tools    tools;
	struct nm_parcel       parcel;
};

static void
dispatch_init(struct dispatch *d, struct nm_manager *manager)
{
	const struct nm_options *options = &manager->options;

	memset(d, 0, sizeof(*d));
	d->manager = manager;
	nm_watcher_init(&d->watch, &manager->message);
	nm_progress_open(&d->progress, &manager->message,
	                 &manager->service.clock, 0);
	d->settings = (struct nm_run_settings){
		.poll_interval_ms =
			nm_options_whole(options, MANAGER_POLL_INTERVAL),
		.shard_requests =
			nm_options_whole(options, MANAGER_SHARD_REQUESTS),
		.max_attempts =
			nm_options_whole(options, MANAGER_MAX_ATTEMPTS),
		.patience_ms = nm_options_whole(options, MANAGER_PATIENCE),
		.outage_ms = nm_options_whole(options, MANAGER_OUTAGE),
		.cancelled = manager->action == MANAGER_WAIT &&
		             nm_options_given(options, MANAGER_MAX_ATTEMPTS)
			? NM_CANCELLED_AGAIN : NM_CANCELLED_LEFT,
	};
	d->tools = (struct nm_run_tools){
		.journal = manager->journal,
		.api = &manager->service.api,
		.clock = &manager->service.clock,
		.watch = &d->watch,
		.settings = &d->settings,
	};
}

static void
dispatch_release(struct dispatch *d)
{
	nm_parcel_release(&d->parcel);
	nm_progress_close(&d->progress);
}

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
add_command(struct dispatch *d, const char *options, const char *id,
            const char *more, struct nm_buf *out)
{
	nm_buf_add_string(out, "  ");
	nm_command_add_program(out, d->manager->typed, "batch_manager");
	nm_buf_add_string(out, options);
	nm_command_add_word(out, id);
	nm_buf_add_string(out, more);
	nm_buf_add_text(out, nm_buf_text(&d->manager->service.flags));
	nm_buf_add_byte(out, '\n');
}

static void
write_text(struct dispatch *d, struct nm_buf *out)
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
	add_command(d, " --wait", first_batch(run), "", out);
	nm_buf_add_string(out, "\nTo write a row a request, in order, run:\n");
	add_command(d, " --download", first_batch(run), " -o OUT.jsonl", out);
}

/* A line a file, as soon as it is sent: of what follows any may fail. */
static void
write_json(struct dispatch *d, struct nm_buf *out)
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
tell_taken_up(struct dispatch *d)
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
	struct dispatch d;
	enum nm_code rc;

	dispatch_init(&d, manager);
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
	dispatch_release(&d);
	return rc;
}

/* What is looked at in all files of the call, before the first is sent. */
struct prospect {
	const struct nm_run_settings *settings; /* NULL = of a single file, which
	                                           is planned soon enough */
	const struct nm_prices       *prices;
	const struct nm_run_tools    *tools; /* NULL = what is under way may be
	                                        sent again */
	struct nm_map                 seen;  /* digest -> which path */
	struct nm_budget              budget;
};

static enum nm_code
look_at_lines(const struct prospect *prospect, struct nm_source *source,
              struct nm_err *err)
{
	struct nm_plan plan = { 0 };
	enum nm_code rc = nm_plan_measure(&plan, source, prospect->settings,
	                                  err);

	nm_plan_release(&plan);
	return rc;
}

static enum nm_code
take_on(struct prospect *prospect, struct nm_source *source, const char *model,
        const char *path, struct nm_err *err)
{
	struct nm_estimate_cost cost;
	struct nm_estimate estimate;
	enum nm_code rc = nm_postage_count(source, model, prospect->prices,
	                                   &estimate, err);

	if (rc)
		return rc;
	cost = nm_estimate_cost(&estimate, NM_PRICE_BATCH);
	rc = nm_budget_take(&prospect->budget, &cost, model, err);
	return rc && prospect->settings ? nm_while(err, "adding %s", path)
	                                : rc;
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

/* The same by another name would be refused when the first is sent. */
static enum nm_code
look_for_same(struct prospect *prospect, struct nm_request_file *file,
              const char *const *paths, size_t which, struct nm_err *err)
{
	const char *digest = nm_request_file_source(file)->digest;
	uint32_t first = (uint32_t)which;

	if (!prospect->tools)
		return NM_OK;
	if (nm_map_add(&prospect->seen, nm_text_of(digest), &first)
	    == NM_MAP_KNOWN && strcmp(nm_path_base(paths[first]),
	                              nm_path_base(paths[which])) != 0)
		return nm_fail(err, NM_USAGE, 0, "%s holds the same requests as "
		               "%s: leave one of them out, or send both by --new",
		               paths[which], paths[first]);
	return prospect->tools->journal
		? nm_parcel_check(prospect->tools, file, paths[which], err)
		: NM_OK;
}

static enum nm_code
look_at(struct prospect *prospect, const char *const *paths, size_t which,
        struct nm_err *err)
{
	struct nm_request_file *file;
	struct nm_source *source;
	const char *path = paths[which];
	enum nm_code rc = nm_request_file_open(&file, path, err);

	if (rc)
		return rc;
	source = nm_request_file_source(file);
	rc = look_for_same(prospect, file, paths, which, err);
	if (!rc && prospect->settings)
		rc = look_at_lines(prospect, source, err);
	if (!rc && prospect->budget.max_pusd)
		rc = take_on(prospect, source,
		             nm_request_file_facts(file)->model, path, err);
	nm_request_file_close(file);
	return rc;
}

/* A faulty file, too dear a one, or one that is under way keeps the others back too. */
static enum nm_code
look_at_all(struct nm_manager *manager, const char *const *paths, size_t n,
            struct nm_err *err)
{
	const struct nm_options *options = &manager->options;
	struct nm_prices prices = { 0 };
	struct dispatch d;
	struct prospect prospect = { .prices = &prices };
	enum nm_code rc;
	size_t i;

	dispatch_init(&d, manager);
	if (n > 1)
		prospect.settings = &d.settings;
	if (!nm_options_given(options, MANAGER_NEW))
		prospect.tools = &d.tools;
	rc = nm_budget_read(&prospect.budget,
	                    nm_options_text(options, MANAGER_MAX_COST), err);
	/* The built-in server takes no money. */
	if (manager->service.server)
		prospect.budget.max_pusd = 0;
	if (rc || (n == 1 && !prospect.budget.max_pusd))
		goto done;
	rc = nm_manager_find_journal(manager, err);
	if (rc && rc != NM_ABSENT)
		goto done;
	d.tools.journal = manager->journal;
	rc = nm_prices_open(&prices, nm_options_text(options, MANAGER_PRICES),
	                    err);
	for (i = 0; !rc && i < n; i++)
		rc = look_at(&prospect, paths, i, err);
done:
	nm_prices_close(&prices);
	nm_map_release(&prospect.seen);
	dispatch_release(&d);
	return rc;
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
		rc = look_at_all(manager, paths, n, err);
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

/* All attempts were made, and some requests may yet be answered by one more. */
static void
tell_how_to_have_rest(struct dispatch *d, const char *batch_id)
{
	int64_t made = d->parcel.attempts, allowed = d->settings.max_attempts;
	struct nm_buf command = {0}, more = {0};

	nm_buf_addf(&more, " --max-attempts %" PRId64,
	            (made > allowed ? made : allowed) + 1);
	add_command(d, " --wait", batch_id, nm_buf_string(&more), &command);
	nm_message_plain(&d->manager->message,
		"%" PRId64 " of %" PRId64 " failed. To have these sent once"
		" more, and nothing else, run:\n%.*s",
		d->parcel.left, d->parcel.run.source->count,
		(int)command.len - 1, nm_buf_string(&command));
	nm_buf_release(&command);
	nm_buf_release(&more);
}

enum nm_code
nm_manage_follow(struct nm_manager *manager, const char *batch_id,
                 int64_t *left, struct nm_err *err)
{
	struct dispatch d;
	enum nm_code rc = nm_manager_find_journal(manager, err);

	if (rc)
		return rc;
	dispatch_init(&d, manager);
	rc = nm_parcel_take_up(&d.parcel, &d.tools, batch_id, err);
	if (!rc)
		rc = nm_parcel_finish(&d.parcel, err);
	if (!rc)
		*left = d.parcel.left;
	if (!rc && d.parcel.left)
		tell_how_to_have_rest(&d, batch_id);
	dispatch_release(&d);
	return rc;
}
