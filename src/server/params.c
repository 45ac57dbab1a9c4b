#include "server/params.h"

#include "server/bounds.h"
#include "server/format.h"
#include "server/inputs.h"
#include "server/reasoning.h"
#include "server/stop.h"
#include "server/tools.h"

/* No model reads more; a bound on what one row may ask. */
enum {
	CONTEXT_TOKENS = 1047576,
	IDENTIFIER_MAX_CHARS = 64,
	CHOICES_MAX = 2048
};

static void
judge_logprobs(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	if (ask->endpoint == NM_ENDPOINT_CHAT &&
	    nm_json_int(nm_json_get(ask->body, "top_logprobs"), 0) > 0 &&
	    !nm_json_true(nm_json_get(ask->body, "logprobs")))
		nm_verdict_set(verdict, 400, "top_logprobs", NULL, "The "
			"'top_logprobs' parameter is only allowed when 'logprobs' "
			"is enabled.");
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
	         nm_json_kind(message) != NM_JSON_OBJECT ? "" :
	         known ? ".content" : ".role");
	if (nm_json_kind(message) != NM_JSON_OBJECT)
		nm_verdict_set(verdict, 400, param, "invalid_type",
			"Invalid type for '%s': expected an object, but got %s "
			"instead.", param, nm_ask_kind(message));
	else if (nm_ask_lacks(nm_json_get(message, "role")))
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
			"Invalid type for '%s': expected one of a string or %s, "
			"but got %s instead.", name,
			ask->endpoint == NM_ENDPOINT_RESPONSES
			? "array of input items" : "an array",
			nm_ask_kind(ask->content));
}

/* One reply holds them all. */
static void
judge_choices(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	uint64_t n = ask->n_choices > 1 ? (uint64_t)ask->n_choices : 1;

	if (ask->endpoint == NM_ENDPOINT_COMPLETIONS &&
	    ask->n_inputs * n > CHOICES_MAX)
		nm_verdict_set(verdict, 400, NULL, NULL, "Too many parallel "
			"completions requested. You submitted %llu prompts, but you "
			"can currently request up to at most a total of %d).",
			(unsigned long long)(ask->n_inputs * n), CHOICES_MAX);
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

/* Of a response the service says it in words of its own. */
static void
judge_model_responds(const struct nm_value *model, const char *models,
                     struct nm_verdict *verdict)
{
	struct nm_text name = nm_json_text(model);

	if (nm_json_kind(model) == NM_JSON_ABSENT)
		nm_verdict_set(verdict, 400, "model",
			"missing_required_parameter",
			"Missing required parameter: 'model'.");
	else if (nm_json_kind(model) != NM_JSON_STRING)
		nm_verdict_set(verdict, 400, "model", "invalid_type", "Invalid "
			"type for 'model': expected a string, but got %s instead.",
			nm_json_kind(model) == NM_JSON_NULL ? "an object"
			                                    : nm_ask_kind(model));
	else if (!name.len || !nm_ask_supports(models, name))
		nm_verdict_set(verdict, 400, "model", "model_not_found",
			"The requested model '%.*s' does not exist.",
			(int)(name.len > 200 ? 200 : name.len), name.at);
}

bool
nm_params_judge_model(const struct nm_ask *ask, const char *models,
                      struct nm_verdict *verdict)
{
	verdict->status = 0;
	if (ask->endpoint == NM_ENDPOINT_RESPONSES)
		judge_model_responds(nm_json_get(ask->body, "model"), models,
		                     verdict);
	else if (nm_json_kind(ask->body) != NM_JSON_OBJECT ||
	         ask->model.len == 0)
		nm_verdict_set(verdict, 400, NULL, NULL,
			"you must provide a model parameter");
	else if (!nm_ask_supports(models, ask->model))
		nm_verdict_set(verdict, 404, NULL, "model_not_found",
			"The model `%.*s` does not exist or you do not have access "
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
		judge_content, nm_bounds_judge, nm_stop_judge,
		nm_reasoning_judge, judge_logprobs, judge_identifier,
		nm_tools_judge, nm_format_judge, nm_inputs_judge,
		judge_choices, judge_size,
	};

	if (!nm_params_judge_model(ask, models, verdict))
		return;
	for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++) {
		judges[i](ask, verdict);
		if (verdict->status)
			return;
	}
}
