/*
 * selection: which questions of a dataset are taken, told before the first is
 * sent. Streams: nothing is held but counts and a generator.
 * Must not know prompts or models, nor what the answers are worth.
 *
 * open walks the file once, to count and to digest; next walks it again and
 * lends what is taken, in dataset order.
 *
 * Calling sequence: open; next until q.text is NULL; rewind and again, or
 * close.
 */
#ifndef NM_EVAL_SELECTION_H
#define NM_EVAL_SELECTION_H

#include "base/digest.h"
#include "eval/dataset.h"

struct nm_selection;

/* Zeroed takes every question. */
struct nm_selection_options {
	uint64_t limit;  /* the first so many *lines*, bad and blank ones too; 0 = all */
	uint64_t sample; /* a random choice of so many of those; 0 = all */
	uint64_t seed;   /* of that choice; the same seed, the same choice */

	/* Told each line that is no question, once, on the first walk; err's
	 * text is "path:line: reason". May be NULL. */
	void (*bad_line)(void *context, const struct nm_err *err,
	                 const struct nm_dataset_spot *spot);
	void *bad_line_context;
};

/* What the first walk learnt of the lines within the limit. */
struct nm_selection_facts {
	uint64_t lines;     /* questions + bad_lines + blank_lines */
	uint64_t questions;
	uint64_t bad_lines;
	uint64_t blank_lines;
	uint64_t taken;     /* of the questions; at least 1 */
	uint64_t last_id;   /* the largest id taken */
	uint64_t text_bytes; /* of the texts of the questions taken */
	uint64_t text_bytes_max; /* of the longest of them */
	uint64_t text_weight;     /* likewise, by nm_bound_weigh */
	uint64_t text_weight_max;
	/* Of the whole file, past the limit too. */
	char file_sha256[NM_DIGEST_HEX_MAX];
	/* Of what is taken: SHA-256 over each question's id, text, number of
	 * gold answers and these, every number as 8 bytes, little end first,
	 * every text after its length. */
	char digest[NM_DIGEST_HEX_MAX];
	/* How the choice was made, "" when all was taken. Lives for ever. */
	const char *generator;
};

/*
 * Opens the file at path and walks it. Errors of nm_dataset_open; NM_INPUT too
 * when no line within the limit is a question.
 */
enum nm_code nm_selection_open(struct nm_selection **out, const char *path,
                               const struct nm_selection_options *options,
                               struct nm_err *err) NM_MUST_USE;
void nm_selection_close(struct nm_selection *selection);

/*
 * Lends the next question taken, until the next call. Bad lines are passed over
 * without a word. NM_INPUT when the file is no longer what the first walk saw,
 * told at its end at the latest; NM_IO when it cannot be read on.
 */
enum nm_code nm_selection_next(struct nm_selection *selection,
                               struct nm_question *q, struct nm_err *err)
	NM_MUST_USE;

/* As nm_selection_next, but without the gold answers: n_gold is 0. */
enum nm_code nm_selection_next_text(struct nm_selection *selection,
                                    struct nm_question *q,
                                    struct nm_err *err) NM_MUST_USE;

enum nm_code nm_selection_rewind(struct nm_selection *selection,
                                 struct nm_err *err) NM_MUST_USE;

const struct nm_selection_facts *
nm_selection_facts(const struct nm_selection *selection);
const char *nm_selection_path(const struct nm_selection *selection);

#endif
