/*
 * server: a Batch API of our own, inside this process.
 * What batch_server runs, and what --local of the other programs runs.
 * Prints nothing; the programs do.
 *
 * Calling sequence: start, then use nm_server_url, then stop.
 */
#ifndef NM_SERVER_SERVER_H
#define NM_SERVER_SERVER_H

#include "base/err.h"
#include "server/options.h"

struct nm_server;

/*
 * Serves from its return on. NM_USAGE for options that clash or cannot be;
 * NM_INPUT for unreadable files; NM_IO, NM_STATE for folder, port, locks.
 */
enum nm_code nm_server_start(const struct nm_server_options *options,
                             struct nm_server **server, struct nm_err *err)
	NM_MUST_USE;

unsigned nm_server_port(const struct nm_server *server);
/* "http://127.0.0.1:PORT/v1"; lives like the server. */
const char *nm_server_url(const struct nm_server *server);
/* The state folder, absolute; lives like the server. */
const char *nm_server_folder(const struct nm_server *server);

/*
 * Adds an answer-key file as the options do. For a dataset that is learned of
 * later. Known content is added once.
 */
enum nm_code nm_server_add_key(struct nm_server *server, const char *path,
                               struct nm_err *err) NM_MUST_USE;

/* Reads api_key_file anew; on error (NM_INPUT) the keys of before stay. */
enum nm_code nm_server_reload_keys(struct nm_server *server,
                                   struct nm_err *err) NM_MUST_USE;

/* No new connections; requests under way are answered (10 s at most), the worker
 * keeps what it has; all threads end. State stays. NULL is fine. */
void nm_server_stop(struct nm_server *server);

#endif
