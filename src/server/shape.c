#include "server/shape_parts.h"

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
		NM_SHAPE_ADD(out, "null");
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
void
nm_shape_add_model(struct nm_shape *shape)
{
	struct nm_buf name = {0};

	nm_shape_add_name(&name, shape->ask->model);
	nm_json_add_string(shape->out, nm_buf_text(&name));
	nm_buf_release(&name);
}

/* The one asked for. */
void
nm_shape_add_tier(struct nm_shape *shape)
{
	struct nm_text tier = nm_json_text(nm_json_get(shape->ask->body,
	                                               "service_tier"));

	NM_SHAPE_ADD(shape->out, ",\"service_tier\":");
	if (!tier.len || nm_text_is(tier, "auto"))
		NM_SHAPE_ADD(shape->out, "\"default\"");
	else
		nm_json_add_string(shape->out, tier);
}

void
nm_shape_add_id(struct nm_shape *shape, const char *prefix)
{
	nm_buf_add_byte(shape->out, '"');
	nm_buf_add_string(shape->out, prefix);
	nm_shape_add_hex(shape->out, shape->salt);
	nm_buf_add_byte(shape->out, '"');
}

void
nm_shape_add_number(struct nm_buf *out, const char *name, int64_t number)
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
	NM_SHAPE_ADD(out, "{\"id\":");
	if (shape->ask->endpoint == NM_ENDPOINT_CHAT) {
		nm_shape_add_id(shape, "chatcmpl-");
		NM_SHAPE_ADD(out, ",\"object\":\"chat.completion\"");
	} else {
		nm_shape_add_id(shape, "cmpl-");
		NM_SHAPE_ADD(out, ",\"object\":\"text_completion\"");
	}
	nm_shape_add_number(out, ",\"created\":", shape->now_s);
	NM_SHAPE_ADD(out, ",\"model\":");
	nm_shape_add_model(shape);
	NM_SHAPE_ADD(out, ",\"choices\":[");
}

static void
add_chat(struct nm_shape *shape, const struct nm_said *said)
{
	struct nm_buf *out = shape->out;

	nm_shape_add_number(out, "{\"index\":", shape->n_added);
	NM_SHAPE_ADD(out, ",\"message\":{\"role\":\"assistant\",\"content\":");
	add_text_or_null(out, said->content);
	NM_SHAPE_ADD(out, ",\"refusal\":");
	add_text_or_null(out, said->refusal);
	NM_SHAPE_ADD(
		out,
		",\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"");
	nm_buf_add_string(out, said->finish);
	NM_SHAPE_ADD(out, "\"}");
}

static void
add_completion(struct nm_shape *shape, const struct nm_said *said)
{
	struct nm_buf *out = shape->out;

	NM_SHAPE_ADD(out, "{\"text\":");
	nm_json_add_string(out, said->content);
	nm_shape_add_number(out, ",\"index\":", shape->n_added);
	NM_SHAPE_ADD(out, ",\"logprobs\":null,\"finish_reason\":\"");
	nm_buf_add_string(out, said->finish);
	NM_SHAPE_ADD(out, "\"}");
}

void
nm_shape_add(struct nm_shape *shape, const struct nm_said *said)
{
	shape->usage.output_tokens += said->output_tokens;
	shape->usage.reasoning_tokens += said->reasoning_tokens;
	if (shape->ask->endpoint == NM_ENDPOINT_RESPONSES) {
		if (shape->n_added++ == 0)
			nm_shape_add_response(shape, said);
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

void
nm_shape_end(struct nm_shape *shape)
{
	const struct nm_usage *usage = &shape->usage;
	struct nm_buf *out = shape->out;

	if (shape->ask->endpoint == NM_ENDPOINT_RESPONSES) {
		nm_shape_end_response(shape);
		return;
	}
	nm_shape_add_number(
		out, "],\"usage\":{\"prompt_tokens\":", usage->input_tokens);
	nm_shape_add_number(out,
	                    ",\"completion_tokens\":", usage->output_tokens);
	nm_shape_add_number(out, ",\"total_tokens\":",
	                    usage->input_tokens + usage->output_tokens);
	if (shape->ask->endpoint == NM_ENDPOINT_CHAT) {
		nm_shape_add_number(
			out, ",\"prompt_tokens_details\":{\"cached_tokens\":",
			usage->cached_tokens);
		nm_shape_add_number(
			out,
			",\"audio_tokens\":0},\"completion_tokens_details\":"
			"{\"reasoning_tokens\":",
			usage->reasoning_tokens);
		NM_SHAPE_ADD(
			out,
			",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
			"\"rejected_prediction_tokens\":0}}");
		nm_shape_add_tier(shape);
		NM_SHAPE_ADD(out, ",\"system_fingerprint\":\"fp_simulated\"}");
	} else {
		NM_SHAPE_ADD(out, "}}");
	}
}
