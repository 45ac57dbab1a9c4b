/*
 * dataset: a file of questions, read in order, a line at a time.
 * Knows lines and their numbers; must not know prompts, models or the network.
 *
 * Two forms. Text: question<TAB>answer|answer|…, split as Python's split('\t')
 * and split('|') do, so that "a||b" holds an empty answer and "q<TAB>|" two.
 * JSON Lines: {"question": "…", "answers": ["…", 1994]}; numbers keep their
 * text, further members are passed over. The form is JSON Lines when the path
 * ends in .jsonl or .json-lines, or the first byte that is not white space is
 * '{'.
 *
 * Lines end with '\n' alone; outer white space (Python's, so also '\r') is
 * stripped. A byte order mark at the very start is passed over. Blank lines
 * keep their number and are no questions.
 *
 * Calling sequence: open; next until q.text is NULL; rewind and again, or
 * close.
 */
#ifndef NM_EVAL_DATASET_H
#define NM_EVAL_DATASET_H

#include "eval/question.h"

/* A longer line is passed over, unread: memory stays bounded. */
#define NM_DATASET_LINE_MAX_BYTES ((size_t)1 << 20)

struct nm_dataset;

/* Of the lines read since open or rewind; questions + bad + blank = lines. */
struct nm_dataset_counts {
	uint64_t lines;
	uint64_t questions;
	uint64_t bad;
	uint64_t blank;
};

/*
 * Opens a file. NM_INPUT with a plain reason when it is absent, a folder,
 * cannot be read, is empty, or holds a NUL byte in its first 256 KiB ("is not
 * text").
 */
enum nm_code nm_dataset_open(struct nm_dataset **out, const char *path,
                             struct nm_err *err) NM_MUST_USE;
void nm_dataset_close(struct nm_dataset *ds);

/*
 * Lends the next question until the next call or close. NM_INPUT ("path:line:
 * reason") for a line that is no question: the call may be repeated and goes
 * on after that line. NM_IO when the file cannot be read on.
 */
enum nm_code nm_dataset_next(struct nm_dataset *ds, struct nm_question *q,
                             struct nm_err *err) NM_MUST_USE;

/* As nm_dataset_next, but q.gold is left out (n_gold is 0): it need not be cut. */
enum nm_code nm_dataset_next_text(struct nm_dataset *ds, struct nm_question *q,
                                  struct nm_err *err) NM_MUST_USE;

/* Back to the first line; the counts start again. */
enum nm_code nm_dataset_rewind(struct nm_dataset *ds, struct nm_err *err)
	NM_MUST_USE;

/* Lent until the next call of next, rewind or close. */
const struct nm_dataset_spot *nm_dataset_spot(const struct nm_dataset *ds);

const struct nm_dataset_counts *
nm_dataset_counts(const struct nm_dataset *ds);
enum nm_dataset_form nm_dataset_form(const struct nm_dataset *ds);
const char *nm_dataset_path(const struct nm_dataset *ds);

/*
 * Reads on to the end of the file without looking at its lines, so that its
 * digest is known; then next says that there are no more.
 */
enum nm_code nm_dataset_drain(struct nm_dataset *ds, struct nm_err *err)
	NM_MUST_USE;

/* NM_INPUT when the file was written to since it was opened. */
enum nm_code nm_dataset_check(const struct nm_dataset *ds, struct nm_err *err)
	NM_MUST_USE;

/*
 * SHA-256 of the file's bytes, as lower-case hex into hex (NM_DIGEST_HEX_MAX
 * bytes). Known once the first walk has reached the end; before that hex
 * becomes "".
 */
void nm_dataset_file_digest(const struct nm_dataset *ds, char *hex);

#endif
