/*
 * dataset_line: one line of a dataset -> a question, or why not. Part of
 * dataset; knows nothing of files.
 */
#ifndef NM_EVAL_DATASET_LINE_H
#define NM_EVAL_DATASET_LINE_H

#include "eval/question.h"
#include "wire/json.h"

/* Scratch memory that questions are lent from. Zeroed is ready. */
struct nm_dataset_line {
	struct nm_buf   bytes; /* the line, with NULs for its separators */
	struct nm_text *gold;
	size_t          gold_room;
	struct nm_json  json;
	struct nm_buf   problem;
};

/* Whether gold answers are wanted: without them n_gold is 0. */
enum nm_dataset_want { NM_DATASET_WHOLE, NM_DATASET_WITHOUT_GOLD };

enum nm_dataset_line_kind {
	NM_DATASET_LINE_QUESTION,
	NM_DATASET_LINE_BLANK,
	NM_DATASET_LINE_BAD
};

/*
 * Reads spot->text, line spot->line (from 1), which is `over` when more of it
 * was left out. A question sets *q, a bad line spot->byte and spot->problem;
 * both are lent until the next read. The kind does not depend on `want`.
 */
enum nm_dataset_line_kind
nm_dataset_line_read(struct nm_dataset_line *line, enum nm_dataset_form form,
                     enum nm_dataset_want want, int over,
                     struct nm_dataset_spot *spot, struct nm_question *q);

void nm_dataset_line_release(struct nm_dataset_line *line);

#endif
