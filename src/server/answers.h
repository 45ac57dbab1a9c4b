/*
 * answers: an answer key, and how a question is found again inside a prompt that
 * may hold it anywhere. Reads MetaQA's text form (question, tab, answers parted
 * by '|') and JSON Lines with `question` and `answers`, line by line, several
 * files into one key. It is the server's own reader.
 * Knows texts; must not know requests or replies.
 *
 * Held in memory are hashes and places, some 24 bytes a question; the texts stay
 * in the files, which must not change while the key is open.
 *
 * A question text that occurs again adds its answers to those it has: nobody can
 * tell from the text which was meant.
 *
 * Calling sequence: add…, index, then find from any thread; release.
 */
#ifndef NM_SERVER_ANSWERS_H
#define NM_SERVER_ANSWERS_H

#include "server/entry.h"

struct nm_answers_file;
struct nm_answers_slot;

/* A zeroed key is empty and may be asked at once. */
struct nm_answers {
	struct nm_answers_file *files;
	size_t                  n_files;
	uint64_t                n_lines;   /* of all files */
	uint64_t                n_skipped; /* lines that held no question */
	struct nm_answers_slot *slots;     /* by hash of the question */
	size_t                  n_slots;   /* a power of two, or 0 */
	size_t                  count;     /* slots in use */
	size_t                  longest;   /* of the questions, in bytes */
	uint64_t               *starts;    /* bit set of how questions begin */
	uint64_t               *lengths;   /* bit set of their lengths */
};

/* Opens one file and counts its lines. NM_INPUT when there is none, NM_IO when
 * reading fails. */
enum nm_code nm_answers_add(struct nm_answers *answers, const char *path,
                            struct nm_err *err) NM_MUST_USE;

/* Reads all files; needed after the last add. A line that is no question is
 * counted and passed over. */
enum nm_code nm_answers_index(struct nm_answers *answers, struct nm_err *err)
	NM_MUST_USE;

/*
 * Finds the last question of the key that stands in the prompt, whole and not
 * within a word; the longest where several begin at one place. The answers are
 * lent by `text`, which is overwritten.
 */
bool nm_answers_find(const struct nm_answers *answers, struct nm_text prompt,
                     struct nm_buf *text, struct nm_gold *gold);

void nm_answers_release(struct nm_answers *answers);

#endif
