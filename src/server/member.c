#include "server/member.h"

#include "server/ask.h"

bool
nm_member_refuse_type(struct nm_call *call, const char *param,
                      const char *expected, const struct nm_value *got)
{
	return nm_call_reject(call, param, "invalid_type", "Invalid type for "
	                      "'%s': expected %s, but got %s instead.", param,
	                      expected, nm_ask_kind(got));
}

bool
nm_member_refuse_nul(struct nm_call *call, const char *param)
{
	return nm_call_reject(call, param, "invalid_value", "Invalid '%s': a "
	                      "NUL character is not allowed.", param);
}

size_t
nm_member_chars(struct nm_text text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.at[i] & 0xc0) != 0x80;
	return n;
}

bool
nm_member_fits(struct nm_call *call, const char *param, struct nm_text text,
               size_t max_chars)
{
	size_t chars = nm_member_chars(text);

	return chars <= max_chars ||
	       nm_call_reject(call, param, "string_above_max_length", "Invalid "
	                      "'%s': string too long. Expected a string with "
	                      "maximum length %zu, but got a string with length "
	                      "%zu instead.", param, max_chars, chars);
}

bool
nm_member_text(struct nm_call *call, const char *name, const char **text)
{
	const struct nm_value *value = nm_json_get(call->root, name);
	struct nm_text bytes = nm_json_text(value);

	if (nm_json_kind(value) == NM_JSON_ABSENT)
		return nm_call_reject(call, name, "missing_required_parameter",
		                      "Missing required parameter: '%s'.",
		                      name);
	if (nm_json_kind(value) != NM_JSON_STRING)
		return nm_member_refuse_type(call, name, "a string", value);
	if (memchr(bytes.at, 0, bytes.len))
		return nm_member_refuse_nul(call, name);
	if (!nm_member_fits(call, name, bytes, NM_MEMBER_MAX_CHARS))
		return false;
	*text = nm_arena_text(&call->arena, bytes).at;
	return true;
}
