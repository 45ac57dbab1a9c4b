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

static bool
is_json(struct nm_row_reader *reader, struct nm_text text)
{
	const struct nm_value *root;

	return nm_json_read(&reader->json, text.at, text.len, &root, NULL)
	       == NM_OK;
}

static void
add_body_as_text(const struct nm_row_reply *reply, struct nm_buf *out)
{
	if (reply->status_code >= 200 && reply->status_code <= 299) {
		nm_json_add_string(out, reply->body);
		return;
	}
	add_member(out, "{\"error\":{\"message\":", reply->body);
	nm_buf_add_string(out, ",\"type\":null,\"param\":null,"
	                  "\"code\":\"not_json\"}}");
}

static void
add_response(const struct nm_row_reply *reply, bool as_json,
             struct nm_buf *out)
{
	add_member(out, "{\"custom_id\":", reply->custom_id);
	nm_buf_add_string(out, ",\"response\":{\"status_code\":");
	nm_buf_add_int(out, reply->status_code);
	add_member(out, ",\"request_id\":", reply->request_id);
	nm_buf_add_string(out, ",\"body\":");
	if (as_json)
		add_on_one_line(out, reply->body);
	else
		add_body_as_text(reply, out);
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

void
nm_row_wrap(struct nm_row_reader *reader, const struct nm_row_reply *reply,
            struct nm_buf *out)
{
	struct nm_buf *line = &reader->written;
	bool as_json = is_json(reader, reply->body);

	nm_buf_clear(line);
	if (reply->status_code == 0)
		add_absence(reply, line);
	else
		add_response(reply, as_json, line);
	/* A body at the limit of nesting passes it two levels further in. */
	if (reply->status_code && as_json
	    && !is_json(reader, nm_buf_text(line))) {
		nm_buf_clear(line);
		add_response(reply, false, line);
	}
	nm_buf_add_text(out, nm_buf_text(line));
	nm_buf_add_byte(out, '\n');
}
