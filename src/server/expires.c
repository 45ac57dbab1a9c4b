#include "server/expires.h"

#include "server/body.h"
#include "server/member.h"
#include "server/query.h"

static bool
refuse_missing(struct nm_call *call, const char *param)
{
	return nm_call_reject(call, param, "missing_required_parameter",
	                      "Missing required parameter: '%s'.", param);
}

static bool
check_anchor(struct nm_call *call, const char *param, struct nm_text anchor)
{
	if (!anchor.len)
		return refuse_missing(call, param);
	return nm_text_is(anchor, "created_at") ||
	       nm_call_reject(call, param, "invalid_value", "Invalid value: "
	                      "'%.*s'. Supported values are: 'created_at'.",
	                      NM_TEXT_ARGS(anchor));
}

static bool
check_seconds(struct nm_call *call, const char *param, int64_t seconds)
{
	if (seconds < NM_EXPIRES_MIN_S)
		return nm_call_reject(call, param, "integer_below_min_value",
		                      "Invalid '%s': integer below minimum "
		                      "value. Expected a value >= %d, but got "
		                      "%lld instead.", param, NM_EXPIRES_MIN_S,
		                      (long long)seconds);
	return seconds <= NM_EXPIRES_MAX_S ||
	       nm_call_reject(call, param, "integer_above_max_value",
	                      "Invalid '%s': integer above maximum value. "
	                      "Expected a value <= %d, but got %lld instead.",
	                      param, NM_EXPIRES_MAX_S, (long long)seconds);
}

bool
nm_expires_read(struct nm_call *call, const char *name,
                const struct nm_value *value, int64_t *seconds)
{
	const struct nm_value *anchor, *number;
	const char *param;
	int64_t read;

	*seconds = NM_EXPIRES_NONE;
	if (nm_json_kind(value) == NM_JSON_ABSENT ||
	    nm_json_kind(value) == NM_JSON_NULL)
		return true;
	if (nm_json_kind(value) != NM_JSON_OBJECT)
		return nm_member_refuse_type(call, name, "an object", value);
	anchor = nm_json_get(value, "anchor");
	number = nm_json_get(value, "seconds");
	param = nm_arena_printf(&call->arena, "%s.anchor", name);
	if (nm_json_kind(anchor) != NM_JSON_ABSENT &&
	    nm_json_kind(anchor) != NM_JSON_STRING)
		return nm_member_refuse_type(call, param, "a string", anchor);
	if (!check_anchor(call, param, nm_json_text(anchor)))
		return false;
	param = nm_arena_printf(&call->arena, "%s.seconds", name);
	if (nm_json_kind(number) == NM_JSON_ABSENT)
		return refuse_missing(call, param);
	read = nm_json_int(number, INT64_MIN);
	if (read == INT64_MIN)
		return nm_member_refuse_type(call, param, "an integer", number);
	if (!check_seconds(call, param, read))
		return false;
	*seconds = read;
	return true;
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
	struct nm_arena *arena = &call->arena;
	const char *param = nm_arena_printf(arena, "%s.anchor", name);
	int64_t read;

	*seconds = NM_EXPIRES_NONE;
	if (!anchor.len && !number.len)
		return true;
	if (!check_anchor(call, param, anchor))
		return false;
	param = nm_arena_printf(arena, "%s.seconds", name);
	if (!number.len)
		return refuse_missing(call, param);
	if (!nm_query_number(number, &read))
		return nm_call_reject(call, param, "invalid_type", "Invalid type "
		                      "for '%s': expected an integer, but got a "
		                      "string instead.", param);
	if (!check_seconds(call, param, read))
		return false;
	*seconds = read;
	return true;
}
