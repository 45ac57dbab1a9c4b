/* The reader of rules for calls: on METHOD PATH [WHICH]: ACTION… */
#include "server/script_parts.h"

enum { MAX_HEADERS = 8 };
enum { DELAY_MAX_MS = 86400000 }; /* of a call; for ever, for its client */

static enum nm_code
take_header(struct nm_script *script, struct nm_words *r,
            struct nm_fault *fault)
{
	const char **headers = (const char **)(uintptr_t)fault->headers;
	const char *text = NULL, *colon;
	enum nm_code rc = nm_words_text(r, "a header", &text);
	size_t n = 0;

	if (rc)
		return rc;
	colon = strchr(text, ':');
	if (!colon || colon == text ||
	    strcspn(text, "\r\n\t ") < (size_t)(colon - text) ||
	    strpbrk(colon, "\r\n"))
		return nm_words_bad(r, "not a header such as \"Retry-After: 2\"", text);
	if (strncasecmp(text, "Content-Length:", 15) == 0 ||
	    (strncasecmp(text, "Transfer-Encoding:", 18) == 0 &&
	     strcasecmp(colon + 1 + strspn(colon + 1, " "), "chunked") != 0))
		return nm_words_bad(r, "a header that is the server's own", text);
	if (!headers)
		headers = nm_arena_array(&script->arena, 2 * MAX_HEADERS + 1,
		                         sizeof(*headers));
	while (headers[n])
		n += 2;
	if (n == 2 * MAX_HEADERS)
		return nm_words_bad(r, "too many headers", NULL);
	headers[n] = nm_arena_text(&script->arena,
		(struct nm_text){ text, (size_t)(colon - text) }).at;
	headers[n + 1] = colon + 1 + strspn(colon + 1, " ");
	fault->headers = headers;
	return NM_OK;
}

static enum nm_code
take_cut(struct nm_words *r, struct nm_call_rule *rule)
{
	const char *text = "";
	enum nm_code rc;

	if (!nm_words_take(r, "after"))
		return nm_words_bad_next(r, "after 'cut' comes 'after'");
	rc = nm_words_text(r, "bytes", &text);
	if (rc)
		return rc;
	if (!nm_words_range(text, &rule->fault.cut_bytes, &rule->cut_most) ||
	    rule->cut_most == UINT64_MAX)
		return nm_words_bad(r, "not bytes such as 1000 or 0..1000", text);
	rule->fault.cut = true;
	(void)nm_words_take(r, "bytes");
	return NM_OK;
}

static enum nm_code
take_lose(struct nm_words *r, struct nm_fault *fault)
{
	if (nm_words_take(r, "reply"))
		fault->loss = NM_LOSE_REPLY;
	else if (nm_words_take(r, "call"))
		fault->loss = NM_LOSE_CALL;
	else
		return nm_words_bad_next(r, "one loses a 'call' or a 'reply'");
	return NM_OK;
}

/* What is done, and then denied or not told. */
static enum nm_code
take_act(struct nm_words *r, struct nm_fault *fault)
{
	if (!nm_words_take(r, "then"))
		return nm_words_bad_next(r, "after 'act' comes 'then'");
	if (nm_words_take(r, "status")) {
		fault->acts = true;
		return nm_words_status(r, &fault->status);
	}
	if (!nm_words_take(r, "lose") || !nm_words_take(r, "reply"))
		return nm_words_bad_next(r, "after 'act then' comes 'status' or "
		                         "'lose reply'");
	fault->loss = NM_LOSE_REPLY;
	return NM_OK;
}

static enum nm_code
take_delay(struct nm_words *r, struct nm_fault *fault)
{
	enum nm_code rc = nm_words_span(r, "a span", &fault->delay_ms);

	if (!rc && fault->delay_ms > DELAY_MAX_MS)
		fault->delay_ms = DELAY_MAX_MS;
	return rc;
}

static enum nm_code
take_trickle(struct nm_words *r, struct nm_fault *fault)
{
	uint64_t rate = 0;
	enum nm_code rc = nm_words_rate(r, &rate);

	if (!rc && rate < 3600)
		return nm_words_bad(r, "at least a byte a second is meant",
		                    r->words[r->next - 1].text);
	fault->trickle_bytes_per_s = (int64_t)(rate / 3600);
	return rc;
}

static enum nm_code
take_stale(struct nm_words *r, struct nm_fault *fault)
{
	int64_t span;
	enum nm_code rc = nm_words_span(r, "a span", &span);

	if (!rc)
		fault->stale_s = span == INT64_MAX ? span : (span + 999) / 1000;
	return rc;
}

static enum nm_code
take_action(struct nm_script *script, struct nm_words *r,
            struct nm_call_rule *rule)
{
	struct nm_fault *fault = &rule->fault;

	if (nm_words_take(r, "act"))
		return take_act(r, fault);
	if (nm_words_take(r, "status"))
		return nm_words_status(r, &fault->status);
	if (nm_words_take(r, "body"))
		return nm_words_text(r, "a body", &fault->body);
	if (nm_words_take(r, "header"))
		return take_header(script, r, fault);
	if (nm_words_take(r, "delay"))
		return take_delay(r, fault);
	if (nm_words_take(r, "lose"))
		return take_lose(r, fault);
	if (nm_words_take(r, "cut"))
		return take_cut(r, rule);
	if (nm_words_take(r, "counts"))
		return nm_script_take_counts(script, r, &fault->counts);
	if (nm_words_take(r, "hang")) {
		fault->delay_ms = DELAY_MAX_MS;
		fault->loss = NM_LOSE_CALL;
		return NM_OK;
	}
	if (nm_words_take(r, "trickle"))
		return take_trickle(r, fault);
	if (nm_words_take(r, "stale"))
		return take_stale(r, fault);
	if (nm_words_take(r, "pad"))
		return nm_words_number(r, "bytes", &fault->pad_bytes);
	if (nm_words_take(r, "ranges") && nm_words_take(r, "ignored")) {
		fault->no_ranges = true;
		return NM_OK;
	}
	if (nm_words_take(r, "ids") && nm_words_take(r, "empty")) {
		fault->empty_ids = true;
		return NM_OK;
	}
	return nm_words_bad_next(r, "no action of a call");
}

enum nm_code
nm_script_read_call(struct nm_script *script, struct nm_words *r)
{
	const char *method = NULL, *path = NULL;
	struct nm_call_rule *rule;
	enum nm_code rc;

	rc = nm_words_text(r, "a method", &method);
	if (rc)
		return rc;
	if (strcmp(method, "*") != 0 && strcmp(method, "GET") != 0 &&
	    strcmp(method, "POST") != 0 && strcmp(method, "DELETE") != 0)
		return nm_words_bad(r, "the method is GET, POST, DELETE or *", method);
	rc = nm_words_text(r, "a path", &path);
	if (rc)
		return rc;
	if (path[0] != '/' && path[0] != '*')
		return nm_words_bad(r, "a path begins with '/'", path);
	rule = nm_script_add_call(script, r, method, path);
	if (!nm_words_after_colon(r))
		rc = nm_script_take_which(script, r, NM_OF_CALLS, &rule->which);
	if (!rc && !nm_words_after_colon(r))
		return nm_words_lack(r, "a ':' is missing before the action");
	if (!rc && !nm_words_peek(r)->text)
		return nm_words_lack(r, "no action after the ':'");
	while (!rc && nm_words_peek(r)->text)
		rc = take_action(script, r, rule);
	if (!rc && rule->fault.body && !rule->fault.status)
		return nm_words_lack(r, "a body is of a 'status', and none is "
		                     "given");
	return rc;
}
