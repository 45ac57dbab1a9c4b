/*
 * grading: all questions of a run with their rows, in the dataset's order, through
 * leaves that a crew works on. Twice: counted first, since the results begin with
 * what was counted, then written.
 *
 * Calling sequence: count; then, once the results' head is written, write.
 */
#ifndef NM_TASK_GRADING_H
#define NM_TASK_GRADING_H

#include "report/results.h"
#include "run/quiz.h"
#include "task/leaf.h"

/* What both passes read; all of it outlives them. */
struct nm_grading {
	struct nm_quiz           *quiz;
	struct nm_collect        *collect; /* all files were added */
	const struct nm_spending *spending;
};

/* Adds every question to tally and ledger. NM_INPUT when the dataset has changed,
 * NM_IO. */
enum nm_code nm_grading_count(const struct nm_grading *grading,
                              struct nm_tally *tally,
                              struct nm_ledger *ledger, struct nm_err *err)
	NM_MUST_USE;

/* Adds every question's row. A write that fails is told by nm_results_finish. */
enum nm_code nm_grading_write(const struct nm_grading *grading,
                              struct nm_results *results, struct nm_err *err)
	NM_MUST_USE;

#endif
