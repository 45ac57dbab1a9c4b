#include "server/metadata.h"

#include "server/member.h"

enum {
	MAX_PAIRS = 16,
	KEY_MAX_CHARS = 64,
	VALUE_MAX_CHARS = 512,
	SHOWN_CHARS = 3
};

/* The first or last three characters of a long text. */
static struct nm_text
end_of(struct nm_text text, bool last)
{
	size_t n = 0, at = last ? text.len : 0;

	while (n < SHOWN_CHARS) {
		at = last ? at - 1 : at + 1;
		n += at == text.len || (text.at[at] & 0xc0) != 0x80;
	}
	return last ? (struct nm_text){ text.at + at, text.len - at }
	            : (struct nm_text){ text.at, at };
}

static bool
refuse_name(struct nm_call *call, const char *param, struct nm_text key)
{
	struct nm_text first = end_of(key, false), last = end_of(key, true);

	return nm_call_reject(call, param, "property_name_above_max_length",
	                      "Invalid property name in 'metadata': "
	                      "'%.*s...%.*s' is too long. Expected a string with "
	                      "maximum length %d, but got a string with length "
	                      "%zu instead.", NM_TEXT_ARGS(first),
	                      NM_TEXT_ARGS(last), KEY_MAX_CHARS,
	                      nm_member_chars(key));
}

static bool
check_pair(struct nm_call *call, struct nm_text key,
           const struct nm_value *value)
{
	const char *param;

	param = nm_arena_printf(&call->arena, "metadata.%.*s",
	                        NM_TEXT_ARGS(key));
	if (nm_member_chars(key) > KEY_MAX_CHARS)
		return refuse_name(call, param, key);
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

/* Whether the name comes again behind: the last value is the one that counts. */
static bool
comes_again(struct nm_json_walk behind, struct nm_text key)
{
	struct nm_text other;

	while (nm_json_walk_next(&behind, &other))
		if (nm_text_equal(other, key))
			return true;
	return false;
}

/* Writes each name once; false when a pair was refused. */
static bool
take_pairs(struct nm_call *call, const struct nm_value *object,
           struct nm_buf *out)
{
	const struct nm_value *value;
	struct nm_json_walk walk;
	struct nm_text key;

	nm_json_walk_init(&walk, object);
	while ((value = nm_json_walk_next(&walk, &key))) {
		if (comes_again(walk, key))
			continue;
		if (!check_pair(call, key, value))
			return false;
		nm_buf_add_byte(out, out->len ? ',' : '{');
		nm_json_add_string(out, key);
		nm_buf_add_byte(out, ':');
		nm_json_write(out, value);
	}
	nm_buf_add_string(out, out->len ? "}" : "{}");
	return true;
}

bool
nm_metadata_read(struct nm_call *call, const char **metadata)
{
	const struct nm_value *object = nm_json_get(call->root, "metadata");
	struct nm_buf text = {0};
	bool good;

	if (nm_json_kind(object) == NM_JSON_ABSENT ||
	    nm_json_kind(object) == NM_JSON_NULL)
		return true;
	if (nm_json_kind(object) != NM_JSON_OBJECT)
		return nm_member_refuse_type(call, "metadata", "an object", object);
	if (nm_json_count(object) > MAX_PAIRS)
		return refuse_count(call, nm_json_count(object));
	good = take_pairs(call, object, &text);
	if (good)
		*metadata = nm_arena_text(&call->arena, nm_buf_text(&text)).at;
	nm_buf_release(&text);
	return good;
}
