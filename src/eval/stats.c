/*
 * stats: see stats.h.
 */
#include "eval/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "eval/random.h"

/* The 97.5th percentile of the normal distribution. */
static const double Z = 1.959963984540054;

/* Outcomes with at most so many questions are resampled question by question:
 * cheaper than a binomial each. */
enum { RARE_QUESTIONS = 8 };

const char *
nm_mean_name(enum nm_mean mean)
{
	switch (mean) {
	case NM_MEAN_PRECISION:
		return "precision";
	case NM_MEAN_RECALL:
		return "recall";
	case NM_MEAN_F1:
		return "f1_score";
	case NM_MEAN_MACRO_PRECISION:
		return "macro_precision";
	case NM_MEAN_MACRO_RECALL:
		return "macro_recall";
	case NM_MEAN_MACRO_F1:
		return "macro_f1";
	case NM_MEAN_CORRECT:
		return "avg_correct_per_question";
	case NM_MEAN_INCORRECT:
		return "avg_incorrect_per_question";
	case NM_MEAN_MISSED:
		break;
	}
	return "avg_missed_per_question";
}

struct nm_interval
nm_stats_wilson(uint64_t successes, uint64_t n)
{
	double trials = (double)n;
	double share, square, middle, half, scale;

	if (n == 0)
		return (struct nm_interval){ 0.0, 1.0 };
	share = (double)successes / trials;
	square = Z * Z;
	scale = 1.0 + square / trials;
	middle = (share + square / (2.0 * trials)) / scale;
	half = Z / scale * sqrt(share * (1.0 - share) / trials
	                        + square / (4.0 * trials * trials));
	/* At the ends the bound is exact; rounding must not step past it. */
	return (struct nm_interval){
		successes == 0 ? 0.0 : middle - half,
		successes == n ? 1.0 : middle + half,
	};
}

/* ---- means ---- */

static double
over(double part, double whole)
{
	return whole > 0.0 ? part / whole : 0.0;
}

/* What one question adds, by outcome; and what many of them sum to. */
struct sums {
	double questions;
	double correct, incorrect, missed;
	double precision, recall, f1; /* the questions' own */
};

static struct sums
sums_of_one(const struct nm_triple *triple)
{
	double c = triple->correct, i = triple->incorrect, m = triple->missed;

	return (struct sums){
		.questions = 1.0,
		.correct = c,
		.incorrect = i,
		.missed = m,
		.precision = over(c, c + i),
		.recall = over(c, c + m),
		.f1 = over(2.0 * c, 2.0 * c + i + m),
	};
}

static void
add_times(struct sums *sums, const struct sums *one, double times)
{
	sums->questions += times;
	sums->correct += times * one->correct;
	sums->incorrect += times * one->incorrect;
	sums->missed += times * one->missed;
	sums->precision += times * one->precision;
	sums->recall += times * one->recall;
	sums->f1 += times * one->f1;
}

static void
means_of(const struct sums *s, double *means)
{
	double precision = over(s->correct, s->correct + s->incorrect);
	double recall = over(s->correct, s->correct + s->missed);

	means[NM_MEAN_PRECISION] = precision;
	means[NM_MEAN_RECALL] = recall;
	means[NM_MEAN_F1] = over(2.0 * precision * recall, precision + recall);
	means[NM_MEAN_MACRO_PRECISION] = over(s->precision, s->questions);
	means[NM_MEAN_MACRO_RECALL] = over(s->recall, s->questions);
	means[NM_MEAN_MACRO_F1] = over(s->f1, s->questions);
	means[NM_MEAN_CORRECT] = over(s->correct, s->questions);
	means[NM_MEAN_INCORRECT] = over(s->incorrect, s->questions);
	means[NM_MEAN_MISSED] = over(s->missed, s->questions);
}

void
nm_stats_means(const struct nm_triple *triples, size_t n_triples,
               double *means)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < n_triples; i++) {
		struct sums one = sums_of_one(&triples[i]);

		add_times(&sums, &one, (double)triples[i].questions);
	}
	means_of(&sums, means);
}

/* ---- the bootstrap ---- */

/*
 * A table made ready for drawing: the frequent outcomes, each by a binomial
 * given those before it; and the rare ones laid out question by question, of
 * which the draws that are left pick evenly. Together that is the multinomial.
 */
struct urn {
	struct sums      *frequent;
	struct nm_chance *chance; /* given that none before it was drawn */
	size_t            n_frequent;
	struct sums      *rare;
	size_t            n_rare;
	uint64_t          questions;
};

static void *
array(size_t count, size_t size)
{
	void *at = calloc(count + 1, size);

	if (!at)
		nm_die("out of memory");
	return at;
}

static void
urn_fill(struct urn *urn, const struct nm_triple *triples, size_t n_triples)
{
	uint64_t left;

	*urn = (struct urn){
		.frequent = array(n_triples, sizeof(*urn->frequent)),
		.chance = array(n_triples, sizeof(*urn->chance)),
		.rare = array(n_triples * RARE_QUESTIONS, sizeof(*urn->rare)),
	};
	for (size_t i = 0; i < n_triples; i++)
		urn->questions += triples[i].questions;
	left = urn->questions;
	for (size_t i = 0; i < n_triples; i++) {
		uint64_t questions = triples[i].questions;
		struct sums one = sums_of_one(&triples[i]);

		if (questions <= RARE_QUESTIONS) {
			for (uint64_t k = 0; k < questions; k++)
				urn->rare[urn->n_rare++] = one;
			continue;
		}
		urn->chance[urn->n_frequent] =
			nm_chance_of((double)questions / (double)left);
		urn->frequent[urn->n_frequent++] = one;
		left -= questions;
	}
}

static void
urn_empty(struct urn *urn)
{
	free(urn->frequent);
	free(urn->chance);
	free(urn->rare);
}

/* As many questions as there are, with replacement. */
static struct sums
urn_draw(const struct urn *urn, struct nm_random *random)
{
	struct sums sums = { 0 };
	uint64_t left = urn->questions;

	for (size_t i = 0; i < urn->n_frequent; i++) {
		uint64_t k = nm_random_binomial(random, left,
		                                &urn->chance[i]);

		add_times(&sums, &urn->frequent[i], (double)k);
		left -= k;
	}
	for (; left && urn->n_rare; left--)
		add_times(&sums, &urn->rare[nm_random_below(random,
		                                            urn->n_rare)], 1.0);
	return sums;
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between the two ranks that stand around it, in proportion. */
static double
percentile(const double *sorted, double share)
{
	double rank = share * (NM_STATS_RESAMPLES - 1);
	size_t below = (size_t)rank;
	double part = rank - (double)below;

	if (below + 1 >= NM_STATS_RESAMPLES)
		return sorted[NM_STATS_RESAMPLES - 1];
	return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

void
nm_stats_bootstrap(const struct nm_triple *triples, size_t n_triples,
                   uint64_t seed, struct nm_interval *intervals)
{
	double *values = array((size_t)NM_STATS_RESAMPLES * NM_N_MEANS,
	                       sizeof(*values));
	struct nm_random random;
	struct urn urn;

	nm_random_init(&random, seed);
	urn_fill(&urn, triples, n_triples);
	for (size_t b = 0; b < NM_STATS_RESAMPLES; b++) {
		struct sums sums = urn_draw(&urn, &random);
		double means[NM_N_MEANS];

		means_of(&sums, means);
		for (size_t k = 0; k < NM_N_MEANS; k++)
			values[k * NM_STATS_RESAMPLES + b] = means[k];
	}
	for (size_t k = 0; k < NM_N_MEANS; k++) {
		double *sorted = values + k * NM_STATS_RESAMPLES;

		qsort(sorted, NM_STATS_RESAMPLES, sizeof(*sorted), ascending);
		intervals[k].low = percentile(sorted, 0.025);
		intervals[k].high = percentile(sorted, 0.975);
	}
	urn_empty(&urn);
	free(values);
}
