/*
 * manager_options: the option table of batch_manager.
 */
#ifndef NM_PROG_MANAGER_OPTIONS_H
#define NM_PROG_MANAGER_OPTIONS_H

#include "cli/option.h"

enum nm_manager_option {
	MANAGER_STATUS = 1, MANAGER_LIST, MANAGER_CANCEL, MANAGER_WAIT,
	MANAGER_ERRORS, MANAGER_DOWNLOAD, MANAGER_RUNS, MANAGER_CLEAN,
	MANAGER_PRUNE, MANAGER_CHECK, MANAGER_SUBMIT,
	MANAGER_NEW, MANAGER_SHARD_REQUESTS, MANAGER_MAX_ATTEMPTS,
	MANAGER_PATIENCE, MANAGER_OUTAGE,
	MANAGER_LIMIT, MANAGER_OUTPUT, MANAGER_OLDER_THAN,
	MANAGER_POLL_INTERVAL, MANAGER_YES, MANAGER_PRICES, MANAGER_MAX_COST,
	MANAGER_LOCAL, MANAGER_BASE_URL,
	MANAGER_JSON, MANAGER_QUIET
};

extern const struct nm_option_table nm_manager_options;

/*
 * The one action that was asked for. NM_USAGE when there is none or more than one,
 * or for an option that says nothing to it.
 */
enum nm_code nm_manager_action(const struct nm_options *options,
                               enum nm_manager_option *action,
                               struct nm_err *err) NM_MUST_USE;

/* The milliseconds of --older-than, else those that suit the action. */
int64_t nm_manager_older_than_ms(const struct nm_options *options,
                                 enum nm_manager_option action);

#endif
