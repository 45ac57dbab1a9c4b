#include "server/inputs.h"

/* Of texts, and of lists of tokens: one request's. */
enum { INPUTS_MAX = 2048, SMALL_DIMENSIONS = 1536 };

static void
refuse_shape(struct nm_verdict *verdict, const char *member)
{
	nm_verdict_set(verdict, 400, NULL, NULL, "'$.%s' is invalid. Please check "
		"the API reference: https://platform.openai.com/docs/"
		"api-reference.", member);
}

static void
refuse_empty(struct nm_verdict *verdict)
{
	nm_verdict_set(verdict, 400, "input", NULL,
		"Invalid 'input': input cannot be an empty string.");
}

/* All of one kind: texts, numbers, or lists of numbers. */
static void
judge_list(const struct nm_value *inputs, struct nm_verdict *verdict)
{
	enum nm_kind kind = NM_JSON_ABSENT;
	const struct nm_value *input;
	struct nm_json_walk walk;
	struct nm_text name;

	nm_json_walk_init(&walk, inputs);
	while (!verdict->status && (input = nm_json_walk_next(&walk, &name))) {
		if (kind == NM_JSON_ABSENT)
			kind = nm_json_kind(input);
		if (nm_json_kind(input) != kind ||
		    (kind != NM_JSON_STRING && kind != NM_JSON_NUMBER &&
		     kind != NM_JSON_ARRAY))
			refuse_shape(verdict, "input");
		else if (kind == NM_JSON_STRING && !nm_json_text(input).len)
			refuse_empty(verdict);
	}
	if (!verdict->status && kind != NM_JSON_NUMBER &&
	    nm_json_count(inputs) > INPUTS_MAX)
		nm_verdict_set(verdict, 400, "input", "array_above_max_length",
			"Invalid 'input': array too long. Expected an array with "
			"maximum length %d, but got an array with length %zu "
			"instead.", INPUTS_MAX, nm_json_count(inputs));
}

static void
judge_dimensions(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const struct nm_value *value = nm_json_get(ask->body, "dimensions");
	int64_t most = nm_text_is(ask->model, "text-embedding-3-small")
	               ? SMALL_DIMENSIONS : NM_INPUTS_MAX_DIMENSIONS;
	int64_t number = nm_json_int(value, -1);

	if (nm_ask_lacks(value) || (number >= 1 && number <= most))
		return;
	if (nm_json_kind(value) != NM_JSON_NUMBER || !nm_ask_is_integer(value))
		refuse_shape(verdict, "dimensions");
	else
		nm_verdict_set(verdict, 400, NULL, NULL, "Invalid value for "
			"'dimensions' = %.*s. Must be %s than or equal to %lld.",
			NM_TEXT_ARGS(nm_json_number_text(value)),
			number < 1 ? "greater" : "less",
			(long long)(number < 1 ? 1 : most));
}

void
nm_inputs_judge(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const struct nm_value *format;
	struct nm_text name;

	if (ask->endpoint != NM_ENDPOINT_EMBEDDINGS)
		return;
	format = nm_json_get(ask->body, "encoding_format");
	name = nm_json_text(format);
	if (ask->prompt_bytes == 0)
		refuse_empty(verdict);
	else if (nm_json_kind(ask->content) == NM_JSON_ARRAY)
		judge_list(ask->content, verdict);
	if (!verdict->status)
		judge_dimensions(ask, verdict);
	if (verdict->status || nm_ask_lacks(format) ||
	    nm_text_is(name, "float") || nm_text_is(name, "base64"))
		return;
	if (!name.at)
		refuse_shape(verdict, "encoding_format");
	else
		nm_verdict_set(verdict, 400, NULL, NULL, "Invalid value for "
			"'encoding_format' = %.*s. Supported values: ['float', "
			"'base64'].", (int)(name.len > 200 ? 200 : name.len),
			name.at);
}
