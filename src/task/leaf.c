/*
 * leaf: see the header.
 */
#include "task/leaf.h"

#include <stdlib.h>

#include "report/results.h"

enum {
	LINES_MAX = NM_LEDGER_REASONS_MAX, /* so that each can be told apart */
	FULL_BYTES = 256 << 10, /* of questions and rows */
	HEAVY_BYTES = FULL_BYTES + (128 << 10), /* with one of that length */
	KEPT_BYTES = 1 << 20, /* of each buffer, when it is empty */
};

/* What a hand works with. It holds memory, and fewer leaves are worked on than wait: so
 * it is not the leaf's. */
struct desk {
	struct nm_row_reader reader;
	struct nm_scorer     scorer;
};

/* A row stands at `at` of `packed`, unless it never came. */
struct nm_leaf_line {
	struct nm_question question;
	struct nm_origin   origin;
	size_t             at;
	int                came;
};

void
nm_leaf_clear(struct nm_leaf *leaf)
{
	leaf->n_lines = 0;
	leaf->question_bytes = 0;
	if (leaf->arena.bytes > KEPT_BYTES)
		nm_arena_release(&leaf->arena);
	nm_arena_clear(&leaf->arena);
	nm_buf_recycle(&leaf->packed, KEPT_BYTES);
	nm_tally_release(&leaf->tally);
	nm_ledger_release(&leaf->ledger);
	nm_buf_recycle(&leaf->text, 2 * KEPT_BYTES);
}

static const char *
copy(char **at, const char *text, size_t len)
{
	char *begin = *at;

	if (len)
		memcpy(begin, text, len);
	begin[len] = 0;
	*at += len + 1;
	return begin;
}

/* Returns the bytes that it took. */
static size_t
copy_question(struct nm_arena *arena, const struct nm_question *from,
              struct nm_question *to)
{
	size_t bytes = from->text_len + 1 + from->n_gold * sizeof(*from->gold), i;
	struct nm_text *gold;
	char *at;

	for (i = 0; i < from->n_gold; i++)
		bytes += from->gold[i].len + 1;
	gold = nm_arena_array(arena, bytes, 1);
	at = (char *)(gold + from->n_gold);
	*to = *from;
	to->gold = gold;
	to->text = copy(&at, from->text, from->text_len);
	for (i = 0; i < from->n_gold; i++) {
		size_t len = from->gold[i].len;

		gold[i] = (struct nm_text){ copy(&at, from->gold[i].at, len),
		                            len };
	}
	return bytes;
}

void
nm_leaf_add(struct nm_leaf *leaf, const struct nm_question *question,
             struct nm_text packed, struct nm_origin origin)
{
	struct nm_leaf_line *line;

	if (!leaf->lines) {
		leaf->lines = calloc(LINES_MAX, sizeof(*leaf->lines));
		if (!leaf->lines)
			nm_die("out of memory");
	}
	line = &leaf->lines[leaf->n_lines++];
	leaf->question_bytes += copy_question(&leaf->arena, question,
	                                      &line->question);
	line->origin = origin;
	line->at = leaf->packed.len;
	line->came = packed.at != NULL;
	if (line->came)
		nm_buf_add_text(&leaf->packed, packed);
}

int
nm_leaf_is_full(const struct nm_leaf *leaf)
{
	return leaf->n_lines == LINES_MAX ||
	       leaf->packed.len + leaf->question_bytes >= FULL_BYTES;
}

int
nm_leaf_is_heavy(const struct nm_leaf *leaf)
{
	return leaf->packed.len + leaf->question_bytes > HEAVY_BYTES;
}

static void
count(struct nm_leaf *leaf, const struct nm_results_row *row)
{
	nm_tally_add(&leaf->tally, row->score, row->row, row->cost);
	nm_ledger_add(&leaf->ledger, row->row);
}

static void
work_on(struct nm_leaf *leaf, struct desk *desk, size_t i)
{
	const struct nm_leaf_line *line = &leaf->lines[i];
	const struct nm_question *question = &line->question;
	struct nm_score score;
	struct nm_row row;
	struct nm_results_row result = {
		.question = question, .row = &row, .score = &score,
		.attempts = (uint64_t)line->origin.attempt,
	};

	if (line->came)
		nm_row_unpack(&desk->reader, leaf->packed.at + line->at, &row);
	else
		nm_row_missing(&desk->reader, question->id, &row);
	nm_score(&desk->scorer, question->gold, question->n_gold, row.answers,
	         row.n_answers, &score);
	result.cost = nm_spending_of(leaf->spending, &row, line->origin.way);
	if (leaf->wish & NM_LEAF_COUNTED)
		count(leaf, &result);
	if (leaf->wish & NM_LEAF_WRITTEN)
		nm_results_put_row(&leaf->text, &result, leaf->first + i);
}

void
nm_leaf_work(struct nm_leaf *leaf)
{
	struct desk desk = { 0 };
	size_t i;

	for (i = 0; i < leaf->n_lines; i++)
		work_on(leaf, &desk, i);
	nm_row_reader_release(&desk.reader);
	nm_scorer_release(&desk.scorer);
}

void
nm_leaf_release(struct nm_leaf *leaf)
{
	nm_leaf_clear(leaf);
	free(leaf->lines);
	nm_arena_release(&leaf->arena);
	nm_buf_release(&leaf->packed);
	nm_buf_release(&leaf->text);
	memset(leaf, 0, sizeof(*leaf));
}
