/* What was said, as a response: its items, and what it says of its request. */
#include "server/shape_parts.h"

/* What the request says of itself, or what the service takes it for. */
static void
add_echo(struct nm_shape *shape, const char *name, const char *otherwise)
{
	const struct nm_value *said = nm_json_get(shape->ask->body, name);
	struct nm_buf *out = shape->out;

	NM_SHAPE_ADD(out, ",\"");
	nm_buf_add_string(out, name);
	NM_SHAPE_ADD(out, "\":");
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
	NM_SHAPE_ADD(out, "{\"id\":");
	nm_shape_add_id(shape, "resp_");
	nm_shape_add_number(
		out, ",\"object\":\"response\",\"created_at\":", shape->now_s);
	if (shape->incomplete)
		NM_SHAPE_ADD(out, ",\"completed_at\":null");
	else
		nm_shape_add_number(out, ",\"completed_at\":", shape->now_s);
	NM_SHAPE_ADD(out, ",\"status\":\"");
	nm_buf_add_string(out, status);
	NM_SHAPE_ADD(out, "\",\"error\":null,\"incomplete_details\":");
	if (shape->incomplete) {
		NM_SHAPE_ADD(out, "{\"reason\":\"");
		nm_buf_add_string(out, shape->incomplete);
		NM_SHAPE_ADD(out, "\"}");
	} else {
		NM_SHAPE_ADD(out, "null");
	}
	add_echo(shape, "instructions", "null");
	add_echo(shape, "max_output_tokens", "null");
	add_echo(shape, "metadata", "{}");
	NM_SHAPE_ADD(out, ",\"model\":");
	nm_shape_add_model(shape);
}

/* The item that holds what was said. */
static void
add_message_item(struct nm_shape *shape, const struct nm_said *said,
                 const char *status)
{
	struct nm_buf *out = shape->out;

	NM_SHAPE_ADD(out, "{\"type\":\"message\",\"id\":");
	nm_shape_add_id(shape, "msg_");
	NM_SHAPE_ADD(out, ",\"role\":\"assistant\",\"status\":\"");
	nm_buf_add_string(out, status);
	NM_SHAPE_ADD(out, "\",\"content\":[");
	if (said->refusal.at) {
		NM_SHAPE_ADD(out, "{\"type\":\"refusal\",\"refusal\":");
		nm_json_add_string(out, said->refusal);
		NM_SHAPE_ADD(out, "}");
	} else if (said->content.at) {
		NM_SHAPE_ADD(out, "{\"type\":\"output_text\",\"text\":");
		nm_json_add_string(out, said->content);
		NM_SHAPE_ADD(out, ",\"annotations\":[],\"logprobs\":[]}");
	}
	NM_SHAPE_ADD(out, "]}");
}

void
nm_shape_add_response(struct nm_shape *shape, const struct nm_said *said)
{
	struct nm_buf *out = shape->out;
	const char *status = strcmp(said->finish, "stop") == 0 ? "completed"
	                                                       : "incomplete";

	add_response_head(shape, said, status);
	NM_SHAPE_ADD(out, ",\"output\":[");
	if (said->reasoning_tokens) {
		NM_SHAPE_ADD(out, "{\"type\":\"reasoning\",\"id\":");
		nm_shape_add_id(shape, "rs_");
		NM_SHAPE_ADD(out, ",\"summary\":[]},");
	}
	if (said->preamble)
		NM_SHAPE_ADD(
			out,
			"{\"type\":\"message\",\"id\":\"msg_0\",\"role\":"
			"\"assistant\",\"status\":\"completed\",\"content\":[{"
			"\"type\":\"output_text\",\"text\":\"\",\"annotations\":"
			"[],\"logprobs\":[]}]},");
	add_message_item(shape, said, status);
	NM_SHAPE_ADD(out, "]");
}

void
nm_shape_end_response(struct nm_shape *shape)
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
	nm_shape_add_tier(shape);
	nm_shape_add_number(
		out, ",\"usage\":{\"input_tokens\":", usage->input_tokens);
	nm_shape_add_number(out,
	                    ",\"input_tokens_details\":{\"cached_tokens\":",
	                    usage->cached_tokens);
	nm_shape_add_number(out,
	                    ",\"cache_write_tokens\":0},\"output_tokens\":",
	                    usage->output_tokens);
	nm_shape_add_number(out,
	                    ",\"output_tokens_details\":{\"reasoning_tokens\":",
	                    usage->reasoning_tokens);
	nm_shape_add_number(out, "},\"total_tokens\":",
	                    usage->input_tokens + usage->output_tokens);
	NM_SHAPE_ADD(out, "}}");
}
