#include "server/format.h"

#include <ctype.h>
#include <strings.h>

enum { NAME_MAX_CHARS = 64 };

static bool
says_json(struct nm_text text)
{
	for (size_t i = 0; i + 4 <= text.len; i++)
		if ((text.at[i] | 0x20) == 'j' &&
		    strncasecmp(text.at + i, "json", 4) == 0)
			return true;
	return false;
}

static bool
content_says_json(const struct nm_value *content)
{
	struct nm_json_walk walk;
	const struct nm_value *part;
	struct nm_text name;

	if (says_json(nm_json_text(content)))
		return true;
	nm_json_walk_init(&walk, content);
	while ((part = nm_json_walk_next(&walk, &name)))
		if (says_json(nm_json_text(nm_json_get(part, "text"))) ||
		    content_says_json(nm_json_get(part, "content")))
			return true;
	return false;
}

/* JSON mode wants the word in the prompt. */
static void
judge_object(const struct nm_ask *ask, const char *option,
             struct nm_verdict *verdict)
{
	if (says_json(ask->prompt) || content_says_json(ask->content) ||
	    says_json(nm_json_text(nm_json_get(ask->body, "instructions"))))
		return;
	nm_verdict_set(verdict, 400, nm_ask_member(ask->endpoint), NULL,
		"'%s' must contain the word 'json' in some form, to use '%s' of "
		"type 'json_object'.", nm_ask_member(ask->endpoint), option);
}

/* Letters, digits, '_' and '-'. */
static bool
is_name(struct nm_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.at[i]) && text.at[i] != '_' &&
		    text.at[i] != '-')
			return false;
	return text.len > 0;
}

/* holder: the object that has the name, "schema" and "strict". */
static void
judge_schema(const struct nm_value *holder, const char *where,
             struct nm_verdict *verdict)
{
	const struct nm_value *value = nm_json_get(holder, "name");
	struct nm_text name = nm_json_text(value);
	char param[64];

	snprintf(param, sizeof(param), "%s.name", where);
	if (nm_ask_lacks(value))
		nm_verdict_set(verdict, 400, param, "missing_required_parameter",
			"Missing required parameter: '%s'.", param);
	else if (nm_json_kind(value) != NM_JSON_STRING)
		nm_verdict_set(verdict, 400, param, "invalid_type",
			"Invalid type for '%s': expected a string, but got %s "
			"instead.", param, nm_ask_kind(value));
	else if (name.len > NAME_MAX_CHARS)
		nm_verdict_set(verdict, 400, param, "string_above_max_length",
			"Invalid '%s': string too long. Expected a string with "
			"maximum length %d, but got a string with length %zu "
			"instead.", param, NAME_MAX_CHARS, name.len);
	else if (!is_name(name))
		nm_verdict_set(verdict, 400, param, "invalid_value",
			"Invalid '%s': string does not match pattern. Expected a "
			"string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
			param);
}

void
nm_format_judge(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	bool chat = ask->endpoint == NM_ENDPOINT_CHAT;
	const char *option = chat ? "response_format" : "text.format";
	const struct nm_value *format = nm_json_path(ask->body, option);
	struct nm_text type = nm_json_text(nm_json_get(format, "type"));
	char param[64];

	if ((!chat && ask->endpoint != NM_ENDPOINT_RESPONSES) ||
	    nm_ask_lacks(format))
		return;
	snprintf(param, sizeof(param), "%s.type", option);
	if (chat && nm_json_kind(format) != NM_JSON_OBJECT)
		nm_verdict_set(verdict, 400, option, "invalid_type", "Invalid type "
			"for '%s': expected an object, but got %s instead.", option,
			nm_ask_kind(format));
	else if (nm_text_is(type, "json_object"))
		judge_object(ask, option, verdict);
	else if (nm_text_is(type, "json_schema"))
		judge_schema(chat ? nm_json_get(format, "json_schema") : format,
			chat ? "response_format.json_schema" : option, verdict);
	else if (nm_ask_lacks(nm_json_get(format, "type")))
		nm_verdict_set(verdict, 400, param, "missing_required_parameter",
			"Missing required parameter: '%s'.", param);
	else if (!nm_text_is(type, "text"))
		nm_verdict_set(verdict, 400, param, "invalid_value", "Invalid "
			"value: '%.*s'. Supported values are: 'json_object', "
			"'json_schema', and 'text'.",
			(int)(type.len > 200 ? 200 : type.len),
			type.at ? type.at : "");
}
