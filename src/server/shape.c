#include "server/shape.h"

#include <math.h>

#include "base/map.h"

enum { DEFAULT_DIMENSIONS = 16, MAX_DIMENSIONS = 3072 };

#define ADD(out, literal) nm_buf_add(out, literal, sizeof(literal) - 1)

void
nm_shape_add_hex(struct nm_buf *out, uint64_t salt)
{
	static const char digits[] = "0123456789abcdef";
	char hex[16];

	for (int i = 15; i >= 0; i--, salt >>= 4)
		hex[i] = digits[salt & 15];
	nm_buf_add(out, hex, sizeof(hex));
}

static void
add_text_or_null(struct nm_buf *out, struct nm_text text)
{
	if (text.at)
		nm_json_add_string(out, text);
	else
		ADD(out, "null");
}

void
nm_shape_add_name(struct nm_buf *out, struct nm_text model)
{
	static const char prefix[] = "simulated-";

	if (model.len < sizeof(prefix) - 1 ||
	    memcmp(model.at, prefix, sizeof(prefix) - 1) != 0)
		nm_buf_add_string(out, prefix);
	nm_buf_add_text(out, model);
}

/* A model's name comes from a request: it may hold anything. */
static void
add_model(struct nm_shape *shape)
{
	struct nm_buf name = {0};

	nm_shape_add_name(&name, shape->ask->model);
	nm_json_add_string(shape->out, nm_buf_text(&name));
	nm_buf_release(&name);
}

static void
add_id(struct nm_shape *shape, const char *prefix)
{
	nm_buf_add_byte(shape->out, '"');
	nm_buf_add_string(shape->out, prefix);
	nm_shape_add_hex(shape->out, shape->salt);
	nm_buf_add_byte(shape->out, '"');
}

static void
add_number(struct nm_buf *out, const char *name, int64_t number)
{
	nm_buf_add_string(out, name);
	nm_buf_add_int(out, number);
}

void
nm_shape_begin(struct nm_shape *shape)
{
	struct nm_buf *out = shape->out;

	if (shape->ask->endpoint == NM_ENDPOINT_RESPONSES)
		return;
	ADD(out, "{\"id\":");
	if (shape->ask->endpoint == NM_ENDPOINT_CHAT) {
		add_id(shape, "chatcmpl-");
		ADD(out, ",\"object\":\"chat.completion\"");
	} else {
		add_id(shape, "cmpl-");
		ADD(out, ",\"object\":\"text_completion\"");
	}
	add_number(out, ",\"created\":", shape->now_s);
	ADD(out, ",\"model\":");
	add_model(shape);
	ADD(out, ",\"choices\":[");
}

static void
add_chat(struct nm_shape *shape, const struct nm_said *said)
{
	struct nm_buf *out = shape->out;

	add_number(out, "{\"index\":", shape->n_added);
	ADD(out, ",\"message\":{\"role\":\"assistant\",\"content\":");
	add_text_or_null(out, said->content);
	ADD(out, ",\"refusal\":");
	add_text_or_null(out, said->refusal);
	ADD(out, ",\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"");
	nm_buf_add_string(out, said->finish);
	ADD(out, "\"}");
}

static void
add_completion(struct nm_shape *shape, const struct nm_said *said)
{
	struct nm_buf *out = shape->out;

	ADD(out, "{\"text\":");
	nm_json_add_string(out, said->content);
	add_number(out, ",\"index\":", shape->n_added);
	ADD(out, ",\"logprobs\":null,\"finish_reason\":\"");
	nm_buf_add_string(out, said->finish);
	ADD(out, "\"}");
}

/* What the request says of itself, or what the service takes it for. */
static void
add_echo(struct nm_shape *shape, const char *name, const char *otherwise)
{
	const struct nm_value *said = nm_json_get(shape->ask->body, name);
	struct nm_buf *out = shape->out;

	ADD(out, ",\"");
	nm_buf_add_string(out, name);
	ADD(out, "\":");
	if (nm_json_kind(said) == NM_JSON_ABSENT ||
	    nm_json_kind(said) == NM_JSON_NULL)
		nm_buf_add_string(out, otherwise);
	else
		nm_json_write(out, said);
}

/* A response up to its `output`. */
static void
add_response_head(struct nm_shape *shape, const struct nm_said *said,
                  const char *status)
{
	struct nm_buf *out = shape->out;

	if (strcmp(said->finish, "length") == 0)
		shape->incomplete = "max_output_tokens";
	else if (strcmp(said->finish, "content_filter") == 0)
		shape->incomplete = "content_filter";
	ADD(out, "{\"id\":");
	add_id(shape, "resp_");
	add_number(out, ",\"object\":\"response\",\"created_at\":", shape->now_s);
	if (shape->incomplete)
		ADD(out, ",\"completed_at\":null");
	else
		add_number(out, ",\"completed_at\":", shape->now_s);
	ADD(out, ",\"status\":\"");
	nm_buf_add_string(out, status);
	ADD(out, "\",\"error\":null,\"incomplete_details\":");
	if (shape->incomplete) {
		ADD(out, "{\"reason\":\"");
		nm_buf_add_string(out, shape->incomplete);
		ADD(out, "\"}");
	} else {
		ADD(out, "null");
	}
	add_echo(shape, "instructions", "null");
	add_echo(shape, "max_output_tokens", "null");
	add_echo(shape, "metadata", "{}");
	ADD(out, ",\"model\":");
	add_model(shape);
}

/* The item that holds what was said. */
static void
add_message_item(struct nm_shape *shape, const struct nm_said *said,
                 const char *status)
{
	struct nm_buf *out = shape->out;

	ADD(out, "{\"type\":\"message\",\"id\":");
	add_id(shape, "msg_");
	ADD(out, ",\"role\":\"assistant\",\"status\":\"");
	nm_buf_add_string(out, status);
	ADD(out, "\",\"content\":[");
	if (said->refusal.at) {
		ADD(out, "{\"type\":\"refusal\",\"refusal\":");
		nm_json_add_string(out, said->refusal);
		ADD(out, "}");
	} else if (said->content.at) {
		ADD(out, "{\"type\":\"output_text\",\"text\":");
		nm_json_add_string(out, said->content);
		ADD(out, ",\"annotations\":[],\"logprobs\":[]}");
	}
	ADD(out, "]}");
}

static void
add_response(struct nm_shape *shape, const struct nm_said *said)
{
	struct nm_buf *out = shape->out;
	const char *status = strcmp(said->finish, "stop") == 0 ? "completed"
	                                                       : "incomplete";

	add_response_head(shape, said, status);
	ADD(out, ",\"output\":[");
	if (said->reasoning_tokens) {
		ADD(out, "{\"type\":\"reasoning\",\"id\":");
		add_id(shape, "rs_");
		ADD(out, ",\"summary\":[]},");
	}
	if (said->preamble)
		ADD(out, "{\"type\":\"message\",\"id\":\"msg_0\",\"role\":"
		    "\"assistant\",\"status\":\"completed\",\"content\":[{"
		    "\"type\":\"output_text\",\"text\":\"\",\"annotations\":"
		    "[],\"logprobs\":[]}]},");
	add_message_item(shape, said, status);
	ADD(out, "]");
}

void
nm_shape_add(struct nm_shape *shape, const struct nm_said *said)
{
	shape->usage.output_tokens += said->output_tokens;
	shape->usage.reasoning_tokens += said->reasoning_tokens;
	if (shape->ask->endpoint == NM_ENDPOINT_RESPONSES) {
		if (shape->n_added++ == 0)
			add_response(shape, said);
		return;
	}
	if (shape->n_added)
		nm_buf_add_byte(shape->out, ',');
	if (shape->ask->endpoint == NM_ENDPOINT_CHAT)
		add_chat(shape, said);
	else
		add_completion(shape, said);
	shape->n_added++;
}

static void
end_response(struct nm_shape *shape)
{
	static const struct {
		const char *name, *otherwise;
	} echoes[] = {
		{ "parallel_tool_calls", "true" },
		{ "store", "true" },
		{ "temperature", "1.0" },
		{ "text", "{\"format\":{\"type\":\"text\"},"
		          "\"verbosity\":\"medium\"}" },
		{ "tool_choice", "\"auto\"" },
		{ "tools", "[]" },
		{ "top_p", "1.0" },
		{ "truncation", "\"disabled\"" },
	};
	const struct nm_usage *usage = &shape->usage;
	struct nm_buf *out = shape->out;

	for (size_t i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++)
		add_echo(shape, echoes[i].name, echoes[i].otherwise);
	add_number(out, ",\"usage\":{\"input_tokens\":", usage->input_tokens);
	add_number(out, ",\"input_tokens_details\":{\"cached_tokens\":",
	           usage->cached_tokens);
	add_number(out, ",\"cache_write_tokens\":0},\"output_tokens\":",
	           usage->output_tokens);
	add_number(out, ",\"output_tokens_details\":{\"reasoning_tokens\":",
	           usage->reasoning_tokens);
	add_number(out, "},\"total_tokens\":",
	           usage->input_tokens + usage->output_tokens);
	ADD(out, "}}");
}

void
nm_shape_end(struct nm_shape *shape)
{
	const struct nm_usage *usage = &shape->usage;
	struct nm_buf *out = shape->out;

	if (shape->ask->endpoint == NM_ENDPOINT_RESPONSES) {
		end_response(shape);
		return;
	}
	add_number(out, "],\"usage\":{\"prompt_tokens\":", usage->input_tokens);
	add_number(out, ",\"completion_tokens\":", usage->output_tokens);
	add_number(out, ",\"total_tokens\":",
	           usage->input_tokens + usage->output_tokens);
	if (shape->ask->endpoint == NM_ENDPOINT_CHAT) {
		add_number(out, ",\"prompt_tokens_details\":{\"cached_tokens\":",
		           usage->cached_tokens);
		add_number(out, ",\"audio_tokens\":0},\"completion_tokens_details\":"
		           "{\"reasoning_tokens\":", usage->reasoning_tokens);
		ADD(out, ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
		    "\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\","
		    "\"system_fingerprint\":\"fp_simulated\"}");
	} else {
		ADD(out, "}}");
	}
}

/* ---- embeddings ---- */

static void
add_base64(struct nm_buf *out, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t three;
	char four[4];

	for (size_t i = 0; i < len; i += 3) {
		three = (uint32_t)bytes[i] << 16;
		if (i + 1 < len)
			three |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < len)
			three |= bytes[i + 2];
		for (int k = 3; k >= 0; k--, three >>= 6)
			four[k] = digits[three & 63];
		if (i + 1 >= len)
			four[2] = '=';
		if (i + 2 >= len)
			four[3] = '=';
		nm_buf_add(out, four, 4);
	}
}

static void
add_vector(struct nm_buf *out, uint64_t hash, size_t dimensions, bool base64)
{
	float vector[MAX_DIMENSIONS];
	double length = 0;

	for (size_t i = 0; i < dimensions; i++) {
		hash = hash * UINT64_C(6364136223846793005) + 1442695040888963407u;
		vector[i] = (float)((double)(hash >> 40) / (1 << 24) - 0.5);
		length += (double)vector[i] * vector[i];
	}
	length = length > 0 ? sqrt(length) : 1;
	for (size_t i = 0; i < dimensions; i++)
		vector[i] = (float)(vector[i] / length);
	if (base64) {
		nm_buf_add_byte(out, '"');
		add_base64(out, (const unsigned char *)vector,
		           dimensions * sizeof(*vector));
		nm_buf_add_byte(out, '"');
		return;
	}
	nm_buf_add_byte(out, '[');
	for (size_t i = 0; i < dimensions; i++)
		nm_buf_addf(out, "%s%.7g", i ? "," : "", (double)vector[i]);
	nm_buf_add_byte(out, ']');
}

static void
add_embedding(struct nm_shape *shape, uint64_t seed,
              const struct nm_value *input)
{
	int64_t wanted = nm_json_int(nm_json_get(shape->ask->body, "dimensions"),
	                             DEFAULT_DIMENSIONS);
	size_t dimensions = wanted > 0 && wanted <= MAX_DIMENSIONS ?
		(size_t)wanted : DEFAULT_DIMENSIONS;
	bool base64 = nm_text_is(nm_json_text(nm_json_get(shape->ask->body,
		"encoding_format")), "base64");
	struct nm_buf written = {0};
	struct nm_text text = nm_json_text(input);

	if (!text.at) {
		nm_json_write(&written, input);
		text = nm_buf_text(&written);
	}
	if (shape->n_added)
		nm_buf_add_byte(shape->out, ',');
	add_number(shape->out, "{\"object\":\"embedding\",\"index\":",
	           shape->n_added++);
	ADD(shape->out, ",\"embedding\":");
	add_vector(shape->out, nm_hash(seed + 1, text.at, text.len), dimensions,
	           base64);
	nm_buf_add_byte(shape->out, '}');
	nm_buf_release(&written);
}

void
nm_shape_embeddings(struct nm_shape *shape, uint64_t seed)
{
	const struct nm_value *content = shape->ask->content, *input;
	struct nm_json_walk walk;
	struct nm_text name;

	ADD(shape->out, "{\"object\":\"list\",\"data\":[");
	nm_json_walk_init(&walk, content);
	input = nm_json_walk_next(&walk, &name);
	if (nm_json_kind(content) != NM_JSON_ARRAY ||
	    nm_json_kind(input) == NM_JSON_NUMBER)
		add_embedding(shape, seed, content);
	else
		for (; input; input = nm_json_walk_next(&walk, &name))
			add_embedding(shape, seed, input);
	ADD(shape->out, "],\"model\":");
	add_model(shape);
	add_number(shape->out, ",\"usage\":{\"prompt_tokens\":",
	           shape->usage.input_tokens);
	add_number(shape->out, ",\"total_tokens\":", shape->usage.input_tokens);
	ADD(shape->out, "}}");
}
