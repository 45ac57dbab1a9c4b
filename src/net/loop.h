/*
 * loop: libcurl's multi interface driven by epoll, so that a poll costs what is
 * ready and not what is open. For http; knows handles, not what they carry.
 *
 * Calling sequence: open; add; poll, and ended until NULL, with remove for each;
 * close. One thread, but for wake.
 */
#ifndef NM_NET_LOOP_H
#define NM_NET_LOOP_H

#include <curl/curl.h>

#include "base/buf.h"

struct nm_loop {
	CURLM  *multi;
	int     epoll_fd;
	int     wake_fd;  /* written to by nm_loop_wake */
	int64_t due_ms;   /* of curl's timer, by nm_clock_machine_ms; -1 = none */
	int     failed;   /* errno of an epoll call within a callback */
};

/* connections_max 0 = no bound. NM_IO when libcurl or epoll will not start. */
enum nm_code nm_loop_open(struct nm_loop *loop, long connections_max,
                          struct nm_err *err) NM_MUST_USE;
/* All handles must have been removed. */
void nm_loop_close(struct nm_loop *loop);

/* Lent until it is removed. NM_IO when libcurl refuses it. */
enum nm_code nm_loop_add(struct nm_loop *loop, CURL *easy,
                         struct nm_err *err) NM_MUST_USE;
void nm_loop_remove(struct nm_loop *loop, CURL *easy);

/* Waits up to wait_ms for one round of events and lets curl act on them. NM_IO when
 * epoll fails. */
enum nm_code nm_loop_poll(struct nm_loop *loop, int wait_ms,
                          struct nm_err *err) NM_MUST_USE;

/* Ends the wait of a poll now or next; from any thread. */
void nm_loop_wake(struct nm_loop *loop);

/* The next handle that has ended, and how; NULL = none. Still to be removed. */
CURL *nm_loop_ended(struct nm_loop *loop, CURLcode *how);

#endif
