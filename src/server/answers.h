/*
 * answers: an answer key, and how a question is found again inside a prompt that
 * may hold it anywhere. Reads MetaQA's text form (question, tab, answers parted
 * by '|') and JSON Lines with `question` and `answers`, line by line, several
 * files into one key. It is the server's own reader.
 * Knows texts; must not know requests or replies.
 *
 * A question text that occurs again adds its answers to those it has: nobody can
 * tell from the text which was meant.
 *
 * Calling sequence: add…, index, then find from any thread; release.
 */
#ifndef NM_SERVER_ANSWERS_H
#define NM_SERVER_ANSWERS_H

#include "base/arena.h"

struct nm_answers_entry;

/* A zeroed key is empty and may be asked at once. */
struct nm_answers {
	struct nm_answers_entry *entries; /* sorted once indexed */
	size_t                   count;
	size_t                   room;
	size_t                   longest; /* of the questions, in bytes */
	uint64_t                *starts;  /* bit set of how questions begin */
	size_t                   n_skipped; /* lines that held no question */
	struct nm_arena          arena;
};

/* The gold answers of one question; walked by nm_gold_next. Lent by the key. */
struct nm_gold {
	struct nm_text left;
	size_t         count;
};

/* Reads one file. NM_INPUT when there is none, NM_IO when reading fails; a line
 * that is no question is counted and passed over. */
enum nm_code nm_answers_add(struct nm_answers *answers, const char *path,
                            struct nm_err *err) NM_MUST_USE;

/* Sorts, merges and makes ready for find; needed after the last add. */
void nm_answers_index(struct nm_answers *answers);

/*
 * Finds the last question of the key that stands in the prompt, whole and not
 * within a word; the longest where several begin at one place.
 */
bool nm_answers_find(const struct nm_answers *answers, struct nm_text prompt,
                     struct nm_gold *gold);

/* Lends the next answer; false when there is none. */
bool nm_gold_next(struct nm_gold *gold, struct nm_text *answer);

void nm_answers_release(struct nm_answers *answers);

#endif
