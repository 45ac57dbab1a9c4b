/*
 * manager: what the actions of batch_manager share, and the actions, one a file.
 * Each prints its result to stdout and returns what became of it; NM_UNFINISHED
 * (exit status 1) when it is done, but not as asked.
 */
#ifndef NM_PROG_MANAGER_H
#define NM_PROG_MANAGER_H

#include "cli/message.h"
#include "cli/progress.h"
#include "prog/batch_view.h"
#include "prog/manager_options.h"
#include "state/journal.h"
#include "task/service.h"

/* Invariant: the service is open for all actions but --runs, --prune, --check. */
struct nm_manager {
	struct nm_options      options;
	enum nm_manager_option action;
	struct nm_message      message;
	struct nm_service      service;
	struct nm_clock        clock;   /* the service's, or one of its own */
	const char            *typed;   /* argv[0] */
	struct nm_journal     *journal; /* NULL until nm_manager_find_journal */
};

enum nm_code nm_manage_status(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_list(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_cancel(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_leave(struct nm_manager *manager, const char *id,
                             struct nm_err *err) NM_MUST_USE;
enum nm_code nm_manage_wait(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_errors(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_download(struct nm_manager *manager,
                                struct nm_err *err) NM_MUST_USE;
enum nm_code nm_manage_runs(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_clean(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_prune(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_manage_check(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;

enum nm_code nm_manage_submit(struct nm_manager *manager, struct nm_err *err)
	NM_MUST_USE;

/*
 * Goes on with the run of a request file that a batch belongs to, to its last
 * reply: sends what is not sent yet, and again what the service failed. *left = how
 * many requests have failed all the same that one more attempt might bring; their
 * command is told, as is the one that goes on when it is interrupted. NM_ABSENT when
 * the journal knows no such run.
 */
enum nm_code nm_manage_follow(struct nm_manager *manager,
                              const char *batch_id, int64_t *left,
                              struct nm_err *err) NM_MUST_USE;

/* Tells the command that waits for a batch again, behind what is so: sentences, each with
 * a blank at its end. */
void nm_manage_tell_wait(struct nm_manager *manager, const char *batch_id,
                         const char *so);

/* The id that was given with the action. NM_USAGE for one that cannot be any. */
enum nm_code nm_manager_id(const struct nm_manager *manager, const char **id,
                           struct nm_err *err) NM_MUST_USE;

bool nm_manager_wants_json(const struct nm_manager *manager);

/* Appends to a command those of this call's options that bound its work, and those that
 * reach its service: what goes on is bounded as this was. */
void nm_manager_add_bounds(const struct nm_manager *manager,
                           struct nm_buf *command);

/* Opens the journal if there is one, and makes none: NM_ABSENT, without a word,
 * where nothing was ever recorded. */
enum nm_code nm_manager_find_journal(struct nm_manager *manager,
                                     struct nm_err *err) NM_MUST_USE;

/* Opens the journal, and makes it where there is none yet. */
enum nm_code nm_manager_make_journal(struct nm_manager *manager,
                                     struct nm_err *err) NM_MUST_USE;

/* A view of a batch as this program shows it; without run and quotes. */
void nm_manager_view(struct nm_manager *manager, const struct nm_batch *batch,
                     struct nm_batch_view *view);

/*
 * Prints all there is to say of a batch, as text or JSON, with its run where the
 * journal knows it and, of a failed one, the requests that it complains of. outcome
 * is a further member of the JSON; NULL = none.
 */
void nm_manager_print_batch(struct nm_manager *manager,
                            const struct nm_batch *batch,
                            const char *outcome);

/* Text for stdout, as it stands. */
void nm_manager_print(const struct nm_buf *text);

#endif
