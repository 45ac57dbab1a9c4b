/*
 * fold: text as it is compared: lower-cased and stripped as Python's
 * str.lower() and str.strip() do it. Knows letters and white space, not
 * answers.
 *
 * Letters' properties are libunistring's. Lower-casing is full: U+0130 gives
 * two code points. Capital sigma gives the final form where a cased letter
 * stands before it and none after it, case-ignorable characters being passed
 * over both ways, also those that are cased as well.
 */
#ifndef NM_EVAL_FOLD_H
#define NM_EVAL_FOLD_H

#include "base/arena.h"

/* Buckets of a folded text's histogram: see match.c for the bound it gives. */
enum { NM_FOLDED_BUCKETS = 32 };

struct nm_folded {
	struct nm_text  text;   /* UTF-8, NUL after it */
	const uint32_t *points; /* its code points; NULL when all are ASCII */
	size_t          n;
	bool            counted; /* the histogram is filled: match's business */
	uint8_t         histogram[NM_FOLDED_BUCKETS];
};

/* White space by str.isspace(). */
bool nm_fold_is_space(uint32_t point);

/* `text` without outer white space; lent from text. */
struct nm_text nm_fold_strip(struct nm_text text);

/* Lower-cases and strips. Lives as long as the arena. Bytes that are not UTF-8
 * become U+FFFD. */
void nm_fold(struct nm_arena *arena, struct nm_text text,
             struct nm_folded *out);

#endif
