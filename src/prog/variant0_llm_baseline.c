/*
 * variant0_llm_baseline: asks a language model the questions of one or more
 * datasets, at once or by batch, scores the answers and saves the results.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "prog/descriptors.h"
#include "prog/signals.h"
#include "prog/variant0_options.h"
#include "prog/variant0_wish.h"
#include "task/block.h"
#include "task/money.h"
#include "task/task.h"
#include "task/watcher.h"

enum { TASKS_MAX = 256, CANARY_ABOVE = 1000 };

struct program {
	struct nm_options   options;
	struct nm_message   message;
	struct nm_progress  progress;
	struct nm_service   service;
	struct nm_journal  *journal;
	struct nm_prices    prices;
	struct nm_watch     watch;
	struct nm_task_tools tools;
	struct nm_budget    budget;
	struct nm_buf       data_dir; /* where none is named */
	struct nm_task       tasks[TASKS_MAX];
	size_t              n_tasks;
	int                 service_open;
	enum nm_code        worst; /* of all tasks so far */
};

/* The working folder's own, else the sample that is installed. */
static void
find_data(struct program *p)
{
	struct nm_err none;

	if (access("data/metaqa", X_OK) == 0 ||
	    nm_path_data(&p->data_dir, "metaqa", &none)) {
		nm_buf_clear(&p->data_dir);
		nm_buf_add_string(&p->data_dir, "data/metaqa");
	}
}

static void
fill_tools(struct program *p, const char *typed)
{
	const struct nm_options *options = &p->options;

	nm_watcher_init(&p->watch, &p->message);
	p->tools = (struct nm_task_tools){
		.service = &p->service,
		.journal = p->journal,
		.message = &p->message,
		.watch = &p->watch,
		.prices = &p->prices,
		.results_dir = nm_options_text(options, OPT_RESULTS_DIR),
		.mode = nm_options_text(options, OPT_MODE),
		.typed = typed,
		.reading = nm_options_given(options, OPT_LENIENT)
			? NM_READING_LENIENT : NM_READING_STRICT,
		.take = nm_options_given(options, OPT_NEW)
			? NM_RUN_AFRESH : NM_RUN_TAKE_UP,
		.tail = nm_options_given(options, OPT_FINISH_DIRECT)
			? NM_TAIL_DIRECT : NM_TAIL_BATCH,
		.budget = &p->budget,
		.pay = nm_options_given(options, OPT_YES) ? NM_PAY_AGREED
		                                          : NM_PAY_ASK,
		.began_mono_ms = nm_clock_mono_ms(&p->service.clock),
	};
	nm_variant0_settings(options, &p->tools.settings);
}

/* ---- setting up ---- */

static enum nm_code
open_service(struct program *p, struct nm_err *err)
{
	struct nm_service_wish wish = {
		.kind = nm_options_given(&p->options, OPT_LOCAL)
			? NM_SERVICE_LOCAL : NM_SERVICE_REMOTE,
		.base_url = nm_options_text(&p->options, OPT_BASE_URL),
		.stop = nm_signals_stop_flag(),
	};
	enum nm_code rc = nm_service_open(&p->service, &wish, err);

	p->service_open = !rc;
	return rc;
}

static enum nm_code
open_journal(struct program *p, struct nm_err *err)
{
	struct nm_buf folder = { 0 };
	enum nm_code rc = nm_path_state(&folder, err);

	if (!rc)
		rc = nm_journal_open(nm_buf_string(&folder), &p->journal, err);
	nm_buf_release(&folder);
	return rc;
}

/* Told before anything is paid, not after. */
static enum nm_code
probe_results(const struct program *p, struct nm_err *err)
{
	struct nm_results results = { 0 };
	struct nm_results_options options = {
		.folder = nm_options_text(&p->options, OPT_RESULTS_DIR),
		.dataset = "probe", .run_id = "probe",
	};
	enum nm_code rc;

	if (nm_options_given(&p->options, OPT_DRY_RUN))
		return NM_OK;
	rc = nm_results_open(&results, &options, err);
	nm_results_release(&results);
	return rc;
}

static enum nm_code
reach_out(struct program *p, struct nm_err *err)
{
	enum nm_code rc = probe_results(p, err);

	if (!rc)
		rc = open_service(p, err);
	return rc ? rc : open_journal(p, err);
}

static enum nm_code
set_up(struct program *p, const char *typed, struct nm_err *err)
{
	enum nm_code rc = nm_variant0_check(&p->options, err);

	if (!rc)
		rc = nm_prices_open(&p->prices,
		                    nm_options_text(&p->options, OPT_PRICES),
		                    err);
	if (!rc)
		rc = nm_budget_read(&p->budget, nm_options_text(&p->options,
		                    OPT_MAX_COST), err);
	if (!rc && !nm_options_given(&p->options, OPT_ESTIMATE))
		rc = reach_out(p, err);
	if (rc)
		return rc;
	find_data(p);
	fill_tools(p, typed);
	nm_progress_open(&p->progress, &p->message, &p->service.clock, 0);
	return NM_OK;
}

/* ---- new runs ---- */

/* Results are filed by the dataset's name: two of one name would be one file. */
static enum nm_code
check_apart(const struct program *p, size_t newest, const char *const *names,
            struct nm_err *err)
{
	struct nm_buf mine = { 0 }, other = { 0 };
	enum nm_code rc = NM_OK;
	size_t i;

	nm_path_add_safe(&mine, nm_text_of(
		nm_quiz_name(p->tasks[newest].quiz)));
	for (i = 0; !rc && i < newest; i++) {
		nm_buf_clear(&other);
		nm_path_add_safe(&other, nm_text_of(
			nm_quiz_name(p->tasks[i].quiz)));
		if (!strcmp(nm_buf_string(&mine), nm_buf_string(&other)))
			rc = nm_fail(err, NM_USAGE, 0,
				"--datasets: the results of %s and %s would"
				" have one name: run them one after the other",
				names[i], names[newest]);
	}
	nm_buf_release(&mine);
	nm_buf_release(&other);
	return rc;
}

/* All are read before the first is recorded: a wrong name costs nothing. */
static enum nm_code
read_datasets(struct program *p, struct nm_err *err)
{
	struct nm_quiz_wish wish;
	size_t n, i;
	const char *const *names = nm_options_list(&p->options, OPT_DATASETS,
	                                           &n);
	enum nm_code rc = NM_OK;

	if (n > TASKS_MAX)
		return nm_fail(err, NM_USAGE, 0,
			"--datasets has %zu names, above the %d that one call"
			" takes", n, TASKS_MAX);
	nm_variant0_quiz(&p->options, nm_buf_string(&p->data_dir), &wish);
	for (i = 0; !rc && i < n; i++) {
		wish.typed = names[i];
		p->n_tasks++;
		rc = nm_task_read(&p->tasks[i], &p->tools, &wish, err);
		if (!rc)
			rc = check_apart(p, i, names, err);
	}
	return rc;
}

static void
tell_taken_up(struct program *p, struct nm_task *task)
{
	if (task->run.origin != NM_RUN_RESUMED)
		return;
	if (task->run.record.state == NM_RUN_PARTIAL)
		nm_message_note(&p->message, "a run of %s has ended but for"
			" rows that failed: taking it up (--new asks all of it"
			" afresh)", task->run.record.name);
	else
		nm_message_note(&p->message, "this run of %s is unfinished:"
			" taking it up (--new submits afresh)",
			task->run.record.name);
}

/* One question tells whether thousands would be refused alike. */
static int64_t
usual_canary(const struct nm_task *task)
{
	return nm_quiz_source(task->quiz)->count > CANARY_ABOVE &&
	       strcmp(task->tools->mode, "batch") == 0;
}

static enum nm_code
record_all(struct program *p, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < p->n_tasks; i++) {
		if (!nm_options_given(&p->options, OPT_CANARY))
			p->tools.settings.canary = usual_canary(&p->tasks[i]);
		rc = nm_task_record(&p->tasks[i], err);
		if (!rc)
			tell_taken_up(p, &p->tasks[i]);
		if (!rc && p->tools.take == NM_RUN_TAKE_UP)
			rc = nm_run_note_earlier(&p->tasks[i].run, err);
	}
	return rc;
}

/* All are submitted before the first is waited for. */
static enum nm_code
submit_all(struct program *p, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < p->n_tasks; i++)
		rc = nm_task_submit(&p->tasks[i], err);
	nm_progress_clear(&p->progress);
	return rc && p->n_tasks > 1
		? nm_while(err, "submitting %s", p->tasks[i - 1].run.record.name)
		: rc;
}

/* ---- taking up by id ---- */

static int
is_taken(const struct program *p, const char *batch_id)
{
	size_t i, k;

	for (i = 0; i < p->n_tasks; i++)
		for (k = 0; k < p->tasks[i].run.n_shards; k++)
			if (!strcmp(p->tasks[i].run.shards[k].batch_id,
			            batch_id))
				return 1;
	return 0;
}

static enum nm_code
take_up_all(struct program *p, struct nm_err *err)
{
	struct nm_quiz_wish wish;
	size_t n, i;
	const char *const *ids = nm_options_list(&p->options, OPT_BATCH_ID,
	                                         &n);
	enum nm_code rc = NM_OK;

	nm_variant0_quiz(&p->options, nm_buf_string(&p->data_dir), &wish);
	if (nm_options_given(&p->options, OPT_DATASETS))
		wish.typed = nm_options_text(&p->options, OPT_DATASETS);
	for (i = 0; !rc && i < n; i++) {
		/* One id of a run finds its sisters. */
		if (is_taken(p, ids[i]))
			continue;
		if (p->n_tasks == TASKS_MAX)
			return nm_fail(err, NM_USAGE, 0,
				"--batch-id names more than %d runs", TASKS_MAX);
		rc = nm_task_take_up(&p->tasks[p->n_tasks++], &p->tools, ids[i],
		                     &wish, err);
	}
	return rc;
}

/* ---- to the end ---- */

static void
print(const struct nm_buf *text)
{
	fwrite(nm_buf_string(text), 1, text->len, stdout);
}

static void
print_summary(struct program *p, const struct nm_task *task)
{
	struct nm_buf text = { 0 };

	nm_progress_clear(&p->progress);
	if (!nm_options_given(&p->options, OPT_JSON) && task->scored) {
		nm_summary_write(&task->outcome.summary, &text);
		print(&text);
		fflush(stdout);
	}
	nm_buf_release(&text);
}

/* All attempts were made, and some rows may yet come by one more. */
static void
tell_how_to_have_rest(struct program *p, struct nm_task *task)
{
	long long left = task->outcome.left;
	long long count = nm_quiz_source(task->quiz)->count;
	long long wanted = nm_task_attempts_wanted(task);

	if (nm_task_batch_id(task)[0])
		nm_message_plain(&p->message, "To ask what failed (%lld of %lld)"
			" once more, and nothing else, run (with"
			" --finish-direct to ask it directly):\n"
			"  %s --max-attempts %lld", left, count,
			nm_task_resume_command(task), wanted);
	else
		nm_message_plain(&p->message, "To ask what failed (%lld of %lld)"
			" once more, and nothing else, run the same command"
			" again with --max-attempts %lld.", left, count,
			wanted);
}

static void
tell_how_to_go_on(struct program *p, struct nm_task *task)
{
	if (task->run.record.state == NM_RUN_PARTIAL && task->scored) {
		tell_how_to_have_rest(p, task);
		return;
	}
	if (!task->run.record.id || task->run.record.state != NM_RUN_OPEN)
		return;
	if (task->short_of_money)
		nm_message_plain(&p->message, "What came of %s is scored and"
			" kept. To have the rest asked, run the same command"
			" again with a higher --max-cost.",
			task->run.record.name);
	else if (!nm_task_is_batch(task))
		nm_message_plain(&p->message, "What came of %s is kept. To go"
			" on, run the same command again.",
			task->run.record.name);
	else if (nm_task_batch_id(task)[0])
		nm_message_plain(&p->message, "The batch goes on. To resume and"
			" wait for it, run:\n  %s", nm_task_resume_command(task));
	else
		nm_message_plain(&p->message, "No batch of %s was created yet."
			" To go on, run the same command again.",
			task->run.record.name);
}

static void
tell_what_goes_on(struct program *p)
{
	size_t i;

	nm_progress_clear(&p->progress);
	for (i = 0; i < p->n_tasks; i++)
		tell_how_to_go_on(p, &p->tasks[i]);
}

static size_t
count_created(const struct program *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->n_tasks; i++)
		n += nm_task_batch_id(&p->tasks[i])[0] != 0;
	return n;
}

static void
note_worst(struct program *p, enum nm_code rc)
{
	if (nm_code_exit_status(rc) > nm_code_exit_status(p->worst))
		p->worst = rc;
}

/* A dataset that fails does not keep the others from their results. */
static enum nm_code
finish_all(struct program *p, struct nm_err *err)
{
	enum nm_code rc;
	size_t i;

	for (i = 0; i < p->n_tasks; i++) {
		rc = nm_task_finish(&p->tasks[i], err);
		print_summary(p, &p->tasks[i]);
		note_worst(p, rc);
		if (rc == NM_INTERRUPTED) {
			tell_what_goes_on(p);
			return rc;
		}
		if (rc)
			nm_message_error(&p->message, err);
		/* Its id may never have been shown. */
		if (rc && (nm_task_batch_id(&p->tasks[i])[0] ||
		           p->tasks[i].short_of_money ||
		           p->tasks[i].run.record.state == NM_RUN_PARTIAL))
			tell_how_to_go_on(p, &p->tasks[i]);
	}
	return NM_OK;
}

static void
print_all(struct program *p)
{
	struct nm_summary *list = calloc(p->n_tasks + 1, sizeof(*list));
	struct nm_buf text = { 0 };
	size_t i, n = 0;

	if (!list)
		abort();
	for (i = 0; i < p->n_tasks; i++)
		if (p->tasks[i].scored)
			list[n++] = p->tasks[i].outcome.summary;
	if (nm_options_given(&p->options, OPT_JSON))
		nm_summary_write_json(list, n, &text);
	else if (n > 1)
		nm_summary_write_all(list, n, &text);
	print(&text);
	nm_buf_release(&text);
	free(list);
}

static void
print_blocks(struct program *p)
{
	struct nm_buf text = { 0 };

	if (nm_options_given(&p->options, OPT_JSON))
		nm_block_write_json(p->tasks, p->n_tasks, &text);
	else
		nm_block_write(p->tasks, p->n_tasks, &text);
	print(&text);
	nm_buf_release(&text);
}

/* What was created is told, also where not all could be. */
static enum nm_code
end_dry_run(struct program *p, enum nm_code rc, struct nm_err *err)
{
	size_t i;

	if (count_created(p))
		print_blocks(p);
	for (i = 0; !rc && i < p->n_tasks; i++)
		if (!nm_task_batch_id(&p->tasks[i])[0])
			rc = nm_fail(err, NM_UNFINISHED, 0,
				"no batch of %s was created: the account has no"
				" room for it now; the same command goes on",
				p->tasks[i].run.record.name);
	return rc;
}

/* Runs that are new, taken up by the same command, or taken up by a batch's id:
 * what they would send is looked at in one way. */
static enum nm_code
begin(struct program *p, struct nm_err *err)
{
	int by_id = nm_options_given(&p->options, OPT_BATCH_ID);
	enum nm_code rc;

	if (by_id) {
		rc = take_up_all(p, err);
	} else {
		rc = read_datasets(p, err);
		if (!rc)
			rc = record_all(p, err);
	}
	if (!rc)
		rc = nm_money_consent(p->tasks, p->n_tasks, &p->tools, err);
	if (!rc)
		rc = nm_money_take(p->tasks, p->n_tasks, err);
	return rc || by_id ? rc : submit_all(p, err);
}

static enum nm_code
estimate(struct program *p, struct nm_err *err)
{
	struct nm_buf text = { 0 };
	enum nm_code rc = read_datasets(p, err);

	if (!rc)
		rc = nm_money_estimate(p->tasks, p->n_tasks, &p->tools.settings,
			nm_options_given(&p->options, OPT_JSON)
			? NM_MONEY_JSON : NM_MONEY_TEXT, &text, err);
	if (!rc)
		print(&text);
	nm_buf_release(&text);
	return rc;
}

static enum nm_code
work(struct program *p, struct nm_err *err)
{
	enum nm_code rc;

	if (nm_options_given(&p->options, OPT_ESTIMATE))
		return estimate(p, err);
	rc = begin(p, err);
	if (nm_options_given(&p->options, OPT_DRY_RUN) &&
	    rc != NM_INTERRUPTED)
		return end_dry_run(p, rc, err);
	if (rc == NM_INTERRUPTED || (rc && count_created(p)))
		tell_what_goes_on(p);
	if (rc)
		return rc;
	rc = finish_all(p, err);
	print_all(p);
	return rc;
}

static void
tear_down(struct program *p)
{
	size_t i;

	for (i = 0; i < p->n_tasks; i++)
		nm_task_release(&p->tasks[i]);
	nm_progress_close(&p->progress);
	nm_journal_close(p->journal);
	if (p->service_open)
		nm_service_close(&p->service);
	nm_prices_close(&p->prices);
	nm_buf_release(&p->data_dir);
	nm_options_release(&p->options);
}

int
main(int argc, char **argv)
{
	static struct program p;
	struct nm_err err = { 0 };
	enum nm_code rc;
	int status;

	nm_message_init(&p.message, "variant0_llm_baseline");
	rc = nm_options_read(&p.options, &nm_variant0_options, argc, argv,
	                     &err);
	if (!rc && !p.options.answered) {
		if (nm_options_given(&p.options, OPT_QUIET))
			p.message.level = NM_MESSAGE_QUIET;
		nm_signals_init();
		nm_descriptors_raise();
		rc = set_up(&p, argv[0], &err);
		if (!rc)
			rc = work(&p, &err);
	}
	nm_progress_clear(&p.progress);
	status = rc && rc != NM_INTERRUPTED
		? nm_message_error(&p.message, &err)
		: nm_code_exit_status(rc ? rc : p.worst);
	tear_down(&p);
	return nm_message_close_stdout(&p.message, status);
}
