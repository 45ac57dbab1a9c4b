/*
 * memory: see the header.
 */
#include "task/memory.h"

#include "eval/prompt.h"

/* What was asked, and whether more can be sent for it. */
enum nm_code
nm_memory_check_digest(const struct nm_quiz_memory *memory,
                       struct nm_quiz *quiz, struct nm_err *err)
{
	const struct nm_source *source = nm_quiz_source(quiz);

	if (memory->digest && memory->digest[0] &&
	    strcmp(memory->digest, source->digest) != 0)
		return nm_fail(err, NM_INPUT, 0,
			"%s does not hold the questions that were sent"
			" (digest %.12s then, %.12s here): bring the old file"
			" back, or name it by --data-dir or --datasets",
			nm_quiz_path(quiz), memory->digest,
			source->digest);
	if (memory->questions >= 0 && memory->questions != source->count)
		return nm_fail(err, NM_INPUT, 0,
			"%s gives %lld questions, but %lld were sent: it is"
			" not the file that the batch was made from",
			nm_quiz_path(quiz), (long long)source->count,
			(long long)memory->questions);
	return NM_OK;
}

/* Options that name a file go before what was remembered. */
void
nm_memory_let_choose(struct nm_quiz_memory *memory,
                     const struct nm_quiz_wish *person)
{
	memory->wish.data_dir = person->data_dir;
	if (!person->typed)
		return;
	memory->wish.typed = person->typed;
	memory->wish.path = NULL;
}

/* Repeating what was asked then is fine; asking for something else is not. */
enum nm_code
nm_memory_check_limit(struct nm_quiz_memory *memory,
                      const struct nm_quiz_wish *person, struct nm_err *err)
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
enum nm_code
nm_memory_learn(struct nm_quiz_memory *memory,
                const struct nm_quiz_wish *person, const char *batch_id,
                struct nm_message *message, struct nm_err *err)
{
	struct nm_prompt prompt = { 0 };
	enum nm_code rc;
	int same;

	if (!memory->model || !memory->prompt_digest[0]) {
		nm_message_warn(message, "what %s was asked with is not"
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
		nm_message_warn(message, "%s was made with another"
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

/* A prompt that is named beside a run of this machine's has to be its own. */
enum nm_code
nm_memory_check_prompt(const struct nm_quiz_memory *memory,
                       const struct nm_quiz_wish *person, struct nm_err *err)
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
