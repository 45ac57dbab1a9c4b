/* What steers the server beside the API: time and faults; and the model list. */
#include "base/clock.h"
#include "server/call.h"
#include "server/options.h"
#include "server/upstream.h"
#include "server/worker.h"

/* A year and a day at once; more is a slip of the pen. */
#define MOVE_MAX_MS ((int64_t)366 * 86400 * 1000)

static enum nm_code
tell_time(struct nm_call *call, struct nm_err *err)
{
	int64_t now_ms = nm_vclock_now_ms(call->parts->clock);
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };
	char text[NM_CLOCK_TEXT_MAX];

	(void)err;
	nm_clock_utc(now_ms, text);
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "mode", nm_vclock_mode(call->parts->clock));
	nm_json_put_double(&w, "speed", nm_vclock_speed(call->parts->clock));
	nm_json_put_int(&w, "now_ms", now_ms);
	nm_json_put_int(&w, "now", now_ms / 1000);
	nm_json_put_string(&w, "utc", text);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
	return NM_OK;
}

/* {"advance":"24h"}, {"advance_ms":N} or {"to":unix seconds}; *by_ms is below 0
 * where it is none of them. */
static enum nm_code
read_move(struct nm_call *call, int64_t *by_ms, struct nm_err *err)
{
	const char *span = nm_json_string(nm_json_get(call->root, "advance"));
	int64_t to_s = nm_json_int(nm_json_get(call->root, "to"), -1);

	*by_ms = nm_json_int(nm_json_get(call->root, "advance_ms"), -1);
	if (nm_json_count(call->root) != 1)
		*by_ms = -1;
	else if (span)
		return nm_clock_read_span(span, by_ms, err);
	else if (to_s >= 0 && to_s < INT64_MAX / 1000)
		*by_ms = to_s * 1000 - nm_vclock_now_ms(call->parts->clock);
	return NM_OK;
}

static enum nm_code
move_time(struct nm_call *call, struct nm_err *err)
{
	struct nm_vclock *clock = call->parts->clock;
	struct nm_refusal refusal = { .status = 400 };
	int64_t by_ms;
	enum nm_code rc = read_move(call, &by_ms, err);

	if (!rc && (by_ms < 0 || by_ms > MOVE_MAX_MS))
		rc = nm_fail(err, NM_USAGE, 0, "say one of \"advance\":\"24h\", "
		             "\"advance_ms\":N and \"to\":unix seconds; time goes "
		             "forward, by a year at most");
	if (!rc)
		rc = nm_vclock_move(clock, by_ms, err);
	if (rc == NM_USAGE || rc == NM_REFUSED) {
		nm_call_refuse(call, &refusal, "%s.", err->text);
		return NM_OK;
	}
	if (rc)
		return rc;
	nm_worker_wake(call->parts->worker);
	return tell_time(call, err);
}

static enum nm_code
reload_faults(struct nm_call *call, struct nm_err *err)
{
	struct nm_refusal refusal = { .status = 400 };
	struct nm_buf body = {0};
	enum nm_code rc = nm_faults_load(call->parts->faults, NULL, err);

	if (rc) {
		nm_call_refuse(call, &refusal, "%s.", err->text);
		return NM_OK;
	}
	nm_worker_wake(call->parts->worker);
	nm_buf_add_string(&body, "{\"object\":\"faults\",\"loaded\":true}");
	nm_call_json(call, 200, &body);
	return NM_OK;
}

static void
put_model(struct nm_json_writer *w, const char *id, int64_t created_s)
{
	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "id", id);
	nm_json_put_string(w, "object", "model");
	nm_json_put_int(w, "created", created_s);
	nm_json_put_string(w, "owned_by", "nightmail");
	nm_json_close_object(w);
}

static void
list_own_models(struct nm_call *call)
{
	static const int64_t created_s = 1767225600; /* 2026-01-01 */
	const struct nm_server_options *options = call->parts->options;
	struct nm_text left = nm_text_of(options->models ? options->models :
	                                 options->upstream ? "" : "simulated");
	struct nm_text name;
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };
	const char *comma;

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "object", "list");
	nm_json_open_array(&w, "data");
	while (left.len) {
		comma = memchr(left.at, ',', left.len);
		name = left;
		if (comma)
			name.len = (size_t)(comma - left.at);
		put_model(&w, nm_arena_text(&call->arena, name).at, created_s);
		left.at += name.len + (comma ? 1 : 0);
		left.len -= name.len + (comma ? 1 : 0);
	}
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
}

/* On the upstream's thread. What is no list is none of ours. */
static void
on_models(void *user, const struct nm_upstream_reply *reply)
{
	const struct nm_value *root = NULL;
	struct nm_call *call = user;
	struct nm_json json = {0};
	struct nm_buf body = {0};

	if (reply->status == 200 &&
	    !nm_json_read(&json, reply->body.at, reply->body.len, &root, NULL) &&
	    nm_json_kind(nm_json_get(root, "data")) == NM_JSON_ARRAY) {
		nm_buf_add_text(&body, reply->body);
		nm_call_json(call, 200, &body);
	} else {
		list_own_models(call);
	}
	nm_json_release(&json);
	nm_call_resume(call);
}

/* The upstream's, unless the options name those that are served. */
static enum nm_code
list_models(struct nm_call *call, struct nm_err *err)
{
	struct nm_upstream_request request = { .manner = NM_UPSTREAM_LIST,
		.done = on_models, .user = call };

	(void)err;
	if (!call->parts->upstream || call->parts->options->models) {
		list_own_models(call);
		return NM_OK;
	}
	nm_call_suspend(call);
	nm_upstream_ask(call->parts->upstream, &request);
	return NM_OK;
}

const struct nm_route nm_control_routes[] = {
	{ NM_GET, "/v1/models", NM_TAKE_NONE, 0, list_models, NM_DOOR_KEY },
	{ NM_GET, "/_control/clock", NM_TAKE_NONE, 0, tell_time, NM_DOOR_KEY },
	{ NM_POST, "/_control/clock", NM_TAKE_JSON, 0, move_time, NM_DOOR_KEY },
	{ NM_POST, "/_control/faults", NM_TAKE_NONE, 0, reload_faults,
	  NM_DOOR_KEY },
	{ .path = NULL }
};
