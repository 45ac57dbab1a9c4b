#include "server/visit.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "server/query.h"
#include "server/route.h"
#include "server/options.h"

enum {
	DRAIN_MAX_BYTES = 64 << 20, /* of a refused body, to spare a reset */
	LOG_DIGITS = 16 /* of a body's digest: enough to tell bodies apart */
};

int64_t
nm_visit_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the head ---- */

/* What of a request's target is ours: who names us in it as a proxy would be named
 * is served as well (RFC 9112, 3.2.2). */
static struct nm_text
origin_form(const char *target)
{
	static const char *const schemes[] = { "http://", "https://" };
	size_t len;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i]);
		if (strncasecmp(target, schemes[i], len) != 0)
			continue;
		target += len;
		target += strcspn(target, "/?");
		return *target == '/' ? nm_text_of(target) : NM_TEXT("/");
	}
	return nm_text_of(target);
}

void *
nm_visit_uri(void *ctx, const char *uri, struct MHD_Connection *c)
{
	struct nm_visit *visit = nm_hall_take_visit(ctx);
	struct nm_call *call = &visit->call;
	const union MHD_ConnectionInfo *info;
	const char *mark = strchr(uri, '?');
	struct nm_text path = origin_form(uri);

	if (mark) {
		path.len = strcspn(path.at, "?");
		call->query = nm_arena_text(&call->arena, nm_text_of(mark + 1));
	}
	call->path = nm_query_decode(path, &call->arena);
	call->parts = visit->hall->parts;
	call->answer = &visit->answer;
	visit->connection = c;
	visit->began_us = nm_visit_now_us();
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	visit->link = info ? info->socket_context : NULL;
	return visit;
}

static const char *
header(struct nm_visit *visit, const char *name)
{
	return MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND,
	                                   name);
}

/* The lines of a head that say where its body ends. */
struct framing {
	int  lengths, codings;
	bool blank_in_name;
};

static enum MHD_Result
count_framing(void *ctx, enum MHD_ValueKind kind, const char *name,
              const char *value)
{
	struct framing *framing = ctx;

	(void)kind;
	(void)value;
	framing->lengths += strcasecmp(name, "Content-Length") == 0;
	framing->codings += strcasecmp(name, "Transfer-Encoding") == 0;
	if (strpbrk(name, " \t"))
		framing->blank_in_name = true;
	return MHD_YES;
}

/* A head that two readers could understand in two ways is nobody's friend. */
static bool
head_is_ambiguous(struct nm_visit *visit)
{
	const char *coding = header(visit, "Transfer-Encoding");
	struct framing framing = {0};

	MHD_get_connection_values(visit->connection, MHD_HEADER_KIND,
	                          count_framing, &framing);
	return framing.blank_in_name || framing.lengths > 1 ||
	       framing.codings > 1 ||
	       (coding && (framing.lengths ||
	                   strcasecmp(coding, "chunked") != 0));
}

static void
refuse(struct nm_visit *visit, unsigned status, const char *code,
       const char *format, ...)
{
	struct nm_refusal refusal = { .status = status, .code = code };
	struct nm_buf text = {0};
	va_list args;

	va_start(args, format);
	nm_buf_addv(&text, format, args);
	va_end(args);
	nm_call_refuse(&visit->call, &refusal, "%s", nm_buf_string(&text));
	nm_buf_release(&text);
	visit->body.refused = true;
}

/* The name that a key stands for, as the call's own. *none: no key is asked for. */
static const char *
find_key(struct nm_visit *visit, const char *key, bool *none)
{
	struct nm_hall *hall = visit->hall;
	const char *name = NULL;

	pthread_rwlock_rdlock(&hall->keys_lock);
	*none = !hall->keys.n_rows;
	if (!*none && key)
		name = nm_keys_find(&hall->keys, nm_text_of(key));
	if (name)
		name = nm_arena_string(&visit->call.arena, name);
	pthread_rwlock_unlock(&hall->keys_lock);
	return name;
}

static void
check_key(struct nm_visit *visit)
{
	const char *given = header(visit, "Authorization");
	const char *key = NULL, *name;
	bool none;

	visit->call.tenant = "";
	if (given && strncasecmp(given, "Bearer ", 7) == 0 && given[7])
		key = given + 7;
	name = find_key(visit, key, &none);
	if (none)
		return;
	if (!key) {
		refuse(visit, 401, NULL, "You didn't provide an API key. You need "
		       "to provide your API key in an Authorization header using "
		       "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).");
		return;
	}
	if (name)
		visit->call.tenant = name;
	else
		refuse(visit, 401, "invalid_api_key",
		       "Incorrect API key provided.");
}

static void
find_route(struct nm_visit *visit)
{
	struct nm_call *call = &visit->call;
	struct nm_text id = {0};
	enum nm_match match = NM_MATCH_NONE;

	if (!memchr(call->path.at, 0, call->path.len))
		match = nm_route_find(visit->verb, call->path, &call->route, &id);
	if (match == NM_MATCH_METHOD) {
		call->method = call->route->method;
		call->id = nm_arena_text(&call->arena, id).at;
	}
	if (match != NM_MATCH_METHOD || call->route->door == NM_DOOR_KEY)
		check_key(visit);
	if (visit->body.refused)
		return;
	if (match == NM_MATCH_NONE)
		refuse(visit, 404, NULL, "Invalid URL (%s %.*s)", visit->verb,
		       NM_TEXT_ARGS(call->path));
	else if (match == NM_MATCH_PATH)
		refuse(visit, 405, "method_not_supported",
		       "Not allowed to %s on %.*s. (HINT: Perhaps you meant to use "
		       "a different HTTP method?)", visit->verb,
		       NM_TEXT_ARGS(call->path));
}

/* Browsers say where a call comes from. One that a page of another site makes
 * them send is not its user's wish, and no key may stand in its way. */
static bool
comes_from_elsewhere(struct nm_visit *visit)
{
	const char *site;

	if (strcmp(visit->verb, "GET") == 0 || strcmp(visit->verb, "HEAD") == 0)
		return false;
	site = header(visit, "Sec-Fetch-Site");
	return site && strcmp(site, "same-origin") != 0 &&
	       strcmp(site, "none") != 0;
}

static uint64_t
announced_bytes(struct nm_visit *visit)
{
	const char *text = header(visit, "Content-Length");
	int64_t number;

	if (text && nm_query_number(nm_text_of(text), &number) && number >= 0)
		return (uint64_t)number;
	if (text)
		return UINT64_MAX - 1; /* more digits than any length has */
	return header(visit, "Transfer-Encoding") ? UINT64_MAX : 0;
}

static const struct nm_route nowhere = { .path = "", .taking = NM_TAKE_NONE };

/* All that can be told from the head. Returns whether to answer at once. */
static bool
look_at_head(struct nm_visit *visit, const char *method)
{
	struct nm_call *call = &visit->call;
	const struct nm_parts *parts = call->parts;
	const char *type = header(visit, "Content-Type");
	uint64_t announced;

	visit->verb = nm_arena_string(&call->arena, method);
	nm_store_new_id("req_", visit->request_id);
	call->request_id = visit->request_id;
	call->client_id = header(visit, "X-Client-Request-Id");
	call->client_id = nm_arena_string(&call->arena,
	                                  call->client_id ? call->client_id : "");
	call->tenant = "";
	visit->body.call = call;
	if (head_is_ambiguous(visit)) {
		visit->hang_up = true;
		refuse(visit, 400, NULL, "The request has a Content-Length besides "
		       "a Transfer-Encoding, or several of either, or a "
		       "Transfer-Encoding other than chunked, or a blank before "
		       "a header's colon.");
		return true;
	}
	find_route(visit);
	if (!visit->body.refused && comes_from_elsewhere(visit))
		refuse(visit, 403, NULL, "This call comes from a page of another "
		       "site.");
	if (!call->route)
		call->route = &nowhere;
	if (call->route->door == NM_DOOR_KEY)
		nm_faults_call(parts->faults, visit->verb, call->path,
		               nm_vclock_now_ms(parts->clock), &call->arena,
		               &call->fault);
	/* Of GET alone a range is defined; no validator of ours is there to fit. */
	if (strcmp(visit->verb, "GET") == 0 && header(visit, "Range") &&
	    !header(visit, "If-Range"))
		call->range = nm_arena_text(&call->arena,
		                            nm_text_of(header(visit, "Range")));
	announced = announced_bytes(visit);
	if (!visit->body.refused)
		nm_body_begin(&visit->body, call, type, announced);
	return visit->body.refused && (announced > DRAIN_MAX_BYTES ||
	                               header(visit, "Expect"));
}

/* ---- the answer ---- */

static void
write_log(struct nm_visit *visit, unsigned status, uint64_t bytes_out)
{
	struct nm_call *call = &visit->call;
	int64_t now_ms = nm_vclock_now_ms(call->parts->clock);
	struct nm_json_writer w = {0};
	struct nm_buf line = {0};
	char time[NM_CLOCK_TEXT_MAX], hex[NM_DIGEST_HEX_MAX];

	visit->logged = true;
	if (!visit->hall->log.fd_plus_one)
		return;
	nm_clock_utc(now_ms, time);
	w.out = &line;
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "time", time);
	nm_json_put_int(&w, "at_ms", now_ms);
	nm_json_put_string(&w, "method", visit->verb ? visit->verb : "");
	nm_json_put_text(&w, "path", call->path);
	nm_json_put_text(&w, "query", call->query);
	nm_json_put_int(&w, "status", (int64_t)status);
	nm_json_put_int(&w, "bytes_in", (int64_t)call->body_bytes);
	nm_json_put_int(&w, "bytes_out", (int64_t)bytes_out);
	nm_json_put_int(&w, "took_us", nm_visit_now_us() - visit->began_us);
	nm_json_put_string(&w, "request_id", visit->request_id);
	nm_json_put_string(&w, "client_request_id",
	                   call->client_id ? call->client_id : "");
	nm_json_put_string(&w, "tenant", call->tenant ? call->tenant : "");
	if (call->fault.rule)
		nm_json_put_string(&w, "fault", call->fault.rule);
	if (call->body.len) {
		nm_digest_hex(NM_SHA256, call->body.at, call->body.len, hex);
		nm_json_put_text(&w, "body_sha256",
		                 (struct nm_text){ hex, LOG_DIGITS });
	}
	nm_buf_add_text(&line, nm_buf_text(&call->noted));
	nm_json_close_object(&w);
	nm_buf_add_byte(&line, '\n');
	nm_log_add(&visit->hall->log, nm_buf_text(&line));
	nm_buf_release(&line);
}

static void
count(struct nm_visit *visit, unsigned status, uint64_t bytes_out)
{
	struct nm_metrics *metrics = visit->call.parts->metrics;

	atomic_fetch_add(&metrics->requests[status < 600 ? status / 100 : 0], 1);
	atomic_fetch_add(&metrics->body_in_bytes,
	                 (int64_t)visit->call.body_bytes);
	atomic_fetch_add(&metrics->body_out_bytes, (int64_t)bytes_out);
	if (visit->call.fault.rule)
		atomic_fetch_add(&metrics->faults, 1);
}

static enum MHD_Result
send_answer(struct nm_visit *visit)
{
	struct nm_call *call = &visit->call;
	unsigned status = visit->answer.status;
	uint64_t bytes = nm_response_bytes(visit);
	struct MHD_Response *response;
	enum MHD_Result queued;

	visit->stage = NM_VISIT_ANSWERED;
	if (call->fault.loss == NM_LOSE_REPLY) {
		count(visit, 0, 0);
		write_log(visit, 0, 0);
		return MHD_NO;
	}
	count(visit, status, bytes);
	write_log(visit, status, bytes);
	response = nm_response_make(visit);
	if (!response)
		return MHD_NO;
	nm_response_add_headers(visit, response);
	queued = MHD_queue_response(visit->connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

/* A handler's error is ours, never the client's: full disk or broken server. */
static void
answer_error(struct nm_visit *visit, const struct nm_err *err)
{
	bool full = err->detail == ENOSPC || err->detail == EDQUOT;
	struct nm_refusal refusal = {
		.status = full ? 507 : 500,
		.type = "server_error",
		.code = full ? "insufficient_storage" : NULL
	};

	nm_call_note(&visit->call, "error", nm_text_of(err->text));
	if (full)
		nm_call_refuse(&visit->call, &refusal, "The server's disk is full. "
		               "Nothing was changed.");
	else
		nm_call_refuse(&visit->call, &refusal, "The server had an error "
		               "while processing your request. Sorry about that!");
}

/* The script's own answer in place of the handler's. */
static void
answer_fault(struct nm_visit *visit)
{
	const struct nm_fault *fault = &visit->call.fault;
	struct nm_refusal refusal = { .status = fault->status };
	struct nm_buf body = {0};
	const char *text = "The server had an error while processing your "
	                   "request. Sorry about that!";

	if (fault->body) {
		nm_buf_add_string(&body, fault->body);
		nm_call_json(&visit->call, fault->status, &body);
		return;
	}
	if (fault->status == 429) {
		refusal.type = "requests";
		refusal.code = "rate_limit_exceeded";
		text = "Rate limit reached for requests. Please try again later.";
	} else if (fault->status >= 500) {
		refusal.type = "server_error";
	}
	nm_call_refuse(&visit->call, &refusal, "%s", text);
}

/* The handler's answer, or what the script says in its place. */
static enum MHD_Result
send_acted(struct nm_visit *visit)
{
	if (visit->call.fault.status && visit->call.fault.acts) {
		nm_answer_release(&visit->answer);
		answer_fault(visit);
	}
	return send_answer(visit);
}

static void
ensure_answer(struct nm_visit *visit, enum nm_code rc, struct nm_err *err)
{
	if (!rc && visit->answer.kind == NM_ANSWER_NONE)
		rc = nm_fail(err, NM_STATE, 0, "nothing was answered");
	if (rc)
		answer_error(visit, err);
}

static enum MHD_Result
run_handler(struct nm_visit *visit)
{
	struct nm_call *call = &visit->call;
	struct nm_err err = {0};
	enum nm_code rc = NM_OK;

	if (call->fault.loss == NM_LOSE_CALL) {
		count(visit, 0, 0);
		write_log(visit, 0, 0);
		return MHD_NO;
	}
	if (call->fault.status && !call->fault.acts) {
		answer_fault(visit);
	} else {
		rc = nm_body_finish(&visit->body, &err);
		/* What takes us long is not the client's slowness. */
		atomic_store(&visit->link->put_off, 1);
		if (!rc && !visit->body.refused)
			rc = call->route->handle(call, &err);
		/* From here on another thread may be at work on the call. */
		if (visit->stage == NM_VISIT_LATER)
			return MHD_YES;
		atomic_store(&visit->link->put_off, 0);
		ensure_answer(visit, rc, &err);
	}
	return send_acted(visit);
}

/* ---- put off and taken up ---- */

static void
take_up(void *ctx)
{
	struct nm_visit *visit = ctx;

	atomic_store(&visit->link->put_off, 0);
	MHD_resume_connection(visit->connection);
}

static void
put_off(struct nm_visit *visit)
{
	atomic_store(&visit->link->put_off, 1);
	MHD_suspend_connection(visit->connection);
}

void
nm_call_suspend(struct nm_call *call)
{
	struct nm_visit *visit = (struct nm_visit *)call;

	visit->stage = NM_VISIT_LATER;
	put_off(visit);
}

void
nm_call_resume(struct nm_call *call)
{
	take_up(call);
}

void
nm_call_later(struct nm_call *call,
              enum nm_code (*go_on)(struct nm_call *call, struct nm_err *err))
{
	struct nm_visit *visit = (struct nm_visit *)call;

	visit->go_on = go_on;
	nm_call_suspend(call);
	nm_porter_take(&visit->hall->porter, visit);
}

void
nm_visit_go_later(struct nm_visit *visit)
{
	struct nm_err err = {0};

	ensure_answer(visit, visit->go_on(&visit->call, &err), &err);
}

static enum MHD_Result
body_done(struct nm_visit *visit)
{
	visit->stage = NM_VISIT_READY;
	if (visit->call.fault.delay_ms <= 0 ||
	    nm_watch_hurries(visit->hall->watch))
		return run_handler(visit);
	visit->delay.act = take_up;
	visit->delay.ctx = visit;
	put_off(visit);
	nm_watch_later(visit->hall->watch, &visit->delay,
	               visit->call.fault.delay_ms);
	return MHD_YES;
}

enum MHD_Result
nm_visit_go_on(void *ctx, struct MHD_Connection *c, const char *url,
               const char *method, const char *version, const char *bytes,
               size_t *n_bytes, void **state)
{
	struct nm_visit *visit = *state;

	(void)c;
	(void)url;
	(void)version;
	switch (visit->stage) {
	case NM_VISIT_HEAD:
		visit->counted = true;
		atomic_fetch_add(&((struct nm_hall *)ctx)->under_way, 1);
		visit->stage = NM_VISIT_BODY;
		if (look_at_head(visit, method)) {
			visit->hang_up = true;
			return send_answer(visit);
		}
		return MHD_YES;
	case NM_VISIT_BODY:
		if (!*n_bytes)
			return body_done(visit);
		nm_body_take(&visit->body, bytes, *n_bytes);
		*n_bytes = 0;
		/* Nobody reads a refused body without end. */
		return visit->body.refused && visit->call.body_bytes >
		       visit->body.max_bytes + DRAIN_MAX_BYTES ? MHD_NO : MHD_YES;
	case NM_VISIT_READY:
		return run_handler(visit);
	case NM_VISIT_LATER:
		return send_acted(visit);
	default:
		return MHD_NO;
	}
}

void
nm_visit_end(void *ctx, struct MHD_Connection *c, void **state,
             enum MHD_RequestTerminationCode why)
{
	struct nm_hall *hall = ctx;
	struct nm_visit *visit = *state;

	(void)c;
	(void)why;
	if (!visit)
		return;
	*state = NULL;
	if (visit->counted && !visit->logged) {
		count(visit, 0, 0);
		write_log(visit, 0, 0);
	}
	if (visit->link)
		atomic_store(&visit->link->done, 1);
	if (visit->counted)
		atomic_fetch_sub(&hall->under_way, 1);
	nm_hall_give_back(visit);
}
