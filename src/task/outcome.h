/*
 * outcome: a run's rows, scored against their questions and saved. Joins what run
 * lends (rows) with what report writes (files, summaries).
 *
 * Calling sequence: make, after each attempt anew; look; release.
 */
#ifndef NM_TASK_OUTCOME_H
#define NM_TASK_OUTCOME_H

#include "report/results.h"
#include "report/summary.h"
#include "run/attempts.h"
#include "run/quiz.h"
#include "task/spending.h"

/* Borrowed; they outlive the outcome. */
struct nm_outcome_wish {
	struct nm_run          *run;
	struct nm_quiz         *quiz;
	const struct nm_prices *prices;
	const char             *results_dir;
	enum nm_reading         reading;
	int64_t                 began_mono_ms; /* the program's */
	int64_t                 attempts; /* that were finished */
};

/* Zeroed is empty. The summary borrows from all the rest. */
struct nm_outcome {
	struct nm_summary  summary;
	struct nm_tally    tally;
	struct nm_spending spending; /* of all attempts */
	struct nm_metrics  metrics;
	struct nm_ledger   ledger;
	struct nm_results  results;
	struct nm_arena    arena;
	struct nm_buf      usage_note; /* where the batches' own usage differs */
	struct nm_members  again;    /* what wants another attempt */
	int64_t            left;     /* that more attempts may bring */
	int64_t            attempts; /* made so far */
};

/*
 * Scores all rows that are on this machine and saves the results, replacing what an
 * earlier call on the same run saved, and what *outcome held. On error it holds a
 * part, still to be released. NM_IO, NM_INPUT as nm_attempts_collect, the results and
 * the quiz's questions have it.
 */
enum nm_code nm_outcome_make(struct nm_outcome *outcome,
                             const struct nm_outcome_wish *wish,
                             struct nm_err *err) NM_MUST_USE;

void nm_outcome_release(struct nm_outcome *outcome);

#endif
