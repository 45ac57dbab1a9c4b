/*
 * api_verdict: what the end of a call means, and whether another try may help; see
 * api.h.
 */
#include "remote/api.h"

/* A status came, and it is no success. */
static enum nm_code
code_of_refusal(const struct nm_refusal *refusal, enum nm_api_effect effect)
{
	int status = refusal->status;

	if (status == 404)
		return NM_ABSENT;
	/* It is an answer: the thing is in another state than the call wants. */
	if (status == 409)
		return NM_REFUSED;
	if (effect == NM_API_CHANGES && (status >= 500 || status == 408))
		return NM_AMBIGUOUS;
	if (effect == NM_API_CHANGES && status != 429)
		return NM_REFUSED;
	return refusal->transient ? NM_UNREACHABLE : NM_REFUSED;
}

static enum nm_code
code_of_failure(enum nm_code code, enum nm_api_effect effect)
{
	if (code == NM_AMBIGUOUS && effect == NM_API_READS)
		return NM_UNREACHABLE;
	/* The reply was too much, but there was one: the call may have acted. */
	if (code == NM_LIMIT && effect == NM_API_CHANGES)
		return NM_AMBIGUOUS;
	return code;
}

/* The page of somebody else, a hotel or a proxy, does not begin like that. */
static bool
is_object(const struct nm_http_reply *reply)
{
	size_t i = 0;

	while (i < reply->body.len && strchr(" \t\r\n", reply->body.at[i]))
		i++;
	return i < reply->body.len && reply->body.at[i] == '{';
}

/* The header has the form of a Retry-After that is a date. */
static void
note_date(struct nm_api *api, const struct nm_http_reply *reply)
{
	int64_t date_ms = nm_retry_after((struct nm_text){0},
	                                 nm_http_header(reply, "date"), 0);

	if (date_ms > 0)
		api->date_ms = date_ms;
}

enum nm_code
nm_api_judge(struct nm_api *api, enum nm_api_effect effect,
             enum nm_code code, const struct nm_http_reply *reply,
             struct nm_err *err)
{
	bool refused = reply->status >= 300 &&
		(code == NM_OK || code == NM_AMBIGUOUS || code == NM_LIMIT);

	api->reached |= is_object(reply);
	note_date(api, reply);
	api->refusal = (struct nm_refusal){ .retry_after_ms = -1 };
	/* A status line that says no says so even if the words behind it are cut. */
	if (refused) {
		nm_refusal_read(&api->refusal, reply, &api->account->key,
		                nm_clock_wall_ms(api->clock));
		return nm_refusal_fail(&api->refusal,
		                       code_of_refusal(&api->refusal, effect),
		                       err);
	}
	code = code_of_failure(code, effect);
	if (code && err)
		err->code = code;
	return code;
}

/* xorshift64*: jitter needs no better one. */
static double
draw(uint64_t *state)
{
	uint64_t x = *state ? *state : 1;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (double)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 11) * 0x1p-53;
}

static enum nm_retry_kind
kind_of(enum nm_code code, const struct nm_http_reply *reply)
{
	if (code == NM_OK || (code == NM_AMBIGUOUS && reply->status >= 300))
		return NM_RETRY_REPLIED;
	if (code == NM_UNREACHABLE)
		return NM_RETRY_UNREACHABLE;
	if (code == NM_AMBIGUOUS)
		return NM_RETRY_CUT;
	return NM_RETRY_LOCAL;
}

struct nm_retry_verdict
nm_api_retry(struct nm_api *api, enum nm_code code,
             const struct nm_http_reply *reply,
             enum nm_retry_conflict conflict, int tries, int64_t elapsed_ms)
{
	int64_t wall_ms = nm_clock_wall_ms(api->clock);
	struct nm_refusal refusal = {0};
	struct nm_retry_event event = {
		.kind = kind_of(code, reply), .status = reply->status,
		.conflict = conflict, .wall_ms = wall_ms,
	};

	if (event.kind == NM_RETRY_REPLIED && reply->status >= 400) {
		nm_refusal_read(&refusal, reply, &api->account->key, wall_ms);
		event.type = nm_text_of(refusal.type);
		event.code = nm_text_of(refusal.code);
		event.should_retry = nm_http_header(reply, "x-should-retry");
		event.retry_after_ms = nm_http_header(reply, "retry-after-ms");
		event.retry_after = nm_http_header(reply, "retry-after");
	}
	return nm_retry_decide(&api->retry, &event, tries, elapsed_ms,
	                       draw(&api->chance));
}
