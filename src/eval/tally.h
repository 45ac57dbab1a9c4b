/*
 * tally: scored rows, one at a time -> counts, sums and the metrics of a run.
 * Memory is bounded by the different outcomes met, not by the questions.
 * Must not know files, nor where a row came from.
 *
 * Calling sequence: add each question once; metrics whenever wanted; release.
 */
#ifndef NM_EVAL_TALLY_H
#define NM_EVAL_TALLY_H

#include "base/map.h"
#include "eval/price.h"
#include "eval/score.h"
#include "eval/stats.h"

/* Zeroed is empty and ready. The classes sum to questions, the categories
 * too. */
struct nm_tally {
	uint64_t questions;
	uint64_t by_class[NM_N_CLASSES];
	uint64_t by_category[NM_N_CATEGORIES];
	uint64_t correct_questions;
	uint64_t successful;    /* questions with any answer */
	uint64_t hits_at_1;
	uint64_t exact_matches;
	uint64_t correct_answers;
	uint64_t incorrect_answers;
	uint64_t missed_answers;
	uint64_t dropped_entries;    /* of answer lists: nulls and nested values */
	uint64_t lenient_read;       /* replies that were read leniently */
	uint64_t lenient_would_save; /* replies that lenient reading would save */

	struct nm_usage usage;       /* sums; present when any row carried some */
	uint64_t rows_with_usage;
	uint64_t rows_mute;          /* a model's replies without */
	uint64_t rows_unpriced;      /* of these: their model has no price */
	int64_t  cost_pusd;          /* of the others; exact */

	struct nm_triple *triples;   /* n_triples different ones */
	size_t   n_triples, triples_capacity;
	struct nm_map     index;     /* of triples */
};

void nm_tally_add(struct nm_tally *tally, const struct nm_score *score,
                  const struct nm_row *row, struct nm_cost cost);

/* Adds all that the other has counted, as if its questions had been added here. */
void nm_tally_join(struct nm_tally *tally, const struct nm_tally *other);
void nm_tally_release(struct nm_tally *tally);

/* A share of questions with its Wilson interval. */
struct nm_share {
	double             value;
	struct nm_interval interval;
};

/* All ratios are 0-1; 0 where nothing was asked. */
struct nm_metrics {
	struct nm_share accuracy;
	struct nm_share success_rate;
	struct nm_share hits_at_1;
	struct nm_share exact_match_accuracy;
	struct nm_share by_category[NM_N_CATEGORIES];

	struct nm_share accuracy_answered; /* over the answered questions alone */
	/* Had every instrument failure been wrong, or right. */
	double          accuracy_low;
	double          accuracy_high;
	uint64_t        instrument_failures;

	double             means[NM_N_MEANS]; /* by nm_mean */
	struct nm_interval intervals[NM_N_MEANS];
	uint64_t           bootstrap_seed;
	int                bootstrap_resamples;
	const char        *bootstrap_generator; /* lives for ever */

	enum nm_cost_kind  cost_kind; /* UNKNOWN when a row with usage has no price */
	int64_t            cost_pusd;
};

/* The same rows give the same metrics, in whatever order they came. */
void nm_tally_metrics(const struct nm_tally *tally, struct nm_metrics *out);

#endif
