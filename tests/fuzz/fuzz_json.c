/*
 * fuzz_json: what was read and written reads back the same; any bytes written as
 * a string are JSON, and come back as they were if they are UTF-8.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "wire/json.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

static void
check_numbers(const struct nm_value *value)
{
	struct nm_text text = nm_json_number_text(value);
	int64_t whole = nm_json_int(value, 0);

	/* A whole number that fits is its own text, but for "-0". */
	if (whole) {
		struct nm_buf out = { 0 };

		nm_buf_add_int(&out, whole);
		expect(nm_text_equal(nm_buf_text(&out), text));
		nm_buf_release(&out);
	}
	(void)nm_json_double(value, 0);
}

static void
check_members(const struct nm_value *root)
{
	const struct nm_value *value;
	struct nm_json_walk walk;
	struct nm_text name;
	size_t count = 0;

	nm_json_walk_init(&walk, root);
	while ((value = nm_json_walk_next(&walk, &name))) {
		count++;
		check_numbers(value);
		if (walk.object && !memchr(name.at, 0, name.len))
			expect(nm_json_get(root, name.at));
	}
	expect(count == nm_json_count(root));
}

static void
check_round_trip(const char *text, size_t len)
{
	struct nm_json json = { 0 }, again = { 0 };
	struct nm_buf first = { 0 }, second = { 0 };
	const struct nm_value *root = NULL;
	struct nm_err err;
	size_t used = 0;

	if (nm_json_read(&json, text, len, &root, &err)) {
		expect(err.detail >= 0 && (size_t)err.detail <= len);
		goto done;
	}
	check_numbers(root);
	check_members(root);
	nm_json_write(&first, root);
	expect(nm_json_read(&again, first.at, first.len, &root, &err) == NM_OK);
	nm_json_write(&second, root);
	expect(nm_text_equal(nm_buf_text(&first), nm_buf_text(&second)));
	expect(nm_json_read_first(&again, text, len, &used, &root, &err)
	       == NM_OK);
	expect(used <= len);
done:
	nm_json_release(&json);
	nm_json_release(&again);
	nm_buf_release(&first);
	nm_buf_release(&second);
}

static void
check_string(const char *text, size_t len)
{
	struct nm_text given = { text, len }, back;
	struct nm_json json = { 0 };
	struct nm_buf out = { 0 };
	const struct nm_value *root = NULL;
	struct nm_err err;
	bool valid = nm_json_utf8_valid(text, len) == len;

	nm_json_add_string(&out, given);
	expect(nm_json_read(&json, out.at, out.len, &root, &err) == NM_OK);
	back = nm_json_text(root);
	expect(nm_text_equal(given, back) == valid);
	nm_json_release(&json);
	nm_buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check_round_trip((const char *)bytes, len);
	check_string((const char *)bytes, len);
	return 0;
}
