/* Vectors for texts, and the object that holds them. */
#include "server/shape_parts.h"

#include <math.h>

#include "base/map.h"
#include "server/inputs.h"

enum { DEFAULT_DIMENSIONS = 16 };

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
	float vector[NM_INPUTS_MAX_DIMENSIONS];
	double length = 0;

	for (size_t i = 0; i < dimensions; i++) {
		hash = hash * UINT64_C(6364136223846793005) +
		       1442695040888963407u;
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
	int64_t wanted =
		nm_json_int(nm_json_get(shape->ask->body, "dimensions"),
	                    DEFAULT_DIMENSIONS);
	size_t dimensions = wanted > 0 && wanted <= NM_INPUTS_MAX_DIMENSIONS
	                            ? (size_t)wanted
	                            : DEFAULT_DIMENSIONS;
	bool base64 = nm_text_is(
		nm_json_text(nm_json_get(shape->ask->body, "encoding_format")),
		"base64");
	struct nm_buf written = {0};
	struct nm_text text = nm_json_text(input);

	if (!text.at) {
		nm_json_write(&written, input);
		text = nm_buf_text(&written);
	}
	if (shape->n_added)
		nm_buf_add_byte(shape->out, ',');
	nm_shape_add_number(shape->out, "{\"object\":\"embedding\",\"index\":",
	                    shape->n_added++);
	NM_SHAPE_ADD(shape->out, ",\"embedding\":");
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

	NM_SHAPE_ADD(shape->out, "{\"object\":\"list\",\"data\":[");
	nm_json_walk_init(&walk, content);
	input = nm_json_walk_next(&walk, &name);
	if (nm_json_kind(content) != NM_JSON_ARRAY ||
	    nm_json_kind(input) == NM_JSON_NUMBER)
		add_embedding(shape, seed, content);
	else
		for (; input; input = nm_json_walk_next(&walk, &name))
			add_embedding(shape, seed, input);
	NM_SHAPE_ADD(shape->out, "],\"model\":");
	nm_shape_add_model(shape);
	nm_shape_add_number(shape->out, ",\"usage\":{\"prompt_tokens\":",
	                    shape->usage.input_tokens);
	nm_shape_add_number(shape->out,
	                    ",\"total_tokens\":", shape->usage.input_tokens);
	NM_SHAPE_ADD(shape->out, "}}");
}
