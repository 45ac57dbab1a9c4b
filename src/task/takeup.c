/*
 * takeup: a batch's run, found again by the batch's id: in this machine's journal,
 * else from what the batch itself tells.
 */
#include "task/task.h"

#include "cli/option.h"
#include "eval/prompt.h"
#include "run/canary.h"
#include "run/sisters.h"
#include "task/batch_id.h"

/* What was asked, and whether more can be sent for it. */
static enum nm_code
check_digest(const struct nm_task *task, const struct nm_quiz_memory *memory,
             struct nm_err *err)
{
	const struct nm_source *source = nm_quiz_source(task->quiz);

	if (memory->digest && memory->digest[0] &&
	    strcmp(memory->digest, source->digest) != 0)
		return nm_fail(err, NM_INPUT, 0,
			"%s no longer holds the questions that were sent"
			" (digest %.12s then, %.12s now): bring the old file"
			" back, or name it by --data-dir or --datasets",
			nm_quiz_path(task->quiz), memory->digest,
			source->digest);
	if (memory->questions >= 0 && memory->questions != source->count)
		return nm_fail(err, NM_INPUT, 0,
			"%s gives %lld questions, but %lld were sent: it is"
			" not the file that the batch was made from",
			nm_quiz_path(task->quiz), (long long)source->count,
			(long long)memory->questions);
	return NM_OK;
}

/* Options that name a file go before what was remembered. */
static void
let_person_choose(const struct nm_quiz_wish *person,
                  struct nm_quiz_memory *memory)
{
	memory->wish.data_dir = person->data_dir;
	if (!person->typed)
		return;
	memory->wish.typed = person->typed;
	memory->wish.path = NULL;
}

/* Repeating what was asked then is fine; asking for something else is not. */
static enum nm_code
check_limit(const struct nm_quiz_wish *person, struct nm_quiz_memory *memory,
            struct nm_err *err)
{
	int counted = memory->questions >= 0;

	if (!person->limit || person->limit == memory->wish.limit ||
	    person->limit == memory->questions)
		return NM_OK;
	if (!memory->wish.limit && !counted) {
		memory->wish.limit = person->limit;
		return NM_OK;
	}
	return nm_fail(err, NM_USAGE, 0,
		"--limit %lld is not what the batch was made with (%s%lld%s):"
		" leave it out", (long long)person->limit,
		counted ? "" : "limit ", (long long)(counted
		? memory->questions : memory->wish.limit),
		counted ? " questions" : "");
}

/*
 * A batch made elsewhere tells with what it was asked, but not the prompt's words:
 * only its digest. Where the person's prompt, or the built-in one, is that, what is
 * missing can be asked for directly. Else it is scored, and that is all.
 */
static enum nm_code
learn_request(const struct nm_task_tools *tools, const char *batch_id,
              const struct nm_quiz_wish *person,
              struct nm_quiz_memory *memory, struct nm_err *err)
{
	struct nm_prompt prompt = { 0 };
	enum nm_code rc;
	int same;

	if (!memory->model || !memory->prompt_digest[0]) {
		nm_message_warn(tools->message, "what %s was asked with is not"
			" told: it is scored, and --finish-direct asks nothing"
			" of it again", batch_id);
		return NM_OK;
	}
	rc = nm_prompt_load(&prompt, person->prompt_path, err);
	if (rc)
		goto done;
	same = strcmp(prompt.digest, memory->prompt_digest) == 0;
	if (!same && person->prompt_path)
		rc = nm_fail(err, NM_USAGE, 0,
			"--prompt: %s is not what %s was made with",
			person->prompt_path, batch_id);
	else if (!same)
		nm_message_warn(tools->message, "%s was made with another"
			" prompt: --finish-direct wants it by --prompt, and"
			" without it asks nothing again", batch_id);
	if (rc || !same)
		goto done;
	memory->wish.model = memory->model;
	memory->wish.max_output_tokens = memory->max_output_tokens;
	memory->wish.prompt_path = person->prompt_path;
	memory->wish.prompt_template = NULL;
done:
	nm_prompt_release(&prompt);
	return rc;
}

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
	return learn_request(tools, batch_id, person, memory, err);
}

/* A prompt that is named beside a run of this machine's has to be its own. */
static enum nm_code
check_prompt(const struct nm_quiz_wish *person,
             const struct nm_quiz_memory *memory, struct nm_err *err)
{
	struct nm_prompt prompt = { 0 };
	enum nm_code rc;

	if (!person->prompt_path || !memory->wish.prompt_template)
		return NM_OK;
	rc = nm_prompt_load(&prompt, person->prompt_path, err);
	if (!rc && strcmp(prompt.digest, memory->prompt_digest) != 0)
		rc = nm_fail(err, NM_USAGE, 0,
			"--prompt: %s is not what the batch was made with:"
			" leave it out", person->prompt_path);
	nm_prompt_release(&prompt);
	return rc;
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
	let_person_choose(person, &memory);
	rc = check_limit(person, &memory, err);
	if (!rc && memory.wish.model)
		rc = check_prompt(person, &memory, err);
	else if (!rc && tools->tail == NM_TAIL_DIRECT)
		rc = learn_again(tools, batch_id, person, &arena, &memory,
		                 err);
	if (!rc)
		rc = nm_task_read(task, tools, &memory.wish, err);
	if (!rc)
		rc = check_digest(task, &memory, err);
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

static enum nm_code
ask_for_dataset(const struct nm_batch *batch, struct nm_err *err)
{
	const char *description = nm_batch_metadata(batch, "description");

	return nm_fail(err, NM_USAGE, 0,
		"which dataset %s was made from cannot be told (its"
		" description is '%.80s'): name it by --datasets", batch->id,
		description);
}

static enum nm_code
locate(struct nm_quiz_memory *memory, const struct nm_quiz_wish *person,
       const struct nm_batch *batch, struct nm_place *place,
       struct nm_err *err)
{
	enum nm_code rc;

	let_person_choose(person, memory);
	if (memory->wish.typed)
		return NM_OK;
	if (!memory->wish.name)
		return ask_for_dataset(batch, err);
	rc = nm_place_named(place, nm_text_of(memory->wish.name),
	                    person->data_dir, err);
	if (rc)
		return ask_for_dataset(batch, err);
	memory->wish.path = nm_buf_string(&place->path);
	memory->wish.name = nm_buf_string(&place->name);
	return NM_OK;
}

/* All batches of the same run, wherever it was made. */
static enum nm_code
find_sisters(struct nm_task *task, const struct nm_batch *batch,
             struct nm_sisters *sisters, struct nm_err *err)
{
	enum nm_code rc = nm_sisters_find(&task->tools->service->api, batch,
	                                  &task->arena, sisters, err);

	if (rc != NM_ABSENT && rc != NM_REFUSED)
		return rc;
	nm_message_warn(task->tools->message, "%s: whether %s has sisters"
		" cannot be seen; the rows of such are missing", err->text,
		batch->id);
	return NM_OK;
}

static enum nm_code
adopt(struct nm_task *task, const struct nm_batch *batch,
      const struct nm_quiz_memory *memory, struct nm_err *err)
{
	struct nm_run_tools tools = nm_task_run_tools(task);
	struct nm_buf spec = { 0 };
	struct nm_run_wish wish = {
		.mode = "batch",
		.name = nm_quiz_name(task->quiz),
		.model = memory->model ? memory->model : batch->model,
		.endpoint = batch->endpoint,
		.identity = batch->id,
	};
	struct nm_sisters sisters;
	enum nm_code rc;

	rc = find_sisters(task, batch, &sisters, err);
	if (rc)
		return rc;
	nm_quiz_spec(task->quiz, nm_task_description(task), &spec);
	wish.spec = nm_buf_string(&spec);
	rc = nm_run_adopt(&task->run, &tools, nm_quiz_source(task->quiz), &wish,
	                  sisters.batches, sisters.n, err);
	nm_buf_release(&spec);
	return rc;
}

static enum nm_code
take_from_batch(struct nm_task *task, const struct nm_task_tools *tools,
                const struct nm_batch *batch,
                const struct nm_quiz_wish *person, struct nm_err *err)
{
	struct nm_quiz_memory memory;
	struct nm_place place = { 0 };
	struct nm_arena arena = { 0 };
	enum nm_code rc;

	nm_quiz_guess(batch, &arena, &memory);
	rc = locate(&memory, person, batch, &place, err);
	if (!rc)
		rc = check_limit(person, &memory, err);
	if (!rc && tools->tail == NM_TAIL_DIRECT)
		rc = learn_request(tools, batch->id, person, &memory, err);
	if (!rc)
		rc = nm_task_read(task, tools, &memory.wish, err);
	if (!rc)
		rc = check_digest(task, &memory, err);
	if (!rc)
		rc = adopt(task, batch, &memory, err);
	task->scoring_only = !memory.wish.model;
	nm_place_release(&place);
	nm_arena_release(&arena);
	return rc;
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
	if (rc)
		goto done;
	run = nm_batch_metadata(&batch, "run");
	rc = run[0] ? nm_runs_get(tools->journal, run, &arena, &record, err)
	            : NM_ABSENT;
	if (!rc)
		rc = take_from_journal(task, tools, &record, batch_id, person,
		                       err);
	else if (rc == NM_ABSENT)
		rc = take_from_batch(task, tools, &batch, person, err);
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
	const char *here =
		nm_buf_string(&tools->service->account.identity);

	if (strcmp(record->account, here) == 0)
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
