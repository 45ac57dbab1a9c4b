#include "server/upstream.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "net/http.h"
#include "server/address.h"
#include "server/blame.h"
#include "server/options.h"
#include "server/origin.h"
#include "server/patience.h"

enum { LIST_MS = 5000, LIST_MAX_BYTES = 1 << 20, IDLE_MS = 1000 };

/* One request on its way. Owned by the thread once it is off `fresh`. */
struct exchange {
	struct exchange           *next;
	struct nm_upstream        *upstream;
	struct nm_upstream_request request;
	struct nm_buf              body;
	struct nm_http_transfer   *transfer; /* NULL = not under way */
	int                        tries;
	struct nm_doubt            doubt;
	int64_t                    first_ms, due_ms; /* real */
};

struct nm_upstream {
	struct nm_parts  parts;
	struct nm_origin origin;
	struct nm_http  *http;
	unsigned         concurrency;
	pthread_t        thread;
	bool             started;
	atomic_bool      stop;

	pthread_mutex_t  lock;    /* guards the next four */
	pthread_cond_t   done;
	struct exchange *fresh;   /* newest first */
	const void      *cancel;  /* a group to end; NULL = none */
	bool             ended;   /* nobody takes what is fresh */

	struct exchange *all;     /* the thread's own, oldest first */
	unsigned         running; /* patient ones */
	struct nm_blame  blame;
	struct nm_json   json;
	struct nm_patience patience;
};

static void
free_exchange(struct exchange *exchange)
{
	nm_buf_release(&exchange->body);
	free(exchange);
}

/* Takes an exchange off the thread's list. */
static void
unlink_exchange(struct nm_upstream *upstream, struct exchange *exchange)
{
	struct exchange **at = &upstream->all;

	while (*at != exchange)
		at = &(*at)->next;
	*at = exchange->next;
}

/* ---- replies ---- */

/* Tells the asker; the exchange is gone afterwards. */
static void
conclude(struct exchange *exchange, const struct nm_http_reply *got,
         const struct nm_value *root, const char *reason)
{
	struct nm_upstream *upstream = exchange->upstream;
	struct nm_upstream_reply reply;
	struct nm_buf body = {0};

	nm_reply_make(&reply, got, root, reason, &upstream->origin.key, &body);
	unlink_exchange(upstream, exchange);
	exchange->request.done(exchange->request.user, &reply);
	nm_buf_release(&body);
	free_exchange(exchange);
}

/* Whether it is to be sent again; then due_ms is when. */
static bool
try_again(struct exchange *exchange, const struct nm_retry_event *event)
{
	struct nm_upstream *upstream = exchange->upstream;
	int64_t now = nm_clock_machine_ms(), pause_ms;

	if (exchange->request.manner != NM_UPSTREAM_PATIENT ||
	    atomic_load(&upstream->stop) ||
	    !nm_patience_lasts(&upstream->patience, event, exchange->tries,
	                       now - exchange->first_ms, &pause_ms))
		return false;
	exchange->due_ms = now + pause_ms;
	atomic_fetch_add(&upstream->parts.metrics->upstream_retries, 1);
	return true;
}

/* Whose fault it was; then whether it is to be sent again. */
static bool
goes_on(struct exchange *exchange, struct nm_try *tried,
        struct nm_retry_event *event)
{
	struct nm_upstream *upstream = exchange->upstream;
	bool patient = exchange->request.manner == NM_UPSTREAM_PATIENT;

	tried->endpoint = exchange->request.endpoint;
	tried->now_ms = nm_clock_machine_ms();
	/* Some show their models to whoever asks: that tells nothing of rows. */
	if (exchange->request.manner != NM_UPSTREAM_LIST &&
	    nm_blame_outcome(&upstream->blame, &exchange->doubt, tried))
		event->kind = NM_RETRY_UNREACHABLE;
	if (try_again(exchange, event))
		return true;
	if (patient && !atomic_load(&upstream->stop))
		nm_blame_given_up(&upstream->blame, &exchange->doubt, tried);
	return false;
}

static void
on_done(void *user, struct nm_http_reply *reply, enum nm_code code,
        const struct nm_err *err)
{
	struct exchange *exchange = user;
	struct nm_upstream *upstream = exchange->upstream;
	const struct nm_value *root = NULL;
	struct nm_retry_event event;
	struct nm_try tried = { .event = &event, .err = err };
	char reason[NM_ERR_TEXT_MAX + 64];

	exchange->transfer = NULL;
	upstream->running -= exchange->request.manner == NM_UPSTREAM_PATIENT;
	if (!code && nm_json_read(&upstream->json, reply->body.at,
	                          reply->body.len, &root, NULL))
		root = NULL;
	tried.astray = !code && nm_address_is_wrong(reply->status,
		nm_buf_text(&reply->body), root);
	if (nm_json_kind(root) != NM_JSON_OBJECT)
		root = NULL;
	event = nm_reply_event(reply, code, root);
	if (goes_on(exchange, &tried, &event))
		return;
	snprintf(reason, sizeof(reason), "The upstream did not answer: %s.",
	         code ? err->text : "");
	conclude(exchange, code ? NULL : reply, root, reason);
}

/* ---- the thread ---- */

static void
start(struct nm_upstream *upstream, struct exchange *exchange)
{
	struct nm_http_request request = { .method = NM_HTTP_POST,
		.content_type = "application/json", .done = on_done,
		.body = nm_buf_text(&exchange->body), .user = exchange };
	const struct nm_secret *key = &upstream->origin.key;
	struct nm_buf url = {0};
	struct nm_err err = {0};

	request.total_ms = upstream->parts.options->reply_ms;
	nm_buf_add_text(&url, nm_buf_text(&upstream->origin.base));
	if (exchange->request.manner == NM_UPSTREAM_LIST) {
		nm_buf_add_string(&url, "/models");
		request.method = NM_HTTP_GET;
		request.content_type = NULL;
		request.total_ms = LIST_MS;
		request.reply_max_bytes = LIST_MAX_BYTES;
	} else { /* the base ends in "/v1" as clients' do; an endpoint begins so */
		nm_buf_add_string(&url, nm_ask_path(exchange->request.endpoint) +
		                  sizeof("/v1") - 1);
	}
	request.url = nm_buf_string(&url);
	request.key = nm_secret_held(key) ? key : NULL;
	exchange->tries++;
	atomic_fetch_add(&upstream->parts.metrics->upstream_requests, 1);
	if (nm_http_start(upstream->http, &request, &exchange->transfer, &err))
		conclude(exchange, NULL, NULL, err.text);
	else
		upstream->running +=
			exchange->request.manner == NM_UPSTREAM_PATIENT;
	nm_buf_release(&url);
}

/* Starts what is due and has room; *wait_ms is until the next is due. */
static void
start_due(struct nm_upstream *upstream, int *wait_ms)
{
	int64_t now = nm_clock_machine_ms();
	struct exchange *exchange, *next;

	*wait_ms = IDLE_MS;
	for (exchange = upstream->all; exchange; exchange = next) {
		next = exchange->next;
		if (exchange->transfer)
			continue;
		if (exchange->due_ms > now) {
			if (exchange->due_ms - now < *wait_ms)
				*wait_ms = (int)(exchange->due_ms - now);
			continue;
		}
		if (exchange->request.manner == NM_UPSTREAM_PATIENT &&
		    upstream->running >= upstream->concurrency)
			continue;
		start(upstream, exchange);
	}
}

static void
end_group(struct nm_upstream *upstream, const void *group)
{
	struct exchange **at = &upstream->all, *exchange;

	while ((exchange = *at)) {
		if (exchange->request.group != group) {
			at = &exchange->next;
			continue;
		}
		*at = exchange->next;
		if (exchange->transfer) {
			nm_http_cancel(upstream->http, exchange->transfer);
			upstream->running -=
				exchange->request.manner == NM_UPSTREAM_PATIENT;
		}
		free_exchange(exchange);
	}
}

/* Takes over what came from other threads; false when it is time to end. */
static bool
take_orders(struct nm_upstream *upstream)
{
	struct exchange **end = &upstream->all, *fresh, *next, *turned = NULL;
	bool go_on;

	pthread_mutex_lock(&upstream->lock);
	for (fresh = upstream->fresh; fresh; fresh = next) {
		next = fresh->next;
		fresh->next = turned;
		turned = fresh;
	}
	upstream->fresh = NULL;
	while (*end)
		end = &(*end)->next;
	*end = turned;
	if (upstream->cancel) {
		end_group(upstream, upstream->cancel);
		upstream->cancel = NULL;
		pthread_cond_broadcast(&upstream->done);
	}
	go_on = !atomic_load(&upstream->stop);
	upstream->ended = !go_on;
	pthread_mutex_unlock(&upstream->lock);
	return go_on;
}

static void
turn_away(const struct nm_upstream_request *request)
{
	struct nm_upstream_reply gone;
	struct nm_buf body = {0};

	nm_reply_refuse(&gone, 503, "The server is shutting down.", &body);
	request->done(request->user, &gone);
	nm_buf_release(&body);
}

static void *
run(void *ctx)
{
	struct nm_upstream *upstream = ctx;
	struct exchange *exchange;
	int wait_ms;

	while (take_orders(upstream)) {
		start_due(upstream, &wait_ms);
		nm_blame_look(&upstream->blame, nm_clock_machine_ms());
		if (nm_http_poll(upstream->http, wait_ms, NULL))
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	while ((exchange = upstream->all)) {
		upstream->all = exchange->next;
		if (exchange->transfer)
			nm_http_cancel(upstream->http, exchange->transfer);
		turn_away(&exchange->request);
		free_exchange(exchange);
	}
	return NULL;
}

/* ---- for other threads ---- */

void
nm_upstream_ask(struct nm_upstream *upstream,
                const struct nm_upstream_request *request)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	bool ended;

	if (!exchange)
		abort();
	exchange->upstream = upstream;
	exchange->request = *request;
	exchange->first_ms = nm_clock_machine_ms();
	nm_buf_add_text(&exchange->body, request->body);
	pthread_mutex_lock(&upstream->lock);
	ended = upstream->ended;
	if (!ended) {
		exchange->next = upstream->fresh;
		upstream->fresh = exchange;
		nm_http_wake(upstream->http);
	}
	pthread_mutex_unlock(&upstream->lock);
	if (ended) {
		free_exchange(exchange);
		turn_away(request);
	}
}

void
nm_upstream_cancel(struct nm_upstream *upstream, const void *group)
{
	if (!upstream)
		return;
	pthread_mutex_lock(&upstream->lock);
	while (upstream->cancel)
		pthread_cond_wait(&upstream->done, &upstream->lock);
	upstream->cancel = group;
	nm_http_wake(upstream->http);
	while (upstream->cancel == group)
		pthread_cond_wait(&upstream->done, &upstream->lock);
	pthread_mutex_unlock(&upstream->lock);
}

unsigned
nm_upstream_concurrency(const struct nm_upstream *upstream)
{
	return upstream->concurrency;
}

enum nm_code
nm_upstream_open(const struct nm_parts *parts, struct nm_upstream **upstream,
                 struct nm_err *err)
{
	const struct nm_server_options *options = parts->options;
	struct nm_http_options http = {
		.connections_max = (long)options->concurrency + 64 };
	struct nm_upstream *new = calloc(1, sizeof(*new));
	enum nm_code rc;

	if (!new)
		abort();
	new->parts = *parts;
	new->concurrency = options->concurrency;
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->done, NULL);
	rc = nm_origin_open(&new->origin, options->upstream,
	                    options->upstream_key_env, err);
	nm_blame_init(&new->blame, &new->parts, &new->origin.key,
	              nm_buf_string(&new->origin.where));
	if (!rc)
		rc = nm_http_open(&new->http, &http, err);
	if (!rc && pthread_create(&new->thread, NULL, run, new))
		rc = nm_fail(err, NM_IO, 0, "cannot start the upstream's thread");
	new->started = !rc;
	if (rc)
		nm_upstream_close(new);
	else
		*upstream = new;
	return rc;
}

void
nm_upstream_stop(struct nm_upstream *upstream)
{
	if (!upstream || !upstream->started)
		return;
	atomic_store(&upstream->stop, true);
	nm_http_wake(upstream->http);
	pthread_join(upstream->thread, NULL);
	upstream->started = false;
}

void
nm_upstream_close(struct nm_upstream *upstream)
{
	if (!upstream)
		return;
	nm_upstream_stop(upstream);
	if (upstream->http)
		nm_http_close(upstream->http);
	nm_json_release(&upstream->json);
	nm_origin_release(&upstream->origin);
	pthread_cond_destroy(&upstream->done);
	pthread_mutex_destroy(&upstream->lock);
	free(upstream);
}
