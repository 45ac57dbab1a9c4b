/*
 * http: see http.h.
 */
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/loop.h"
#include "net/transfer.h"

enum {
	SLICE_MS = 50, STALL_LOOK_MS = 20, POOL_MAX = 1024,
	HURRIED_MIN_MS = 500
};

struct nm_http {
	struct nm_loop           loop;
	const struct nm_clock   *clock;
	char                     user_agent[96];
	struct nm_http_transfer  running; /* head of a ring */
	struct nm_http_transfer *pool;    /* by `next` */
	size_t                   n_running, n_pool;
	size_t                   n_stallable;
	int64_t                  looked_ms; /* for stalls */
	struct nm_buf            place_url; /* place is of this one */
	struct nm_http_place     place;
};

enum nm_code
nm_http_open(struct nm_http **out, const struct nm_http_options *options,
             struct nm_err *err)
{
	struct nm_http *http;
	enum nm_code rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return nm_fail(err, NM_IO, 0, "libcurl cannot be set up");
	http = calloc(1, sizeof(*http));
	if (!http)
		nm_die("memory is exhausted");
	http->clock = options->clock;
	snprintf(http->user_agent, sizeof(http->user_agent), "%s",
	         options->user_agent ? options->user_agent
	                             : "nightmail/" NM_VERSION);
	http->running.next = http->running.previous = &http->running;
	rc = nm_loop_open(&http->loop, options->connections_max, err);
	if (rc) {
		free(http);
		curl_global_cleanup();
		return rc;
	}
	*out = http;
	return NM_OK;
}

static struct nm_http_transfer *
take_transfer(struct nm_http *http)
{
	struct nm_http_transfer *transfer = http->pool;

	if (!transfer)
		return nm_transfer_new();
	http->pool = transfer->next;
	http->n_pool--;
	transfer->next = NULL;
	return transfer;
}

static void
give_back(struct nm_http *http, struct nm_http_transfer *transfer)
{
	nm_transfer_clear(transfer);
	if (http->n_pool >= POOL_MAX) {
		nm_transfer_free(transfer);
		return;
	}
	transfer->next = http->pool;
	http->pool = transfer;
	http->n_pool++;
}

static void
link_in(struct nm_http *http, struct nm_http_transfer *transfer)
{
	transfer->next = &http->running;
	transfer->previous = http->running.previous;
	transfer->previous->next = transfer;
	http->running.previous = transfer;
	http->n_running++;
	if (transfer->stall_ms > 0)
		http->n_stallable++;
}

static void
link_out(struct nm_http *http, struct nm_http_transfer *transfer)
{
	transfer->previous->next = transfer->next;
	transfer->next->previous = transfer->previous;
	transfer->next = transfer->previous = NULL;
	http->n_running--;
	if (transfer->stall_ms > 0)
		http->n_stallable--;
	nm_loop_remove(&http->loop, transfer->easy);
}

/* Most calls go to one URL: where it leads is looked up once. */
static enum nm_code
look_up_place(struct nm_http *http, const char *url, struct nm_err *err)
{
	enum nm_code rc;

	if (url && http->place_url.len > 0 &&
	    strcmp(nm_buf_string(&http->place_url), url) == 0)
		return NM_OK;
	nm_buf_clear(&http->place_url);
	rc = nm_http_place_read(&http->place, url, err);
	if (!rc)
		nm_buf_add_string(&http->place_url, url);
	return rc;
}

static int64_t
hurried(const struct nm_clock *clock, int64_t wanted_ms, int64_t otherwise_ms)
{
	int64_t real_ms;

	if (wanted_ms == 0)
		wanted_ms = otherwise_ms;
	if (wanted_ms <= HURRIED_MIN_MS)
		return wanted_ms;
	real_ms = nm_clock_real_ms(clock, wanted_ms);
	return real_ms > HURRIED_MIN_MS ? real_ms : HURRIED_MIN_MS;
}

/* Where time runs faster, so do time-outs; but bytes still need their while. */
static struct nm_http_request
hurry(const struct nm_http *http, const struct nm_http_request *request)
{
	struct nm_http_request copy = *request;

	if (!http->clock)
		return copy;
	copy.connect_ms = hurried(http->clock, copy.connect_ms,
	                          NM_HTTP_CONNECT_MS);
	copy.total_ms = hurried(http->clock, copy.total_ms, NM_HTTP_TOTAL_MS);
	copy.stall_ms = hurried(http->clock, copy.stall_ms, 0);
	return copy;
}

enum nm_code
nm_http_start(struct nm_http *http, const struct nm_http_request *request,
              struct nm_http_transfer **out, struct nm_err *err)
{
	struct nm_http_request real = hurry(http, request);
	struct nm_http_transfer *transfer;
	enum nm_code rc;

	rc = look_up_place(http, request->url, err);
	if (rc)
		return rc;
	transfer = take_transfer(http);
	rc = nm_transfer_prepare(transfer, &real, &http->place,
	                         http->user_agent, err);
	if (!rc)
		rc = nm_loop_add(&http->loop, transfer->easy, err);
	if (rc) {
		give_back(http, transfer);
		return rc;
	}
	link_in(http, transfer);
	if (out)
		*out = transfer;
	return NM_OK;
}

void
nm_http_cancel(struct nm_http *http, struct nm_http_transfer *transfer)
{
	link_out(http, transfer);
	give_back(http, transfer);
}

void
nm_http_close(struct nm_http *http)
{
	if (!http)
		return;
	while (http->running.next != &http->running)
		nm_http_cancel(http, http->running.next);
	while (http->pool) {
		struct nm_http_transfer *transfer = http->pool;

		http->pool = transfer->next;
		nm_transfer_free(transfer);
	}
	nm_loop_close(&http->loop);
	nm_buf_release(&http->place_url);
	free(http);
	curl_global_cleanup();
}

size_t
nm_http_running(const struct nm_http *http)
{
	return http->n_running;
}

/* The transfer is out of the ring while `done` runs, so that nothing in there can
 * touch it; its memory is given back afterwards. */
static void
finish(struct nm_http *http, struct nm_http_transfer *transfer,
       CURLcode how)
{
	struct nm_err err = {0};
	enum nm_code code = nm_transfer_judge(transfer, how, &err);

	link_out(http, transfer);
	if (transfer->done)
		transfer->done(transfer->user, &transfer->reply, code, &err);
	give_back(http, transfer);
}

static void
finish_ended(struct nm_http *http)
{
	CURLcode how;
	CURL *easy;

	while ((easy = nm_loop_ended(&http->loop, &how))) {
		char *transfer = NULL;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
		finish(http, (struct nm_http_transfer *)(void *)transfer, how);
	}
}

/* `done` may change the ring, so each find begins at its head again. */
static struct nm_http_transfer *
find_stalled(struct nm_http *http, int64_t now_ms)
{
	struct nm_http_transfer *at = http->running.next;

	for (; at != &http->running; at = at->next)
		if (at->stall_ms > 0 && now_ms - at->active_ms >= at->stall_ms)
			return at;
	return NULL;
}

static void
finish_stalled(struct nm_http *http)
{
	struct nm_http_transfer *transfer;
	int64_t now_ms;

	if (http->n_stallable == 0)
		return;
	now_ms = nm_clock_machine_ms();
	if (now_ms - http->looked_ms < STALL_LOOK_MS)
		return;
	http->looked_ms = now_ms;
	while ((transfer = find_stalled(http, now_ms))) {
		snprintf(transfer->reason, sizeof(transfer->reason),
		         "not a byte moved for %lld ms",
		         (long long)transfer->stall_ms);
		finish(http, transfer, CURLE_OPERATION_TIMEDOUT);
	}
}

enum nm_code
nm_http_poll(struct nm_http *http, int wait_ms, struct nm_err *err)
{
	enum nm_code rc;

	if (http->n_stallable > 0 && wait_ms > STALL_LOOK_MS)
		wait_ms = STALL_LOOK_MS;
	rc = nm_loop_poll(&http->loop, wait_ms, err);
	finish_ended(http);
	finish_stalled(http);
	return rc;
}

void
nm_http_wake(struct nm_http *http)
{
	nm_loop_wake(&http->loop);
}

struct call {
	struct nm_http_reply *reply;
	struct nm_err         err;
	enum nm_code          code;
	bool                  ended;
};

static void
end_call(void *user, struct nm_http_reply *reply, enum nm_code code,
         const struct nm_err *err)
{
	struct call *call = user;

	*call->reply = *reply;
	reply->body = (struct nm_buf){0};
	reply->head = (struct nm_buf){0};
	call->code = code;
	call->err = *err;
	call->ended = true;
}

/* Whether it may have been sent by then. */
static bool
give_up(struct nm_http *http, struct nm_http_transfer *transfer)
{
	struct nm_err ignored = {0};
	bool sent;

	nm_transfer_judge(transfer, CURLE_ABORTED_BY_CALLBACK, &ignored);
	sent = transfer->reply.sent;
	nm_http_cancel(http, transfer);
	return sent;
}

enum nm_code
nm_http_call(struct nm_http *http, const struct nm_http_request *request,
             struct nm_http_reply *reply, struct nm_err *err)
{
	struct nm_http_request mine = *request;
	struct nm_http_transfer *transfer;
	struct call call = { .reply = reply };
	enum nm_code rc;

	*reply = (struct nm_http_reply){0};
	mine.done = end_call;
	mine.user = &call;
	rc = nm_http_start(http, &mine, &transfer, err);
	if (rc)
		return rc;
	while (!call.ended) {
		rc = nm_http_poll(http, SLICE_MS, err);
		if (!rc && !call.ended && http->clock)
			rc = nm_clock_check(http->clock, err);
		if (rc && !call.ended) {
			reply->sent = give_up(http, transfer);
			return rc;
		}
	}
	if (call.code && err)
		*err = call.err;
	return call.code;
}
