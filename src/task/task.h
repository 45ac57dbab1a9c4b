/*
 * task: one dataset of the program's, from options to saved results.
 * Knows what variant0_llm_baseline does with one run; must not know options'
 * texts or how several datasets go together.
 */
#ifndef NM_TASK_TASK_H
#define NM_TASK_TASK_H

#include "cli/message.h"
#include "task/budget.h"
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
	enum nm_reading        reading;
	enum nm_run_take       take;
	enum { NM_TAIL_BATCH, NM_TAIL_DIRECT } tail; /* of failed requests */
	struct nm_budget      *budget;
	enum { NM_PAY_ASK, NM_PAY_AGREED } pay; /* more than a dollar? */
	int64_t                began_mono_ms;
};

struct nm_task {
	const struct nm_task_tools *tools;
	struct nm_quiz            *quiz;
	struct nm_run              run;
	struct nm_outcome          outcome;
	struct nm_arena            arena;
	int64_t                    taken_pusd; /* of the budget, in flight */
	int64_t                    spent_pusd; /* of it, by all attempts */
	int64_t                    seen_tokens; /* out, a reply; 0 = none came */
	int                        short_of_money; /* the rest was not sent */
	int                        scored;  /* the outcome's summary is there */
	int                        scoring_only; /* nothing can be sent for it */
};

/* Reads the dataset; nothing is recorded or sent. */
enum nm_code nm_task_read(struct nm_task *task, const struct nm_task_tools *tools,
                          const struct nm_quiz_wish *wish, struct nm_err *err)
	NM_MUST_USE;

/* Makes the run durable, or takes up the unfinished one that is the same. */
enum nm_code nm_task_record(struct nm_task *task, struct nm_err *err)
	NM_MUST_USE;

/*
 * Takes up the run of a batch: by the journal, else by the batch's own metadata.
 * wish has what the person typed beside: data_dir, and typed (the dataset) or NULL.
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
const char *nm_task_status_command(struct nm_task *task);

/* Of its first shard that has one; "" when none has. */
const char *nm_task_batch_id(const struct nm_task *task);

int nm_task_is_batch(const struct nm_task *task);

/* For takeup.c. */
struct nm_run_tools nm_task_run_tools(const struct nm_task *task);
const char *nm_task_description(struct nm_task *task);

void nm_task_release(struct nm_task *task);

#endif
