/* test_row_wrap: replies of direct mode, written as lines and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/row.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
/* A text in a table: NM_TEXT is no constant there. */
#define TEXT(literal) { literal, sizeof(literal) - 1 }
#define NONE "the reply is no completion: "
#define GOOD "{\"content\":\"{\\\"answers\\\":[\\\"a\\\"]}\"}"

static void
wrapped_and_read_back(void **state)
{
	static const struct {
		struct nm_row_reply reply;
		enum nm_class       class;
		int                 status;
		const char         *code, *message, *why;
	} rows[] = {
		{ { .status_code = 200, .body = TEXT("{\n \"choices\": [{\r\n"
		    "\"message\":" GOOD "}]\n}\n") }, NM_CLASS_ANSWERED, 200, "",
		  "", "an indented body on one line" },
		{ { .status_code = 429, .body = TEXT("{\"error\":{\"code\":"
		    "\"rate_limit_exceeded\",\"message\":\"slow\"}}") },
		  NM_CLASS_HTTP_ERROR, 429, "rate_limit_exceeded", "slow",
		  "an error body" },
		{ { .status_code = 502, .body = TEXT("<h1>\"Bad\"\n\xff</h1>") },
		  NM_CLASS_HTTP_ERROR, 502, "not_json",
		  "<h1>\"Bad\"\n\xef\xbf\xbd</h1>", "HTML kept in an error" },
		{ { .status_code = 200, .body = TEXT("<html>") },
		  NM_CLASS_HTTP_ERROR, 200, "no_completion", NONE "<html>",
		  "a proxy's page with a 200" },
		{ { .status_code = 200, .body = TEXT("{\"choices\":[{\"mes") },
		  NM_CLASS_HTTP_ERROR, 200, "no_completion",
		  NONE "{\"choices\":[{\"mes", "a body cut short" },
		{ { .status_code = 200, .body = TEXT("{\"status\":\"ok\"}") },
		  NM_CLASS_HTTP_ERROR, 200, "no_completion",
		  NONE "{\"status\":\"ok\"}", "an object of something else" },
		{ { .status_code = 200, .body = TEXT("{\"choices\":null}") },
		  NM_CLASS_HTTP_ERROR, 200, "no_completion",
		  NONE "{\"choices\":null}", "no list of choices" },
		{ { .status_code = 200, .body = TEXT("[]") },
		  NM_CLASS_HTTP_ERROR, 200, "no_completion", NONE "[]",
		  "JSON, but no object" },
		{ { .status_code = 204, .body = { 0 } }, NM_CLASS_HTTP_ERROR,
		  204, "no_completion", NONE, "nothing at all" },
		{ { .status_code = 200, .body = TEXT("{\"choices\":[]}") },
		  NM_CLASS_UNPARSEABLE, 200, "", "",
		  "no choice: the model's doing" },
		{ { .status_code = 200, .body = TEXT("{\"choices\":[{"
		    "\"message\":{\"content\":\"so\"}}]}") },
		  NM_CLASS_UNPARSEABLE, 200, "", "", "other text" },
		{ { .status_code = 200, .body = TEXT("{\"output\":[]}") },
		  NM_CLASS_UNPARSEABLE, 200, "", "", "a response" },
		{ { .status_code = 200, .body = TEXT("{\"error\":{\"code\":502,"
		    "\"message\":\"upstream\"}}") }, NM_CLASS_HTTP_ERROR, 200,
		  "502", "upstream", "an error of its own keeps its code" },
		{ { .status_code = 500, .body = { 0 } }, NM_CLASS_HTTP_ERROR,
		  500, "not_json", "", "an empty body" },
		{ { .status_code = 200, .body = TEXT("1},\"x\":{\"y\":2") },
		  NM_CLASS_HTTP_ERROR, 200, "no_completion",
		  NONE "1},\"x\":{\"y\":2",
		  "bytes that would be JSON only within ours" },
		{ { .error_code = TEXT("unreachable"),
		    .error_message = TEXT("no \"route\"") },
		  NM_CLASS_HTTP_ERROR, 0, "unreachable", "no \"route\"",
		  "no reply" },
	};
	struct nm_row_reader writer = { 0 }, reader = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_row_reply reply = rows[i].reply;
		struct nm_buf out = { 0 };
		struct nm_row row;

		reply.custom_id = NM_TEXT("request-7");
		reply.request_id = NM_TEXT("req_\"1\"");
		nm_row_wrap(&writer, &reply, &out);
		assert_ptr_equal(memchr(out.at, '\n', out.len),
		                 out.at + out.len - 1);
		nm_row_read(&reader, out.at, out.len - 1, &row);
		if (row.kind != NM_ROW_READ || row.id != 7
		    || row.class != rows[i].class
		    || row.status_code != rows[i].status
		    || !nm_text_is(row.error_code, rows[i].code)
		    || !nm_text_is(row.error_message, rows[i].message)
		    || (reply.status_code
		        && !nm_text_is(row.request_id, "req_\"1\"")))
			fail_msg("%s: %.*s", rows[i].why,
			         NM_TEXT_ARGS(nm_buf_text(&out)));
		nm_buf_release(&out);
	}
	nm_row_reader_release(&reader);
	nm_row_reader_release(&writer);
}

static void
a_body_at_the_limit_of_nesting(void **state)
{
	struct nm_row_reader reader = { 0 };
	struct nm_buf body = { 0 }, out = { 0 };
	struct nm_row_reply reply = { .custom_id = NM_TEXT("request-7"),
	                              .status_code = 200 };
	struct nm_row row;

	(void)state;
	nm_buf_add_string(&body, "{\"choices\":");
	for (int i = 1; i < NM_JSON_DEPTH_MAX; i++)
		nm_buf_add_byte(&body, '[');
	for (int i = 1; i < NM_JSON_DEPTH_MAX; i++)
		nm_buf_add_byte(&body, ']');
	nm_buf_add_byte(&body, '}');
	reply.body = nm_buf_text(&body);
	nm_row_wrap(&reader, &reply, &out);
	nm_row_read(&reader, out.at, out.len - 1, &row);
	assert_int_equal(row.kind, NM_ROW_READ);
	assert_int_equal(row.class, NM_CLASS_UNPARSEABLE);
	nm_buf_release(&out);
	nm_buf_release(&body);
	nm_row_reader_release(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrapped_and_read_back),
		cmocka_unit_test(a_body_at_the_limit_of_nesting),
	};

	return cmocka_run_group_tests_name("row_wrap", tests, NULL, NULL);
}
