/* stranger: a line beside a row's own is known again, and no person's row is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/stranger.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define LINE(id, custom_id) "{\"id\":" id ",\"custom_id\":" custom_id "}"

static bool
is_extra(const char *line)
{
	const struct nm_value *root;
	struct nm_json json = {0};
	bool extra;

	assert_int_equal(nm_json_read(&json, line, strlen(line), &root, NULL),
	                 NM_OK);
	extra = nm_stranger_is_extra(root);
	nm_json_release(&json);
	return extra;
}

static void
lines(void **state)
{
	static const struct {
		const char *line;
		bool        extra;
		const char *why;
	} rows[] = {
		{ LINE("\"batch_req_fffffffffffffffe\"",
		       "\"unknown-0000000000000001\""), true, "beside a row" },
		{ LINE("\"batch_req_0000000000000001\"",
		       "\"unknown-0000000000000001\""), false,
		  "a person's own name of that form" },
		{ LINE("\"batch_req_fffffffffffffffe\"",
		       "\"renamed-0000000000000001\""), false,
		  "in the place of the row's own" },
		{ LINE("\"batch_req_fffffffffffffffe\"", "\"r-1\""), false,
		  "a row" },
		{ LINE("\"batch_req_\"", "\"\""), false, "hardly a line" },
		{ LINE("\"fffffffffffffffe\"", "\"unknown-0000000000000001\""),
		  false, "not ours" },
		{ LINE("7", "null"), false, "no texts" },
		{ "{}", false, "nothing" },
		{ "[]", false, "no object" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (is_extra(rows[i].line) != rows[i].extra)
			fail_msg("%s", rows[i].why);
}

/* What is written is known again, whatever the salt. */
static void
heads(void **state)
{
	static const uint64_t salts[] = { 0, 1, INT64_MAX, UINT64_MAX };
	struct nm_buf id = {0}, line = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(salts); i++)
		for (int renamed = 0; renamed < 2; renamed++) {
			struct nm_result_head row = { NM_TEXT("r-1"), salts[i] };
			struct nm_result_head head = nm_stranger_head(&row,
				renamed ? NM_ROW_RENAMED : NM_ROW_UNKNOWN, &id);

			nm_buf_clear(&line);
			nm_result_begin(&line, &head, 200);
			nm_buf_add_string(&line, "{}");
			nm_result_end(&line);
			assert_int_equal(is_extra(nm_buf_string(&line)),
			                 !renamed);
			nm_buf_clear(&line);
			nm_result_expired(&line, &row);
			assert_false(is_extra(nm_buf_string(&line)));
		}
	nm_buf_release(&id);
	nm_buf_release(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
