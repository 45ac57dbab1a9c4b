/*
 * variant0_tasks: the tasks of a call, read from datasets or taken up by batches' ids.
 */
#include "base/path.h"
#include "prog/variant0.h"
#include "prog/variant0_wish.h"
#include "run/canary.h"
#include "task/complaint.h"
#include "task/money.h"

/* Results are filed by the dataset's name: two of one name would be one file. */
static enum nm_code
check_apart(const struct nm_variant0 *p, size_t newest, const char *const *names,
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

enum nm_code
nm_variant0_read(struct nm_variant0 *p, struct nm_err *err)
{
	struct nm_quiz_wish wish;
	size_t n, i;
	const char *const *names = nm_options_list(&p->options, OPT_DATASETS,
	                                           &n);
	enum nm_code rc = NM_OK;

	if (n > NM_VARIANT0_TASKS_MAX)
		return nm_fail(err, NM_USAGE, 0,
			"--datasets has %zu names, above the %d that one call"
			" takes", n, NM_VARIANT0_TASKS_MAX);
	nm_variant0_quiz(&p->options, nm_buf_string(&p->data_dir),
	                 nm_buf_string(&p->model), &wish);
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
tell_taken_up(struct nm_variant0 *p, struct nm_task *task)
{
	if (task->run.origin != NM_RUN_RESUMED)
		return;
	if (task->run.record.state == NM_RUN_DONE)
		nm_message_note(&p->message, "the run of %s is done, and others"
			" of this command are not: it is scored again, and"
			" nothing of it asked (--new asks all afresh)",
			task->run.record.name);
	else if (task->run.record.state == NM_RUN_PARTIAL)
		nm_message_note(&p->message, "a run of %s has ended but for"
			" rows that failed: taking it up (--new asks all of it"
			" afresh)", task->run.record.name);
	else
		nm_message_note(&p->message, "this run of %s is unfinished:"
			" taking it up (--new submits afresh)",
			task->run.record.name);
	nm_complain_of_size(&p->message, &task->run);
}

/* Of several datasets some may be done when the command is broken off: asking these
 * again would pay for them twice. */
static enum nm_code
find_since(struct nm_variant0 *p, struct nm_err *err)
{
	int64_t since_ms = INT64_MAX, began_ms;
	enum nm_code rc = NM_OK;
	size_t i;

	if (p->n_tasks < 2 || p->tools.take != NM_RUN_TAKE_UP)
		return NM_OK;
	for (i = 0; !rc && i < p->n_tasks; i++) {
		rc = nm_task_find_begun(&p->tasks[i], &began_ms, err);
		if (!rc && began_ms < since_ms)
			since_ms = began_ms;
		if (rc == NM_ABSENT)
			rc = NM_OK;
	}
	p->tools.done_since_ms = since_ms < INT64_MAX ? since_ms : 0;
	return rc;
}

static enum nm_code
record_all(struct nm_variant0 *p, struct nm_err *err)
{
	int64_t canary = p->tools.settings.canary;
	enum nm_code rc = find_since(p, err);
	size_t i;

	if (strcmp(p->tools.mode, "direct") == 0)
		canary = 0;
	for (i = 0; !rc && i < p->n_tasks; i++) {
		p->tools.settings.canary = nm_canary_wished(canary,
			nm_quiz_source(p->tasks[i].quiz)->count);
		rc = nm_task_record(&p->tasks[i], err);
		if (!rc)
			tell_taken_up(p, &p->tasks[i]);
		if (!rc && p->tools.take == NM_RUN_TAKE_UP)
			rc = nm_run_note_earlier(&p->tasks[i].run, err);
	}
	return rc;
}

static enum nm_code
submit_all(struct nm_variant0 *p, struct nm_err *err)
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

static int
is_taken(const struct nm_variant0 *p, const char *batch_id)
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
take_up_all(struct nm_variant0 *p, struct nm_err *err)
{
	struct nm_quiz_wish wish;
	size_t n, i;
	const char *const *ids = nm_options_list(&p->options, OPT_BATCH_ID,
	                                         &n);
	enum nm_code rc = NM_OK;

	nm_variant0_quiz(&p->options, nm_buf_string(&p->data_dir),
	                 nm_buf_string(&p->model), &wish);
	if (nm_options_given(&p->options, OPT_DATASETS))
		wish.typed = nm_options_text(&p->options, OPT_DATASETS);
	for (i = 0; !rc && i < n; i++) {
		/* One id of a run finds its sisters. */
		if (is_taken(p, ids[i]))
			continue;
		if (p->n_tasks == NM_VARIANT0_TASKS_MAX)
			return nm_fail(err, NM_USAGE, 0,
				"--batch-id names more than %d runs",
				NM_VARIANT0_TASKS_MAX);
		rc = nm_task_take_up(&p->tasks[p->n_tasks++], &p->tools, ids[i],
		                     &wish, err);
	}
	return rc;
}

enum nm_code
nm_variant0_begin(struct nm_variant0 *p, struct nm_err *err)
{
	int by_id = nm_options_given(&p->options, OPT_BATCH_ID);
	enum nm_code rc;

	if (by_id) {
		rc = take_up_all(p, err);
	} else {
		rc = nm_variant0_read(p, err);
		if (!rc)
			rc = record_all(p, err);
	}
	if (!rc)
		rc = nm_money_consent(p->tasks, p->n_tasks, &p->tools, err);
	if (!rc)
		rc = nm_money_take(p->tasks, p->n_tasks, err);
	return rc || by_id ? rc : submit_all(p, err);
}
