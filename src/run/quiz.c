/*
 * quiz: see the header. What is written for later processes is in quiz_memory.c.
 */
#include "run/quiz.h"

#include <limits.h>

#include "run/quiz_inner.h"

static struct nm_quiz *
of_source(const struct nm_source *source)
{
	/* source is the first member. */
	return (struct nm_quiz *)source;
}

/* The next question, and what of its item needs no composing. */
static enum nm_code
begin_item(struct nm_source *source, struct nm_question *q,
           struct nm_source_item *item, struct nm_err *err)
{
	enum nm_code rc = nm_selection_next_text(of_source(source)->selection,
	                                         q, err);

	if (rc)
		return rc;
	*item = (struct nm_source_item){
		.ordinal = q->text ? source->position : -1,
		.text_bytes = (int64_t)q->text_len,
	};
	return NM_OK;
}

static void
compose_item(struct nm_quiz *quiz, const struct nm_question *q,
             struct nm_source_item *item)
{
	size_t body;

	nm_buf_clear(&quiz->line);
	body = nm_request_add_line(&quiz->request, q, &quiz->line);
	item->line = nm_buf_text(&quiz->line);
	item->line_bytes = (int64_t)item->line.len;
	item->custom_id = nm_request_line_id(item->line);
	item->body = (struct nm_text){ quiz->line.at + body,
	                               quiz->line.len - body - 2 };
}

static enum nm_code
next_item(struct nm_source *source, struct nm_source_item *item,
          struct nm_err *err)
{
	struct nm_question q;
	enum nm_code rc = begin_item(source, &q, item, err);

	if (!rc && q.text)
		compose_item(of_source(source), &q, item);
	return rc;
}

/* Ids are numbers of lines, and the dataset has seen to it that a text is UTF-8:
 * what needs no escape needs no look at its line. */
static enum nm_code
pass_item(struct nm_source *source, struct nm_source_item *item,
          struct nm_err *err)
{
	struct nm_quiz *quiz = of_source(source);
	struct nm_question q;
	enum nm_code rc = begin_item(source, &q, item, err);

	if (rc || !q.text)
		return rc;
	item->line_bytes = (int64_t)nm_request_plain_line_bytes(
		&quiz->request, &q);
	if (!item->line_bytes)
		compose_item(quiz, &q, item);
	return NM_OK;
}

static enum nm_code
rewind_all(struct nm_source *source, struct nm_err *err)
{
	return nm_selection_rewind(of_source(source)->selection, err);
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int64_t
ordinal_of(const struct nm_quiz *quiz, uint64_t id)
{
	uint32_t key = (uint32_t)id;
	const uint32_t *hit;

	if (id > UINT32_MAX)
		return -1;
	if (!quiz->ids)
		return (int64_t)id < quiz->source.count ? (int64_t)id : -1;
	hit = bsearch(&key, quiz->ids, (size_t)quiz->source.count,
	              sizeof(key), compare_ids);
	return hit ? hit - quiz->ids : -1;
}

static int64_t
find(const struct nm_source *source, struct nm_text custom_id)
{
	uint64_t id;

	if (nm_custom_id_read(custom_id, &id) != NM_CUSTOM_ID_OURS)
		return -1;
	return ordinal_of(of_source(source), id);
}

static void
name(const struct nm_source *source, int64_t ordinal, struct nm_buf *out)
{
	const struct nm_quiz *quiz = of_source(source);
	uint64_t id = quiz->ids ? quiz->ids[ordinal] : (uint64_t)ordinal;

	nm_buf_addf(out, "%s:%llu", nm_selection_path(quiz->selection),
	            (unsigned long long)id + 1);
}

static enum nm_code
next_question(struct nm_quiz *quiz, struct nm_question *q, struct nm_err *err)
{
	enum nm_code rc = nm_selection_next(quiz->selection, q, err);

	if (!rc && q->text)
		quiz->source.position++;
	return rc;
}

/* Where ids are not the ordinals (bad lines, a sample), they are kept. */
static enum nm_code
gather_ids(struct nm_quiz *quiz, struct nm_err *err)
{
	const struct nm_selection_facts *facts = nm_quiz_facts(quiz);
	enum nm_code rc = NM_OK;
	struct nm_question q;
	size_t n = 0;

	if (facts->last_id + 1 == facts->taken)
		return NM_OK;
	if (facts->last_id > UINT32_MAX)
		return nm_fail(err, NM_LIMIT, 0, "%s has more than %u lines",
		               nm_quiz_path(quiz), UINT32_MAX);
	quiz->ids = calloc(facts->taken, sizeof(*quiz->ids));
	if (!quiz->ids)
		abort();
	while (!rc && n < facts->taken) {
		rc = nm_selection_next(quiz->selection, &q, err);
		if (rc || !q.text)
			break;
		quiz->ids[n++] = (uint32_t)q.id;
	}
	return rc ? rc : nm_selection_rewind(quiz->selection, err);
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
		rc = nm_request_init(&quiz->request, &quiz->prompt, &options,
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
	enum nm_code rc;

	rc = nm_selection_open(&quiz->selection,
	                       nm_buf_string(&quiz->place.path), &options,
	                       err);
	if (rc)
		return rc;
	quiz->source.count = (int64_t)nm_quiz_facts(quiz)->taken;
	memcpy(quiz->source.digest, nm_quiz_facts(quiz)->digest,
	       sizeof(quiz->source.digest));
	return gather_ids(quiz, err);
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
	quiz->source.next = next_item;
	quiz->source.pass = pass_item;
	quiz->source.rewind = rewind_all;
	quiz->source.find = find;
	quiz->source.name = name;
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
	nm_selection_close(quiz->selection);
	nm_place_release(&quiz->place);
	nm_prompt_release(&quiz->prompt);
	nm_request_release(&quiz->request);
	nm_buf_release(&quiz->absolute);
	nm_buf_release(&quiz->line);
	nm_arena_release(&quiz->arena);
	free(quiz->ids);
	free(quiz);
}

struct nm_source *
nm_quiz_source(struct nm_quiz *quiz)
{
	return &quiz->source;
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
	return nm_selection_facts(quiz->selection);
}

const char *
nm_quiz_prompt_digest(const struct nm_quiz *quiz)
{
	return quiz->prompt.digest;
}

const char *
nm_quiz_request_digest(const struct nm_quiz *quiz)
{
	return quiz->request.digest;
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

	if (quiz->source.position > ordinal) {
		rc = nm_selection_rewind(quiz->selection, err);
		quiz->source.position = 0;
	}
	while (!rc && quiz->source.position <= ordinal) {
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

enum nm_code
nm_quiz_question_of_id(struct nm_quiz *quiz, uint64_t id,
                       struct nm_question *question, struct nm_err *err)
{
	int64_t ordinal = ordinal_of(quiz, id);

	if (ordinal < 0)
		return nm_fail(err, NM_ABSENT, 0, "%s: question %llu was not"
		               " asked", nm_quiz_path(quiz),
		               (unsigned long long)id);
	return nm_quiz_question(quiz, ordinal, question, err);
}

size_t
nm_quiz_prompt_bytes(const struct nm_quiz *quiz)
{
	return nm_prompt_bytes(&quiz->prompt);
}
