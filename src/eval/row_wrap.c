/*
 * row_wrap: a reply of direct mode, written as the line that a batch's output
 * file would hold for it. See row.h.
 */
#include "eval/row.h"

static void
add_member(struct nm_buf *out, const char *before, struct nm_text text)
{
	nm_buf_add_string(out, before);
	nm_json_add_string(out, text);
}

/* Raw line breaks stand only between the values of a JSON text. */
static void
add_on_one_line(struct nm_buf *out, struct nm_text json)
{
	char *at = nm_buf_room(out, json.len);

	if (!at)
		return;
	for (size_t i = 0; i < json.len; i++)
		at[i] = json.at[i] == '\n' || json.at[i] == '\r' ? ' '
		                                                 : json.at[i];
	nm_buf_took(out, json.len);
}

/* What a reply's body is, as far as wrapping it goes. */
struct content {
	bool json;
	bool deep;       /* it may nest too deep to stand within ours */
	bool completion; /* or an error of the service's own */
};

enum { SHOWN_MAX_BYTES = 200, OUR_LEVELS = 2 };

/* Brackets within strings count too: the answer may be yes in vain. */
static bool
may_be_deep(struct nm_text text)
{
	size_t brackets = 0;

	for (size_t i = 0; i < text.len; i++)
		brackets += text.at[i] == '[' || text.at[i] == '{';
	return brackets > NM_JSON_DEPTH_MAX - OUR_LEVELS;
}

static bool
is_list(const struct nm_value *root, const char *name)
{
	return nm_json_kind(nm_json_get(root, name)) == NM_JSON_ARRAY;
}

static struct content
look_at(struct nm_row_reader *reader, struct nm_text body)
{
	struct content content = { 0 };
	const struct nm_value *root;
	struct nm_trouble trouble;

	if (body.len == 0 ||
	    nm_json_read(&reader->json, body.at, body.len, &root, NULL))
		return content;
	nm_trouble_read(nm_json_get(root, "error"), &trouble);
	content.json = true;
	content.deep = may_be_deep(body);
	content.completion = trouble.present || is_list(root, "choices") ||
	                     is_list(root, "output") || is_list(root, "data");
	return content;
}

static bool
is_success(const struct nm_row_reply *reply)
{
	return reply->status_code >= 200 && reply->status_code <= 299;
}

static void
add_body_as_text(const struct nm_row_reply *reply, struct nm_buf *out)
{
	if (is_success(reply)) {
		nm_json_add_string(out, reply->body);
		return;
	}
	add_member(out, "{\"error\":{\"message\":", reply->body);
	nm_buf_add_string(out, ",\"type\":null,\"param\":null,"
	                  "\"code\":\"not_json\"}}");
}

/* The model never saw the question: what came is shown, and whose it is not. */
static void
add_no_completion(struct nm_text body, struct nm_buf *out)
{
	struct nm_buf words = { 0 };

	nm_buf_add_string(&words, "the reply is no completion: ");
	if (body.len > SHOWN_MAX_BYTES)
		body.len = SHOWN_MAX_BYTES;
	nm_buf_add_text(&words, body);
	add_member(out, "},\"error\":{\"code\":\"no_completion\","
	           "\"message\":", nm_buf_text(&words));
	nm_buf_add_string(out, "}}");
	nm_buf_release(&words);
}

static void
add_response(const struct nm_row_reply *reply, const struct content *content,
             struct nm_buf *out)
{
	add_member(out, "{\"custom_id\":", reply->custom_id);
	nm_buf_add_string(out, ",\"response\":{\"status_code\":");
	nm_buf_add_int(out, reply->status_code);
	add_member(out, ",\"request_id\":", reply->request_id);
	nm_buf_add_string(out, ",\"body\":");
	if (content->json)
		add_on_one_line(out, reply->body);
	else
		add_body_as_text(reply, out);
	if (is_success(reply) && !content->completion)
		add_no_completion(reply->body, out);
	else
		nm_buf_add_string(out, "},\"error\":null}");
}

static void
add_absence(const struct nm_row_reply *reply, struct nm_buf *out)
{
	add_member(out, "{\"custom_id\":", reply->custom_id);
	add_member(out, ",\"response\":null,\"error\":{\"code\":",
	           reply->error_code);
	add_member(out, ",\"message\":", reply->error_message);
	nm_buf_add_string(out, "}}");
}

static bool
is_readable(struct nm_row_reader *reader, struct nm_text line)
{
	const struct nm_value *root;

	return !nm_json_read(&reader->json, line.at, line.len, &root, NULL);
}

enum nm_row_wrapped
nm_row_wrap(struct nm_row_reader *reader, const struct nm_row_reply *reply,
            struct nm_buf *out)
{
	struct nm_buf *line = &reader->written;
	struct content content = { 0 };

	nm_buf_clear(line);
	if (reply->status_code == 0) {
		add_absence(reply, line);
		content.completion = true;
	} else {
		content = look_at(reader, reply->body);
		add_response(reply, &content, line);
	}
	/* A body at the limit of nesting passes it two levels further in. */
	if (content.deep && !is_readable(reader, nm_buf_text(line))) {
		content.json = false;
		nm_buf_clear(line);
		add_response(reply, &content, line);
	}
	nm_buf_add_text(out, nm_buf_text(line));
	nm_buf_add_byte(out, '\n');
	return content.completion || !is_success(reply)
	       ? NM_ROW_REPLY : NM_ROW_NO_COMPLETION;
}
