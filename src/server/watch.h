/*
 * watch: what must happen at a moment of real time: a connection whose request
 * takes too long is ended, and a call put off is taken up again.
 * libmicrohttpd's own time-out counts only silence; a client that sends a byte a
 * second is never silent. Here a request has a deadline of its own, which grows
 * with the bytes that moved, at 1 KiB a second. Idle connections are let be.
 *
 * Calling sequence: open; a link is added when its connection begins and removed
 * before its end; hurry; close.
 */
#ifndef NM_SERVER_WATCH_H
#define NM_SERVER_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "server/metrics.h"

struct nm_watch;

/* One TCP connection. Zeroed, then nm_watch_add. */
struct nm_link {
	struct nm_link *next, *before;
	int             fd;
	atomic_int      done;     /* a request has ended since the last look */
	atomic_int      put_off;  /* it waits for us, not for the client */
	uint64_t        moved_bytes; /* both ways, when the last request ended */
	uint64_t        heard_bytes; /* from the client, then */
	int64_t         since_ms; /* when the present request's first bytes came */
};

/* Starts its thread. metrics are lent until close. NM_IO when it will not start. */
enum nm_code nm_watch_open(int64_t deadline_ms, struct nm_metrics *metrics,
                           struct nm_watch **watch, struct nm_err *err)
	NM_MUST_USE;
/* Takes up all calls put off first. */
void nm_watch_close(struct nm_watch *watch);

void nm_watch_add(struct nm_watch *watch, struct nm_link *link);
/* Before its fd is closed: no other connection may be hit. */
void nm_watch_remove(struct nm_watch *watch, struct nm_link *link);

/* act(ctx) in the watch's thread after pause_ms real milliseconds. */
struct nm_delay {
	struct nm_delay *next;
	int64_t          at_ms;
	void           (*act)(void *ctx);
	void            *ctx;
};
/* At once, in the caller's thread, where calls are taken up in a hurry. */
void nm_watch_later(struct nm_watch *watch, struct nm_delay *delay,
                    int64_t pause_ms);

/* Takes up all calls put off, before it returns, and from now on at once. */
void nm_watch_hurry(struct nm_watch *watch);
/* Whether that was asked for. */
int nm_watch_hurries(struct nm_watch *watch);

#endif
