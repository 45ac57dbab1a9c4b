/*
 * json_value: what was read, looked at, and written back; see json.h. A struct nm_value
 * is a yyjson_val by another name.
 */
#include "wire/json.h"

#include <yyjson.h>

static yyjson_val *
raw(const struct nm_value *value)
{
	return (yyjson_val *)(uintptr_t)value;
}

static const struct nm_value *
lend(yyjson_val *value)
{
	return (const struct nm_value *)(const void *)value;
}

enum nm_kind
nm_json_kind(const struct nm_value *value)
{
	switch (yyjson_get_type(raw(value))) {
	case YYJSON_TYPE_NULL:
		return NM_JSON_NULL;
	case YYJSON_TYPE_BOOL:
		return NM_JSON_BOOLEAN;
	case YYJSON_TYPE_RAW:
	case YYJSON_TYPE_NUM:
		return NM_JSON_NUMBER;
	case YYJSON_TYPE_STR:
		return NM_JSON_STRING;
	case YYJSON_TYPE_ARR:
		return NM_JSON_ARRAY;
	case YYJSON_TYPE_OBJ:
		return NM_JSON_OBJECT;
	}
	return NM_JSON_ABSENT;
}

const struct nm_value *
nm_json_member(const struct nm_value *object, struct nm_text name)
{
	yyjson_val *key = raw(object), *last = NULL;
	char first = name.len ? *name.at : 0; /* yyjson ends names by NUL */
	size_t left;

	if (!yyjson_is_obj(key))
		return NULL;
	left = unsafe_yyjson_get_len(key);
	for (key = unsafe_yyjson_get_first(key); left; left--) {
		if (unsafe_yyjson_get_len(key) == name.len
		    && *unsafe_yyjson_get_str(key) == first
		    && !memcmp(unsafe_yyjson_get_str(key), name.at, name.len))
			last = key + 1;
		key = unsafe_yyjson_get_next(key + 1);
	}
	return lend(last);
}

const struct nm_value *
nm_json_path(const struct nm_value *object, const char *dotted)
{
	while (object) {
		size_t len = strcspn(dotted, ".");

		object = nm_json_member(object,
		                        (struct nm_text){ dotted, len });
		if (dotted[len] == 0)
			break;
		dotted += len + 1;
	}
	return object;
}

size_t
nm_json_count(const struct nm_value *value)
{
	return yyjson_is_ctn(raw(value)) ? unsafe_yyjson_get_len(raw(value)) : 0;
}

void
nm_json_walk_init(struct nm_json_walk *walk, const struct nm_value *value)
{
	size_t count = nm_json_count(value);

	*walk = (struct nm_json_walk){
		.left = count,
		.count = count,
		.object = yyjson_is_obj(raw(value)),
	};
	if (walk->left)
		walk->next = lend(unsafe_yyjson_get_first(raw(value)));
}

const struct nm_value *
nm_json_walk_next(struct nm_json_walk *walk, struct nm_text *name)
{
	yyjson_val *value = raw(walk->next);
	struct nm_text text = { 0 };

	if (walk->left == 0)
		return NULL;
	if (walk->object) { /* a name stands before its value */
		text = nm_json_text(lend(value));
		value++;
	}
	if (name)
		*name = text;
	if (--walk->left)
		walk->next = lend(unsafe_yyjson_get_next(value));
	return lend(value);
}

struct nm_text
nm_json_text(const struct nm_value *value)
{
	yyjson_val *string = raw(value);

	if (!yyjson_is_str(string))
		return (struct nm_text){ 0 };
	return (struct nm_text){ unsafe_yyjson_get_str(string),
	                         unsafe_yyjson_get_len(string) };
}

const char *
nm_json_string(const struct nm_value *value)
{
	return yyjson_get_str(raw(value));
}

struct nm_text
nm_json_number_text(const struct nm_value *value)
{
	yyjson_val *number = raw(value);

	if (!yyjson_is_raw(number))
		return (struct nm_text){ 0 };
	return (struct nm_text){ unsafe_yyjson_get_raw(number),
	                         unsafe_yyjson_get_len(number) };
}

int64_t
nm_json_int(const struct nm_value *value, int64_t otherwise)
{
	struct nm_text text = nm_json_number_text(value);
	bool negative = text.len && text.at[0] == '-';
	uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	uint64_t number = 0;

	for (size_t i = negative; i < text.len; i++) {
		uint64_t digit = (uint64_t)(text.at[i] - '0');

		if (text.at[i] < '0' || text.at[i] > '9'
		    || number > (most - digit) / 10)
			return otherwise;
		number = number * 10 + digit;
	}
	if (text.len == 0)
		return otherwise;
	if (negative)
		return number ? -(int64_t)(number - 1) - 1 : 0;
	return (int64_t)number;
}

double
nm_json_double(const struct nm_value *value, double otherwise)
{
	yyjson_val *number = raw(value);
	yyjson_val read = { 0 };

	/* Not strtod: it heeds the locale. The text has a NUL behind it. */
	if (!yyjson_is_raw(number)
	    || !yyjson_read_number(unsafe_yyjson_get_raw(number), &read, 0,
	                           NULL, NULL))
		return otherwise;
	return yyjson_get_num(&read);
}

bool
nm_json_true(const struct nm_value *value)
{
	return yyjson_is_true(raw(value));
}

/* ---- written back ---- */

static void
write_leaf(struct nm_buf *out, const struct nm_value *value)
{
	switch (nm_json_kind(value)) {
	case NM_JSON_BOOLEAN:
		nm_buf_add_string(out, nm_json_true(value) ? "true" : "false");
		break;
	case NM_JSON_NUMBER:
		nm_buf_add_text(out, nm_json_number_text(value));
		break;
	case NM_JSON_STRING:
		nm_json_add_string(out, nm_json_text(value));
		break;
	default:
		nm_buf_add_string(out, "null");
	}
}

/* Goes on to the next value, past the ends of those that have no more. */
static const struct nm_value *
write_between(struct nm_buf *out, struct nm_json_walk *open, size_t *depth)
{
	while (*depth) {
		struct nm_json_walk *walk = &open[*depth - 1];
		bool first = walk->left == walk->count;
		struct nm_text name;
		const struct nm_value *value = nm_json_walk_next(walk, &name);

		if (value) {
			if (!first)
				nm_buf_add_byte(out, ',');
			if (walk->object) {
				nm_json_add_string(out, name);
				nm_buf_add_byte(out, ':');
			}
			return value;
		}
		nm_buf_add_byte(out, walk->object ? '}' : ']');
		--*depth;
	}
	return NULL;
}

static bool
is_container(const struct nm_value *value)
{
	enum nm_kind kind = nm_json_kind(value);

	return kind == NM_JSON_ARRAY || kind == NM_JSON_OBJECT;
}

void
nm_json_write(struct nm_buf *out, const struct nm_value *value)
{
	struct nm_json_walk open[NM_JSON_DEPTH_MAX];
	size_t depth = 0;

	do {
		if (is_container(value)) {
			nm_json_walk_init(&open[depth], value);
			nm_buf_add_byte(out, open[depth].object ? '{' : '[');
			depth++;
		} else {
			write_leaf(out, value);
		}
		value = write_between(out, open, &depth);
	} while (value);
}
