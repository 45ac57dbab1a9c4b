/*
 * budget: what a call of the program may cost, and what it has taken on so far.
 * What is in flight counts as what it could cost at most, never as nothing.
 * Must not know runs, nor whom to ask.
 */
#ifndef NM_TASK_BUDGET_H
#define NM_TASK_BUDGET_H

#include "eval/bound.h"
#include "report/estimate.h"

/* Zeroed: no ceiling. Invariant: with one, taken_pusd holds every task's share, which
 * the task knows (stake.h) and settles. */
struct nm_budget {
	int64_t max_pusd;   /* 0 = no ceiling */
	int64_t taken_pusd; /* spent, or in flight at its highest */
	int     unpriced;   /* 1 = something was spent that has no price */
	int     passed_before; /* 1 = above the ceiling before the call sent anything */
	struct nm_seen seen; /* of the call's direct replies */
};

/* Reads "5", "0.25" as USD, above 0 and up to a million; NULL = no ceiling. NM_USAGE
 * for anything else, of which err speaks as --max-cost's. */
enum nm_code nm_budget_read(struct nm_budget *budget, const char *text,
                            struct nm_err *err) NM_MUST_USE;

/*
 * Takes on what could cost so much. NM_USAGE, taking on nothing, when that could
 * pass the ceiling, or when there is a ceiling and the price of this, or of what was
 * spent, is unknown.
 */
enum nm_code nm_budget_take(struct nm_budget *budget,
                            const struct nm_estimate_cost *cost,
                            const char *model, struct nm_err *err)
	NM_MUST_USE;

/* Is it for want of money alone that this is not taken on? */
int nm_budget_is_short(const struct nm_budget *budget,
                       const struct nm_estimate_cost *cost);

/* Counts what is in flight already, at its highest: it cannot be refused. */
void nm_budget_hold(struct nm_budget *budget, int64_t high_pusd);

/* What was taken on for it turned out to cost this. UNKNOWN is noted, and refuses all
 * that follows. */
void nm_budget_settle(struct nm_budget *budget, int64_t taken_pusd,
                      struct nm_cost spent);

#endif
