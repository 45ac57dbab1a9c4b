#include "server/reasoning.h"

static bool
begins(struct nm_text text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && memcmp(text.at, with, len) == 0;
}

bool
nm_reasoning_is_of(struct nm_text model)
{
	if (begins(model, "gpt-") && model.len > 4)
		return model.at[4] >= '5' && model.at[4] <= '9';
	return begins(model, "o1") || begins(model, "o3") || begins(model, "o4");
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

/* Asked for in a way that changes an answer. */
static bool
is_asked(const struct nm_value *value)
{
	return !nm_ask_lacks(value) && nm_json_double(value, 1) != 0 &&
	       (nm_json_kind(value) != NM_JSON_BOOLEAN || nm_json_true(value));
}

static void
refuse_parameter(struct nm_verdict *verdict, const char *name,
                 const char *code, const char *instead)
{
	nm_verdict_set(verdict, 400, name, code, "Unsupported parameter: '%s' is "
		"not supported with this model.%s", name, instead);
}

/* The first of a chat's parameters that such a model does not have. */
static void
judge_chat(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	static const char *const absent[] = { "stop", "logit_bias",
		"prediction", "frequency_penalty", "presence_penalty",
		"logprobs" };
	static const char code[] = "unsupported_parameter";

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		if (!is_asked(nm_json_get(ask->body, absent[i])) ||
		    (i == 0 && begins(ask->model, "o1"))) /* the only one */
			continue;
		refuse_parameter(verdict, absent[i], code, "");
		return;
	}
	if (!nm_ask_lacks(nm_json_get(ask->body, "max_tokens")))
		refuse_parameter(verdict, "max_tokens", code,
		                 " Use 'max_completion_tokens' instead.");
}

/* What is fixed may be said, if it is said so. */
static void
judge_fixed(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	static const char *const fixed[] = { "temperature", "top_p" };
	const struct nm_value *value;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		value = nm_json_get(ask->body, fixed[i]);
		if (nm_ask_lacks(value) || nm_json_double(value, 1) == 1)
			continue;
		if (ask->endpoint == NM_ENDPOINT_RESPONSES)
			refuse_parameter(verdict, fixed[i], NULL, "");
		else
			nm_verdict_set(verdict, 400, fixed[i],
				"unsupported_value", "Unsupported value: '%s' does "
				"not support %.*s with this model. Only the default "
				"(1) value is supported.", fixed[i],
				NM_TEXT_ARGS(nm_json_number_text(value)));
		return;
	}
}

void
nm_reasoning_judge(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	struct nm_text effort = nm_json_text(nm_json_path(ask->body,
		ask->endpoint == NM_ENDPOINT_RESPONSES ? "reasoning.effort"
		                                       : "reasoning_effort"));

	if (nm_reasoning_is_of(ask->model) && !nm_text_is(effort, "none") &&
	    ask->endpoint != NM_ENDPOINT_EMBEDDINGS) {
		if (ask->endpoint == NM_ENDPOINT_CHAT)
			judge_chat(ask, verdict);
		if (!verdict->status)
			judge_fixed(ask, verdict);
	}
	if (!verdict->status)
		judge_effort(ask, verdict);
}
