/*
 * variant0: what the files of variant0_llm_baseline share: one call of the program,
 * its tasks from their first line to their last word.
 *
 * Calling sequence: nm_variant0_read alone, for an estimate; or nm_variant0_begin, then
 * nm_variant0_end_dry_run or nm_variant0_finish. After an error of begin,
 * nm_variant0_tell_what_goes_on.
 */
#ifndef NM_PROG_VARIANT0_H
#define NM_PROG_VARIANT0_H

#include "cli/message.h"
#include "cli/progress.h"
#include "prog/variant0_options.h"
#include "task/task.h"

enum { NM_VARIANT0_TASKS_MAX = 256 };

/* Zeroed is ready. Invariant: of tasks the first n_tasks may be released; the others
 * are zeroed. */
struct nm_variant0 {
	struct nm_options    options;
	struct nm_message    message;
	struct nm_progress   progress;
	struct nm_service    service;
	struct nm_journal   *journal;
	struct nm_prices     prices;
	struct nm_watch      watch;
	struct nm_task_tools tools;
	struct nm_budget     budget;
	struct nm_buf        data_dir; /* where none is named */
	struct nm_buf        model;    /* likewise */
	struct nm_buf        carried;  /* of tools */
	struct nm_task       tasks[NM_VARIANT0_TASKS_MAX];
	size_t               n_tasks;
	int                  service_open;
	enum nm_code         worst; /* of all tasks so far */
};

/* ---- tasks: how they come in ---- */

/* All are read before the first is recorded: a wrong name costs nothing. NM_USAGE for
 * too many, or two whose results would have one name; else errors of nm_task_read. */
enum nm_code nm_variant0_read(struct nm_variant0 *p, struct nm_err *err)
	NM_MUST_USE;

/*
 * Runs that are new, taken up by the same command, or taken up by a batch's id: what
 * they would send is looked at in one way (money.h). The new ones are submitted, all
 * before the first is waited for.
 */
enum nm_code nm_variant0_begin(struct nm_variant0 *p, struct nm_err *err)
	NM_MUST_USE;

/* ---- ending: what is told of them, and how to go on ---- */

/* Text for stdout, as it stands. */
void nm_variant0_print(const struct nm_buf *text);

/* How many tasks have a batch. */
size_t nm_variant0_created(const struct nm_variant0 *p);

/* Of each task that is open: the command that goes on. */
void nm_variant0_tell_what_goes_on(struct nm_variant0 *p);

/*
 * Asks, scores, saves and shows all, and notes in p->worst what failed: a dataset that
 * does not keep the others from their results. NM_INTERRUPTED when a person ended it.
 */
enum nm_code nm_variant0_finish(struct nm_variant0 *p, struct nm_err *err)
	NM_MUST_USE;

/* What was created is told, also where not all could be. rc is how begin ended (err
 * filled), and is returned; NM_UNFINISHED when a task has no batch. */
enum nm_code nm_variant0_end_dry_run(struct nm_variant0 *p, enum nm_code rc,
                                     struct nm_err *err) NM_MUST_USE;

#endif
