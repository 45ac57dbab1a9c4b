#include "server/tools.h"

static void
refuse_missing(struct nm_verdict *verdict, size_t i, const char *what)
{
	char param[64];

	snprintf(param, sizeof(param), "tools[%zu].%s", i, what);
	nm_verdict_set(verdict, 400, param, "missing_required_parameter",
		"Missing required parameter: '%s'.", param);
}

/* Of another type than "function" there is nothing known here. */
static void
judge_tool(const struct nm_value *tool, size_t i, struct nm_verdict *verdict)
{
	const struct nm_value *function = nm_json_get(tool, "function");

	if (!nm_text_is(nm_json_text(nm_json_get(tool, "type")), "function"))
		return;
	if (nm_ask_lacks(function))
		refuse_missing(verdict, i, "function");
	else if (nm_ask_lacks(nm_json_get(function, "name")))
		refuse_missing(verdict, i, "function.name");
}

static void
judge_list(const struct nm_value *tools, struct nm_verdict *verdict)
{
	const struct nm_value *tool;
	struct nm_json_walk walk;
	struct nm_text name;

	if (nm_json_kind(tools) != NM_JSON_ARRAY) {
		nm_verdict_set(verdict, 400, "tools", "invalid_type", "Invalid "
			"type for 'tools': expected an array of objects, but got "
			"%s instead.", nm_ask_kind(tools));
		return;
	}
	if (!nm_json_count(tools))
		nm_verdict_set(verdict, 400, "tools", "empty_array", "Invalid "
			"'tools': empty array. Expected an array with minimum "
			"length 1, but got an empty array instead.");
	nm_json_walk_init(&walk, tools);
	for (size_t i = 0; !verdict->status &&
	     (tool = nm_json_walk_next(&walk, &name)); i++)
		judge_tool(tool, i, verdict);
}

static void
judge_choice(const struct nm_value *choice, bool tools,
             struct nm_verdict *verdict)
{
	struct nm_text word = nm_json_text(choice);

	if (nm_text_is(word, "none"))
		return;
	if (!tools)
		nm_verdict_set(verdict, 400, "tool_choice", NULL, "Invalid value "
			"for 'tool_choice': 'tool_choice' is only allowed when "
			"'tools' are specified.");
	else if (nm_json_kind(choice) == NM_JSON_STRING &&
	         !nm_text_is(word, "auto") && !nm_text_is(word, "required"))
		nm_verdict_set(verdict, 400, "tool_choice", "invalid_value",
			"Invalid value: '%.*s'. Supported values are: 'none', "
			"'auto', and 'required'.",
			(int)(word.len > 200 ? 200 : word.len), word.at);
}

void
nm_tools_judge(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const struct nm_value *tools = nm_json_get(ask->body, "tools");
	const struct nm_value *choice = nm_json_get(ask->body, "tool_choice");

	if (ask->endpoint != NM_ENDPOINT_CHAT)
		return;
	if (!nm_ask_lacks(tools))
		judge_list(tools, verdict);
	if (!verdict->status && !nm_ask_lacks(choice))
		judge_choice(choice, !nm_ask_lacks(tools), verdict);
}
