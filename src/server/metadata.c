#include "server/metadata.h"

#include "server/member.h"

enum { MAX_PAIRS = 16, KEY_MAX_CHARS = 64, VALUE_MAX_CHARS = 512 };

static bool
check_pair(struct nm_call *call, struct nm_text key,
           const struct nm_value *value)
{
	struct nm_arena *arena = &call->arena;
	const char *param = nm_arena_printf(arena, "metadata.%.*s",
	                                    key.len > 100 ? 100 : (int)key.len,
	                                    key.at);

	if (nm_member_chars(key) > KEY_MAX_CHARS)
		return nm_call_reject(call, "metadata",
		                      "string_above_max_length", "Invalid key "
		                      "of 'metadata': string too long. "
		                      "Expected a string with maximum length "
		                      "%d, but got a string with length %zu "
		                      "instead.", KEY_MAX_CHARS,
		                      nm_member_chars(key));
	if (nm_json_kind(value) != NM_JSON_STRING)
		return nm_member_refuse_type(call, param, "a string", value);
	return nm_member_fits(call, param, nm_json_text(value),
	                      VALUE_MAX_CHARS);
}

static bool
refuse_count(struct nm_call *call, size_t count)
{
	return nm_call_reject(call, "metadata", "object_above_max_properties",
	                      "Invalid 'metadata': too many properties. Expected "
	                      "an object with at most %d properties, but got an "
	                      "object with %zu properties instead.", MAX_PAIRS,
	                      count);
}

bool
nm_metadata_read(struct nm_call *call, const char **metadata)
{
	const struct nm_value *object = nm_json_get(call->root, "metadata");
	const struct nm_value *value;
	struct nm_json_walk walk;
	struct nm_buf text = {0};
	struct nm_text key;

	if (nm_json_kind(object) == NM_JSON_ABSENT ||
	    nm_json_kind(object) == NM_JSON_NULL)
		return true;
	if (nm_json_kind(object) != NM_JSON_OBJECT)
		return nm_member_refuse_type(call, "metadata", "an object", object);
	if (nm_json_count(object) > MAX_PAIRS)
		return refuse_count(call, nm_json_count(object));
	nm_json_walk_init(&walk, object);
	while ((value = nm_json_walk_next(&walk, &key)))
		if (!check_pair(call, key, value))
			return false;
	nm_json_write(&text, object);
	*metadata = nm_arena_text(&call->arena, nm_buf_text(&text)).at;
	nm_buf_release(&text);
	return true;
}
