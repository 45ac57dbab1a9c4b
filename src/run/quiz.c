/*
 * quiz: see the header. What is written for later processes is in quiz_memory.c, how
 * questions become requests in quiz_source.c.
 */
#include "run/quiz.h"

#include <limits.h>
#include <stdlib.h>

#include "eval/place.h"
#include "run/quiz_source.h"

struct nm_quiz {
	struct nm_quiz_source asked;
	struct nm_place       place;
	struct nm_buf         absolute;
	struct nm_prompt      prompt;
	struct nm_quiz_wish   wish;   /* texts in the arena */
	struct nm_arena       arena;
};

static enum nm_code
next_question(struct nm_quiz *quiz, struct nm_question *q, struct nm_err *err)
{
	enum nm_code rc = nm_selection_next(quiz->asked.selection, q, err);

	if (!rc && q->text)
		quiz->asked.source.position++;
	return rc;
}

static enum nm_code
find_file(struct nm_quiz *quiz, struct nm_err *err)
{
	const struct nm_quiz_wish *wish = &quiz->wish;
	char whole[PATH_MAX];
	enum nm_code rc;

	if (!wish->path) {
		rc = nm_place_find(&quiz->place, wish->typed, wish->data_dir,
		                   err);
		if (rc)
			return rc;
	} else {
		nm_buf_add_string(&quiz->place.path, wish->path);
		nm_buf_add_string(&quiz->place.name, wish->name);
	}
	/* Absolute, since a later process may stand in another folder. */
	if (realpath(nm_buf_string(&quiz->place.path), whole)) {
		nm_buf_add_string(&quiz->absolute, whole);
	} else {
		nm_buf_add_text(&quiz->absolute,
		                nm_buf_text(&quiz->place.path));
	}
	return NM_OK;
}

static enum nm_code
read_prompt(struct nm_quiz *quiz, struct nm_err *err)
{
	const struct nm_quiz_wish *wish = &quiz->wish;

	if (wish->prompt_template)
		return nm_prompt_read(&quiz->prompt,
			nm_text_of(wish->prompt_template), "prompt", err);
	return nm_prompt_load(&quiz->prompt, wish->prompt_path, err);
}

static enum nm_code
compose(struct nm_quiz *quiz, struct nm_err *err)
{
	struct nm_request_options options = {
		.model = quiz->wish.model,
		.max_output_tokens = quiz->wish.max_output_tokens,
	};
	enum nm_code rc;

	if (!quiz->wish.model)
		return NM_OK;
	rc = read_prompt(quiz, err);
	if (!rc)
		rc = nm_request_init(&quiz->asked.request, &quiz->prompt, &options,
		                     err);
	return rc;
}

static enum nm_code
select_questions(struct nm_quiz *quiz, struct nm_err *err)
{
	const struct nm_quiz_wish *wish = &quiz->wish;
	struct nm_selection_options options = {
		.limit = (uint64_t)wish->limit,
		.sample = (uint64_t)wish->sample,
		.seed = (uint64_t)wish->seed,
		.bad_line = wish->bad_line,
		.bad_line_context = wish->bad_line_context,
	};

	return nm_quiz_source_open(&quiz->asked,
	                           nm_buf_string(&quiz->place.path), &options,
	                           err);
}

static const char *
keep(struct nm_quiz *quiz, const char *text)
{
	return text ? nm_arena_string(&quiz->arena, text) : NULL;
}

static void
keep_wish(struct nm_quiz *quiz, const struct nm_quiz_wish *wish)
{
	quiz->wish = *wish;
	quiz->wish.typed = keep(quiz, wish->typed);
	quiz->wish.data_dir = keep(quiz, wish->data_dir);
	quiz->wish.path = keep(quiz, wish->path);
	quiz->wish.name = keep(quiz, wish->name);
	quiz->wish.model = keep(quiz, wish->model);
	quiz->wish.prompt_path = keep(quiz, wish->prompt_path);
	quiz->wish.prompt_template = keep(quiz, wish->prompt_template);
}

enum nm_code
nm_quiz_open(struct nm_quiz **out, const struct nm_quiz_wish *wish,
             struct nm_err *err)
{
	struct nm_quiz *quiz = calloc(1, sizeof(*quiz));
	enum nm_code rc;

	if (!quiz)
		abort();
	keep_wish(quiz, wish);
	rc = find_file(quiz, err);
	if (!rc)
		rc = compose(quiz, err);
	if (!rc)
		rc = select_questions(quiz, err);
	if (rc) {
		nm_quiz_close(quiz);
		return rc;
	}
	*out = quiz;
	return NM_OK;
}

void
nm_quiz_close(struct nm_quiz *quiz)
{
	if (!quiz)
		return;
	nm_quiz_source_release(&quiz->asked);
	nm_place_release(&quiz->place);
	nm_prompt_release(&quiz->prompt);
	nm_buf_release(&quiz->absolute);
	nm_arena_release(&quiz->arena);
	free(quiz);
}

struct nm_source *
nm_quiz_source(struct nm_quiz *quiz)
{
	return &quiz->asked.source;
}

const char *
nm_quiz_name(const struct nm_quiz *quiz)
{
	return nm_buf_string(&quiz->place.name);
}

const char *
nm_quiz_path(const struct nm_quiz *quiz)
{
	return nm_buf_string(&quiz->absolute);
}

const struct nm_selection_facts *
nm_quiz_facts(const struct nm_quiz *quiz)
{
	return nm_selection_facts(quiz->asked.selection);
}

const struct nm_prompt *
nm_quiz_prompt(const struct nm_quiz *quiz)
{
	return &quiz->prompt;
}

const char *
nm_quiz_prompt_digest(const struct nm_quiz *quiz)
{
	return quiz->prompt.digest;
}

const char *
nm_quiz_request_digest(const struct nm_quiz *quiz)
{
	return quiz->asked.request.digest;
}

const struct nm_quiz_wish *
nm_quiz_wish(const struct nm_quiz *quiz)
{
	return &quiz->wish;
}

enum nm_code
nm_quiz_question(struct nm_quiz *quiz, int64_t ordinal,
                 struct nm_question *question, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (quiz->asked.source.position > ordinal) {
		rc = nm_selection_rewind(quiz->asked.selection, err);
		quiz->asked.source.position = 0;
	}
	while (!rc && quiz->asked.source.position <= ordinal) {
		rc = next_question(quiz, question, err);
		if (!rc && !question->text)
			rc = nm_fail(err, NM_INPUT, 0,
				"%s has changed: it has fewer questions than"
				" were sent", nm_quiz_path(quiz));
	}
	return rc;
}

enum nm_code
nm_quiz_end(struct nm_quiz *quiz, struct nm_err *err)
{
	struct nm_question question;
	enum nm_code rc = next_question(quiz, &question, err);

	if (!rc && question.text)
		rc = nm_fail(err, NM_INPUT, 0, "%s has changed: it has more"
		             " questions than were sent", nm_quiz_path(quiz));
	return rc;
}

size_t
nm_quiz_prompt_bytes(const struct nm_quiz *quiz)
{
	return nm_prompt_bytes(&quiz->prompt);
}

uint64_t
nm_quiz_prompt_weight(const struct nm_quiz *quiz)
{
	return nm_prompt_weight(&quiz->prompt);
}
