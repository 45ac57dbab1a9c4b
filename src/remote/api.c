/*
 * api: see api.h; what the end of a call means is in api_verdict.c.
 */
#include "remote/api.h"

#include "base/digest.h"

enum nm_code
nm_api_open(struct nm_api *api, const struct nm_account *account,
            const struct nm_clock *clock, struct nm_err *err)
{
	struct nm_http_options options = { .clock = clock };
	enum nm_code rc;

	rc = nm_http_open(&api->http, &options, err);
	if (rc)
		return rc;
	api->account = account;
	api->clock = clock;
	nm_digest_random(&api->chance, sizeof(api->chance));
	return NM_OK;
}

void
nm_api_close(struct nm_api *api)
{
	if (!api)
		return;
	nm_http_close(api->http);
	*api = (struct nm_api){0};
}

void
nm_reply_release(struct nm_reply *reply)
{
	nm_http_reply_release(&reply->http);
	nm_json_release(&reply->json);
	*reply = (struct nm_reply){0};
}

void
nm_api_address(const struct nm_api *api, const char *path,
               struct nm_api_address *address,
               struct nm_http_request *request)
{
	const struct nm_account *account = api->account;
	size_t starts[3], count = 0;

	*address = (struct nm_api_address){0};
	nm_buf_add_text(&address->url, nm_buf_text(&account->base_url));
	nm_buf_add_string(&address->url, path);
	starts[count++] = 0;
	nm_buf_add(&address->lines, "Accept: application/json", 25);
	if (account->organization.len) {
		starts[count++] = address->lines.len;
		nm_buf_addf(&address->lines, "OpenAI-Organization: %s",
		            nm_buf_string(&account->organization));
		nm_buf_add_byte(&address->lines, 0);
	}
	if (account->project.len) {
		starts[count++] = address->lines.len;
		nm_buf_addf(&address->lines, "OpenAI-Project: %s",
		            nm_buf_string(&account->project));
		nm_buf_add_byte(&address->lines, 0);
	}
	/* Only now: adding moves the bytes. */
	for (size_t i = 0; i < count; i++)
		address->headers[i] = address->lines.at + starts[i];
	request->url = nm_buf_string(&address->url);
	request->key = &account->key;
	request->headers = address->headers;
	request->n_headers = count;
}

void
nm_api_address_release(struct nm_api_address *address)
{
	nm_buf_release(&address->url);
	nm_buf_release(&address->lines);
	*address = (struct nm_api_address){0};
}

struct call {
	const char            *method;
	const char            *path;
	struct nm_http_request request;
	enum nm_api_effect     effect;
	enum nm_retry_conflict conflict;
	bool                   once;
};

static void
tell(struct nm_api *api, const struct call *call, int tries,
     const struct nm_http_reply *reply, struct nm_retry_verdict verdict,
     const struct nm_err *err)
{
	struct nm_api_event event = {
		.method = call->method, .path = call->path, .try_number = tries,
		.status = reply->status, .elapsed_ms = reply->elapsed_ms,
		.verdict = verdict, .err = err,
		.request_id = nm_http_header(reply, "x-request-id"),
	};

	api->tries++;
	if (api->log)
		api->log(api->log_user, &event);
}

/* One try after the other, until it is done or the verdict is never. */
static enum nm_code
exchange(struct nm_api *api, const struct call *call,
         struct nm_http_reply *reply, struct nm_err *err)
{
	int64_t began_ms = nm_clock_mono_ms(api->clock);

	for (int tries = 1;; tries++) {
		struct nm_retry_verdict verdict = { .when = NM_RETRY_NEVER };
		struct nm_err told = {0};
		enum nm_code code, rc;

		code = nm_http_call(api->http, &call->request, reply, &told);
		rc = nm_api_judge(api, call->effect, code, reply, &told);
		if (rc && !call->once)
			verdict = nm_api_retry(api, code, reply, call->conflict,
			                       tries,
			                       nm_clock_mono_ms(api->clock) -
			                       began_ms);
		tell(api, call, tries, reply, verdict, rc ? &told : NULL);
		if (!rc)
			return NM_OK;
		if (verdict.when == NM_RETRY_NEVER) {
			if (err)
				*err = told;
			return rc;
		}
		nm_http_reply_release(reply);
		rc = nm_clock_sleep(api->clock, verdict.pause_ms, err);
		if (rc)
			return rc;
	}
}

/* A success must be JSON; that of a deletion may be empty. */
static enum nm_code
read_reply(const struct call *call, struct nm_reply *reply,
           struct nm_err *err)
{
	struct nm_text body = nm_buf_text(&reply->http.body);
	struct nm_err why = {0};

	if (body.len == 0 && call->request.method == NM_HTTP_DELETE)
		return NM_OK;
	if (!nm_json_read(&reply->json, body.at ? body.at : "", body.len,
	                  &reply->root, &why))
		return NM_OK;
	return nm_fail(err, call->effect == NM_API_CHANGES
	               ? NM_AMBIGUOUS : NM_PROTOCOL, reply->http.status,
	               "the reply to %s %s (status %d, %zu bytes) is not JSON",
	               call->method, call->path, reply->http.status, body.len);
}

static enum nm_code
perform(struct nm_api *api, struct call *call, struct nm_reply *reply,
        struct nm_err *err)
{
	struct nm_api_address address;
	struct nm_reply mine = {0};
	enum nm_code rc;

	nm_api_address(api, call->path, &address, &call->request);
	rc = exchange(api, call, &mine.http, err);
	if (!rc)
		rc = read_reply(call, &mine, err);
	nm_api_address_release(&address);
	if (rc)
		nm_reply_release(&mine);
	else
		*reply = mine;
	return rc;
}

enum nm_code
nm_api_get(struct nm_api *api, const char *path, struct nm_reply *reply,
           struct nm_err *err)
{
	struct call call = { .method = "GET", .path = path };

	return perform(api, &call, reply, err);
}

enum nm_code
nm_api_delete(struct nm_api *api, const char *path, struct nm_reply *reply,
              struct nm_err *err)
{
	struct call call = {
		.method = "DELETE", .path = path,
		.request = { .method = NM_HTTP_DELETE },
	};

	return perform(api, &call, reply, err);
}

enum nm_code
nm_api_post(struct nm_api *api, const char *path, struct nm_text body,
            struct nm_reply *reply, struct nm_err *err)
{
	struct call call = {
		.method = "POST", .path = path,
		.conflict = NM_RETRY_409_NEVER,
		.request = {
			.method = NM_HTTP_POST, .body = body,
			.content_type = body.len ? "application/json" : NULL,
		},
	};

	return perform(api, &call, reply, err);
}

enum nm_code
nm_api_post_once(struct nm_api *api, const char *path, struct nm_text body,
                 struct nm_reply *reply, struct nm_err *err)
{
	struct call call = {
		.method = "POST", .path = path, .once = true,
		.effect = NM_API_CHANGES,
		.request = {
			.method = NM_HTTP_POST, .body = body,
			.content_type = "application/json",
			.sending = NM_HTTP_ONCE,
		},
	};

	return perform(api, &call, reply, err);
}

void
nm_api_add_escaped(struct nm_buf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if ((byte >= 'a' && byte <= 'z') ||
		    (byte >= 'A' && byte <= 'Z') ||
		    (byte >= '0' && byte <= '9') || strchr("-._~", byte)) {
			nm_buf_add_byte(out, (char)byte);
			continue;
		}
		nm_buf_add_byte(out, '%');
		nm_buf_add_byte(out, hex[byte >> 4]);
		nm_buf_add_byte(out, hex[byte & 15]);
	}
}
