#include "server/params.h"

#include <inttypes.h>
#include <math.h>

#include "server/format.h"

/* No model reads more; a bound on what one row may ask. */
enum { CONTEXT_TOKENS = 1047576, IDENTIFIER_MAX_CHARS = 64 };

/* A number with bounds; whole ones say "integer", others "decimal". */
struct range {
	const char *name;
	double      least, most;
	bool        whole;
};

static const struct range chat_ranges[] = {
	{ "temperature", 0, 2, false },
	{ "top_p", 0, 1, false },
	{ "presence_penalty", -2, 2, false },
	{ "frequency_penalty", -2, 2, false },
	{ "n", 1, 128, true },
	{ "top_logprobs", 0, 20, true },
	{ "max_completion_tokens", 1, 1e9, true },
	{ "max_tokens", 1, 1e9, true },
};

static const struct range responses_ranges[] = {
	{ "temperature", 0, 2, false },
	{ "top_p", 0, 1, false },
	{ "max_output_tokens", 16, 1e9, true },
	{ "top_logprobs", 0, 20, true },
};

static const struct range completions_ranges[] = {
	{ "temperature", 0, 2, false },
	{ "top_p", 0, 1, false },
	{ "n", 1, 128, true },
	{ "max_tokens", 0, 1e9, true },
};

static const struct {
	const struct range *at;
	size_t              count;
} ranges[] = {
	[NM_ENDPOINT_NONE] = { NULL, 0 },
	[NM_ENDPOINT_CHAT] = { chat_ranges,
		sizeof(chat_ranges) / sizeof(chat_ranges[0]) },
	[NM_ENDPOINT_RESPONSES] = { responses_ranges,
		sizeof(responses_ranges) / sizeof(responses_ranges[0]) },
	[NM_ENDPOINT_EMBEDDINGS] = { NULL, 0 },
	[NM_ENDPOINT_COMPLETIONS] = { completions_ranges,
		sizeof(completions_ranges) / sizeof(completions_ranges[0]) },
};

static bool
begins(struct nm_text text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && memcmp(text.at, with, len) == 0;
}

bool
nm_params_reasons(struct nm_text model)
{
	if (begins(model, "gpt-") && model.len > 4)
		return model.at[4] >= '5' && model.at[4] <= '9';
	return begins(model, "o1") || begins(model, "o3") || begins(model, "o4");
}

static void
judge_range(const struct nm_value *value, const struct range *range,
            struct nm_verdict *verdict)
{
	const char *kind = range->whole ? "integer" : "decimal";
	struct nm_text text = nm_json_number_text(value);
	/* What no double holds is beyond every bound. */
	double number = nm_json_double(value, begins(text, "-") ? -HUGE_VAL
	                                                        : HUGE_VAL);

	if (nm_json_kind(value) != NM_JSON_NUMBER ||
	    (range->whole && !nm_ask_is_integer(value) &&
	     nm_json_int(value, INT64_MIN) == INT64_MIN))
		nm_verdict_set(verdict, 400, range->name, "invalid_type",
			"Invalid type for '%s': expected %s %s, but got %s instead.",
			range->name, range->whole ? "an" : "a", kind,
			nm_ask_kind(value));
	else if (number > range->most)
		nm_verdict_set(verdict, 400, range->name,
			range->whole ? "integer_above_max_value" :
			               "decimal_above_max_value",
			"Invalid '%s': %s above maximum value. Expected a value "
			"<= %g, but got %.*s instead.", range->name, kind,
			range->most, NM_TEXT_ARGS(text));
	else if (number < range->least)
		nm_verdict_set(verdict, 400, range->name,
			range->whole ? "integer_below_min_value" :
			               "decimal_below_min_value",
			"Invalid '%s': %s below minimum value. Expected a value "
			">= %g, but got %.*s instead.", range->name, kind,
			range->least, NM_TEXT_ARGS(text));
}

static void
judge_ranges(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const struct range *range = ranges[ask->endpoint].at;
	const struct nm_value *value;

	for (size_t i = 0; i < ranges[ask->endpoint].count; i++) {
		value = nm_json_get(ask->body, range[i].name);
		if (nm_ask_lacks(value))
			continue;
		judge_range(value, &range[i], verdict);
		if (verdict->status)
			return;
	}
}

/* What models that think refuse. */
static void
judge_reasoning(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	static const char *const fixed[] = { "temperature", "top_p" };
	const struct nm_value *value;

	if (!nm_params_reasons(ask->model) ||
	    ask->endpoint == NM_ENDPOINT_EMBEDDINGS ||
	    nm_text_is(nm_json_text(nm_json_get(ask->body,
	                                        "reasoning_effort")), "none"))
		return;
	if (ask->endpoint == NM_ENDPOINT_CHAT &&
	    !nm_ask_lacks(nm_json_get(ask->body, "max_tokens"))) {
		nm_verdict_set(verdict, 400, "max_tokens",
			"unsupported_parameter", "Unsupported parameter: "
			"'max_tokens' is not supported with this model. Use "
			"'max_completion_tokens' instead.");
		return;
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		value = nm_json_get(ask->body, fixed[i]);
		if (nm_ask_lacks(value) || nm_json_double(value, 1) == 1)
			continue;
		nm_verdict_set(verdict, 400, fixed[i], "unsupported_value",
			"Unsupported value: '%s' does not support %.*s with this "
			"model. Only the default (1) value is supported.",
			fixed[i], NM_TEXT_ARGS(nm_json_number_text(value)));
		return;
	}
}

static bool
holds_word(const char *words, struct nm_text word)
{
	const char *end;

	for (; *words; words = *end ? end + 1 : end) {
		end = strchr(words, ' ');
		if (!end)
			end = words + strlen(words);
		if (nm_text_equal((struct nm_text){ words, (size_t)(end - words) },
		                  word))
			return true;
	}
	return false;
}

static void
judge_effort(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const char *param = ask->endpoint == NM_ENDPOINT_CHAT ?
		"reasoning_effort" : "reasoning.effort";
	const struct nm_value *value;
	struct nm_text word;

	if (ask->endpoint != NM_ENDPOINT_CHAT &&
	    ask->endpoint != NM_ENDPOINT_RESPONSES)
		return;
	value = nm_json_path(ask->body, param);
	word = nm_json_text(value);
	if (nm_ask_lacks(value) ||
	    holds_word("none minimal low medium high xhigh max", word))
		return;
	nm_verdict_set(verdict, 400, param, "invalid_value", "Invalid value: "
		"'%.*s'. Supported values are: 'none', 'minimal', 'low', 'medium', "
		"'high', 'xhigh', and 'max'.",
		(int)(word.len > 200 ? 200 : word.len), word.at ? word.at : "");
}

static void
judge_identifier(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	static const char name[] = "safety_identifier";
	struct nm_text text = nm_json_text(nm_json_get(ask->body, name));
	size_t chars = 0;

	for (size_t i = 0; i < text.len; i++)
		chars += (text.at[i] & 0xc0) != 0x80;
	if (chars > IDENTIFIER_MAX_CHARS)
		nm_verdict_set(verdict, 400, name, "string_above_max_length",
			"Invalid '%s': string too long. Expected a string with "
			"maximum length %d, but got a string with length %zu "
			"instead.", name, IDENTIFIER_MAX_CHARS, chars);
}

static void
judge_message(const struct nm_value *message, size_t i,
              struct nm_verdict *verdict)
{
	static const char *const roles[] = { "system", "assistant", "user",
		"function", "tool", "developer" };
	struct nm_text role = nm_json_text(nm_json_get(message, "role"));
	const struct nm_value *content = nm_json_get(message, "content");
	enum nm_kind kind = nm_json_kind(content);
	char param[64];
	bool known = false;

	for (size_t r = 0; r < sizeof(roles) / sizeof(roles[0]); r++)
		known = known || nm_text_is(role, roles[r]);
	snprintf(param, sizeof(param), "messages[%zu]%s", i,
	         known ? ".content" : ".role");
	if (nm_ask_lacks(nm_json_get(message, "role")))
		nm_verdict_set(verdict, 400, param, "missing_required_parameter",
			"Missing required parameter: '%s'.", param);
	else if (!known)
		nm_verdict_set(verdict, 400, param, "invalid_value",
			"Invalid value: '%.*s'. Supported values are: 'system', "
			"'assistant', 'user', 'function', 'tool', and 'developer'.",
			(int)(role.len > 200 ? 200 : role.len),
			role.at ? role.at : "");
	else if (kind != NM_JSON_STRING && kind != NM_JSON_ARRAY &&
	         !nm_text_is(role, "assistant"))
		nm_verdict_set(verdict, 400, param, "invalid_type",
			"Invalid type for '%s': expected one of a string or array "
			"of objects, but got %s instead.", param,
			nm_ask_kind(content));
}

static void
judge_messages(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	struct nm_json_walk walk;
	const struct nm_value *message;
	struct nm_text name;

	if (nm_json_kind(ask->content) != NM_JSON_ARRAY) {
		nm_verdict_set(verdict, 400, "messages", "invalid_type",
			"Invalid type for 'messages': expected an array of objects, "
			"but got %s instead.", nm_ask_kind(ask->content));
		return;
	}
	if (nm_json_count(ask->content) == 0) {
		nm_verdict_set(verdict, 400, "messages", "empty_array",
			"Invalid 'messages': empty array. Expected an array with "
			"minimum length 1, but got an empty array instead.");
		return;
	}
	nm_json_walk_init(&walk, ask->content);
	for (size_t i = 0; (message = nm_json_walk_next(&walk, &name)); i++) {
		judge_message(message, i, verdict);
		if (verdict->status)
			return;
	}
}

static void
judge_content(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const char *name = nm_ask_member(ask->endpoint);
	enum nm_kind kind = nm_json_kind(ask->content);

	if (nm_ask_lacks(ask->content))
		nm_verdict_set(verdict, 400, name, "missing_required_parameter",
			"Missing required parameter: '%s'.", name);
	else if (ask->endpoint == NM_ENDPOINT_CHAT)
		judge_messages(ask, verdict);
	else if (kind != NM_JSON_STRING && kind != NM_JSON_ARRAY)
		nm_verdict_set(verdict, 400, name, "invalid_type",
			"Invalid type for '%s': expected one of a string or an "
			"array, but got %s instead.", name, nm_ask_kind(ask->content));
	else if (ask->endpoint == NM_ENDPOINT_EMBEDDINGS &&
	         ask->prompt_bytes == 0)
		nm_verdict_set(verdict, 400, "input", NULL,
			"Invalid 'input': input cannot be an empty string.");
}

static void
judge_size(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	if (nm_ask_prompt_tokens(ask) > CONTEXT_TOKENS)
		nm_verdict_set(verdict, 400, nm_ask_member(ask->endpoint),
			"context_length_exceeded", "Your input exceeds the context "
			"window of this model. Please adjust your input and try "
			"again.");
}

bool
nm_params_judge_model(const struct nm_ask *ask, const char *models,
                      struct nm_verdict *verdict)
{
	verdict->status = 0;
	if (nm_json_kind(ask->body) != NM_JSON_OBJECT || ask->model.len == 0)
		nm_verdict_set(verdict, 400, NULL, NULL,
			"you must provide a model parameter");
	else if (!nm_ask_supports(models, ask->model))
		nm_verdict_set(verdict, 404, NULL, "model_not_found",
			"The model '%.*s' does not exist or you do not have access "
			"to it.", (int)(ask->model.len > 200 ? 200 : ask->model.len),
			ask->model.at);
	return verdict->status == 0;
}

void
nm_params_judge(const struct nm_ask *ask, const char *models,
                struct nm_verdict *verdict)
{
	static void (*const judges[])(const struct nm_ask *,
	                              struct nm_verdict *) = {
		judge_content, judge_ranges, judge_reasoning, judge_effort,
		judge_identifier, nm_format_judge, judge_size,
	};

	if (!nm_params_judge_model(ask, models, verdict))
		return;
	for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) {
		judges[i](ask, verdict);
		if (verdict->status)
			return;
	}
}
