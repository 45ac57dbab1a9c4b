/*
 * source: the requests of a run, in order, made as they are asked for.
 * Either questions of a dataset put into a prompt, or the lines of a request file.
 * Knows how a request is composed; must not know shards, attempts or the network.
 *
 * Calling sequence: open, next until item.ordinal is -1, rewind as often as needed,
 * close. The first walk to the end is the one that checks, counts and digests; the
 * later ones only compose.
 */
#ifndef NM_RUN_SOURCE_H
#define NM_RUN_SOURCE_H

#include "base/arena.h"
#include "eval/dataset.h"
#include "eval/selection.h"

struct nm_source;

/* One request. All texts are lent until the next call. */
struct nm_source_item {
	int64_t        ordinal;   /* 0, 1, 2, … within the source; -1 = no more */
	struct nm_text custom_id;
	struct nm_text line;      /* a whole JSONL line, its '\n' included */
	struct nm_text body;      /* the request body within line */
	const struct nm_question *question; /* NULL for a request file */
	uint64_t       at_line;   /* where it came from, counts from 1 */
};

/* What a dataset's questions are made into. Texts are borrowed for good. */
struct nm_source_wish {
	const char *path;          /* the dataset's file */
	const char *prompt_path;   /* NULL = the built-in prompt */
	const char *model;
	int64_t     max_output_tokens; /* 0 = not sent */
	struct nm_selection_wish selection;
};

#endif
