/*
 * request_quote: see the header.
 */
#include "run/request_quote.h"

#include "remote/input.h"
#include "wire/jsonl.h"

enum { TIME_MAX_MS = 15000 };

/* One reading of the file, up to the last line that is wanted. */
struct reading {
	struct nm_jsonl          lines;
	struct nm_request_quote *quotes;
	size_t                   n;
	int64_t                  last;   /* line that is wanted */
	uint64_t                 bytes;
	struct nm_arena         *arena;
};

/* The newest message's content, where it is a text; else absent. */
static struct nm_text
asked(const struct nm_value *body)
{
	const struct nm_value *messages = nm_json_get(body, "messages");
	struct nm_text text = {0}, content;
	const struct nm_value *message;
	struct nm_json_walk walk;

	nm_json_walk_init(&walk, messages);
	while ((message = nm_json_walk_next(&walk, NULL))) {
		content = nm_json_text(nm_json_get(message, "content"));
		if (content.len)
			text = content;
	}
	return text.len ? text : nm_json_text(nm_json_get(body, "input"));
}

/* Its first line, cut at a character. */
static const char *
first_line(struct nm_text text, struct nm_arena *arena)
{
	struct nm_buf shown = {0};
	const char *end, *line;

	while (text.len && (*text.at == '\n' || *text.at == ' '))
		text = (struct nm_text){ text.at + 1, text.len - 1 };
	end = text.len ? memchr(text.at, '\n', text.len) : NULL;
	if (end)
		text.len = (size_t)(end - text.at);
	if (text.len > NM_REQUEST_QUOTE_TEXT_MAX)
		text.len = NM_REQUEST_QUOTE_TEXT_MAX;
	text.len = nm_json_utf8_valid(text.at, text.len);
	nm_input_add_escaped(&shown, text);
	line = nm_arena_text(arena, nm_buf_text(&shown)).at;
	nm_buf_release(&shown);
	return line;
}

void
nm_request_quote_read(struct nm_request_quote *quote, struct nm_text line,
                      struct nm_arena *arena)
{
	const struct nm_value *root = NULL;
	struct nm_json json = {0};
	struct nm_text text = line, question;

	if (!nm_json_read(&json, line.at, line.len, &root, NULL)) {
		question = asked(nm_json_get(root, "body"));
		if (question.len)
			text = question;
	}
	quote->custom_id = nm_arena_text(
		arena, nm_json_text(nm_json_get(root, "custom_id")));
	quote->text = first_line(text, arena);
	nm_json_release(&json);
}

static void
take_line(struct reading *reading, const struct nm_line *line)
{
	struct nm_text text = { line->at, line->len };
	size_t i;

	for (i = 0; i < reading->n; i++)
		if ((uint64_t)reading->quotes[i].line == line->number)
			nm_request_quote_read(&reading->quotes[i], text,
			                      reading->arena);
}

static enum nm_code
take_bytes(void *user, const struct nm_http_reply *reply, const char *bytes,
           size_t len, struct nm_err *err)
{
	struct reading *reading = user;
	struct nm_line line;

	(void)reply;
	reading->bytes += len;
	nm_jsonl_feed(&reading->lines, bytes, len);
	while (nm_jsonl_next(&reading->lines, &line)) {
		take_line(reading, &line);
		if (line.number >= (uint64_t)reading->last)
			return nm_fail(err, NM_UNFINISHED, 0, "enough is read");
	}
	if (reading->bytes > NM_REQUEST_QUOTE_BYTES_MAX)
		return nm_fail(err, NM_LIMIT, 0, "too much to read");
	return NM_OK;
}

static void
fetch(struct nm_api *api, const char *file_id, struct reading *reading)
{
	struct nm_http_request request = {
		.encoding = NM_HTTP_COMPRESSED, .total_ms = TIME_MAX_MS,
		.sink = take_bytes, .sink_user = reading,
	};
	struct nm_api_address address = {0};
	struct nm_http_reply reply = {0};
	struct nm_buf path = {0};
	struct nm_line line;

	nm_buf_add_string(&path, "/files/");
	nm_api_add_escaped(&path, file_id);
	nm_buf_add_string(&path, "/content");
	nm_api_address(api, nm_buf_string(&path), &address, &request);
	if (!nm_http_call(api->http, &request, &reply, NULL)) {
		nm_jsonl_finish(&reading->lines);
		while (nm_jsonl_next(&reading->lines, &line))
			take_line(reading, &line);
	}
	nm_http_reply_release(&reply);
	nm_api_address_release(&address);
	nm_buf_release(&path);
}

void
nm_request_quotes_fetch(struct nm_api *api, const char *file_id,
                        struct nm_request_quote *quotes, size_t n,
                        struct nm_arena *arena)
{
	struct reading reading = {
		.quotes = quotes, .n = n, .arena = arena,
		.lines = { .line_max_bytes = NM_REQUEST_QUOTE_BYTES_MAX },
	};
	size_t i;

	for (i = 0; i < n; i++) {
		quotes[i].custom_id = (struct nm_text){ "", 0 };
		quotes[i].text = "";
		if (quotes[i].line > reading.last)
			reading.last = quotes[i].line;
	}
	if (reading.last > 0 && file_id[0])
		fetch(api, file_id, &reading);
	nm_jsonl_release(&reading.lines);
}
