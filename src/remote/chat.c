/*
 * chat: see chat.h.
 */
#include "remote/chat.h"

#include <stdlib.h>

struct nm_chat {
	struct nm_api           *api;
	struct nm_http_transfer *transfer;
	const char              *path;
	int                      tries;
	int64_t                  waited_ms;
	int64_t                  began_ms;
	void                   (*done)(void *user,
	                               const struct nm_chat_reply *reply);
	void                    *user;
};

/* A unit's milliseconds, and how many bytes its name has; 0 for no unit. */
static double
unit_of(struct nm_text text, size_t *len)
{
	static const struct {
		const char *name;
		double      milliseconds;
	} units[] = {
		/* "ms" stands before "m", which it begins with. */
		{ "ms", 1 }, { "us", 1e-3 }, { "\xc2\xb5s", 1e-3 },
		{ "ns", 1e-6 }, { "h", 3600000 }, { "m", 60000 },
		{ "s", 1000 }, { "d", 86400000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		*len = strlen(units[i].name);
		if (text.len >= *len &&
		    memcmp(text.at, units[i].name, *len) == 0)
			return units[i].milliseconds;
	}
	return 0;
}

/* Digits with or without a fraction; false if there is no digit. */
static bool
read_decimal(struct nm_text *text, double *value)
{
	double place = 0;
	size_t digits = 0;

	*value = 0;
	for (; text->len > 0; text->at++, text->len--) {
		char byte = text->at[0];

		if (byte == '.' && place == 0) {
			place = 1;
		} else if (byte >= '0' && byte <= '9') {
			digits++;
			if (place > 0)
				*value += (byte - '0') * (place /= 10);
			else
				*value = *value * 10 + (byte - '0');
		} else {
			break;
		}
	}
	return digits > 0;
}

int64_t
nm_chat_read_duration(struct nm_text text)
{
	double total_ms = 0, value, unit;
	bool first = true;
	size_t len;

	while (text.len > 0) {
		if (!read_decimal(&text, &value))
			return -1;
		unit = unit_of(text, &len);
		if (unit == 0 && text.len == 0 && first) {
			unit = 1000;
			len = 0;
		}
		if (unit == 0)
			return -1;
		total_ms += value * unit;
		text.at += len;
		text.len -= len;
		first = false;
	}
	if (first || !(total_ms < 1e15))
		return -1;
	return (int64_t)total_ms + (total_ms > (double)(int64_t)total_ms);
}

static void
read_limits(struct nm_chat_limits *limits, const struct nm_http_reply *reply)
{
	*limits = (struct nm_chat_limits){
		.requests_limit = nm_http_header_int(
			reply, "x-ratelimit-limit-requests", -1),
		.requests_left = nm_http_header_int(
			reply, "x-ratelimit-remaining-requests", -1),
		.requests_reset_ms = nm_chat_read_duration(nm_http_header(
			reply, "x-ratelimit-reset-requests")),
		.tokens_limit = nm_http_header_int(
			reply, "x-ratelimit-limit-tokens", -1),
		.tokens_left = nm_http_header_int(
			reply, "x-ratelimit-remaining-tokens", -1),
		.tokens_reset_ms = nm_chat_read_duration(nm_http_header(
			reply, "x-ratelimit-reset-tokens")),
	};
}

static void
tell(struct nm_api *api, const struct nm_chat *chat,
     const struct nm_chat_reply *reply)
{
	struct nm_api_event event = {
		.method = "POST", .path = chat->path,
		.try_number = chat->tries + 1, .status = reply->status,
		.elapsed_ms = reply->elapsed_ms,
		.request_id = reply->request_id,
		.verdict = reply->verdict, .err = reply->err,
	};

	api->tries++;
	if (api->log)
		api->log(api->log_user, &event);
}

static void
end(void *user, struct nm_http_reply *reply, enum nm_code code,
    const struct nm_err *why)
{
	struct nm_chat *chat = user;
	struct nm_api *api = chat->api;
	struct nm_err err = *why;
	struct nm_chat_reply out = {
		.status = reply->status, .refusal = &api->refusal,
		.body = nm_buf_text(&reply->body),
		.request_id = nm_http_header(reply, "x-request-id"),
		.elapsed_ms = reply->elapsed_ms,
	};

	read_limits(&out.limits, reply);
	out.code = nm_api_judge(api, NM_API_CHANGES, code, reply, &err);
	if (out.code) {
		int64_t spent_ms = nm_clock_mono_ms(api->clock) -
		                   chat->began_ms;

		out.err = &err;
		out.verdict = nm_api_retry(api, code, reply, NM_RETRY_409,
		                           chat->tries + 1,
		                           chat->waited_ms + spent_ms);
	}
	tell(api, chat, &out);
	chat->done(chat->user, &out);
	free(chat);
}

enum nm_code
nm_chat_start(struct nm_api *api, const struct nm_chat_wish *wish,
              struct nm_chat **out, struct nm_err *err)
{
	struct nm_http_request request = {
		.method = NM_HTTP_POST, .body = wish->body,
		.content_type = "application/json", .total_ms = wish->total_ms,
		.done = end,
	};
	struct nm_chat *chat = calloc(1, sizeof(*chat));
	struct nm_api_address address;
	enum nm_code rc;

	if (!chat)
		nm_die("memory is exhausted");
	chat->api = api;
	chat->path = wish->path ? wish->path : "/chat/completions";
	chat->tries = wish->tries;
	chat->waited_ms = wish->waited_ms;
	chat->began_ms = nm_clock_mono_ms(api->clock);
	chat->done = wish->done;
	chat->user = wish->user;
	request.user = chat;
	nm_api_address(api, chat->path, &address, &request);
	rc = nm_http_start(api->http, &request, &chat->transfer, err);
	nm_api_address_release(&address);
	if (rc) {
		free(chat);
		return rc;
	}
	if (out)
		*out = chat;
	return NM_OK;
}

void
nm_chat_cancel(struct nm_chat *chat)
{
	nm_http_cancel(chat->api->http, chat->transfer);
	free(chat);
}
