/*
 * match: two names -> do they mean the same? Knows strings alone.
 * The rule is the one that older results were made with, kept to the digit.
 * Both sides come folded, once a string and not once a pair.
 *
 * Calling sequence: zero a matcher; match or ratio, for any number of pairs; release.
 * Matchers and folded texts serve one thread: a match notes in both texts what it
 * counted of them.
 */
#ifndef NM_EVAL_MATCH_H
#define NM_EVAL_MATCH_H

#include "eval/fold.h"

/* Scratch memory, reused from pair to pair. Zeroed is ready. */
struct nm_matcher {
	struct nm_matcher_scratch *scratch;
};

enum nm_verdict { NM_MATCH_NO, NM_MATCH_YES };

/*
 * Yes when they are equal; or one holds the other and shorter/longer >= 0.8; or
 * nm_match_ratio is >= 0.8. Lengths are in code points.
 */
enum nm_verdict nm_match(struct nm_matcher *matcher,
                         struct nm_folded *predicted,
                         struct nm_folded *gold);

/*
 * 2·M/T of Ratcliff and Obershelp, M and T as Python's
 * difflib.SequenceMatcher(None, predicted, gold).ratio() has them, to the last
 * bit: popular elements of a gold of 200 or more are passed over. 1 for two
 * empty texts. Not symmetric.
 */
double nm_match_ratio(struct nm_matcher *matcher,
                      const struct nm_folded *predicted,
                      const struct nm_folded *gold);

void nm_matcher_release(struct nm_matcher *matcher);

#endif
