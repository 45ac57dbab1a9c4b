/*
 * bound: how many tokens requests may take at most, for a ceiling on what they cost.
 * Where a request states a maximum that is exact; else it is as far as what was seen of
 * replies, or nothing at all, can tell.
 * Pure; must not know prices. What is shown to people as an estimate is guess.h's.
 */
#ifndef NM_EVAL_BOUND_H
#define NM_EVAL_BOUND_H

#include <stddef.h>
#include <stdint.h>

/* What is guessed of a reply as long as none was seen. */
enum { NM_BOUND_UNSEEN_TOKENS = 2000 };

/* Replies that came, by their tokens out. Zeroed: none. */
struct nm_seen {
	int64_t replies;
	int64_t tokens; /* of all of them; INT64_MAX stands for more than that */
	int64_t longest_tokens;
};

void nm_seen_add(struct nm_seen *seen, int64_t tokens);

/* Tokens a reply, upwards; 0 = none came. */
int64_t nm_seen_mean(const struct nm_seen *seen);

/*
 * Half tokens that a text may have, a sum of its bytes' own: one for a blank or a
 * lower-case ASCII letter, two for any other byte. A model that joins bytes into
 * tokens makes of a text no more tokens than bytes; of words in lower case, in the
 * languages that were tried by two of OpenAI's vocabularies, less than one for two.
 * Letters drawn by lot took a fourteenth more than this.
 */
uint64_t nm_bound_weigh(const char *text, size_t len);

/* Tokens in, of texts that weigh so much in so many messages: 8 around each. */
int64_t nm_bound_input(uint64_t half_tokens, uint64_t n_messages);

/*
 * Tokens out, of each of n_replies together. Where each states a maximum
 * (stated_tokens; 0 = none), that, unless a longer one was seen: then it is not heeded,
 * and is the least.
 * Else the mean of what was seen and four standard deviations over the root of how
 * many were seen, or are to come, whichever are fewer; no less than the 2,000 that are
 * guessed of a reply while none was seen, which lose weight with each that was. A
 * standard deviation is taken for the mean, or for the most that mean and longest
 * allow where that is more.
 */
int64_t nm_bound_reply(const struct nm_seen *seen, int64_t n_replies,
                       int64_t stated_tokens);

/*
 * The same of each of so many that are in flight together. Where none is stated: of one
 * twice the longest that was seen, but no more than the guess of a reply as long as all
 * kept to it, so that they may all be asked who could be at first. Of several, as short
 * replies come first: the longest twice and, over the root of how many were seen, eight
 * times more.
 */
int64_t nm_bound_flying(const struct nm_seen *seen, int64_t n_flying,
                        int64_t stated_tokens);

/* Is the maximum that replies state heeded, by all that was seen? 0 when none is. */
int nm_bound_is_exact(const struct nm_seen *seen, int64_t stated_tokens);

/* n·each, or INT64_MAX. Neither is negative. */
int64_t nm_bound_times(int64_t n, int64_t each);

#endif
