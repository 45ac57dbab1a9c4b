/* GET /v1/models, all and one: the upstream's, unless the options name those that are
 * served. */
#include "server/ask.h"
#include "server/call.h"
#include "server/options.h"
#include "server/upstream.h"

static const struct nm_refusal unknown = { .status = 404, .param = "model",
	.code = "model_not_found" };

static void
put_model(struct nm_json_writer *w, const char *id)
{
	static const int64_t created_s = 1767225600; /* 2026-01-01 */

	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "id", id);
	nm_json_put_string(w, "object", "model");
	nm_json_put_int(w, "created", created_s);
	nm_json_put_string(w, "owned_by", "nightmail");
	nm_json_close_object(w);
}

static void
list_own(struct nm_call *call)
{
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
		put_model(&w, nm_arena_text(&call->arena, name).at);
		left.at += name.len + (comma ? 1 : 0);
		left.len -= name.len + (comma ? 1 : 0);
	}
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
}

static void
refuse_unknown(struct nm_call *call)
{
	nm_call_refuse(call, &unknown, "The model '%s' does not exist", call->id);
}

/* Of the simulated model every name is one, unless the options say which. */
static void
answer_own(struct nm_call *call)
{
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };

	if (!nm_ask_supports(call->parts->options->models,
	                     nm_text_of(call->id))) {
		refuse_unknown(call);
		return;
	}
	put_model(&w, call->id);
	nm_call_json(call, 200, &body);
}

static bool
is_own(const struct nm_call *call)
{
	return !call->parts->upstream || call->parts->options->models;
}

/* Its list of models; NULL: what came is none. */
static const struct nm_value *
read_list(struct nm_json *json, const struct nm_upstream_reply *reply)
{
	const struct nm_value *root = NULL, *data;

	if (reply->status != 200 ||
	    nm_json_read(json, reply->body.at, reply->body.len, &root, NULL))
		return NULL;
	data = nm_json_get(root, "data");
	return nm_json_kind(data) == NM_JSON_ARRAY ? data : NULL;
}

/* On the upstream's thread. What is no list is none of ours. */
static void
on_list(void *user, const struct nm_upstream_reply *reply)
{
	struct nm_call *call = user;
	struct nm_json json = {0};
	struct nm_buf body = {0};

	if (read_list(&json, reply)) {
		nm_buf_add_text(&body, reply->body);
		nm_call_json(call, 200, &body);
	} else {
		list_own(call);
	}
	nm_json_release(&json);
	nm_call_resume(call);
}

/* On the upstream's thread. */
static void
on_list_for_one(void *user, const struct nm_upstream_reply *reply)
{
	const struct nm_value *model;
	struct nm_call *call = user;
	struct nm_json json = {0};
	struct nm_buf body = {0};
	struct nm_json_walk walk;
	struct nm_text name;

	nm_json_walk_init(&walk, read_list(&json, reply));
	while ((model = nm_json_walk_next(&walk, &name)))
		if (nm_text_is(nm_json_text(nm_json_get(model, "id")), call->id))
			break;
	if (model) {
		nm_json_write(&body, model);
		nm_call_json(call, 200, &body);
	} else {
		refuse_unknown(call);
	}
	nm_json_release(&json);
	nm_call_resume(call);
}

static void
ask_upstream(struct nm_call *call,
             void (*done)(void *, const struct nm_upstream_reply *))
{
	struct nm_upstream_request request = { .manner = NM_UPSTREAM_LIST,
		.done = done, .user = call };

	nm_call_suspend(call);
	nm_upstream_ask(call->parts->upstream, &request);
}

static enum nm_code
list_models(struct nm_call *call, struct nm_err *err)
{
	(void)err;
	if (is_own(call))
		list_own(call);
	else
		ask_upstream(call, on_list);
	return NM_OK;
}

static enum nm_code
get_model(struct nm_call *call, struct nm_err *err)
{
	(void)err;
	if (is_own(call))
		answer_own(call);
	else
		ask_upstream(call, on_list_for_one);
	return NM_OK;
}

const struct nm_route nm_model_routes[] = {
	{ NM_GET, "/v1/models", NM_TAKE_NONE, 0, list_models, NM_DOOR_KEY },
	{ NM_GET, "/v1/models/{all}", NM_TAKE_NONE, 0, get_model, NM_DOOR_KEY },
	{ .path = NULL }
};
