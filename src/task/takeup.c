/*
 * takeup: a batch's run, found again by the batch's id: in this machine's journal,
 * else from what the batch itself tells.
 */
#include "task/task.h"

#include "run/canary.h"
#include "run/survey.h"
#include "task/batch_id.h"
#include "task/foundling.h"
#include "task/memory.h"

/* The journal of this machine has it, since it was scored here before. */
static enum nm_code
learn_again(const struct nm_task_tools *tools, const char *batch_id,
            const struct nm_quiz_wish *person, struct nm_arena *arena,
            struct nm_quiz_memory *memory, struct nm_err *err)
{
	struct nm_quiz_memory told;
	struct nm_batch batch;
	enum nm_code rc = nm_batches_get(&tools->service->api, batch_id, arena,
	                                 &batch, err);

	if (rc)
		return rc;
	nm_quiz_guess(&batch, arena, &told);
	memory->model = told.model;
	memory->max_output_tokens = told.max_output_tokens;
	memory->prompt_digest = told.prompt_digest;
	return nm_memory_learn(memory, person, batch_id, tools->message, err);
}

static int
was_made_elsewhere(const struct nm_run *run)
{
	return run->n_shards && !run->shards[0].bytes;
}

static enum nm_code
take_from_journal(struct nm_task *task, const struct nm_task_tools *tools,
                  const struct nm_run_record *record, const char *batch_id,
                  const struct nm_quiz_wish *person, struct nm_err *err)
{
	struct nm_run_tools run_tools;
	struct nm_quiz_memory memory;
	struct nm_arena arena = { 0 };
	enum nm_code rc;

	if (strcmp(record->mode, "file") == 0)
		return nm_fail(err, NM_USAGE, 0,
			"%s is of the request file %s, which has no answers to"
			" score by: batch_manager --download %s saves its"
			" results", batch_id, record->name, batch_id);
	rc = nm_quiz_recall(record->spec, &arena, &memory, err);
	if (rc)
		goto done;
	nm_memory_let_choose(&memory, person);
	rc = nm_memory_check_limit(&memory, person, err);
	if (!rc && memory.wish.model)
		rc = nm_memory_check_prompt(&memory, person, err);
	else if (!rc && tools->tail == NM_TAIL_DIRECT)
		rc = learn_again(tools, batch_id, person, &arena, &memory,
		                 err);
	if (!rc)
		rc = nm_task_read(task, tools, &memory.wish, err);
	if (!rc)
		rc = nm_memory_check_digest(&memory, task->quiz, err);
	if (rc)
		goto done;
	run_tools = nm_task_run_tools(task);
	rc = nm_run_resume(&task->run, &run_tools, record->id,
	                   nm_quiz_source(task->quiz), err);
	task->scoring_only = !memory.wish.model ||
	                    (tools->tail != NM_TAIL_DIRECT &&
	                     was_made_elsewhere(&task->run));
done:
	nm_arena_release(&arena);
	return rc;
}

/* Of a run of this journal, which never heard of its creation. */
static enum nm_code
take_missed(struct nm_task *task, const struct nm_task_tools *tools,
            const struct nm_run_record *record, const struct nm_batch *batch,
            const struct nm_quiz_wish *person, struct nm_err *err)
{
	enum nm_code rc = take_from_journal(task, tools, record, batch->id,
	                                    person, err);

	return rc ? rc : nm_survey_take(&task->run, batch, err);
}

/* One made elsewhere, or one whose creation this journal never heard of. */
static enum nm_code
take_unknown(struct nm_task *task, const struct nm_task_tools *tools,
             const char *batch_id, const struct nm_quiz_wish *person,
             struct nm_err *err)
{
	struct nm_run_record record;
	struct nm_arena arena = { 0 };
	struct nm_batch batch;
	const char *run;
	enum nm_code rc;

	rc = nm_batches_get(&tools->service->api, batch_id, &arena, &batch,
	                    err);
	if (rc == NM_ABSENT && nm_batch_id_is_run(batch_id))
		rc = nm_fail(err, NM_ABSENT, err->detail, "%s is a run's id, if"
		             " any: --batch-id wants that of a batch, as"
		             " batch_manager --runs shows them", batch_id);
	if (rc)
		goto done;
	run = nm_batch_metadata(&batch, "run");
	rc = run[0] ? nm_runs_get(tools->journal, run, &arena, &record, err)
	            : NM_ABSENT;
	if (!rc)
		rc = take_missed(task, tools, &record, &batch, person, err);
	else if (rc == NM_ABSENT)
		rc = nm_foundling_take(task, tools, &batch, person, err);
done:
	nm_arena_release(&arena);
	return rc;
}

static int
is_known_here(const struct nm_task_tools *tools, const char *batch_id)
{
	struct nm_arena arena = { 0 };
	struct nm_batch batch;
	struct nm_err ignored;
	enum nm_code rc = nm_batches_get(&tools->service->api, batch_id, &arena,
	                                 &batch, &ignored);

	nm_arena_release(&arena);
	return !rc;
}

/* Keys are replaced and addresses change while a batch is at work: an account that
 * knows the batch is the one that made it. */
static enum nm_code
check_account(const struct nm_task_tools *tools, const char *batch_id,
              const struct nm_run_record *record, struct nm_err *err)
{
	if (nm_account_owns(&tools->service->account, record->account))
		return NM_OK;
	if (is_known_here(tools, batch_id)) {
		nm_message_note(tools->message, "%s was made with another key or"
			" address (%s), and is known to this one, too",
			batch_id, record->account);
		return NM_OK;
	}
	return nm_fail(err, NM_USAGE, 0,
		"%s was made with another service or key (%s): use the same"
		" one%s", batch_id, record->account,
		strcmp(record->account, "local") == 0 ? ", by --local" : "");
}

/* The answers of a canary are in the journal of the machine that asked it. */
static void
tell_canary(const struct nm_task *task)
{
	int64_t asked = nm_canary_size(&task->run);

	if (!task->scoring_only || !asked)
		return;
	nm_message_note(task->tools->message, "what the canary asked (the first"
		" %lld of %s) was answered on the machine that made the batch,"
		" and is missing here (--finish-direct asks it again)",
		(long long)asked, task->run.record.name);
}

enum nm_code
nm_task_take_up(struct nm_task *task, const struct nm_task_tools *tools,
                const char *batch_id, const struct nm_quiz_wish *wish,
                struct nm_err *err)
{
	struct nm_run_record record;
	struct nm_arena arena = { 0 };
	enum nm_code rc;

	memset(task, 0, sizeof(*task));
	task->tools = tools;
	rc = nm_batch_id_check(batch_id, "--batch-id", err);
	if (rc)
		return rc;
	rc = nm_runs_of_batch(tools->journal, batch_id, &arena, &record, err);
	if (!rc)
		rc = check_account(tools, batch_id, &record, err);
	if (!rc)
		rc = take_from_journal(task, tools, &record, batch_id, wish,
		                       err);
	else if (rc == NM_ABSENT)
		rc = take_unknown(task, tools, batch_id, wish, err);
	if (!rc)
		tell_canary(task);
	nm_arena_release(&arena);
	return rc;
}
