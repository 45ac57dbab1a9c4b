/*
 * leaf: a stretch of questions with their rows, scored, and then counted, or written as
 * the results have them, or both. For a crew's hand: touches nothing else that
 * changes. Must not know where questions and rows come from.
 *
 * Calling sequence: clear; add until it is full; work; look at what came of it;
 * release at the end. A zeroed leaf is clear.
 */
#ifndef NM_TASK_LEAF_H
#define NM_TASK_LEAF_H

#include "eval/dataset.h"
#include "eval/tally.h"
#include "run/collect.h"
#include "run/ledger.h"
#include "task/spending.h"

/* May be joined. */
enum nm_leaf_wish {
	NM_LEAF_COUNTED = 1, /* tally and ledger */
	NM_LEAF_WRITTEN = 2  /* text */
};

struct nm_leaf_line;

struct nm_leaf {
	unsigned                  wish;     /* nm_leaf_wish */
	const struct nm_spending *spending; /* what rows cost; does not change */
	uint64_t                  first;    /* place of the first line among all */
	struct nm_leaf_line      *lines;
	size_t                    n_lines;
	struct nm_arena           arena;  /* the questions, */
	size_t                    question_bytes; /* so many */
	struct nm_buf             packed; /* the rows */
	/* What came of it. */
	struct nm_tally           tally;
	struct nm_ledger          ledger;
	struct nm_buf             text;   /* rows, for nm_results_add */
};

/* Empties it and keeps the memory, unless that is much. */
void nm_leaf_clear(struct nm_leaf *leaf);

/* Adds copies; packed.at is NULL where no row came. */
void nm_leaf_add(struct nm_leaf *leaf, const struct nm_question *question,
                 struct nm_text packed, struct nm_origin origin);

/* Holds some hundred lines, or a quarter of a megabyte. */
int nm_leaf_is_full(const struct nm_leaf *leaf);

/* It holds a line so long that no others are to be held beside it. */
int nm_leaf_is_heavy(const struct nm_leaf *leaf);

void nm_leaf_work(struct nm_leaf *leaf);

void nm_leaf_release(struct nm_leaf *leaf);

#endif
