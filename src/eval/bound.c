/*
 * bound: see the header.
 */
#include "eval/bound.h"

#include <math.h>

enum {
	MESSAGE_TOKENS = 8,
	DEVIATIONS = 4, LONGEST_TIMES = 2, SHORT_FIRST_TIMES = 8
};

static int64_t
plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
nm_bound_times(int64_t n, int64_t each)
{
	int64_t product;

	return __builtin_mul_overflow(n, each, &product) ? INT64_MAX : product;
}

void
nm_seen_add(struct nm_seen *seen, int64_t tokens)
{
	seen->replies++;
	seen->tokens = plus(seen->tokens, tokens);
	seen->longest_tokens = larger(seen->longest_tokens, tokens);
}

int64_t
nm_seen_mean(const struct nm_seen *seen)
{
	return seen->replies ? seen->tokens / seen->replies +
	                       (seen->tokens % seen->replies > 0) : 0;
}

uint64_t
nm_bound_weigh(const char *text, size_t len)
{
	uint64_t light = 0;
	size_t i;

	for (i = 0; i < len; i++)
		light += (uint64_t)((text[i] >= 'a' && text[i] <= 'z') ||
		                    text[i] == ' ');
	return 2 * (uint64_t)len - light;
}

int64_t
nm_bound_input(uint64_t half_tokens, uint64_t n_messages)
{
	uint64_t tokens = half_tokens / 2 + half_tokens % 2;

	return plus(tokens > INT64_MAX ? INT64_MAX : (int64_t)tokens,
	            n_messages > INT64_MAX ? INT64_MAX
	            : nm_bound_times((int64_t)n_messages, MESSAGE_TOKENS));
}

/* Of all lengths up to the longest that have this mean, those that lie at its ends
 * deviate most: by the root of mean·(longest - mean). */
static double
deviation_of(double mean, double longest)
{
	return longest > 2 * mean ? sqrt(mean * (longest - mean)) : mean;
}

static int64_t
whole(double tokens)
{
	return tokens < (double)(INT64_MAX / 2) ? (int64_t)ceil(tokens)
	                                        : INT64_MAX;
}

static int64_t
by_what_was_seen(const struct nm_seen *seen, int64_t n_replies)
{
	int64_t fewer = seen->replies < n_replies ? seen->replies : n_replies;
	double mean = (double)nm_seen_mean(seen);
	double deviation = deviation_of(mean, (double)seen->longest_tokens);

	return whole(mean + DEVIATIONS * deviation /
	             sqrt((double)larger(fewer, 1)));
}

int
nm_bound_is_exact(const struct nm_seen *seen, int64_t stated_tokens)
{
	return stated_tokens > 0 && seen->longest_tokens <= stated_tokens;
}

int64_t
nm_bound_reply(const struct nm_seen *seen, int64_t n_replies,
               int64_t stated_tokens)
{
	int64_t tokens;

	if (nm_bound_is_exact(seen, stated_tokens))
		return stated_tokens;
	tokens = larger(stated_tokens,
	                NM_BOUND_UNSEEN_TOKENS / plus(seen->replies, 1));
	return seen->replies ? larger(tokens, by_what_was_seen(seen, n_replies))
	                     : tokens;
}

/* Twice the longest, or the guess that was not passed yet. */
static int64_t
one_flying(const struct nm_seen *seen)
{
	int64_t longest = seen->longest_tokens;
	int64_t twice = nm_bound_times(LONGEST_TIMES, longest);

	if (longest <= NM_BOUND_UNSEEN_TOKENS && twice > NM_BOUND_UNSEEN_TOKENS)
		twice = NM_BOUND_UNSEEN_TOKENS;
	return larger(twice, NM_BOUND_UNSEEN_TOKENS / plus(seen->replies, 1));
}

int64_t
nm_bound_flying(const struct nm_seen *seen, int64_t n_flying,
                int64_t stated_tokens)
{
	double times;
	int64_t tokens;

	if (nm_bound_is_exact(seen, stated_tokens))
		return stated_tokens;
	tokens = larger(stated_tokens, one_flying(seen));
	if (n_flying < 2 || !seen->replies)
		return tokens;
	times = LONGEST_TIMES + SHORT_FIRST_TIMES / sqrt((double)seen->replies);
	return larger(tokens, whole(times * (double)seen->longest_tokens));
}
