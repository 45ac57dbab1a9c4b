/*
 * listen: the server's HTTP side: sockets, threads, TLS, limits; who calls which
 * handler. The only <microhttpd.h>, with hall, visit and response, its parts.
 * Must not know what any handler does.
 *
 * Calling sequence: open; drain; close.
 */
#ifndef NM_SERVER_LISTEN_H
#define NM_SERVER_LISTEN_H

#include "server/call.h"

struct nm_listen;

/* Serves from its return on. parts->options says where and how; they and parts
 * must outlive it. NM_USAGE when it may not listen there (see nm_exposure). */
enum nm_code nm_listen_open(const struct nm_parts *parts,
                            struct nm_listen **listen, struct nm_err *err)
	NM_MUST_USE;

/* Reads the key file anew; on error the keys of before stay. */
enum nm_code nm_listen_reload_keys(struct nm_listen *listen,
                                   struct nm_err *err) NM_MUST_USE;

/* Where it listens, the port that the system chose too. The URL has no slash at its end
 * and lives until close. */
unsigned nm_listen_port(const struct nm_listen *listen);
const char *nm_listen_url(const struct nm_listen *listen);

/* Takes no new connections and waits, so long at most, for calls under way. */
void nm_listen_drain(struct nm_listen *listen, int64_t max_ms);

/* Ends all threads. No call may be suspended any more. */
void nm_listen_close(struct nm_listen *listen);

#endif
