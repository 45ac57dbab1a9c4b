/*
 * question: one question of a dataset, and where a line that is none is wrong. Shapes
 * alone; knows no file.
 */
#ifndef NM_EVAL_QUESTION_H
#define NM_EVAL_QUESTION_H

#include "base/buf.h"

/* What a dataset's lines are; see eval/dataset.h. */
enum nm_dataset_form { NM_DATASET_TEXT, NM_DATASET_JSONL };

/* Lent by whoever read it; see there for how long. */
struct nm_question {
	size_t      id;       /* 0-based line number, also of lines passed over */
	const char *text;     /* UTF-8, text_len bytes, NUL after; NULL = no more */
	size_t      text_len;
	const struct nm_text *gold; /* n_gold of them, at least 1 */
	size_t      n_gold;
};

/* Where the last line that was no question is wrong; all zero before one. */
struct nm_dataset_spot {
	uint64_t       line;    /* counts from 1 */
	struct nm_text text;    /* the line as it stands, or its beginning */
	size_t         byte;    /* 0-based within text; text.len = at its end */
	const char    *problem; /* "no tab between question and answers" */
};

#endif
