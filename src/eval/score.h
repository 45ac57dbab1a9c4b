/*
 * score: gold answers and predicted ones -> which are right, and the question's
 * category. Knows names alone; must not know rows, tokens or files.
 *
 * Calling sequence: zero a scorer; score, and look at what it lends before the next;
 * release. A scorer serves one thread.
 */
#ifndef NM_EVAL_SCORE_H
#define NM_EVAL_SCORE_H

#include "eval/match.h"

enum nm_category {
	NM_CATEGORY_PERFECT,                      /* c > 0, m = 0, i = 0 */
	NM_CATEGORY_COMPLETE_WITH_HALLUCINATIONS, /* c > 0, m = 0, i > 0 */
	NM_CATEGORY_PARTIAL,                      /* c > 0, m > 0 */
	NM_CATEGORY_HALLUCINATION_ONLY,           /* c = 0, i > 0 */
	NM_CATEGORY_FAILED                        /* nothing predicted */
};
enum { NM_N_CATEGORIES = 5 };

/* "perfect", "complete_with_hallucinations", …; never NULL. */
const char *nm_category_name(enum nm_category category);

/* Texts are lower-cased and stripped, in the order in which they were given;
 * all is lent until the scorer's next score. n_correct + n_incorrect =
 * predicted. */
struct nm_score {
	enum nm_category      category;
	const struct nm_text *correct; /* predicted ones with a partner */
	size_t                n_correct;
	const struct nm_text *incorrect; /* predicted ones without: hallucinations */
	size_t                n_incorrect;
	const struct nm_text *missed; /* gold ones left over */
	size_t                n_missed;
	bool is_correct;  /* c > 0 and m = 0 */
	bool hit_at_1;    /* the first predicted one matches some gold one */
	bool exact_match; /* the same set, once lower-cased and stripped */
};

/* Zeroed is ready. */
struct nm_scorer {
	struct nm_matcher matcher;
	struct nm_arena   arena;
};

/*
 * Takes predicted answers in order; each gets the first gold answer, in order,
 * that is not taken yet and matches.
 */
void nm_score(struct nm_scorer *scorer, const struct nm_text *gold,
              size_t n_gold, const struct nm_text *predicted,
              size_t n_predicted, struct nm_score *out);

/* i / number predicted; 0 where nothing is. */
double nm_score_hallucination_rate(const struct nm_score *score);

void nm_scorer_release(struct nm_scorer *scorer);

#endif
