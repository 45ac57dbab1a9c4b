/*
 * grading: all questions of a run with their rows, in the dataset's order, through
 * leaves that a crew works on; counted, written, or both at once.
 */
#ifndef NM_TASK_GRADING_H
#define NM_TASK_GRADING_H

#include "report/results.h"
#include "run/quiz.h"
#include "task/leaf.h"

/* What is read, and where it goes. */
struct nm_grading {
	struct nm_quiz           *quiz;
	struct nm_collect        *collect; /* all files were added */
	const struct nm_spending *spending;
	/* Each may be NULL, tally and ledger together. */
	struct nm_tally          *tally;
	struct nm_ledger         *ledger;
	struct nm_results        *results;
};

/* Goes through all questions once. NM_INPUT when the dataset has changed, NM_IO. A write
 * that fails is told by nm_results_finish. */
enum nm_code nm_grading_make(const struct nm_grading *grading,
                             struct nm_err *err) NM_MUST_USE;

#endif
