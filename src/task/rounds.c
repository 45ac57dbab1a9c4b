/*
 * rounds: a task's attempts, one after the other, from the canary to the last, and what
 * becomes of its run then. Declared in task/task.h.
 */
#include "task/task.h"

#include "run/canary.h"
#include "run/deadline.h"
#include "run/via_batch.h"
#include "run/via_direct.h"
#include "task/complaint.h"
#include "task/forerunner.h"
#include "task/purse.h"
#include "task/stake.h"

enum nm_code
nm_task_submit(struct nm_task *task, struct nm_err *err)
{
	enum nm_code rc;

	if (!nm_task_is_batch(task))
		return NM_OK;
	rc = nm_forerunner_pass(task, err);
	return rc ? rc : nm_via_batch_submit(&task->run, err);
}

static enum nm_code
ask_directly(struct nm_task *task, int64_t attempt, struct nm_err *err)
{
	struct nm_direct_wish wish = {
		.attempt = attempt,
		.members = nm_buf_text(&task->outcome.again.bytes),
		.count = task->outcome.again.count,
	};
	struct nm_purse purse;
	enum nm_code rc;

	if (attempt == 1 && !nm_task_is_batch(task)) {
		wish.members = (struct nm_text){ 0 };
		wish.count = task->run.source->count;
	}
	wish.purse = nm_purse_open(&purse, task);
	rc = nm_via_direct(&task->run, &wish, err);
	if (rc == NM_USAGE && purse.empty) {
		task->short_of_money = task->broken_off = 1;
		rc = err->code = NM_UNFINISHED;
	}
	nm_purse_release(&purse);
	return rc;
}

static enum nm_code
make_outcome(struct nm_task *task, int64_t attempts, struct nm_err *err)
{
	struct nm_outcome_wish wish = {
		.run = &task->run,
		.quiz = task->quiz,
		.prices = task->tools->prices,
		.results_dir = task->tools->results_dir,
		.reading = task->tools->reading,
		.began_mono_ms = task->tools->began_mono_ms,
		.attempts = attempts,
	};
	enum nm_code rc = nm_outcome_make(&task->outcome, &wish, err);

	task->scored = !rc;
	if (!rc)
		rc = nm_stake_settle(task, &task->outcome.spending, err);
	if (!rc && task->outcome.usage_note.len)
		nm_message_warn(task->tools->message, "%s",
		                nm_buf_string(&task->outcome.usage_note));
	return rc;
}

static int
is_tail_direct(const struct nm_task *task)
{
	return !task->scoring_only && task->tools->tail == NM_TAIL_DIRECT;
}

/* It was cancelled, as a process before this one told, and somebody wants its rest. */
static int
is_wanted_again(const struct nm_task *task, const struct nm_shard_record *shard)
{
	return task->run.ended_before &&
	       task->run.settings.cancelled == NM_CANCELLED_AGAIN &&
	       !strcmp(shard->status, "cancelled");
}

/*
 * Is there something to score, or to ask again? Also where a batch ended well and
 * its files are gone (all are missing then), where it was ended here or is gone
 * itself, and where the canary answered.
 */
static int
came_back(const struct nm_task *task)
{
	size_t i;

	if (!nm_task_is_batch(task) ||
	    (!task->scoring_only && nm_canary_size(&task->run)))
		return 1;
	if (is_tail_direct(task) && task->run.gone.code)
		return 1;
	for (i = 0; i < task->run.n_shards; i++) {
		const struct nm_shard_record *shard = &task->run.shards[i];

		if (shard->output_path[0] || shard->error_path[0] ||
		    !strcmp(shard->status, "completed") ||
		    !strcmp(shard->status, "expired") ||
		    nm_deadline_ended(shard) || is_wanted_again(task, shard))
			return 1;
	}
	return 0;
}

/* With more money, or more attempts, there would be more to do: the same command takes
 * such a run up. After one that is done it begins a new one. */
static enum nm_run_state
final_state(const struct nm_task *task)
{
	if (task->short_of_money)
		return NM_RUN_OPEN;
	return task->scored && task->outcome.left && !task->scoring_only
		? NM_RUN_PARTIAL : NM_RUN_DONE;
}

static enum nm_code
close_run(struct nm_task *task, struct nm_err *err)
{
	const char *path = task->scored ? task->outcome.summary.run_path : NULL;

	return nm_run_saved(&task->run, path ? path : "", final_state(task),
	                    err);
}

static void
say_again(const struct nm_task *task, int64_t number)
{
	nm_message_note(task->tools->message,
		"%lld of %lld are asked again (attempt %lld)",
		(long long)task->outcome.again.count,
		(long long)task->run.source->count,
		(long long)number);
}

static enum nm_code
may_send(void *user, struct nm_err *err)
{
	return nm_stake_take_anew(user, err);
}

/* Batches that have to wait for others are paid by what those tell. */
static enum nm_code
finish_batches(struct nm_task *task, struct nm_err *err)
{
	struct nm_batch_purse purse = { may_send, task };
	enum nm_code rc;

	task->run.purse = &purse;
	rc = nm_via_batch_finish(&task->run, err);
	task->run.purse = NULL;
	return rc;
}

/* The first attempt: all of it, or what an earlier process left of it. */
static enum nm_code
first_round(struct nm_task *task, struct nm_err *err)
{
	enum nm_code rc;

	if (!nm_task_is_batch(task))
		return ask_directly(task, 1, err);
	rc = task->scoring_only ? NM_OK : nm_forerunner_pass(task, err);
	if (!rc)
		rc = finish_batches(task, err);
	/* The person's word: what is missing is asked directly, whatever it cost. */
	if (rc == NM_ABSENT && task->run.gone.code && is_tail_direct(task)) {
		nm_message_warn(task->tools->message, "%s", err->text);
		rc = NM_OK;
	}
	return rc;
}

/* Of what is asked again, as many as the model may have answered. */
static int64_t
replied_of(const struct nm_task *task)
{
	const uint64_t *by_class = task->outcome.ledger.by_class;
	int64_t replied = (int64_t)(by_class[NM_CLASS_TRUNCATED] +
	                            by_class[NM_CLASS_UNPARSEABLE]);

	if (!task->run.settings.reask)
		return 0;
	return replied < task->outcome.again.count ? replied
	                                           : task->outcome.again.count;
}

/*
 * Another attempt at the members of the outcome; *number is the newest that ended.
 * One that was asked directly and broken off goes on directly, under its number; by
 * batch it is one more.
 */
static enum nm_code
next_round(struct nm_task *task, int64_t *number, struct nm_err *err)
{
	int direct = !nm_task_is_batch(task) ||
	             task->tools->tail == NM_TAIL_DIRECT;
	const struct nm_members *again = &task->outcome.again;
	enum nm_code rc;

	if (!direct && *number < task->outcome.attempts)
		*number = task->outcome.attempts;
	++*number;
	rc = nm_stake_take(task, &(struct nm_stake_again){
		.count = again->count, .replied = replied_of(task),
		.column = direct ? NM_PRICE_STANDARD : NM_PRICE_BATCH,
	}, err);
	if (rc == NM_USAGE) {
		task->short_of_money = 1;
		nm_while(err, "asking %lld of %lld again",
		         (long long)again->count,
		         (long long)task->run.source->count);
		return err->code = NM_UNFINISHED;
	}
	if (rc)
		return rc;
	say_again(task, *number);
	rc = nm_run_reopen(&task->run, err);
	if (rc)
		return rc;
	if (direct)
		return ask_directly(task, *number, err);
	rc = nm_attempts_plan(&task->run, again, *number, err);
	return rc ? rc : finish_batches(task, err);
}

/* What came is scored; the batches that were not sent wait for the same command with
 * more money. */
static enum nm_code
stop_for_money(struct nm_task *task, struct nm_err *err)
{
	task->short_of_money = 1;
	*err = task->run.unpaid;
	nm_while(err, "sending the other %zu of %zu batches",
	         nm_via_batch_waiting(&task->run), task->run.n_shards);
	err->code = NM_UNFINISHED;
	return NM_OK;
}

static enum nm_code
judge(struct nm_task *task, struct nm_err *err)
{
	uint64_t failures =
		nm_ledger_instrument_failures(&task->outcome.ledger);

	if (!failures)
		return NM_OK;
	return nm_fail(err, NM_UNFINISHED, 0,
		"%llu of %lld questions of %s have no answer of the model's:"
		" the service failed them",
		(unsigned long long)failures,
		(long long)task->run.source->count, task->run.record.name);
}

/* What came of direct mode is worth a look, however it ended, and what came beside
 * batches that are gone; where nothing came, earlier results stay as they are. */
static enum nm_code
stop_early(struct nm_task *task, enum nm_code rc, struct nm_err *err)
{
	int worth = nm_task_is_batch(task)
		? (task->run.gone.code || task->broken_off) && came_back(task)
		: nm_via_direct_has_answers(&task->run);
	struct nm_err late;

	if (worth && make_outcome(task, 1, &late))
		nm_message_error(task->tools->message, &late);
	if (worth && task->run.gone.code)
		nm_message_note(task->tools->message, "what came of %s is"
			" scored and kept; --finish-direct asks what is"
			" missing directly", task->run.record.name);
	err->code = rc;
	return rc;
}

/* The batches' attempts that an earlier process made are there already; one that
 * was asked directly may have been broken off. */
static int64_t
first_attempt(const struct nm_task *task)
{
	int64_t newest = 1;
	size_t i;

	for (i = 0; i < task->run.n_shards; i++)
		if (task->run.shards[i].attempt > newest)
			newest = task->run.shards[i].attempt;
	return newest;
}

/* Attempt after attempt, until nothing is left that is worth another. */
static enum nm_code
go_round(struct nm_task *task, struct nm_err *err)
{
	int64_t number = first_attempt(task);
	enum nm_code rc = first_round(task, err);
	size_t told = 0; /* shards */

	while (!rc) {
		nm_complain_of_batches(task->tools->message, &task->run,
		                       task->quiz, told);
		told = task->run.n_shards;
		if (came_back(task))
			rc = make_outcome(task, number, err);
		if (rc)
			return rc;
		if (task->run.unpaid.code)
			return stop_for_money(task, err);
		if (!task->scored)
			return NM_OK;
		if (!task->outcome.again.count || task->scoring_only)
			return NM_OK;
		rc = next_round(task, &number, err);
		if (task->short_of_money && !task->broken_off)
			return NM_OK;
	}
	return stop_early(task, rc, err);
}

enum nm_code
nm_task_finish(struct nm_task *task, struct nm_err *err)
{
	enum nm_code rc = go_round(task, err);
	struct nm_err late;

	if (rc)
		return rc;
	if (close_run(task, &late)) {
		*err = late;
		return late.code;
	}
	if (task->short_of_money)
		return NM_UNFINISHED;
	if (!task->scored)
		return nm_fail(err, NM_UNFINISHED, 0,
			"no batch of %s brought a result", task->run.record.name);
	return judge(task, err);
}
