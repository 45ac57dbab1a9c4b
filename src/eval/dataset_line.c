/*
 * dataset_line: see dataset_line.h.
 */
#include "eval/dataset_line.h"

#include <stdlib.h>

#include "eval/fold.h"

static enum nm_dataset_line_kind
bad(struct nm_dataset_spot *spot, const char *at, const char *problem)
{
	spot->byte = (size_t)(at - spot->text.at);
	spot->problem = problem;
	return NM_DATASET_LINE_BAD;
}

/* Room for n gold answers; those that are there stay. */
static void
need_gold(struct nm_dataset_line *line, size_t n)
{
	size_t room = line->gold_room ? line->gold_room : 16;

	if (n <= line->gold_room)
		return;
	while (room < n)
		room *= 2;
	line->gold = reallocarray(line->gold, room, sizeof(*line->gold));
	if (!line->gold)
		nm_die("out of memory");
	line->gold_room = room;
}

/* ---- text: question<TAB>answer|answer ---- */

/* Why a stripped line is no question, and where; NULL when it is one, and then
 * *at is its tab. */
static const char *
text_problem(const struct nm_dataset_spot *spot, struct nm_text line,
             const char **at)
{
	const char *end = line.at + line.len;
	const char *tab = memchr(line.at, '\t', line.len);
	const char *second;

	*at = tab ? tab : end;
	if (!tab) {
		const char *raw_end = spot->text.at + spot->text.len;

		/* Stripping has taken a tab with nothing behind it. */
		return memchr(end, '\t', (size_t)(raw_end - end))
		     ? "no answers after the tab"
		     : "no tab between question and answers";
	}
	second = memchr(tab + 1, '\t', (size_t)(end - tab - 1));
	if (!second)
		return NULL;
	*at = second;
	return "more than one tab";
}

/* Cuts the answers at each '|', as they stand in line->bytes from `at` on. */
static void
cut_gold(struct nm_dataset_line *line, char *at, struct nm_question *q)
{
	char *end = line->bytes.at + line->bytes.len, *bar;
	size_t n = 0;

	do {
		bar = memchr(at, '|', (size_t)(end - at));
		if (!bar)
			bar = end;
		need_gold(line, n + 1);
		line->gold[n++] = (struct nm_text){ at, (size_t)(bar - at) };
		*bar = 0;
		at = bar + 1;
	} while (bar < end);
	q->gold = line->gold;
	q->n_gold = n;
}

static enum nm_dataset_line_kind
read_text(struct nm_dataset_line *line, struct nm_text stripped,
          enum nm_dataset_want want, struct nm_dataset_spot *spot,
          struct nm_question *q)
{
	const char *at, *problem = text_problem(spot, stripped, &at);
	size_t tab;

	if (problem)
		return bad(spot, at, problem);
	tab = (size_t)(at - stripped.at);
	nm_buf_clear(&line->bytes);
	nm_buf_add(&line->bytes, stripped.at,
	           want == NM_DATASET_WHOLE ? stripped.len : tab + 1);
	line->bytes.at[tab] = 0;
	q->text = line->bytes.at;
	q->text_len = tab;
	if (want == NM_DATASET_WHOLE)
		cut_gold(line, line->bytes.at + tab + 1, q);
	return NM_DATASET_LINE_QUESTION;
}

/* ---- JSON Lines ---- */

static bool
gold_of(const struct nm_value *value, struct nm_text *gold)
{
	enum nm_kind kind = nm_json_kind(value);

	if (kind != NM_JSON_STRING && kind != NM_JSON_NUMBER)
		return false;
	*gold = kind == NM_JSON_STRING ? nm_json_text(value)
	                               : nm_json_number_text(value);
	return true;
}

/* NULL when all is well. */
static const char *
take_gold(struct nm_dataset_line *line, const struct nm_value *list,
          struct nm_question *q)
{
	struct nm_json_walk walk;
	const struct nm_value *entry;
	struct nm_text *gold;

	if (nm_json_kind(list) != NM_JSON_ARRAY)
		return "no member \"answers\" that is a list";
	q->n_gold = nm_json_count(list);
	if (q->n_gold == 0)
		return "\"answers\" is an empty list";
	need_gold(line, q->n_gold);
	q->gold = gold = line->gold;
	nm_json_walk_init(&walk, list);
	while ((entry = nm_json_walk_next(&walk, NULL)))
		if (!gold_of(entry, gold++))
			return "\"answers\" holds something that is neither a "
			       "string nor a number";
	return NULL;
}

static const char *
take_question(const struct nm_value *root, struct nm_question *q)
{
	const struct nm_value *text = nm_json_get(root, "question");

	if (nm_json_kind(root) != NM_JSON_OBJECT)
		return "not a JSON object";
	if (nm_json_kind(text) != NM_JSON_STRING)
		return "no member \"question\" that is a string";
	q->text = nm_json_string(text);
	q->text_len = nm_json_text(text).len;
	if (nm_fold_strip(nm_json_text(text)).len == 0)
		return "\"question\" is empty";
	if (memchr(q->text, 0, q->text_len))
		return "\"question\" holds a NUL character";
	return NULL;
}

static enum nm_dataset_line_kind
read_jsonl(struct nm_dataset_line *line, struct nm_text stripped,
           enum nm_dataset_want want, struct nm_dataset_spot *spot,
           struct nm_question *q)
{
	struct nm_err why = { 0 };
	const struct nm_value *root;
	const char *problem;

	if (nm_json_read(&line->json, stripped.at, stripped.len, &root, &why)) {
		size_t at = why.detail > 0 ? (size_t)why.detail : 0;

		nm_buf_clear(&line->problem);
		nm_buf_add_string(&line->problem, why.text);
		return bad(spot, stripped.at
		           + (at < stripped.len ? at : stripped.len),
		           nm_buf_string(&line->problem));
	}
	problem = take_question(root, q);
	if (!problem)
		problem = take_gold(line, nm_json_get(root, "answers"), q);
	if (want == NM_DATASET_WITHOUT_GOLD)
		q->n_gold = 0;
	return problem ? bad(spot, stripped.at, problem)
	               : NM_DATASET_LINE_QUESTION;
}

/* ---- both ---- */

enum nm_dataset_line_kind
nm_dataset_line_read(struct nm_dataset_line *line, enum nm_dataset_form form,
                     enum nm_dataset_want want, int over,
                     struct nm_dataset_spot *spot, struct nm_question *q)
{
	struct nm_text stripped = nm_fold_strip(spot->text);
	struct nm_question read = { .id = (size_t)spot->line - 1 };
	enum nm_dataset_line_kind kind;
	const char *nul;
	size_t valid;

	if (over)
		return bad(spot, spot->text.at + spot->text.len,
		           "a line longer than 1 MiB");
	if (stripped.len == 0)
		return NM_DATASET_LINE_BLANK;
	nul = memchr(stripped.at, 0, stripped.len);
	if (nul)
		return bad(spot, nul, "a NUL byte");
	valid = nm_json_utf8_valid(stripped.at, stripped.len);
	if (valid < stripped.len)
		return bad(spot, stripped.at + valid, "not UTF-8");
	kind = form == NM_DATASET_JSONL
	     ? read_jsonl(line, stripped, want, spot, &read)
	     : read_text(line, stripped, want, spot, &read);
	if (kind == NM_DATASET_LINE_QUESTION)
		*q = read;
	return kind;
}

void
nm_dataset_line_release(struct nm_dataset_line *line)
{
	if (!line)
		return;
	nm_buf_release(&line->bytes);
	nm_buf_release(&line->problem);
	free(line->gold);
	nm_json_release(&line->json);
}
