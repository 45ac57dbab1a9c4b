/*
 * foundling: see the header.
 */
#include "task/foundling.h"

#include "run/sisters.h"
#include "task/memory.h"

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

	nm_memory_let_choose(memory, person);
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

enum nm_code
nm_foundling_take(struct nm_task *task, const struct nm_task_tools *tools,
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
		rc = nm_memory_check_limit(&memory, person, err);
	if (!rc && tools->tail == NM_TAIL_DIRECT)
		rc = nm_memory_learn(&memory, person, batch->id, tools->message,
		                     err);
	if (!rc)
		rc = nm_task_read(task, tools, &memory.wish, err);
	if (!rc)
		rc = nm_memory_check_digest(&memory, task->quiz, err);
	if (!rc)
		rc = adopt(task, batch, &memory, err);
	task->scoring_only = !memory.wish.model;
	nm_place_release(&place);
	nm_arena_release(&arena);
	return rc;
}
