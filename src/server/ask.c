#include "server/ask.h"

static const struct {
	const char *path, *content;
} endpoints[] = {
	[NM_ENDPOINT_NONE] = { "", "" },
	[NM_ENDPOINT_CHAT] = { "/v1/chat/completions", "messages" },
	[NM_ENDPOINT_RESPONSES] = { "/v1/responses", "input" },
	[NM_ENDPOINT_EMBEDDINGS] = { "/v1/embeddings", "input" },
	[NM_ENDPOINT_COMPLETIONS] = { "/v1/completions", "prompt" },
};

enum { N_ENDPOINTS = sizeof(endpoints) / sizeof(endpoints[0]) };

enum nm_endpoint
nm_ask_endpoint(struct nm_text path)
{
	for (int i = NM_ENDPOINT_CHAT; i < N_ENDPOINTS; i++)
		if (nm_text_is(path, endpoints[i].path))
			return (enum nm_endpoint)i;
	return NM_ENDPOINT_NONE;
}

const char *
nm_ask_path(enum nm_endpoint endpoint)
{
	return endpoints[endpoint].path;
}

const char *
nm_ask_member(enum nm_endpoint endpoint)
{
	return endpoints[endpoint].content;
}

/* Text parts of an array of content parts, one after the other. */
static struct nm_text
join_parts(struct nm_ask *ask, const struct nm_value *parts)
{
	struct nm_json_walk walk;
	const struct nm_value *part;
	struct nm_text name, text, only = {0};
	size_t n = 0;

	nm_buf_clear(&ask->joined);
	nm_json_walk_init(&walk, parts);
	while ((part = nm_json_walk_next(&walk, &name))) {
		text = nm_json_text(nm_json_get(part, "text"));
		if (text.len == 0)
			continue;
		only = text;
		if (n++)
			nm_buf_add_byte(&ask->joined, '\n');
		nm_buf_add_text(&ask->joined, text);
	}
	return n > 1 ? nm_buf_text(&ask->joined) : only;
}

static uint64_t
parts_bytes(const struct nm_value *parts)
{
	struct nm_json_walk walk;
	const struct nm_value *part;
	struct nm_text name;
	uint64_t bytes = 0;

	nm_json_walk_init(&walk, parts);
	while ((part = nm_json_walk_next(&walk, &name)))
		bytes += nm_json_text(nm_json_get(part, "text")).len;
	return bytes;
}

static bool
from_user(const struct nm_value *message)
{
	struct nm_text role = nm_json_text(nm_json_get(message, "role"));

	return role.len == 0 || nm_text_is(role, "user");
}

static void
read_messages(struct nm_ask *ask)
{
	const struct nm_value *message, *content, *asked = NULL;
	struct nm_json_walk walk;
	struct nm_text name;

	nm_json_walk_init(&walk, ask->content);
	while ((message = nm_json_walk_next(&walk, &name))) {
		content = nm_json_get(message, "content");
		ask->n_inputs++;
		if (nm_json_kind(content) == NM_JSON_ARRAY)
			ask->prompt_bytes += parts_bytes(content);
		else
			ask->prompt_bytes += nm_json_text(content).len;
		if (content && (!asked || from_user(message)))
			asked = content;
	}
	if (nm_json_kind(asked) == NM_JSON_ARRAY)
		ask->prompt = join_parts(ask, asked);
	else
		ask->prompt = nm_json_text(asked);
}

/* A string, an array of strings, or tokens as numbers, alone or in arrays. */
static void
read_inputs(struct nm_ask *ask)
{
	struct nm_json_walk walk;
	const struct nm_value *input;
	struct nm_text name;

	nm_json_walk_init(&walk, ask->content);
	while ((input = nm_json_walk_next(&walk, &name))) {
		if (nm_json_kind(input) == NM_JSON_STRING) {
			ask->prompt = nm_json_text(input);
			ask->prompt_bytes += ask->prompt.len;
		} else {
			ask->prompt_bytes += 4 *
				(uint64_t)(nm_json_count(input) + !nm_json_count(input));
		}
		/* A bare list of tokens is one input. */
		if (nm_json_kind(input) == NM_JSON_NUMBER)
			ask->n_inputs = 1;
		else
			ask->n_inputs++;
	}
}

static int64_t
answer_ceiling(const struct nm_ask *ask)
{
	static const char *const names[] = {
		"max_completion_tokens", "max_tokens", "max_output_tokens",
	};
	int64_t tokens;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tokens = nm_json_int(nm_json_get(ask->body, names[i]), 0);
		if (tokens > 0)
			return tokens;
	}
	return 0;
}

void
nm_ask_read(struct nm_ask *ask, enum nm_endpoint endpoint,
            const struct nm_value *body)
{
	struct nm_buf joined = ask->joined;

	*ask = (struct nm_ask){ .endpoint = endpoint, .body = body,
	                        .joined = joined };
	ask->model = nm_json_text(nm_json_get(body, "model"));
	ask->content = nm_json_get(body, nm_ask_member(endpoint));
	ask->max_tokens = answer_ceiling(ask);
	ask->n_choices = nm_json_int(nm_json_get(body, "n"), 1);
	if (nm_json_kind(ask->content) == NM_JSON_STRING) {
		ask->prompt = nm_json_text(ask->content);
		ask->prompt_bytes = ask->prompt.len;
		ask->n_inputs = 1;
	} else if (endpoint == NM_ENDPOINT_CHAT ||
	           endpoint == NM_ENDPOINT_RESPONSES) {
		read_messages(ask);
	} else {
		read_inputs(ask);
	}
	if (endpoint == NM_ENDPOINT_RESPONSES)
		ask->prompt_bytes +=
			nm_json_text(nm_json_get(body, "instructions")).len;
}

void
nm_ask_release(struct nm_ask *ask)
{
	nm_buf_release(&ask->joined);
	*ask = (struct nm_ask){0};
}

int64_t
nm_ask_prompt_tokens(const struct nm_ask *ask)
{
	return (int64_t)(ask->prompt_bytes / 4 + 3 * ask->n_inputs + 3);
}

bool
nm_ask_supports(const char *models, struct nm_text model)
{
	const char *end;

	if (!models)
		return true;
	for (; *models; models = *end ? end + 1 : end) {
		end = strchr(models, ',');
		if (!end)
			end = models + strlen(models);
		if (nm_text_equal((struct nm_text){ models, (size_t)(end - models) },
		                  model))
			return true;
	}
	return false;
}

bool
nm_ask_is_integer(const struct nm_value *value)
{
	struct nm_text text = nm_json_number_text(value);

	for (size_t i = 0; i < text.len; i++)
		if (strchr(".eE", text.at[i]))
			return false;
	return text.len > 0;
}

const char *
nm_ask_kind(const struct nm_value *value)
{
	switch (nm_json_kind(value)) {
	case NM_JSON_BOOLEAN: return "a boolean";
	case NM_JSON_NUMBER:
		return nm_ask_is_integer(value) ? "an integer"
		                                : "a decimal number";
	case NM_JSON_STRING:  return "a string";
	case NM_JSON_ARRAY:   return "an array";
	case NM_JSON_OBJECT:  return "an object";
	default:              return "null";
	}
}

bool
nm_ask_lacks(const struct nm_value *value)
{
	enum nm_kind kind = nm_json_kind(value);

	return kind == NM_JSON_ABSENT || kind == NM_JSON_NULL;
}
