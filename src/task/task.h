/*
 * task: one dataset of the program's, from options to saved results.
 * Knows what variant0_llm_baseline does with one run; must not know options'
 * texts or how several datasets go together.
 *
 * Calling sequence: read, record, then (money.h: consent, take) submit and finish;
 * or take_up, then (consent, take) finish. Release it in every case, also after an
 * error of read or take_up. A dry run ends after submit.
 */
#ifndef NM_TASK_TASK_H
#define NM_TASK_TASK_H

#include "cli/message.h"
#include "task/budget.h"
#include "task/load.h"
#include "task/outcome.h"
#include "task/service.h"

/* What all tasks of the program share. Borrowed. */
struct nm_task_tools {
	struct nm_service     *service;
	struct nm_journal     *journal;
	struct nm_message     *message;
	const struct nm_watch *watch;
	const struct nm_prices *prices;
	struct nm_run_settings settings;
	const char            *results_dir;
	const char            *mode;      /* "batch" or "direct" */
	const char            *typed;     /* argv[0] */
	const char            *carried;   /* " --lenient …": what the command that goes on
	                                     wants as well; NULL = nothing */
	enum nm_reading        reading;
	enum nm_run_take       take;
	enum { NM_TAIL_BATCH, NM_TAIL_DIRECT } tail; /* of failed requests */
	struct nm_budget      *budget;
	enum { NM_PAY_ASK, NM_PAY_AGREED } pay; /* more than a dollar? */
	int64_t                began_mono_ms;
	/* Where not all of a command's runs are done, since when those are its own that
	 * are (wall time); 0 = none is taken up. */
	int64_t                done_since_ms;
};

/* Zeroed is empty and may be released. Invariant: what is in flight of taken_pusd, and
 * spent_pusd, are in tools->budget, if it has a ceiling. */
struct nm_task {
	const struct nm_task_tools *tools;
	struct nm_quiz            *quiz;
	struct nm_load             load; /* of the quiz, once money is counted */
	struct nm_run              run;
	struct nm_outcome          outcome;
	struct nm_arena            arena;
	int64_t                    taken_pusd; /* of the budget, in flight */
	int64_t                    held_pusd;  /* of these, in batches */
	int64_t                    spent_pusd; /* of it, by all attempts */
	struct nm_seen             seen;       /* replies of all attempts */
	int                        by_guess;   /* its stake was taken by the guess of a
	                                          reply, before one came */
	size_t                     weighed; /* batches that are here of those, when its
	                                       stake was taken last */
	int64_t                    lost_before; /* that earlier processes asked
	                                           directly, perhaps paid for and
	                                           without a reply */
	int                        lost_is_known;
	int                        short_of_money; /* the rest was not sent */
	int                        broken_off; /* for that, amid an attempt */
	int                        scored;  /* the outcome's summary is there */
	int                        scoring_only; /* nothing can be sent for it */
};

/* Reads the dataset; nothing is recorded or sent. Lines that are no questions are
 * told. tools are lent until release. Errors of nm_quiz_open. */
enum nm_code nm_task_read(struct nm_task *task, const struct nm_task_tools *tools,
                          const struct nm_quiz_wish *wish, struct nm_err *err)
	NM_MUST_USE;

/* When the unfinished run that is the same was begun; NM_ABSENT where there is none. */
enum nm_code nm_task_find_begun(struct nm_task *task, int64_t *began_ms,
                                struct nm_err *err) NM_MUST_USE;

/* Makes the run durable, or takes up the unfinished one that is the same. Errors of
 * nm_run_open. */
enum nm_code nm_task_record(struct nm_task *task, struct nm_err *err)
	NM_MUST_USE;

/*
 * Takes up the run of a batch: by the journal, else by the batch's own metadata.
 * wish has what the person typed beside: data_dir, and typed (the dataset) or NULL.
 * NM_USAGE   no id, another account's, an option that contradicts what was asked, or a
 *            dataset that has to be named
 * NM_ABSENT  neither journal nor service knows it
 * NM_INPUT   the dataset is gone or has changed
 */
enum nm_code nm_task_take_up(struct nm_task *task,
                             const struct nm_task_tools *tools,
                             const char *batch_id,
                             const struct nm_quiz_wish *wish,
                             struct nm_err *err) NM_MUST_USE;

/* It is new, and nothing will be sent for it: the next one begins afresh. */
void nm_task_leave(struct nm_task *task);

/* Asks the canary and submits the batches. In direct mode nothing is done yet. */
enum nm_code nm_task_submit(struct nm_task *task, struct nm_err *err) NM_MUST_USE;

/*
 * Asks (batch or direct), collects, scores and saves, attempt after attempt.
 * NM_UNFINISHED when instrument failures remain, or the batch failed as a whole
 * (which is told on the way). NM_INTERRUPTED: what came is scored in direct mode,
 * kept in both.
 */
enum nm_code nm_task_finish(struct nm_task *task, struct nm_err *err) NM_MUST_USE;

/* "variant0_llm_baseline --mode batch --batch-id ID" for this run, as it has to be
 * typed; in the task's arena. */
const char *nm_task_resume_command(struct nm_task *task);
/* "batch_manager --status ID", of its first batch, likewise. */
const char *nm_task_status_command(struct nm_task *task);

/* The --max-attempts with which what failed would be asked once more. */
int64_t nm_task_attempts_wanted(const struct nm_task *task);

/* Of its first shard that has one; "" when none has. */
const char *nm_task_batch_id(const struct nm_task *task);

int nm_task_is_batch(const struct nm_task *task);

/* For takeup.c: what a run is opened with, lent from the task's tools; and the
 * description of its batches, in the task's arena. */
struct nm_run_tools nm_task_run_tools(const struct nm_task *task);
const char *nm_task_description(struct nm_task *task);

void nm_task_release(struct nm_task *task);

#endif
