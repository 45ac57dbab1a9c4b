#include "server/bounds.h"

#include <math.h>

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
	{ "seed", -HUGE_VAL, HUGE_VAL, true },
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
	{ "presence_penalty", -2, 2, false },
	{ "frequency_penalty", -2, 2, false },
	{ "logprobs", 0, 5, true },
	{ "best_of", 0, 20, true },
	{ "seed", -HUGE_VAL, HUGE_VAL, true },
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

static void
judge_range(const struct nm_value *value, const struct range *range,
            struct nm_verdict *verdict)
{
	const char *kind = range->whole ? "integer" : "decimal";
	struct nm_text text = nm_json_number_text(value);
	/* What no double holds is beyond every bound. */
	double number = nm_json_double(value, text.len && text.at[0] == '-'
	                                      ? -HUGE_VAL : HUGE_VAL);

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

static void
judge_flags(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	static const char *const flags[][5] = {
		[NM_ENDPOINT_CHAT] = { "stream", "store", "logprobs",
			"parallel_tool_calls" },
		[NM_ENDPOINT_RESPONSES] = { "stream", "store", "background",
			"parallel_tool_calls" },
		[NM_ENDPOINT_COMPLETIONS] = { "stream", "echo" },
	};
	const struct nm_value *value;

	for (const char *const *name = flags[ask->endpoint]; *name; name++) {
		value = nm_json_get(ask->body, *name);
		if (nm_ask_lacks(value) || nm_json_kind(value) == NM_JSON_BOOLEAN)
			continue;
		nm_verdict_set(verdict, 400, *name, "invalid_type",
			"Invalid type for '%s': expected a boolean, but got %s "
			"instead.", *name, nm_ask_kind(value));
		return;
	}
}

static void
judge_tier(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	static const char *const tiers[] = { "auto", "default", "fast", "flex",
		"priority" };
	const struct nm_value *value = nm_json_get(ask->body, "service_tier");
	struct nm_text text = nm_json_text(value);

	if ((ask->endpoint != NM_ENDPOINT_CHAT &&
	     ask->endpoint != NM_ENDPOINT_RESPONSES) || nm_ask_lacks(value))
		return;
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		if (nm_text_is(text, tiers[i]))
			return;
	if (nm_json_kind(value) == NM_JSON_STRING)
		nm_verdict_set(verdict, 400, "service_tier", "invalid_value",
			"Invalid value: '%.*s'. Supported values are: 'auto', "
			"'default', 'fast', 'flex', and 'priority'.",
			(int)(text.len > 200 ? 200 : text.len), text.at);
	else
		nm_verdict_set(verdict, 400, "service_tier", "invalid_type",
			"Invalid type for 'service_tier': expected one of 'auto', "
			"'default', 'fast', 'flex', or 'priority', but got %s "
			"instead.", nm_ask_kind(value));
}

void
nm_bounds_judge(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	judge_ranges(ask, verdict);
	if (!verdict->status)
		judge_flags(ask, verdict);
	if (!verdict->status)
		judge_tier(ask, verdict);
}
