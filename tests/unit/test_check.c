#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/check.h"

#define BODY "\"body\":{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"hi\"}]}"
#define LINE(id) "{\"custom_id\":\"" id "\",\"method\":\"POST\"," \
	"\"url\":\"/v1/chat/completions\"," BODY "}\n"
#define WITH(body) "{\"custom_id\":\"x\",\"method\":\"POST\"," \
	"\"url\":\"/v1/chat/completions\",\"body\":" body "}\n"

static const struct {
	const char *input;
	uint64_t    line;
	const char *code, *param, *message;
	const char *why;
} rows[] = {
	{ LINE("a") LINE("b"), 0, NULL, NULL, NULL, "nothing wrong" },
	{ LINE("a") "\n  \r\n" LINE("b"), 0, NULL, NULL, NULL,
	  "blank lines are passed over" },
	{ LINE("a") "{\"custom_id\":", 2, "invalid_json_line", NULL,
	  "This line is not parseable as valid JSON.", "cut" },
	{ "\xef\xbb\xbf" LINE("a"), 1, "invalid_json_line", NULL,
	  "This line is not parseable as valid JSON.", "a byte order mark" },
	{ "[1]\n", 1, "invalid_json_line", NULL,
	  "This line is not parseable as valid JSON.", "no object" },
	{ LINE("a") "\n{\"method\":\"POST\",\"url\":\"u\",\"body\":{}}\n", 3,
	  "missing_required_parameter", "custom_id",
	  "Missing required parameter: 'custom_id'.", "blank lines count" },
	{ "{\"custom_id\":\"a\",\"url\":\"u\",\"body\":{}}", 1,
	  "missing_required_parameter", "method",
	  "Missing required parameter: 'method'.", "no method, no newline" },
	{ "{\"custom_id\":\"a\",\"method\":\"POST\",\"body\":{}}", 1,
	  "missing_required_parameter", "url",
	  "Missing required parameter: 'url'.", "no url" },
	{ "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"u\"}", 1,
	  "missing_required_parameter", "body",
	  "Missing required parameter: 'body'.", "no body" },
	{ "{\"custom_id\":null,\"method\":\"POST\",\"url\":\"u\"}", 1,
	  "missing_required_parameter", "custom_id",
	  "Missing required parameter: 'custom_id'.", "null is missing" },
	{ "{\"custom_id\":7,\"method\":\"POST\",\"url\":\"u\",\"body\":{}}", 1,
	  "invalid_type", "custom_id", "Invalid type for 'custom_id': expected "
	  "a string, but got an integer instead.", "an id is a string" },
	{ "{\"custom_id\":7.5,\"method\":\"POST\",\"url\":\"u\",\"body\":{}}", 1,
	  "invalid_type", "custom_id", "Invalid type for 'custom_id': expected "
	  "a string, but got a decimal number instead.", "nor is a fraction" },
	{ LINE("a") LINE("b") LINE("a"), 3, "duplicate_custom_id", "custom_id",
	  "The custom_id 'a' for this request is a duplicate of another "
	  "request. The custom_id parameter must be unique for each request "
	  "in a batch.", "the second use is the one told" },
	{ "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/responses\","
	  BODY "}", 1, "invalid_url", "url", "The URL provided for this request "
	  "does not match the batch endpoint.", "another endpoint" },
	{ "{\"custom_id\":\"a\",\"method\":\"GET\",\"url\":\"u\",\"body\":{}}", 1,
	  "invalid_value", "method",
	  "Invalid value: 'GET'. Supported values are: 'POST'.", "only POST" },
	{ WITH("{\"messages\":[]}"), 1, "invalid_request", "body.model",
	  "Model parameter is required.", "no model" },
	{ WITH("{\"model\":\"gone\",\"messages\":[]}"), 1, "model_not_found",
	  "body.model", "The provided model 'gone' is not supported by the "
	  "Batch API.", "not in the list" },
	{ LINE("a") WITH("{\"model\":\"n\",\"messages\":[]}"), 2,
	  "mismatched_model", "body.model", "The model 'n' for this request does "
	  "not match the rest of the batch. Each batch must contain requests "
	  "for a single model.", "two models" },
	{ LINE("a\\u0000b") LINE("a\\u0000b"), 2, "duplicate_custom_id",
	  "custom_id", "The custom_id 'a\\u0000b' for this request is a duplicate "
	  "of another request. The custom_id parameter must be unique for each "
	  "request in a batch.", "a NUL in an id" },
	{ LINE("a") LINE("a\\u0000b"), 0, NULL, NULL, NULL, "a NUL parts ids" },
	{ "{\"custom_id\":\"a\",\"method\":\"POST\\u0000\",\"url\":\"u\","
	  "\"body\":{}}", 1, "invalid_value", "method", "Invalid value: "
	  "'POST\\u0000'. Supported values are: 'POST'.", "a NUL in a method" },
	{ WITH("{\"model\":\"m\\u0000x\",\"messages\":[]}"), 1,
	  "model_not_found", "body.model", "The provided model 'm\\u0000x' is not "
	  "supported by the Batch API.", "a NUL in a model" },
	{ WITH("{\"model\":\"m\"}"), 1, "invalid_request", "body.messages",
	  "Messages parameter is required.", "no messages" },
	{ WITH("{\"model\":\"m\",\"messages\":[],\"stream\":true}"), 1,
	  "streaming_unsupported", "body.stream", "Chat Completions: Streaming "
	  "is not supported in the Batch API.", "streams" },
	{ "\n\n", 0, "empty_file", NULL,
	  "The batch input file holds no requests.", "only blank lines" },
};

static void
check_text(struct nm_check *check, const struct nm_check_options *options,
           const char *text, size_t step)
{
	size_t len = strlen(text);

	nm_check_init(check, options);
	for (size_t i = 0; i < len; i += step)
		nm_check_feed(check, text + i, len - i < step ? len - i : step);
	nm_check_finish(check);
}

static void
test_lines(void **state)
{
	struct nm_check_options options = { .endpoint = NM_ENDPOINT_CHAT,
	                                    .models = "m,n" };
	struct nm_check check;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step < 4000; step = step * 7 + 1) {
			check_text(&check, &options, rows[i].input, step);
			if (check.n_entries != (rows[i].code ? 1u : 0u))
				fail_msg("%s: %zu entries", rows[i].why,
				         check.n_entries);
			if (rows[i].code) {
				assert_string_equal(check.entries[0].code, rows[i].code);
				assert_string_equal(check.entries[0].message,
				                    rows[i].message);
				assert_int_equal(check.entries[0].line, rows[i].line);
				if (rows[i].param)
					assert_string_equal(check.entries[0].param,
					                    rows[i].param);
				else
					assert_null(check.entries[0].param);
			}
			nm_check_release(&check);
		}
	}
}

static void
test_models_of_any_name(void **state)
{
	struct nm_check_options options = { .endpoint = NM_ENDPOINT_CHAT };
	struct nm_check check;

	(void)state;
	check_text(&check, &options, LINE("a"), 99);
	assert_int_equal(check.n_entries, 0);
	assert_string_equal(check.model, "m");
	nm_check_release(&check);
	check_text(&check, &options,
	           WITH("{\"model\":\"m\\u0000x\",\"messages\":[]}"), 99);
	assert_int_equal(check.n_entries, 1);
	assert_string_equal(check.entries[0].code, "model_not_found");
	nm_check_release(&check);
}

static void
test_caps(void **state)
{
	struct nm_check_options options = { .endpoint = NM_ENDPOINT_CHAT,
		.max_lines = 3, .max_entries = 2 };
	struct nm_check check;

	(void)state;
	check_text(&check, &options, LINE("a") LINE("b") LINE("c") LINE("d"), 99);
	assert_int_equal(check.n_entries, 1);
	assert_string_equal(check.entries[0].code, "too_many_tasks");
	assert_int_equal(check.requests, 4);
	nm_check_release(&check);

	check_text(&check, &options, "x\ny\nz\n", 99);
	assert_int_equal(check.n_entries, 2);
	assert_int_equal(check.n_bad, 3);
	assert_int_equal(check.entries[1].line, 2);
	nm_check_release(&check);

	options.max_bytes = 50;
	check_text(&check, &options, LINE("a"), 10);
	assert_int_equal(check.n_entries, 1);
	assert_string_equal(check.entries[0].code, "file_too_large");
	nm_check_release(&check);
}

static void
test_books(void **state)
{
	struct nm_check_options options = { .endpoint = NM_ENDPOINT_CHAT };
	struct nm_check check;
	struct nm_buf out = {0};

	(void)state;
	check_text(&check, &options, LINE("a") "x\n" LINE("b"), 64);
	assert_int_equal(check.requests, 3);
	assert_int_equal(check.bytes, strlen(LINE("a") "x\n" LINE("b")));
	assert_string_equal(check.model, "m");
	assert_true(check.tokens > 0);
	nm_check_write(&check, &out);
	assert_string_equal(nm_buf_string(&out), "{\"object\":\"list\",\"data\":["
		"{\"code\":\"invalid_json_line\",\"message\":\"This line is not "
		"parseable as valid JSON.\",\"param\":null,\"line\":2}]}");
	nm_buf_release(&out);
	nm_check_release(&check);
}

static void
test_endpoints(void **state)
{
	static const struct {
		enum nm_endpoint endpoint;
		const char      *param;
	} absences[] = {
		{ NM_ENDPOINT_RESPONSES, "body.input" },
		{ NM_ENDPOINT_EMBEDDINGS, "body.input" },
		{ NM_ENDPOINT_COMPLETIONS, "body.prompt" },
	};
	struct nm_check_options options = {0};
	struct nm_check check;
	struct nm_buf line = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(absences) / sizeof(absences[0]); i++) {
		options.endpoint = absences[i].endpoint;
		nm_buf_clear(&line);
		nm_buf_addf(&line, "{\"custom_id\":\"a\",\"method\":\"POST\","
			"\"url\":\"%s\",\"body\":{\"model\":\"m\"}}\n",
			nm_ask_path(options.endpoint));
		check_text(&check, &options, nm_buf_string(&line), 1000);
		assert_int_equal(check.n_entries, 1);
		assert_string_equal(check.entries[0].param, absences[i].param);
		nm_check_release(&check);
	}
	nm_buf_release(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_models_of_any_name),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_books),
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
