#include "server/check.h"

#include <inttypes.h>
#include <stdarg.h>

/* What is wrong with one line; code NULL when nothing is. */
struct fault {
	const char *code, *param, *message;
};

/* Of an id or a model in a message, in bytes. */
enum { SHOWN_MAX = 512 };

static const char streaming[] = "streaming_unsupported";

void
nm_check_init(struct nm_check *check, const struct nm_check_options *options)
{
	*check = (struct nm_check){ .options = *options };
	if (!check->options.max_lines)
		check->options.max_lines = NM_CHECK_MAX_LINES;
	if (!check->options.max_bytes)
		check->options.max_bytes = NM_CHECK_MAX_BYTES;
	if (!check->options.max_entries)
		check->options.max_entries = NM_CHECK_MAX_ENTRIES;
	check->jsonl.line_max_bytes = NM_CHECK_LINE_MAX_BYTES;
	check->entries = nm_arena_array(&check->arena,
		check->options.max_entries, sizeof(*check->entries));
}

void
nm_check_release(struct nm_check *check)
{
	nm_ask_release(&check->ask);
	nm_json_release(&check->json);
	nm_jsonl_release(&check->jsonl);
	nm_map_release(&check->ids);
	nm_arena_release(&check->arena);
	*check = (struct nm_check){0};
}

static void
add_entry(struct nm_check *check, const struct fault *fault, uint64_t line)
{
	check->n_bad++;
	if (check->n_entries == check->options.max_entries)
		return;
	check->entries[check->n_entries++] = (struct nm_check_entry){
		.code = fault->code, .param = fault->param,
		.message = fault->message, .line = line,
	};
}

void
nm_check_add(struct nm_check *check, const char *code, const char *param,
             const char *format, ...)
{
	struct fault fault = { .code = code, .param = param };
	struct nm_buf text = {0};
	va_list args;

	va_start(args, format);
	nm_buf_addv(&text, format, args);
	va_end(args);
	fault.message = nm_arena_string(&check->arena, nm_buf_string(&text));
	add_entry(check, &fault, 0);
	nm_buf_release(&text);
}

/* A message, or nothing where no entry can be added any more. */
static const char *NM_PRINTF(2, 3)
say(struct nm_check *check, const char *format, ...)
{
	struct nm_buf text = {0};
	const char *message;
	va_list args;

	if (check->n_entries == check->options.max_entries)
		return "";
	va_start(args, format);
	nm_buf_addv(&text, format, args);
	va_end(args);
	message = nm_arena_string(&check->arena, nm_buf_string(&text));
	nm_buf_release(&text);
	return message;
}

/* The beginning of a text that came from the file, for a message, which a NUL would
 * end: that one is shown as JSON writes it. */
static const char *
shown(struct nm_check *check, struct nm_text text)
{
	struct nm_buf out = {0};
	const char *string;

	if (check->n_entries == check->options.max_entries)
		return "";
	if (text.len > SHOWN_MAX)
		text.len = nm_json_utf8_valid(text.at, SHOWN_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i])
			nm_buf_add_byte(&out, text.at[i]);
		else
			nm_buf_add_string(&out, "\\u0000");
	string = nm_arena_string(&check->arena, nm_buf_string(&out));
	nm_buf_release(&out);
	return string;
}

static struct fault
missing(struct nm_check *check, const char *name)
{
	return (struct fault){ "missing_required_parameter", name,
		say(check,
			"Missing required parameter: '%s'.", name) };
}

static struct fault
wrong_type(struct nm_check *check, const char *name, const char *wanted,
           const struct nm_value *got)
{
	return (struct fault){ "invalid_type", name,
		say(check,
			"Invalid type for '%s': expected %s, but got %s instead.",
			name, wanted, nm_ask_kind(got)) };
}

/* custom_id, method, url and body are there and of their types. */
static struct fault
check_members(struct nm_check *check, const struct nm_value *root)
{
	static const char *const names[] = { "custom_id", "method", "url", "body" };
	const struct nm_value *value;
	enum nm_kind wanted;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = nm_json_get(root, names[i]);
		wanted = i < 3 ? NM_JSON_STRING : NM_JSON_OBJECT;
		if (nm_ask_lacks(value))
			return missing(check, names[i]);
		if (nm_json_kind(value) != wanted)
			return wrong_type(check, names[i],
				i < 3 ? "a string" : "an object", value);
	}
	return (struct fault){0};
}

static struct fault
check_address(struct nm_check *check, const struct nm_value *root,
              uint64_t line)
{
	struct nm_text id = nm_json_text(nm_json_get(root, "custom_id"));
	struct nm_text method = nm_json_text(nm_json_get(root, "method"));
	struct nm_text url = nm_json_text(nm_json_get(root, "url"));
	uint32_t first = (uint32_t)line;

	if (nm_map_add(&check->ids, id, &first) == NM_MAP_KNOWN)
		return (struct fault){ "duplicate_custom_id", "custom_id",
			say(check,
				"The custom_id '%s' for this request is a duplicate "
				"of another request. The custom_id parameter must be "
				"unique for each request in a batch.",
				shown(check, id)) };
	if (!nm_text_is(method, "POST"))
		return (struct fault){ "invalid_value", "method",
			say(check,
				"Invalid value: '%s'. Supported values are: 'POST'.",
				shown(check, method)) };
	if (!nm_text_is(url, nm_ask_path(check->options.endpoint)))
		return (struct fault){ "invalid_url", "url",
			"The URL provided for this request does not match the "
			"batch endpoint." };
	return (struct fault){0};
}

static struct fault
check_model(struct nm_check *check, struct nm_text model)
{
	if (model.len == 0)
		return (struct fault){ "invalid_request", "body.model",
			"Model parameter is required." };
	/* None has a NUL in its name, though any other is supported. */
	if (model.len >= NM_CHECK_MODEL_MAX || memchr(model.at, 0, model.len) ||
	    !nm_ask_supports(check->options.models, model))
		return (struct fault){ "model_not_found", "body.model",
			say(check, "The provided model '%s' "
				"is not supported by the Batch API.",
				shown(check, model)) };
	if (check->model[0] == '\0')
		memcpy(check->model, model.at, model.len);
	else if (!nm_text_is(model, check->model))
		return (struct fault){ "mismatched_model", "body.model",
			say(check, "The model '%s' for this "
				"request does not match the rest of the batch. Each "
				"batch must contain requests for a single model.",
				shown(check, model)) };
	return (struct fault){0};
}

static struct fault
check_content(const struct nm_ask *ask)
{
	static const struct fault absences[] = {
		[NM_ENDPOINT_CHAT] = { "invalid_request", "body.messages",
			"Messages parameter is required." },
		[NM_ENDPOINT_RESPONSES] = { "invalid_request", "body.input",
			"Input parameter is required." },
		[NM_ENDPOINT_EMBEDDINGS] = { "invalid_request", "body.input",
			"Input parameter is required." },
		[NM_ENDPOINT_COMPLETIONS] = { "invalid_request", "body.prompt",
			"Prompt parameter is required." },
	};
	static const struct fault streams[] = {
		[NM_ENDPOINT_CHAT] = { streaming, "body.stream",
			"Chat Completions: Streaming is not supported in the "
			"Batch API." },
		[NM_ENDPOINT_RESPONSES] = { streaming, "body.stream",
			"Responses: Streaming is not supported in the Batch API." },
		[NM_ENDPOINT_EMBEDDINGS] = { streaming, "body.stream",
			"Embeddings: Streaming is not supported in the Batch API." },
		[NM_ENDPOINT_COMPLETIONS] = { streaming, "body.stream",
			"Completions: Streaming is not supported in the Batch API." },
	};

	if (ask->endpoint == NM_ENDPOINT_NONE)
		return (struct fault){0};
	if (nm_ask_lacks(ask->content))
		return absences[ask->endpoint];
	if (nm_json_true(nm_json_get(ask->body, "stream")))
		return streams[ask->endpoint];
	return (struct fault){0};
}

static struct fault
check_request(struct nm_check *check, const struct nm_value *root,
              uint64_t line)
{
	struct fault fault = check_members(check, root);

	if (!fault.code)
		fault = check_address(check, root, line);
	if (fault.code)
		return fault;
	nm_ask_read(&check->ask, check->options.endpoint,
	            nm_json_get(root, "body"));
	check->inputs += check->ask.n_inputs;
	check->tokens += nm_ask_prompt_tokens(&check->ask);
	fault = check_model(check, check->ask.model);
	if (!fault.code)
		fault = check_content(&check->ask);
	return fault;
}

static bool
blank(const struct nm_line *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (!strchr(" \t\r", line->at[i]) || !line->at[i])
			return false;
	return true;
}

static void
check_line(struct nm_check *check, const struct nm_line *line)
{
	const struct nm_value *root;
	struct fault fault = {0};

	if (!line->over && blank(line))
		return;
	/* The count alone fails the file: what follows is not worth the memory. */
	if (++check->requests > check->options.max_lines)
		return;
	if (line->over)
		fault = (struct fault){ "invalid_request", NULL,
			say(check, "This line is larger than "
				"the %zu bytes that one request may have.",
				NM_CHECK_LINE_MAX_BYTES) };
	else if (nm_json_read(&check->json, line->at, line->len, &root, NULL) ||
	         nm_json_kind(root) != NM_JSON_OBJECT)
		fault = (struct fault){ "invalid_json_line", NULL,
			"This line is not parseable as valid JSON." };
	else
		fault = check_request(check, root, line->number);
	if (fault.code)
		add_entry(check, &fault, line->number);
}

static void
check_due(struct nm_check *check)
{
	struct nm_line line;

	while (nm_jsonl_next(&check->jsonl, &line))
		check_line(check, &line);
}

void
nm_check_feed(struct nm_check *check, const void *bytes, size_t len)
{
	check->bytes += len;
	/* A file too large has failed already: no more of it is kept in memory. */
	if (check->bytes > check->options.max_bytes)
		return;
	nm_jsonl_feed(&check->jsonl, bytes, len);
	check_due(check);
}

void
nm_check_finish(struct nm_check *check)
{
	const struct nm_check_options *limits = &check->options;

	if (check->bytes <= limits->max_bytes) {
		nm_jsonl_finish(&check->jsonl);
		check_due(check);
	} else {
		nm_check_add(check, "file_too_large", NULL,
			"The batch input file is larger than the %" PRIu64
			" maximum for the %s model.", limits->max_bytes,
			check->model[0] ? check->model : "requested");
	}
	if (check->requests > limits->max_lines)
		nm_check_add(check, "too_many_tasks", NULL,
			"The batch input file holds %" PRIu64 " requests. The "
			"maximum is %" PRIu64 " requests per batch.",
			check->requests, limits->max_lines);
	if (limits->endpoint == NM_ENDPOINT_EMBEDDINGS &&
	    check->inputs > NM_CHECK_MAX_INPUTS)
		nm_check_add(check, "invalid_request", "body.input",
			"The batch holds %" PRIu64 " embedding inputs. The "
			"maximum is %d inputs across all requests of a batch.",
			check->inputs, NM_CHECK_MAX_INPUTS);
	if (check->requests == 0 && check->bytes <= limits->max_bytes)
		nm_check_add(check, "empty_file", NULL,
			"The batch input file holds no requests.");
}

void
nm_check_write(const struct nm_check *check, struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out };

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "object", "list");
	nm_json_open_array(&w, "data");
	for (size_t i = 0; i < check->n_entries; i++) {
		const struct nm_check_entry *entry = &check->entries[i];

		nm_json_open_object(&w, NULL);
		nm_json_put_string(&w, "code", entry->code);
		nm_json_put_string(&w, "message", entry->message);
		nm_json_put_string(&w, "param", entry->param);
		nm_json_put_nonzero(&w, "line", (int64_t)entry->line);
		nm_json_close_object(&w);
	}
	nm_json_close_array(&w);
	nm_json_close_object(&w);
}
