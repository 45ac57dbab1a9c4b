/*
 * stats: counts -> intervals. Knows numbers alone.
 */
#ifndef NM_EVAL_STATS_H
#define NM_EVAL_STATS_H

#include <stddef.h>
#include <stdint.h>

struct nm_interval {
	double low;
	double high;
};

enum { NM_STATS_RESAMPLES = 1000 };
#define NM_STATS_SEED UINT64_C(20260101)

/* Questions that share their three counts. Every averaged metric is a function
 * of such a table. */
struct nm_triple {
	uint32_t correct;
	uint32_t incorrect;
	uint32_t missed;
	uint64_t questions;
};

/* What is averaged over answers or questions. */
enum nm_mean {
	NM_MEAN_PRECISION, /* micro: sums of answers over all questions */
	NM_MEAN_RECALL,
	NM_MEAN_F1,
	NM_MEAN_MACRO_PRECISION, /* means of the questions' own */
	NM_MEAN_MACRO_RECALL,
	NM_MEAN_MACRO_F1,
	NM_MEAN_CORRECT, /* answers a question */
	NM_MEAN_INCORRECT,
	NM_MEAN_MISSED
};
enum { NM_N_MEANS = 9 };

/* The metrics' names in results files: "precision", …,
 * "avg_missed_per_question". */
const char *nm_mean_name(enum nm_mean mean);

/* All nine, into means[NM_N_MEANS]. A zero denominator gives 0. */
void nm_stats_means(const struct nm_triple *triples, size_t n_triples,
                    double *means);

/* Wilson's score interval of 95 % for a share; 0 to 1 when n is 0. */
struct nm_interval nm_stats_wilson(uint64_t successes, uint64_t n);

/*
 * Percentile bootstrap of 95 % over questions, NM_STATS_RESAMPLES of them,
 * into intervals[NM_N_MEANS]. Resampling the table by a multinomial is the
 * same in distribution as resampling questions, and costs about 0.1 ms a
 * triple, however many questions there are. Percentiles are interpolated
 * between ranks. The order of the triples counts: sorted ones give the same
 * numbers for the same table.
 */
void nm_stats_bootstrap(const struct nm_triple *triples, size_t n_triples,
                        uint64_t seed, struct nm_interval *intervals);

#endif
