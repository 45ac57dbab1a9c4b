/*
 * server_options: the option table of batch_server, and what it asks for in the words of
 * the room server.
 */
#ifndef NM_PROG_SERVER_OPTIONS_H
#define NM_PROG_SERVER_OPTIONS_H

#include "cli/option.h"
#include "server/options.h"

enum nm_server_option {
	SERVER_PORT = 1, SERVER_LISTEN, SERVER_STATE_DIR, SERVER_LOG, SERVER_QUIET,
	SERVER_ANSWER_KEY, SERVER_SEED, SERVER_MIX, SERVER_MODELS,
	SERVER_UPSTREAM, SERVER_UPSTREAM_KEY_ENV, SERVER_CONCURRENCY,
	SERVER_UPSTREAM_TIMEOUT,
	SERVER_CLOCK, SERVER_FAULTS, SERVER_UNKNOWN_FILE,
	SERVER_DELAY_VALIDATING, SERVER_DELAY_IN_PROGRESS,
	SERVER_DELAY_FINALIZING, SERVER_DELAY_CANCELLING,
	SERVER_API_KEY_FILE, SERVER_TLS_CERT, SERVER_TLS_KEY, SERVER_INSECURE,
	SERVER_MAX_BATCHES, SERVER_DISK_QUOTA, SERVER_MAX_CONNECTIONS,
	SERVER_THREADS
};

extern const struct nm_option_table nm_batch_server_options;

/* Appends the state folder's path. NM_USAGE when none is named and none can be told. */
enum nm_code nm_batch_server_state_dir(const struct nm_options *given,
                                       struct nm_buf *state_dir,
                                       struct nm_err *err) NM_MUST_USE;

/* What to serve, and how; whom to tell of trouble is left out. Texts are lent. */
void nm_batch_server_wish(const struct nm_options *given,
                          const char *state_dir,
                          struct nm_server_options *wish);

#endif
