/*
 * load: what asking questions of a quiz would send and cost, by guesses at their tokens,
 * to be shown, and by bounds, to be held to.
 * Knows how long the questions are; must not know which were asked.
 *
 * Calling sequence: count; then estimate and bound as often as wanted.
 */
#ifndef NM_TASK_LOAD_H
#define NM_TASK_LOAD_H

#include "report/estimate.h"
#include "run/quiz.h"

/* Of the questions whose requests have a long context by one of the guesses, or may
 * have. */
struct nm_load_longs {
	uint64_t requests;
	uint64_t text; /* of their questions, without the prompt: bytes, of `most` what
	                  they weigh (eval/bound.h) */
};

/* Zeroed is not counted yet. quiz and prices are borrowed. */
struct nm_load {
	const struct nm_quiz   *quiz;   /* NULL = not counted yet */
	const struct nm_prices *prices;
	const struct nm_price  *price;  /* of the quiz's model; NULL = unknown */
	struct nm_load_longs    low, expected, high, most;
};

/* Counts those with a long context: where the longest question may make one, the quiz
 * is walked through. Done already, it does nothing. Errors of nm_source_pass. */
enum nm_code nm_load_count(struct nm_load *load, struct nm_quiz *quiz,
                           const struct nm_prices *prices,
                           struct nm_err *err) NM_MUST_USE;

/*
 * `count` of the quiz's questions, any of them: at the high guess the longest, else as
 * long as the mean. The prompt goes by its bytes, replies by seen_tokens each (0 = by
 * the guess of a reply). shards and bytes stay 0.
 */
void nm_load_estimate(const struct nm_load *load, int64_t count,
                      int64_t seen_tokens, struct nm_estimate *estimate);

/* So many of them, any of them, at most: prompts by nm_bound_input, each reply of
 * reply_tokens. All three guesses are that. */
void nm_load_bound(const struct nm_load *load, int64_t count,
                   int64_t reply_tokens, struct nm_estimate *estimate);

#endif
