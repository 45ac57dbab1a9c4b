/*
 * random: a generator that gives the same numbers on every machine, for samples
 * and bootstraps whose seed is on record. Never for keys or names.
 * Must not know what is drawn.
 */
#ifndef NM_EVAL_RANDOM_H
#define NM_EVAL_RANDOM_H

#include <stdint.h>

/* xoshiro256** of Blackman and Vigna, its state filled from the seed by
 * SplitMix64. Recorded under this name. */
#define NM_RANDOM_NAME "xoshiro256**"

struct nm_random {
	uint64_t state[4];
};

void nm_random_init(struct nm_random *random, uint64_t seed);
uint64_t nm_random_next(struct nm_random *random);

/* 0 <= x < 1, multiples of 2^-53. */
double nm_random_unit(struct nm_random *random);

/* 0 <= x < bound, every value alike; bound at least 1. */
uint64_t nm_random_below(struct nm_random *random, uint64_t bound);

/* The chance of one success, made ready once for many draws. */
struct nm_chance {
	double p;          /* at most one half: that of success, or of failure */
	double log_none;   /* log(1 - p) */
	double odds;       /* p / (1 - p) */
	int    of_failure;
};

/* 0 <= chance <= 1. */
struct nm_chance nm_chance_of(double chance);

/*
 * Successes in n trials, exact in distribution: by inversion where n·p < 10,
 * else by transformed rejection (Hörmann's BTRS, 1993).
 */
uint64_t nm_random_binomial(struct nm_random *random, uint64_t n,
                            const struct nm_chance *chance);

#endif
