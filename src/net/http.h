/*
 * http: transfers over one libcurl multi loop, one or hundreds at a time.
 * Knows bytes, headers and how a connection ended; must not know JSON, OpenAI's
 * paths or whether a call may be repeated (retry says so).
 *
 * TLS is always verified. Redirects are never followed, since they would carry
 * the key elsewhere: a 3xx is a reply like any other. HTTPS_PROXY and NO_PROXY
 * are honoured, loopback is never proxied. An own CA file is taken from
 * CURL_CA_BUNDLE, else SSL_CERT_FILE.
 *
 * Calling sequence: open; start… and poll until nm_http_running is 0 (or
 * nm_http_call for one at a time); close. One thread.
 */
#ifndef NM_NET_HTTP_H
#define NM_NET_HTTP_H

#include "base/clock.h"
#include "net/exchange.h"

struct nm_http;
struct nm_http_transfer;

struct nm_http_options {
	const struct nm_clock *clock;           /* its stop flag, and its speed for
	                                           time-outs; may be NULL */
	const char            *user_agent;      /* NULL = nightmail/VERSION */
	long                   connections_max; /* 0 = no bound */
};

/* *out is the caller's to close. NM_IO when libcurl cannot be set up. */
enum nm_code nm_http_open(struct nm_http **out,
                          const struct nm_http_options *options,
                          struct nm_err *err) NM_MUST_USE;

/* Ends what still runs as nm_http_cancel does. */
void nm_http_close(struct nm_http *http);

/*
 * Puts a transfer into the loop; nothing is sent before the next poll. *out
 * (may be NULL) lives until `done` returns or it is cancelled. NM_USAGE for a
 * URL that is none, or for a key that would go over plain http to another
 * machine.
 */
enum nm_code nm_http_start(struct nm_http *http,
                           const struct nm_http_request *request,
                           struct nm_http_transfer **out,
                           struct nm_err *err) NM_MUST_USE;

/* Ends a running transfer at once; its `done` is not called. */
void nm_http_cancel(struct nm_http *http, struct nm_http_transfer *transfer);

/* Transfers that were started and have not ended. */
size_t nm_http_running(const struct nm_http *http);

/*
 * Moves bytes and calls `done` for what ended; waits up to wait_ms real
 * milliseconds for something to happen, a signal included. NM_IO when the loop
 * itself fails.
 */
enum nm_code nm_http_poll(struct nm_http *http, int wait_ms,
                          struct nm_err *err) NM_MUST_USE;

/* Ends the wait of a poll now or next. The one call allowed from any thread. */
void nm_http_wake(struct nm_http *http);

/*
 * One transfer from start to end; request->done is ignored. Others in the loop
 * go on meanwhile. Codes as for `done`, and NM_INTERRUPTED soon after the
 * clock's stop flag is set. *reply is filled in every case, the caller's to
 * release.
 */
enum nm_code nm_http_call(struct nm_http *http,
                          const struct nm_http_request *request,
                          struct nm_http_reply *reply,
                          struct nm_err *err) NM_MUST_USE;

#endif
