/*
 * words: one line of a script as words, taken one after the other.
 * Knows words, numbers and spans; must not know what a rule means.
 *
 * Calling sequence: set arena, name, line, whole and err; split; take….
 */
#ifndef NM_SERVER_WORDS_H
#define NM_SERVER_WORDS_H

#include "base/arena.h"

enum { NM_WORDS_MAX = 64 };

/* text lives in the arena. quoted: it stood in quotes and is no keyword. */
struct nm_word {
	const char *at;     /* where it begins in the line */
	const char *text;
	bool        quoted;
	bool        colon; /* a ':' followed: the selector ends here */
};

/* Invariant: next <= n; words[n].text is NULL, and its place the line's end. */
struct nm_words {
	struct nm_arena *arena;
	const char      *name;   /* of the script, for errors */
	size_t           line;
	const char      *whole;  /* the line itself */
	struct nm_err   *err;
	struct nm_word   words[NM_WORDS_MAX + 1];
	size_t           n, next;
};

/* Words are parted by white space and commas; '#' ends the line. NM_INPUT for a
 * quote that is not closed, or too many words. */
enum nm_code nm_words_split(struct nm_words *r) NM_MUST_USE;

/* The next word; its text is NULL at the end. */
const struct nm_word *nm_words_peek(const struct nm_words *r);

/* Whether the last word taken ended the selector. */
bool nm_words_after_colon(const struct nm_words *r);

/* Takes the next word if it is this keyword. */
bool nm_words_take(struct nm_words *r, const char *keyword);

/* These take a word; NM_INPUT when there is none or it is of another kind. `what`
 * names it in the error. */
enum nm_code nm_words_text(struct nm_words *r, const char *what,
                           const char **text) NM_MUST_USE;
enum nm_code nm_words_number(struct nm_words *r, const char *what,
                             uint64_t *number) NM_MUST_USE;
/* From 200 to 599. */
enum nm_code nm_words_status(struct nm_words *r, unsigned *status) NM_MUST_USE;
/* A number of at least 1. */
enum nm_code nm_words_count(struct nm_words *r, const char *what,
                            uint64_t *number) NM_MUST_USE;
/* "500ms", "5s", "24h", …; "forever" is INT64_MAX. */
enum nm_code nm_words_span(struct nm_words *r, const char *what,
                           int64_t *span_ms) NM_MUST_USE;
/* "50/s", "5/m", "5/h"; at least 1 an hour. */
enum nm_code nm_words_rate(struct nm_words *r, uint64_t *an_hour) NM_MUST_USE;

/* "12", "3..5", or "3.." (to UINT64_MAX). */
bool nm_words_range(const char *text, uint64_t *from, uint64_t *to);

/* "10%" or "0.5%" as a share of 2^32. */
bool nm_words_chance(const char *text, uint64_t *chance);

/*
 * Fails with NM_INPUT and "name:line:column: problem: 'what'", the column being the
 * byte, from 1, where the word last taken begins; what may be NULL.
 */
enum nm_code nm_words_bad(struct nm_words *r, const char *problem,
                          const char *what);
/* The same, of the word that comes next. */
enum nm_code nm_words_bad_next(struct nm_words *r, const char *problem);
/* The same, of what is lacking before that word. */
enum nm_code nm_words_lack(struct nm_words *r, const char *problem);

#endif
