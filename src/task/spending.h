/*
 * spending: what a run has cost so far: every reply that came, of all attempts,
 * also those that another one displaced. Knows rows and prices; must not know
 * scores.
 *
 * Calling sequence: attach to a fresh collect; add its files; close.
 */
#ifndef NM_TASK_SPENDING_H
#define NM_TASK_SPENDING_H

#include "eval/bound.h"
#include "eval/price.h"
#include "run/collect.h"
#include "run/run.h"

/* Zeroed is nothing spent. */
struct nm_spending {
	const struct nm_prices  *prices;
	const struct nm_collect *collect;
	const char              *model; /* that was asked */
	struct nm_usage          usage; /* of all replies together */
	struct nm_seen           seen;  /* the same, for what is to come */
	uint64_t                 replies;  /* with usage */
	uint64_t                 unpriced; /* of these: their model has no price */
	int64_t                  mute[2];  /* by nm_way: replies that were no simulated
	                                      ones and told no usage, nor did their
	                                      batches */
	int64_t                  cost_pusd; /* of the others, and of what is lost */
	struct nm_usage          batch_rows; /* of those that came by batch */
	/* By the batches' own usage; each is -1 where not all tell it. */
	int64_t                  told_input_tokens;
	int64_t                  told_cached_tokens; /* of these */
	int64_t                  told_output_tokens;
	int64_t                  told_reasoning_tokens; /* of these */
};

/* Begins; the three outlive it. */
void nm_spending_attach(struct nm_spending *spending,
                        const struct nm_prices *prices,
                        const struct nm_run *run, struct nm_collect *collect);

/* What a reply cost: by the model that replied, else the one asked. What was
 * simulated was free. */
struct nm_cost nm_spending_of(const struct nm_spending *spending,
                              const struct nm_row *row, enum nm_way way);

/*
 * All files were added. What the batches' own usage has beyond their rows was paid
 * too: it is added, at the price of the model that was asked, what is told to be
 * cached at that of cached tokens.
 */
void nm_spending_close(struct nm_spending *spending, const struct nm_run *run);

/* UNKNOWN when any reply has no price; NONE when none told its usage. */
struct nm_cost nm_spending_cost(const struct nm_spending *spending);

#endif
