/*
 * random: see random.h.
 */
#include "eval/random.h"

#include <math.h>

/* Where inversion gives way to rejection; BTRS is proved for 10 and more. */
static const double INVERSION_BELOW = 10.0;

static uint64_t
split_mix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void
nm_random_init(struct nm_random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		random->state[i] = split_mix(&seed);
}

static uint64_t
rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

uint64_t
nm_random_next(struct nm_random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

double
nm_random_unit(struct nm_random *random)
{
	return (double)(nm_random_next(random) >> 11) * 0x1p-53;
}

/* The upper 64 bits of a product; the lower ones in *low. */
static uint64_t
multiply(uint64_t a, uint64_t b, uint64_t *low)
{
	__extension__ unsigned __int128 wide = a;

	wide *= b;
	*low = (uint64_t)wide;
	return (uint64_t)(wide >> 64);
}

/* Lemire, "Fast random integer generation in an interval" (2019). */
uint64_t
nm_random_below(struct nm_random *random, uint64_t bound)
{
	uint64_t low;
	uint64_t dealt = multiply(nm_random_next(random), bound, &low);

	if (low < bound) {
		/* So many lower halves are one too many for an even deal. */
		uint64_t uneven = (0 - bound) % bound;

		while (low < uneven)
			dealt = multiply(nm_random_next(random), bound, &low);
	}
	return dealt;
}

struct nm_chance
nm_chance_of(double chance)
{
	struct nm_chance made = { .of_failure = chance > 0.5 };

	made.p = made.of_failure ? 1.0 - chance : chance;
	made.log_none = log1p(-made.p);
	made.odds = made.p / (1.0 - made.p);
	return made;
}

/* Walks up the distribution from 0; n·p small. */
static uint64_t
by_inversion(struct nm_random *random, uint64_t n, const struct nm_chance *of)
{
	double chance_of_none = exp((double)n * of->log_none);

	for (;;) {
		double left = nm_random_unit(random);
		double chance = chance_of_none;
		uint64_t k = 0;

		while (left >= chance && k < n) {
			left -= chance;
			k++;
			chance *= of->odds * ((double)(n - k + 1) / (double)k);
		}
		/* Past the end only rounding has led: draw again. */
		if (left < chance)
			return k;
	}
}

/* log k! - log of Stirling's formula, in powers of 1/(k + 1). */
static double
stirling_rest(double k)
{
	static const double exact[] = {
		0.08106146679532726, 0.04134069595540929, 0.02767792568499834,
		0.02079067210376509, 0.01664469118982119, 0.01387612882307075,
		0.01189670994589177, 0.01041126526197209, 0.009255462182712733,
		0.008330563433362871,
	};
	double square;

	if (k < 10.0)
		return exact[(int)k];
	square = (k + 1.0) * (k + 1.0);
	return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square)
	       / (k + 1.0);
}

/*
 * Hörmann, "The generation of binomial random variates" (1993), algorithm BTRS:
 * p at most one half, n·p at least 10. Names are the paper's.
 */
static uint64_t
by_rejection(struct nm_random *random, uint64_t trials,
             const struct nm_chance *of)
{
	double n = (double)trials, p = of->p;
	double spq = sqrt(n * p * (1.0 - p));
	double b = 1.15 + 2.53 * spq;
	double a = -0.0873 + 0.0248 * b + 0.01 * p;
	double c = n * p + 0.5;
	double v_r = 0.92 - 4.2 / b;
	double alpha = (2.83 + 5.1 / b) * spq;
	double r = of->odds;
	double m = floor((n + 1.0) * p);

	for (;;) {
		double u = nm_random_unit(random) - 0.5;
		double v = nm_random_unit(random);
		double us = 0.5 - fabs(u);
		double k = floor((2.0 * a / us + b) * u + c);
		double bound;

		if (us >= 0.07 && v <= v_r)
			return (uint64_t)k;
		if (!(k >= 0.0 && k <= n))
			continue;
		v = log(v * alpha / (a / (us * us) + b));
		bound = (m + 0.5) * log((m + 1.0) / (r * (n - m + 1.0)))
		      + (n + 1.0) * log((n - m + 1.0) / (n - k + 1.0))
		      + (k + 0.5) * log(r * (n - k + 1.0) / (k + 1.0))
		      + stirling_rest(m) + stirling_rest(n - m)
		      - stirling_rest(k) - stirling_rest(n - k);
		if (v <= bound)
			return (uint64_t)k;
	}
}

uint64_t
nm_random_binomial(struct nm_random *random, uint64_t n,
                   const struct nm_chance *chance)
{
	uint64_t k;

	if (n == 0 || chance->p <= 0.0)
		k = 0;
	else if ((double)n * chance->p < INVERSION_BELOW)
		k = by_inversion(random, n, chance);
	else
		k = by_rejection(random, n, chance);
	return chance->of_failure ? n - k : k;
}
