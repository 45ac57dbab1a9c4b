#include "server/chat.h"

#include "base/digest.h"
#include "server/model.h"
#include "server/params.h"
#include "server/options.h"
#include "server/upstream.h"

enum { NOTED_MAX = 400 };

/* The end of a prompt, for the log: where a template puts what differs. */
static void
note_prompt(struct nm_call *call, const struct nm_ask *ask)
{
	struct nm_text tail = ask->prompt;

	if (!call->parts->options->log)
		return;
	if (tail.len > NOTED_MAX) {
		tail.at += tail.len - NOTED_MAX;
		tail.len = NOTED_MAX;
	}
	nm_call_note(call, "model", ask->model);
	nm_call_note(call, "prompt", tail);
}

static void
refuse(struct nm_call *call, const struct nm_verdict *verdict)
{
	struct nm_refusal refusal = { .status = verdict->status,
		.param = verdict->param[0] ? verdict->param : NULL,
		.code = verdict->code };

	nm_call_refuse(call, &refusal, "%s", nm_buf_string(&verdict->message));
}

static enum nm_code
answer_simulated(struct nm_call *call, const struct nm_ask *ask,
                 struct nm_err *err)
{
	struct nm_reply_wish wish = {
		.now_s = nm_vclock_now_s(call->parts->clock) };
	struct nm_buf body = {0}, scratch = {0};
	struct nm_usage usage;
	enum nm_code rc;

	rc = nm_model_refresh_lately(call->parts->model, err);
	if (rc)
		return rc;
	nm_digest_random(&wish.salt, sizeof(wish.salt));
	nm_model_reply(call->parts->model, ask, &wish, &scratch, &body, &usage);
	nm_call_json(call, 200, &body);
	nm_buf_release(&scratch);
	return NM_OK;
}

static void
pass_header(struct nm_call *call, const char *name, struct nm_text value)
{
	if (value.len)
		nm_call_header(call, name, nm_arena_text(&call->arena, value).at);
}

/* On the upstream's thread. */
static void
on_reply(void *user, const struct nm_upstream_reply *reply)
{
	struct nm_call *call = user;
	struct nm_buf body = {0};

	nm_buf_add_text(&body, reply->body);
	nm_call_json(call, reply->status, &body);
	pass_header(call, "Retry-After", reply->retry_after);
	pass_header(call, "retry-after-ms", reply->retry_after_ms);
	pass_header(call, "x-should-retry", reply->should_retry);
	nm_call_resume(call);
}

/* Passed through as it came, answered as it is answered: whether to try again is
 * the client's affair. */
static void
pass_through(struct nm_call *call, enum nm_endpoint endpoint)
{
	struct nm_upstream_request request = { .endpoint = endpoint,
		.body = call->body, .manner = NM_UPSTREAM_URGENT,
		.done = on_reply, .user = call };

	nm_call_suspend(call);
	nm_upstream_ask(call->parts->upstream, &request);
}

static enum nm_code
answer(struct nm_call *call, struct nm_err *err)
{
	struct nm_verdict verdict = {0};
	struct nm_ask ask = {0};
	enum nm_code rc = NM_OK;

	nm_ask_read(&ask, nm_ask_endpoint(nm_text_of(call->route->path)),
	            call->root);
	note_prompt(call, &ask);
	if (nm_json_true(nm_json_get(call->root, "stream")))
		nm_verdict_set(&verdict, 400, "stream", "unsupported_value",
			"Unsupported value: 'stream' does not support true with this "
			"server. Only false is supported.");
	else if (!call->parts->upstream)
		nm_params_judge(&ask, call->parts->options->models, &verdict);
	else if (call->parts->options->models)
		(void)nm_params_judge_model(&ask, call->parts->options->models,
		                            &verdict);
	if (verdict.status)
		refuse(call, &verdict);
	else if (call->parts->upstream)
		pass_through(call, ask.endpoint);
	else
		rc = answer_simulated(call, &ask, err);
	nm_verdict_release(&verdict);
	nm_ask_release(&ask);
	return rc;
}

const struct nm_route nm_chat_routes[] = {
	{ .method = NM_POST, .path = "/v1/chat/completions",
	  .taking = NM_TAKE_JSON, .body_max_bytes = NM_CHAT_BODY_MAX_BYTES,
	  .handle = answer },
	{ .method = NM_POST, .path = "/v1/responses", .taking = NM_TAKE_JSON,
	  .body_max_bytes = NM_CHAT_BODY_MAX_BYTES, .handle = answer },
	{ .method = NM_POST, .path = "/v1/embeddings", .taking = NM_TAKE_JSON,
	  .body_max_bytes = NM_CHAT_BODY_MAX_BYTES, .handle = answer },
	{ .method = NM_POST, .path = "/v1/completions", .taking = NM_TAKE_JSON,
	  .body_max_bytes = NM_CHAT_BODY_MAX_BYTES, .handle = answer },
	{ .path = NULL },
};
