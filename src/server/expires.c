#include "server/expires.h"

#include "server/body.h"
#include "server/query.h"

/* Both spellings of the values meet here; seconds are what was found, or absent. */
static bool
check(struct nm_call *call, const char *name, struct nm_text anchor,
      bool is_number, int64_t seconds, int64_t *out)
{
	struct nm_arena *arena = &call->arena;
	const char *param;

	param = nm_arena_printf(arena, "%s.anchor", name);
	if (!anchor.len)
		return nm_call_reject(call, param,
		                      "missing_required_parameter", "Missing "
		                      "required parameter: '%s'.", param);
	if (!nm_text_is(anchor, "created_at"))
		return nm_call_reject(call, param, "invalid_value", "Invalid "
		                      "value: '%.*s'. Supported values are: "
		                      "'created_at'.", NM_TEXT_ARGS(anchor));
	param = nm_arena_printf(arena, "%s.seconds", name);
	if (!is_number)
		return nm_call_reject(call, param, "invalid_type", "Invalid "
		                      "type for '%s': expected an integer.",
		                      param);
	if (seconds < NM_EXPIRES_MIN_S)
		return nm_call_reject(call, param, "integer_below_min_value",
		                      "Invalid '%s': integer below minimum "
		                      "value. Expected a value >= %d, but got "
		                      "%lld instead.", param, NM_EXPIRES_MIN_S,
		                      (long long)seconds);
	if (seconds > NM_EXPIRES_MAX_S)
		return nm_call_reject(call, param, "integer_above_max_value",
		                      "Invalid '%s': integer above maximum "
		                      "value. Expected a value <= %d, but got "
		                      "%lld instead.", param, NM_EXPIRES_MAX_S,
		                      (long long)seconds);
	*out = seconds;
	return true;
}

bool
nm_expires_read(struct nm_call *call, const char *name,
                const struct nm_value *value, int64_t *seconds)
{
	const struct nm_value *number;
	int64_t read;

	*seconds = NM_EXPIRES_NONE;
	if (nm_json_kind(value) == NM_JSON_ABSENT ||
	    nm_json_kind(value) == NM_JSON_NULL)
		return true;
	if (nm_json_kind(value) != NM_JSON_OBJECT)
		return nm_call_reject(call, name, "invalid_type", "Invalid "
		                      "type for '%s': expected an object.",
		                      name);
	number = nm_json_get(value, "seconds");
	read = nm_json_int(number, INT64_MIN);
	return check(call, name, nm_json_text(nm_json_get(value, "anchor")),
	             read != INT64_MIN, read, seconds);
}

/* name[part], as the SDKs write it, or name.part, as Azure's samples do. */
static struct nm_text
form_value(struct nm_call *call, const char *name, const char *part)
{
	const struct nm_field *field;

	field = nm_call_field(call, nm_arena_printf(&call->arena, "%s[%s]",
	                                            name, part));
	if (!field)
		field = nm_call_field(call, nm_arena_printf(&call->arena,
		                                            "%s.%s", name, part));
	return field ? field->value : (struct nm_text){0};
}

bool
nm_expires_read_form(struct nm_call *call, const char *name,
                     int64_t *seconds)
{
	struct nm_text anchor = form_value(call, name, "anchor");
	struct nm_text number = form_value(call, name, "seconds");
	int64_t read = 0;
	bool is_number;

	*seconds = NM_EXPIRES_NONE;
	if (!anchor.len && !number.len)
		return true;
	is_number = nm_query_number(number, &read);
	return check(call, name, anchor, is_number, read, seconds);
}
