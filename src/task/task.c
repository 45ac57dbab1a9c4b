/*
 * task: see the header. Its attempts are in rounds.c; taking up batches by their ids is
 * in takeup.c.
 */
#include "task/task.h"

#include "task/command.h"
#include "task/complaint.h"

int
nm_task_is_batch(const struct nm_task *task)
{
	return strcmp(task->run.record.mode, "batch") == 0;
}

/* Was a name typed that stands for no dataset, and for no file either? */
static bool
is_no_dataset(const struct nm_quiz_wish *wish, const struct nm_err *err)
{
	static const char lead[] = "cannot read ";
	const char *file = err->text + sizeof(lead) - 1;

	return !wish->path && !strpbrk(wish->typed, "./") &&
	       strncmp(err->text, lead, sizeof(lead) - 1) == 0 &&
	       !(wish->prompt_path && strncmp(file, wish->prompt_path,
	                                      strlen(wish->prompt_path)) == 0);
}

enum nm_code
nm_task_read(struct nm_task *task, const struct nm_task_tools *tools,
             const struct nm_quiz_wish *wish, struct nm_err *err)
{
	struct nm_bad_lines bad = { .message = tools->message };
	struct nm_quiz_wish full = *wish;
	enum nm_code rc;

	memset(task, 0, sizeof(*task));
	task->tools = tools;
	full.bad_line = nm_complain_of_line;
	full.bad_line_context = &bad;
	rc = nm_quiz_open(&task->quiz, &full, err);
	nm_complain_of_more(&bad);
	if (rc == NM_INPUT && is_no_dataset(wish, err))
		nm_while(err, "looking for a dataset: 1-hop, 2-hop, 3-hop, or"
		         " the path of a file");
	if (!rc && tools->service->server)
		rc = nm_server_add_key(tools->service->server,
		                       nm_quiz_path(task->quiz), err);
	return rc;
}

struct nm_run_tools
nm_task_run_tools(const struct nm_task *task)
{
	return (struct nm_run_tools){
		.journal = task->tools->journal,
		.api = &task->tools->service->api,
		.clock = &task->tools->service->clock,
		.watch = task->tools->watch,
		.settings = &task->tools->settings,
	};
}

/* "Variant0 - 1-hop-test", as people know it from lists of batches. */
const char *
nm_task_description(struct nm_task *task)
{
	return nm_arena_printf(&task->arena, "Variant0 - %s",
	                       nm_quiz_name(task->quiz));
}

static const char *
identity_of(struct nm_task *task, int64_t shard_requests)
{
	return nm_arena_printf(&task->arena, "%s %lld %lld",
		nm_quiz_prompt_digest(task->quiz),
		(long long)nm_quiz_wish(task->quiz)->max_output_tokens,
		(long long)shard_requests);
}

/* All that makes two runs the same, beside the questions and account. */
static struct nm_run_wish
make_wish(struct nm_task *task)
{
	int64_t size = task->tools->settings.shard_requests;

	return (struct nm_run_wish){
		.mode = task->tools->mode,
		.name = nm_quiz_name(task->quiz),
		.model = nm_quiz_wish(task->quiz)->model,
		.endpoint = nm_endpoint_path(NM_ENDPOINT_CHAT),
		.identity = identity_of(task, NM_RUN_KEY_SIZE),
		.older_identity = size ? identity_of(task, size) : NULL,
		.done_since_ms = task->tools->done_since_ms,
	};
}

enum nm_code
nm_task_find_begun(struct nm_task *task, int64_t *began_ms,
                   struct nm_err *err)
{
	struct nm_run_tools tools = nm_task_run_tools(task);
	struct nm_run_wish wish = make_wish(task);

	return nm_run_find_begun(&tools, nm_quiz_source(task->quiz), &wish,
	                         began_ms, err);
}

enum nm_code
nm_task_record(struct nm_task *task, struct nm_err *err)
{
	struct nm_run_tools tools = nm_task_run_tools(task);
	struct nm_batch_pair pairs[NM_RUN_METADATA_MAX];
	const char *description = nm_task_description(task);
	struct nm_run_wish wish = make_wish(task);
	struct nm_buf spec = { 0 };
	enum nm_code rc;

	nm_quiz_spec(task->quiz, description, &spec);
	wish.spec = nm_buf_string(&spec);
	wish.metadata = pairs;
	wish.n_metadata = nm_quiz_metadata(task->quiz, description,
	                                   &task->arena, pairs);
	rc = nm_run_open(&task->run, &tools, nm_quiz_source(task->quiz), &wish,
	                 task->tools->take, err);
	nm_buf_release(&spec);
	return rc;
}

void
nm_task_leave(struct nm_task *task)
{
	struct nm_err err;

	if (task->run.origin == NM_RUN_NEW && !nm_run_has_sent(&task->run) &&
	    nm_run_saved(&task->run, "", NM_RUN_LEFT, &err))
		nm_message_error(task->tools->message, &err);
}

const char *
nm_task_batch_id(const struct nm_task *task)
{
	size_t i;

	for (i = 0; i < task->run.n_shards; i++)
		if (task->run.shards[i].batch_id[0])
			return task->run.shards[i].batch_id;
	return "";
}

static const char *
command(struct nm_task *task, const char *program, const char *options,
        const char *more)
{
	struct nm_buf out = { 0 };
	const char *kept;

	nm_command_add_program(&out, task->tools->typed, program);
	nm_buf_add_string(&out, options);
	nm_command_add_word(&out, nm_task_batch_id(task));
	nm_buf_add_text(&out, nm_buf_text(&task->tools->service->flags));
	nm_buf_add_string(&out, more ? more : "");
	kept = nm_arena_string(&task->arena, nm_buf_string(&out));
	nm_buf_release(&out);
	return kept;
}

const char *
nm_task_resume_command(struct nm_task *task)
{
	return command(task, "variant0_llm_baseline",
	               " --mode batch --batch-id", task->tools->carried);
}

int64_t
nm_task_attempts_wanted(const struct nm_task *task)
{
	int64_t made = task->outcome.attempts, allowed;

	allowed = task->run.settings.max_attempts;
	return (made > allowed ? made : allowed) + 1;
}

const char *
nm_task_status_command(struct nm_task *task)
{
	return command(task, "batch_manager", " --status", NULL);
}

void
nm_task_release(struct nm_task *task)
{
	nm_outcome_release(&task->outcome);
	nm_run_release(&task->run);
	nm_quiz_close(task->quiz);
	nm_arena_release(&task->arena);
	memset(task, 0, sizeof(*task));
}
