/*
 * request: see request.h.
 */
#include "eval/request.h"

#include "wire/json.h"

static const char ID_PREFIX[] = "request-";
static const char LINE_OPENS[] = "{\"custom_id\":\"";
static const char LINE_CLOSES[] = "}\n";

enum {
	ID_PREFIX_BYTES = sizeof(ID_PREFIX) - 1,
	LINE_OPENS_BYTES = sizeof(LINE_OPENS) - 1,
	LINE_CLOSES_BYTES = sizeof(LINE_CLOSES) - 1,
	RESPONSES_MIN_TOKENS = 16 /* the service refuses less */
};

#define ID_MAX (UINT64_C(1) << 53)

const char *
nm_endpoint_path(enum nm_endpoint endpoint)
{
	return endpoint == NM_ENDPOINT_RESPONSES ? "/v1/responses"
	                                         : "/v1/chat/completions";
}

/* ---- custom ids ---- */

void
nm_custom_id_add(struct nm_buf *out, uint64_t id)
{
	nm_buf_add(out, ID_PREFIX, ID_PREFIX_BYTES);
	nm_buf_add_int(out, (int64_t)id);
}

enum nm_custom_id
nm_custom_id_read(struct nm_text custom_id, uint64_t *id)
{
	const char *digits = custom_id.at + ID_PREFIX_BYTES;
	uint64_t number = 0;
	size_t n;

	if (custom_id.len <= ID_PREFIX_BYTES
	    || memcmp(custom_id.at, ID_PREFIX, ID_PREFIX_BYTES) != 0)
		return NM_CUSTOM_ID_FOREIGN;
	n = custom_id.len - ID_PREFIX_BYTES;
	if (n > 1 && digits[0] == '0')
		return NM_CUSTOM_ID_FOREIGN;
	for (size_t i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return NM_CUSTOM_ID_FOREIGN;
		number = number * 10 + (uint64_t)(digits[i] - '0');
		if (number > ID_MAX)
			return NM_CUSTOM_ID_FOREIGN;
	}
	*id = number;
	return NM_CUSTOM_ID_OURS;
}

/* ---- what is composed once ---- */

enum quote { QUOTE_OPENS, QUOTE_CLOSES };

/* A JSON string of which one quote is left out, for what joins it there. */
static void
add_half_string(struct nm_buf *out, struct nm_text text, enum quote quote)
{
	struct nm_buf whole = { 0 };

	nm_json_add_string(&whole, text);
	nm_buf_add(out, whole.at + (quote == QUOTE_CLOSES), whole.len - 1);
	nm_buf_release(&whole);
}

static void
add_string(struct nm_buf *out, const char *before, struct nm_text text)
{
	nm_buf_add_string(out, before);
	nm_json_add_string(out, text);
}

/* The body up to the question. The two endpoints differ in names alone. */
static void
compose_head(struct nm_buf *out, const struct nm_prompt *prompt,
             const struct nm_request_options *options)
{
	bool chat = options->endpoint == NM_ENDPOINT_CHAT;

	add_string(out, "{\"model\":", nm_text_of(options->model));
	nm_buf_add_string(out, chat ? ",\"messages\":[" : ",\"input\":[");
	if (prompt->system.len) {
		add_string(out, "{\"role\":\"system\",\"content\":",
		           nm_buf_text(&prompt->system));
		nm_buf_add_string(out, "},");
	}
	nm_buf_add_string(out, "{\"role\":\"user\",\"content\":");
	add_half_string(out, nm_buf_text(&prompt->before), QUOTE_OPENS);
}

static void
compose_tail(struct nm_buf *out, const struct nm_prompt *prompt,
             const struct nm_request_options *options)
{
	bool chat = options->endpoint == NM_ENDPOINT_CHAT;

	add_half_string(out, nm_buf_text(&prompt->after), QUOTE_CLOSES);
	nm_buf_add_string(out, chat
		? "}],\"response_format\":{\"type\":\"json_object\"}"
		: "}],\"text\":{\"format\":{\"type\":\"json_object\"}}");
	if (options->max_output_tokens) {
		nm_buf_add_string(out, chat ? ",\"max_completion_tokens\":"
		                            : ",\"max_output_tokens\":");
		nm_buf_add_int(out, options->max_output_tokens);
	}
	nm_buf_add_byte(out, '}');
}

static enum nm_code
check(const struct nm_request_options *options, struct nm_err *err)
{
	const char *model = options->model;

	if (!model || !*model)
		return nm_fail(err, NM_USAGE, 0, "the model's name is empty");
	if (nm_json_utf8_valid(model, strlen(model)) != strlen(model))
		return nm_fail(err, NM_USAGE, 0, "the model's name is not "
		               "UTF-8");
	if (options->max_output_tokens < 0)
		return nm_fail(err, NM_USAGE, 0, "a number of output tokens "
		               "must be above 0");
	if (options->endpoint == NM_ENDPOINT_RESPONSES
	    && options->max_output_tokens
	    && options->max_output_tokens < RESPONSES_MIN_TOKENS)
		return nm_fail(err, NM_USAGE, 0, "/v1/responses takes no fewer "
		               "than %d output tokens", RESPONSES_MIN_TOKENS);
	return NM_OK;
}

enum nm_code
nm_request_init(struct nm_request *request, const struct nm_prompt *prompt,
                const struct nm_request_options *options, struct nm_err *err)
{
	struct nm_request new = { 0 };
	struct nm_digest digest;
	enum nm_code rc = check(options, err);

	if (rc)
		return rc;
	nm_buf_addf(&new.line_head, "\",\"method\":\"POST\",\"url\":\"%s\","
	            "\"body\":", nm_endpoint_path(options->endpoint));
	compose_head(&new.body_head, prompt, options);
	compose_tail(&new.body_tail, prompt, options);
	nm_digest_init(&digest, NM_SHA256);
	nm_digest_add(&digest, new.line_head.at, new.line_head.len);
	nm_digest_add(&digest, new.body_head.at, new.body_head.len);
	/* No JSON holds a NUL: what stands before it cannot move behind it. */
	nm_digest_add(&digest, "", 1);
	nm_digest_add(&digest, new.body_tail.at, new.body_tail.len);
	nm_digest_finish(&digest, new.digest);
	*request = new;
	return NM_OK;
}

void
nm_request_release(struct nm_request *request)
{
	if (!request)
		return;
	nm_buf_release(&request->line_head);
	nm_buf_release(&request->body_head);
	nm_buf_release(&request->body_tail);
}

/* ---- what a question costs ---- */

static bool
stands_for_itself(const char *text, size_t len)
{
	unsigned char odd = 0;

	/* To the end in any case: without a branch it goes many bytes a step. */
	for (size_t i = 0; i < len; i++)
		odd |= (unsigned char)((unsigned char)text[i] < 0x20)
		     | (text[i] == '"') | (text[i] == '\\');
	return !odd;
}

static void
add_escaped(struct nm_buf *out, const struct nm_question *q)
{
	struct nm_buf whole = { 0 };

	if (stands_for_itself(q->text, q->text_len)) {
		nm_buf_add(out, q->text, q->text_len);
		return;
	}
	nm_json_add_string(&whole, (struct nm_text){ q->text, q->text_len });
	nm_buf_add(out, whole.at + 1, whole.len - 2);
	nm_buf_release(&whole);
}

void
nm_request_add_body(const struct nm_request *request,
                    const struct nm_question *q, struct nm_buf *out)
{
	nm_buf_add(out, request->body_head.at, request->body_head.len);
	add_escaped(out, q);
	nm_buf_add(out, request->body_tail.at, request->body_tail.len);
}

size_t
nm_request_add_line(const struct nm_request *request,
                    const struct nm_question *q, struct nm_buf *out)
{
	size_t body;

	nm_buf_add(out, LINE_OPENS, LINE_OPENS_BYTES);
	nm_custom_id_add(out, q->id);
	nm_buf_add(out, request->line_head.at, request->line_head.len);
	body = out->len;
	nm_request_add_body(request, q, out);
	nm_buf_add(out, LINE_CLOSES, LINE_CLOSES_BYTES);
	return body;
}

static size_t
count_digits(uint64_t id)
{
	size_t n = 1;

	while (id /= 10)
		n++;
	return n;
}

size_t
nm_request_plain_line_bytes(const struct nm_request *request,
                            const struct nm_question *q)
{
	if (!stands_for_itself(q->text, q->text_len))
		return 0;
	return LINE_OPENS_BYTES + ID_PREFIX_BYTES + count_digits(q->id)
	     + request->line_head.len + request->body_head.len + q->text_len
	     + request->body_tail.len + LINE_CLOSES_BYTES;
}

struct nm_text
nm_request_line_id(struct nm_text line)
{
	const char *at = line.at + LINE_OPENS_BYTES;
	const char *end = memchr(at, '"', line.len - LINE_OPENS_BYTES);

	return (struct nm_text){ at, (size_t)(end - at) };
}
