/*
 * variant0_ending: what a call tells at its end: results, batches, how to go on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "prog/remains.h"
#include "prog/variant0.h"
#include "run/deadline.h"
#include "task/block.h"
#include "task/money.h"

void
nm_variant0_print(const struct nm_buf *text)
{
	fwrite(nm_buf_string(text), 1, text->len, stdout);
}

static void
print_summary(struct nm_variant0 *p, const struct nm_task *task)
{
	struct nm_buf text = { 0 };

	nm_progress_clear(&p->progress);
	if (!nm_options_given(&p->options, OPT_JSON) && task->scored) {
		nm_summary_write(&task->outcome.summary, &text);
		nm_variant0_print(&text);
		fflush(stdout);
	}
	nm_buf_release(&text);
}

/* All attempts were made, and some rows may yet come by one more. */
static void
tell_how_to_have_rest(struct nm_variant0 *p, struct nm_task *task)
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

/* A person cancelled all before anything was finished. */
static int64_t
cancelled_of(const struct nm_task *task)
{
	int64_t count = 0;
	size_t i;

	for (i = 0; i < task->run.n_shards; i++) {
		const struct nm_shard_record *shard = &task->run.shards[i];

		if (strcmp(shard->status, "cancelled") == 0 &&
		    !nm_deadline_ended(shard))
			count += shard->count;
	}
	return count;
}

static void
tell_how_to_have_cancelled(struct nm_variant0 *p, struct nm_task *task)
{
	int64_t cancelled = cancelled_of(task);

	if (!cancelled || task->scoring_only)
		return;
	nm_message_plain(&p->message, "To ask what was cancelled (%lld of %lld),"
		" and nothing else, run (with --finish-direct to ask it"
		" directly):\n  %s --max-attempts %lld", (long long)cancelled,
		(long long)nm_quiz_source(task->quiz)->count,
		nm_task_resume_command(task),
		(long long)nm_task_attempts_wanted(task));
}

/* Of several datasets, whose batch it is. */
static void
tell_what_is_at_work(struct nm_variant0 *p, struct nm_task *task, int several)
{
	int named = p->n_tasks > 1;

	nm_message_plain(&p->message, "The batch%s%s%s go%s on. To resume and wait"
		" for %s, run:\n  %s", several ? "es" : "", named ? " of " : "",
		named ? task->run.record.name : "", several ? "" : "es",
		several ? "them" : "it", nm_task_resume_command(task));
}

/* By what its batches do without us. */
static void
tell_of_batches(struct nm_variant0 *p, struct nm_task *task)
{
	const char *name = task->run.record.name;
	struct nm_remains remains = { 0 };

	nm_remains_add(&remains, &task->run);
	if (!remains.created)
		nm_message_plain(&p->message, remains.doubtful
			? "Whether a batch of %s was created is not known yet."
			  " To go on, run the same command again, which looks"
			  " for it."
			: "No batch of %s was created yet. To go on, run the"
			  " same command again.", name);
	else if (remains.at_work)
		tell_what_is_at_work(p, task, remains.at_work > 1);
	else
		nm_message_plain(&p->message, remains.doubtful
			? "Whether another batch of %s was created is not known"
			  " yet. To look for it and go on, run:\n  %s"
			: "No batch of %s is at work any more. To go on from"
			  " there, run:\n  %s", name,
			nm_task_resume_command(task));
}

static void
tell_how_to_go_on(struct nm_variant0 *p, struct nm_task *task)
{
	if (task->run.record.state == NM_RUN_PARTIAL && task->scored) {
		tell_how_to_have_rest(p, task);
		return;
	}
	if (task->run.record.state == NM_RUN_DONE && !task->scored)
		tell_how_to_have_cancelled(p, task);
	if (!task->run.record.id || task->run.record.state != NM_RUN_OPEN)
		return;
	if (task->short_of_money)
		nm_message_plain(&p->message, "What came of %s is scored and"
			" kept. To have the rest asked, run the same command"
			" again with %s.", task->run.record.name,
			p->budget.unpriced ? "--prices that name what the model"
			                     " costs"
			                   : "a higher --max-cost");
	else if (!nm_task_is_batch(task))
		nm_message_plain(&p->message, "What came of %s is kept. To go"
			" on, run the same command again.",
			task->run.record.name);
	else
		tell_of_batches(p, task);
}

void
nm_variant0_tell_what_goes_on(struct nm_variant0 *p)
{
	size_t i;

	nm_progress_clear(&p->progress);
	for (i = 0; i < p->n_tasks; i++)
		tell_how_to_go_on(p, &p->tasks[i]);
}

size_t
nm_variant0_created(const struct nm_variant0 *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->n_tasks; i++)
		n += nm_task_batch_id(&p->tasks[i])[0] != 0;
	return n;
}

static void
note_worst(struct nm_variant0 *p, enum nm_code rc)
{
	if (nm_code_exit_status(rc) > nm_code_exit_status(p->worst))
		p->worst = rc;
}

/* A dataset that fails does not keep the others from their results. */
static enum nm_code
finish_all(struct nm_variant0 *p, struct nm_err *err)
{
	enum nm_code rc;
	size_t i;

	for (i = 0; i < p->n_tasks; i++) {
		rc = nm_task_finish(&p->tasks[i], err);
		print_summary(p, &p->tasks[i]);
		note_worst(p, rc);
		if (rc == NM_INTERRUPTED) {
			nm_variant0_tell_what_goes_on(p);
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
print_all(struct nm_variant0 *p)
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
		nm_summary_write_json(list, n, p->n_tasks - n, &text);
	else if (n > 1)
		nm_summary_write_all(list, n, &text);
	nm_variant0_print(&text);
	nm_buf_release(&text);
	free(list);
}

enum nm_code
nm_variant0_finish(struct nm_variant0 *p, struct nm_err *err)
{
	enum nm_code rc = finish_all(p, err);

	nm_progress_clear(&p->progress);
	nm_money_tell_passed(p->tasks, p->n_tasks);
	print_all(p);
	return rc;
}

static void
print_blocks(struct nm_variant0 *p)
{
	struct nm_buf text = { 0 };

	if (nm_options_given(&p->options, OPT_JSON))
		nm_block_write_json(p->tasks, p->n_tasks, &text);
	else
		nm_block_write(p->tasks, p->n_tasks, &text);
	nm_variant0_print(&text);
	nm_buf_release(&text);
}

enum nm_code
nm_variant0_end_dry_run(struct nm_variant0 *p, enum nm_code rc,
                        struct nm_err *err)
{
	size_t i;

	if (nm_variant0_created(p))
		print_blocks(p);
	for (i = 0; !rc && i < p->n_tasks; i++)
		if (!nm_task_batch_id(&p->tasks[i])[0])
			rc = nm_fail(err, NM_UNFINISHED, 0,
				"no batch of %s was created: the account has no"
				" room for it now; the same command goes on",
				p->tasks[i].run.record.name);
	return rc;
}
