/*
 * quiz_source: see the header.
 */
#include "run/quiz_source.h"

#include <stdlib.h>

static struct nm_quiz_source *
of_source(const struct nm_source *source)
{
	/* source is the first member. */
	return (struct nm_quiz_source *)source;
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
		.text = { q->text, q->text_len },
	};
	return NM_OK;
}

static void
compose_item(struct nm_quiz_source *quiz, const struct nm_question *q,
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
	struct nm_quiz_source *quiz = of_source(source);
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
ordinal_of(const struct nm_quiz_source *quiz, uint64_t id)
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
	const struct nm_quiz_source *quiz = of_source(source);
	uint64_t id = quiz->ids ? quiz->ids[ordinal] : (uint64_t)ordinal;

	nm_buf_addf(out, "%s:%llu", nm_selection_path(quiz->selection),
	            (unsigned long long)id + 1);
}

/* Where ids are not the ordinals (bad lines, a sample), they are kept. */
static enum nm_code
gather_ids(struct nm_quiz_source *quiz, struct nm_err *err)
{
	const struct nm_selection_facts *facts = nm_selection_facts(quiz->selection);
	enum nm_code rc = NM_OK;
	struct nm_question q;
	size_t n = 0;

	if (facts->last_id + 1 == facts->taken)
		return NM_OK;
	if (facts->last_id > UINT32_MAX)
		return nm_fail(err, NM_LIMIT, 0, "%s has more than %u lines",
		               nm_selection_path(quiz->selection), UINT32_MAX);
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

enum nm_code
nm_quiz_source_open(struct nm_quiz_source *quiz, const char *path,
                    const struct nm_selection_options *options,
                    struct nm_err *err)
{
	const struct nm_selection_facts *facts;
	enum nm_code rc = nm_selection_open(&quiz->selection, path, options,
	                                    err);

	if (rc)
		return rc;
	facts = nm_selection_facts(quiz->selection);
	quiz->source = (struct nm_source){
		.next = next_item, .pass = pass_item, .rewind = rewind_all,
		.find = find, .name = name, .count = (int64_t)facts->taken,
	};
	memcpy(quiz->source.digest, facts->digest,
	       sizeof(quiz->source.digest));
	return gather_ids(quiz, err);
}

void
nm_quiz_source_release(struct nm_quiz_source *quiz)
{
	nm_selection_close(quiz->selection);
	nm_request_release(&quiz->request);
	nm_buf_release(&quiz->line);
	free(quiz->ids);
	memset(quiz, 0, sizeof(*quiz));
}
