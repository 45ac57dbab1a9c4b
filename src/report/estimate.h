/*
 * estimate: what a run would send and cost, told before anything is sent.
 * Knows counts, guesses and prices; sends nothing.
 */
#ifndef NM_REPORT_ESTIMATE_H
#define NM_REPORT_ESTIMATE_H

#include "eval/guess.h"
#include "eval/price.h"

/* Costs of the low, expected and high guess. */
struct nm_estimate_cost {
	enum nm_cost_kind kind; /* KNOWN or UNKNOWN */
	int64_t           low_pusd, expected_pusd, high_pusd;
};

struct nm_estimate {
	const char            *dataset;
	const char            *model;
	uint64_t               questions;
	uint64_t               canary;  /* of these, asked directly ahead of a batch */
	uint64_t               shards;      /* batches that it would make */
	uint64_t               bytes;       /* of the request files */
	struct nm_guess        input;       /* all questions together */
	struct nm_guess        output;
	/* Of these: what is guessed of requests that have a long context by the very
	 * guess, low, expected or high. */
	struct nm_guess        long_input, long_output;
	int64_t                max_output_tokens; /* a reply; 0 = none stated */
	int64_t                seen_tokens; /* a reply, learnt by the canary; 0 = no */
	const struct nm_prices *prices;     /* NULL = none were read */
	const struct nm_price *price;       /* NULL = unknown */
	struct nm_estimate_cost mixed; /* with a canary: its cost, and the batch's */
};

/* All of it by the column's prices, a canary too. */
struct nm_estimate_cost nm_estimate_cost(const struct nm_estimate *estimate,
                                         enum nm_price_column column);

/* A block a dataset and, of several, their sum; direct and batch side by side. */
void nm_estimate_write(const struct nm_estimate *estimates, size_t n,
                       struct nm_buf *out);

/* {"datasets": […], "total": …} and '\n'. */
void nm_estimate_write_json(const struct nm_estimate *estimates, size_t n,
                            struct nm_buf *out);

#endif
