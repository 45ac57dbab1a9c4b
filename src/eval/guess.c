/*
 * guess: see guess.h.
 */
#include "eval/guess.h"

/* n·each, or INT64_MAX. */
static int64_t
times(uint64_t n, int64_t each)
{
	int64_t product;

	return __builtin_mul_overflow(n, each, &product) ? INT64_MAX : product;
}

static int64_t
plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* bytes / each, upwards. */
static int64_t
share(uint64_t bytes, uint64_t each)
{
	uint64_t tokens = bytes / each + (bytes % each > 0);

	return tokens > INT64_MAX ? INT64_MAX : (int64_t)tokens;
}

struct nm_guess
nm_guess_input(uint64_t text_bytes, uint64_t n_messages)
{
	return (struct nm_guess){
		.low_tokens = plus(share(text_bytes, 5), times(n_messages, 3)),
		.expected_tokens = plus(share(text_bytes, 4),
		                        times(n_messages, 4)),
		.high_tokens = plus(share(text_bytes, 3), times(n_messages, 8)),
	};
}

static int64_t
at_most(int64_t tokens, int64_t ceiling)
{
	return ceiling > 0 && tokens > ceiling ? ceiling : tokens;
}

struct nm_guess
nm_guess_output(uint64_t n_replies, int64_t seen_tokens,
                int64_t max_output_tokens)
{
	int64_t low = 20, expected = 150, high = 2000;

	if (seen_tokens > 0) {
		low = seen_tokens / 2 + seen_tokens % 2;
		expected = seen_tokens;
		high = times(NM_GUESS_HIGH_TIMES, seen_tokens);
	}
	return (struct nm_guess){
		.low_tokens = times(n_replies, at_most(low,
		                                       max_output_tokens)),
		.expected_tokens = times(n_replies,
		                         at_most(expected, max_output_tokens)),
		.high_tokens = times(n_replies, at_most(high,
		                                        max_output_tokens)),
	};
}
