/*
 * dataset_line: one line of a dataset -> a question, or why not. Part of
 * dataset; knows nothing of files.
 */
#ifndef NM_EVAL_DATASET_LINE_H
#define NM_EVAL_DATASET_LINE_H

#include "base/arena.h"
#include "eval/dataset.h"
#include "wire/json.h"

/* Scratch memory that questions are lent from. Zeroed is ready. */
struct nm_dataset_line {
	struct nm_buf   bytes; /* the line, with NULs for its separators */
	struct nm_arena gold;
	struct nm_json  json;
	struct nm_buf   problem;
};

enum nm_dataset_line_kind {
	NM_DATASET_LINE_QUESTION,
	NM_DATASET_LINE_BLANK,
	NM_DATASET_LINE_BAD
};

/*
 * Reads spot->text, line spot->line (from 1), which is `over` when more of it
 * was left out. A question sets *q, a bad line spot->byte and spot->problem;
 * both are lent until the next read.
 */
enum nm_dataset_line_kind
nm_dataset_line_read(struct nm_dataset_line *line, enum nm_dataset_form form,
                     int over, struct nm_dataset_spot *spot,
                     struct nm_question *q);

void nm_dataset_line_release(struct nm_dataset_line *line);

#endif
