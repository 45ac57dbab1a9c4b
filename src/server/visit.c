#include "server/visit.h"

#include <errno.h>

#include "server/account.h"
#include "server/gate.h"
#include "server/query.h"
#include "server/response.h"

void *
nm_visit_uri(void *ctx, const char *uri, struct MHD_Connection *c)
{
	struct nm_visit *visit = nm_hall_take_visit(ctx);
	struct nm_call *call = &visit->call;
	const union MHD_ConnectionInfo *info;
	const char *mark = strchr(uri, '?');
	struct nm_text path = nm_gate_target(uri);

	if (mark) {
		path.len = strcspn(path.at, "?");
		call->query = nm_arena_text(&call->arena, nm_text_of(mark + 1));
	}
	call->path = nm_query_decode(path, &call->arena);
	call->parts = visit->hall->parts;
	call->answer = &visit->answer;
	visit->connection = c;
	nm_visit_account_open(visit);
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	visit->link = info ? info->socket_context : NULL;
	return visit;
}

/* ---- the answer ---- */

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
		nm_visit_account_close(visit, 0, 0);
		return MHD_NO;
	}
	nm_visit_account_close(visit, status, bytes);
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
		nm_visit_account_close(visit, 0, 0);
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

/* Where go_on does not answer, the envelope of an error does. */
static void
go_later(void *ctx)
{
	struct nm_visit *visit = ctx;
	struct nm_err err = {0};

	ensure_answer(visit, visit->go_on(&visit->call, &err), &err);
	nm_call_resume(&visit->call);
}

static void
turn_away(void *ctx)
{
	struct nm_refusal closing = { .status = 503, .type = "server_error" };
	struct nm_visit *visit = ctx;

	nm_call_refuse(&visit->call, &closing, "The server is shutting down.");
	nm_call_resume(&visit->call);
}

void
nm_call_later(struct nm_call *call,
              enum nm_code (*go_on)(struct nm_call *call, struct nm_err *err))
{
	struct nm_visit *visit = (struct nm_visit *)call;

	visit->go_on = go_on;
	visit->load = (struct nm_load){ .carry = go_later,
		.turn_away = turn_away, .ctx = visit };
	nm_call_suspend(call);
	nm_porter_take(&visit->hall->porter, &visit->load);
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
		if (nm_gate_look(visit, method) == NM_GATE_ANSWER) {
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
		       visit->body.max_bytes + NM_GATE_DRAIN_BYTES ? MHD_NO : MHD_YES;
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
	if (visit->counted && !visit->logged)
		nm_visit_account_close(visit, 0, 0);
	if (visit->link)
		atomic_store(&visit->link->done, 1);
	if (visit->counted)
		atomic_fetch_sub(&hall->under_way, 1);
	nm_hall_give_back(visit);
}
