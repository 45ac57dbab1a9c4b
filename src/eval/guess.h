/*
 * guess: how many tokens a text may be, without the model's own tables. For
 * estimates that are printed as such and for ceilings; never for costs.
 * Pure; must not know prices.
 */
#ifndef NM_EVAL_GUESS_H
#define NM_EVAL_GUESS_H

#include <stddef.h>
#include <stdint.h>

/* low <= expected <= high. */
struct nm_guess {
	int64_t low_tokens;
	int64_t expected_tokens;
	int64_t high_tokens;
};

/*
 * Of so many bytes of text in so many messages: 5, 4 and 3 bytes a token, and
 * 3, 4 and 8 tokens a message for what the service puts around it. Text of
 * other scripts than Latin lies nearer the high guess.
 */
struct nm_guess nm_guess_input(uint64_t text_bytes, uint64_t n_messages);

enum { NM_GUESS_HIGH_TIMES = 3 };

/*
 * Of n_replies. With what a canary used (> 0) that, half of it and three times
 * it; else 20, 150 and 2,000 a reply (reasoning counts as output). Never over
 * max_output_tokens (0 = none stated).
 */
struct nm_guess nm_guess_output(uint64_t n_replies,
                                int64_t seen_tokens,
                                int64_t max_output_tokens);

#endif
