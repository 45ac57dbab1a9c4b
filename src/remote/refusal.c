/*
 * refusal: see refusal.h.
 */
#include "remote/refusal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/retry.h"
#include "wire/json.h"

enum { WORDS_LOOKED_AT_BYTES = 16 << 10 };

/* One line, cut at a character, NUL after it. */
static void
put(char *out, size_t size, struct nm_text text)
{
	size_t len = 0;
	bool blank = true;

	for (size_t i = 0; i < text.len && len + 1 < size; i++) {
		unsigned char byte = (unsigned char)text.at[i];
		bool space = byte <= 0x20 || byte == 0x7f;

		if (!space)
			out[len++] = (char)byte;
		else if (!blank)
			out[len++] = ' ';
		blank = space;
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[nm_json_utf8_valid(out, len)] = 0;
}

/*
 * Keys are echoed masked too ("sk-ab***yz"), and a mask leaves part of the key:
 * words that look like either are replaced.
 */
static void
blot_key_words(char *text)
{
	static const char ends[] = " ,;:'\"()<>";

	while (*text) {
		size_t len;

		text += strspn(text, ends);
		len = strcspn(text, ends);
		while (len > 0 && text[len - 1] == '.')
			len--;
		if ((len > 8 && strncmp(text, "sk-", 3) == 0) ||
		    (len > 4 && memmem(text, len, "**", 2))) {
			memmove(text + 5, text + len, strlen(text + len) + 1);
			memcpy(text, "(key)", 5);
			len = 5;
		}
		text += len;
		text += strspn(text, ".");
	}
}

/* A text, or a number as some servers have it (llama.cpp: "code": 503). */
static struct nm_text
text_or_digits(const struct nm_value *value)
{
	return nm_json_kind(value) == NM_JSON_NUMBER
		? nm_json_number_text(value) : nm_json_text(value);
}

static bool
read_envelope(struct nm_refusal *refusal, const struct nm_value *root)
{
	const struct nm_value *error = nm_json_get(root, "error");
	const struct nm_value *told = NULL;

	if (nm_json_kind(root) != NM_JSON_OBJECT)
		return false;
	if (nm_json_kind(error) == NM_JSON_STRING) {
		told = error;
		error = NULL;
	} else if (nm_json_kind(error) != NM_JSON_OBJECT) {
		error = root;
	}
	if (error) {
		put(refusal->type, sizeof(refusal->type),
		    nm_json_text(nm_json_get(error, "type")));
		put(refusal->code, sizeof(refusal->code),
		    text_or_digits(nm_json_get(error, "code")));
		put(refusal->param, sizeof(refusal->param),
		    nm_json_text(nm_json_get(error, "param")));
		told = nm_json_get(error, "message");
	}
	if (nm_json_kind(told) != NM_JSON_STRING)
		told = nm_json_get(root, "detail");
	put(refusal->message, sizeof(refusal->message), nm_json_text(told));
	return refusal->message[0] || refusal->code[0] || refusal->type[0];
}

/* The words between the tags of a page, its scripts and styles not. */
static void
read_page(struct nm_buf *words, struct nm_text page)
{
	const char *end = page.at + page.len;
	const char *title = memmem(page.at, page.len, "<title>", 7);
	const char *stop = NULL;

	if (title)
		stop = memmem(title, (size_t)(end - title), "</title>", 8);
	if (stop) {
		nm_buf_add(words, title + 7, (size_t)(stop - title - 7));
		return;
	}
	for (bool inside = false; page.len > 0; page.at++, page.len--) {
		if (page.at[0] == '<')
			inside = true;
		else if (page.at[0] == '>' && inside)
			nm_buf_add_byte(words, ' ');
		else if (!inside)
			nm_buf_add_byte(words, page.at[0]);
		if (page.at[0] == '>')
			inside = false;
	}
}

static void
read_words(struct nm_refusal *refusal, struct nm_text body)
{
	struct nm_buf words = {0};

	if (body.len > WORDS_LOOKED_AT_BYTES)
		body.len = WORDS_LOOKED_AT_BYTES;
	while (body.len > 0 && isspace((unsigned char)body.at[0])) {
		body.at++;
		body.len--;
	}
	if (body.len > 0 && body.at[0] == '<')
		read_page(&words, body);
	else
		nm_buf_add_text(&words, body);
	/* Words that nobody meant for us: a few are enough. */
	put(refusal->message, 120, nm_buf_text(&words));
	nm_buf_release(&words);
}

static void
read_redirect(struct nm_refusal *refusal, const struct nm_http_reply *reply)
{
	char where[160];

	put(where, sizeof(where), nm_http_header(reply, "location"));
	snprintf(refusal->message, sizeof(refusal->message),
	         "it redirects to %s, which is not followed with a key: "
	         "mend the base URL", where[0] ? where : "nowhere");
}

static void
read_pace(struct nm_refusal *refusal, const struct nm_http_reply *reply,
          int64_t wall_ms)
{
	struct nm_retry_policy policy = {0};
	struct nm_retry_event event = {
		.kind = NM_RETRY_REPLIED, .status = refusal->status,
		.type = nm_text_of(refusal->type),
		.code = nm_text_of(refusal->code),
		.should_retry = nm_http_header(reply, "x-should-retry"),
	};

	refusal->retry_after_ms = nm_retry_after(
		nm_http_header(reply, "retry-after-ms"),
		nm_http_header(reply, "retry-after"), wall_ms);
	refusal->billing = refusal->status == 429 &&
		nm_retry_is_billing(event.type, event.code);
	refusal->transient =
		nm_retry_decide(&policy, &event, 1, 0, 0).transient;
}

void
nm_refusal_read(struct nm_refusal *refusal, const struct nm_http_reply *reply,
                const struct nm_secret *key, int64_t wall_ms)
{
	struct nm_text body = reply->body.at ? nm_buf_text(&reply->body)
	                                     : nm_text_of("");
	struct nm_json json = {0};
	const struct nm_value *root = NULL;
	bool told = false;

	*refusal = (struct nm_refusal){ .status = reply->status };
	put(refusal->request_id, sizeof(refusal->request_id),
	    nm_http_header(reply, "x-request-id"));
	if (reply->status >= 300 && reply->status < 400) {
		read_redirect(refusal, reply);
		told = true;
	}
	if (!told && !nm_json_read(&json, body.at, body.len, &root, NULL))
		told = read_envelope(refusal, root);
	if (!told)
		read_words(refusal, body);
	nm_json_release(&json);
	nm_secret_redact(key, refusal->message, strlen(refusal->message));
	nm_secret_redact(key, refusal->param, strlen(refusal->param));
	nm_secret_redact(key, refusal->code, strlen(refusal->code));
	blot_key_words(refusal->message);
	read_pace(refusal, reply, wall_ms);
}

enum nm_code
nm_refusal_fail(const struct nm_refusal *refusal, enum nm_code code,
                struct nm_err *err)
{
	/* Some servers repeat the status as the code: that names nothing. */
	bool named = refusal->code[0] &&
		strtol(refusal->code, NULL, 10) != refusal->status;
	const char *name = named ? refusal->code : refusal->type;
	const char *param = refusal->param;
	size_t len = strlen(refusal->message);
	bool bare = refusal->request_id[0] == 0;

	while (len > 0 && refusal->message[len - 1] == '.')
		len--;
	return nm_fail(err, code, refusal->status,
	               "%d%s%s: %.*s%s%s%s%s%s%s", refusal->status,
	               name[0] ? " " : "", name,
	               len ? (int)len : 22,
	               len ? refusal->message : "without an explanation",
	               param[0] ? " (param " : "", param,
	               param[0] ? ")" : "",
	               bare ? "" : " (request id ", refusal->request_id,
	               bare ? "" : ")");
}
