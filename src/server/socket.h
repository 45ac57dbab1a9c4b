/*
 * socket: where the server listens, and whether it may.
 * Knows addresses; must not know HTTP.
 */
#ifndef NM_SERVER_SOCKET_H
#define NM_SERVER_SOCKET_H

#include "base/buf.h"
#include "server/options.h"

struct nm_socket {
	int           fd;   /* -1 = none */
	unsigned      port; /* the one that the system chose, too */
	struct nm_buf url;  /* "http://127.0.0.1:PORT/v1" */
};

/* Listens as the options say. NM_USAGE when it may not there (see nm_exposure). To be
 * closed also on error. */
enum nm_code nm_socket_open(struct nm_socket *made,
                            const struct nm_server_options *options,
                            struct nm_err *err) NM_MUST_USE;

void nm_socket_close(struct nm_socket *made);

#endif
