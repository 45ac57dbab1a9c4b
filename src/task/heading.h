/*
 * heading: what stands at the head of a run's results: gathered from the run, its
 * questions, its replies and what was counted of them. Writes nothing.
 */
#ifndef NM_TASK_HEADING_H
#define NM_TASK_HEADING_H

#include "report/head.h"
#include "run/quiz.h"
#include "run/run.h"
#include "task/spending.h"

/* What it is gathered from. */
struct nm_heading {
	const struct nm_run      *run;
	struct nm_quiz           *quiz;
	const struct nm_collect  *collect;
	const struct nm_spending *spending;
	const struct nm_prices   *prices;
	enum nm_reading           reading;
	int64_t                   began_mono_ms; /* the program's */
	int64_t                   attempts;      /* made so far */
	const char *const        *raw; /* files of replies, as they are kept */
	size_t                    n_raw;
	const struct nm_tally    *tally;
	struct nm_ledger         *ledger;  /* is sorted */
	struct nm_metrics        *metrics; /* become those of the tally */
	struct nm_arena          *arena;   /* of the head's texts and lists */
};

/* The head as of now; borrows from all of the above. NM_INPUT, NM_IO of
 * nm_place_origin. */
enum nm_code nm_heading_make(const struct nm_heading *from,
                             struct nm_head *head, struct nm_err *err)
	NM_MUST_USE;

#endif
