#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "remote/input.h"

#define CHAT "/v1/chat/completions"
#define BODY "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"Say pong\"}],\"max_completion_tokens\":64}"
#define LINE(id) "{\"custom_id\":\"" id "\",\"method\":\"POST\",\"url\":\"" \
	CHAT "\",\"body\":" BODY "}"

/* Each row is the line after a good one, "r-1", of model m and the chat endpoint. */
static const struct {
	const char *line, *code, *param, *message;
	bool        certain;
	const char *why;
} rows[] = {
	{ LINE("r-2"), "", "", "", true, "a good line" },
	{ " " LINE("r-2") "\t\r", "", "", "", true, "white space around it" },
	{ "", "", "", "", false, "a blank line is not documented" },
	{ "\r", "", "", "", false, "of a file with CRLF" },
	{ " \t", "", "", "", false, "blank all the same" },
	{ "{\"custom_id\":\"r-2\",", "invalid_json_line", "",
	  "This line is not parseable as valid JSON.", true, "cut" },
	{ "\xef\xbb\xbf" LINE("r-2"), "invalid_json_line", "",
	  "This line is not parseable as valid JSON.", true, "a BOM" },
	{ "{\"custom_id\":\"r\xff\"}", "invalid_json_line", "",
	  "This line is not parseable as valid JSON.", true, "not UTF-8" },
	{ LINE("r-2") LINE("r-3"), "invalid_json_line", "",
	  "This line is not parseable as valid JSON.", true, "two in one" },
	{ "[1]", "invalid_json_line", "",
	  "This line is not parseable as valid JSON.", true, "no object" },
	{ "{\"method\":\"POST\",\"url\":\"" CHAT "\",\"body\":" BODY "}",
	  "missing_required_parameter", "custom_id",
	  "Missing required parameter: 'custom_id'.", true, "no id" },
	{ "{\"custom_id\":null,\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":" BODY "}", "missing_required_parameter", "custom_id",
	  "Missing required parameter: 'custom_id'.", true, "a null id" },
	{ "{\"custom_id\":\"r-2\",\"url\":\"" CHAT "\",\"body\":" BODY "}",
	  "missing_required_parameter", "method",
	  "Missing required parameter: 'method'.", true, "no method" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"body\":" BODY "}",
	  "missing_required_parameter", "url",
	  "Missing required parameter: 'url'.", true, "no url" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT "\"}",
	  "missing_required_parameter", "body",
	  "Missing required parameter: 'body'.", true, "no body" },
	{ "{\"custom_id\":7,\"method\":\"POST\",\"url\":\"" CHAT "\",\"body\":"
	  BODY "}", "invalid_type", "custom_id", NULL, false, "a number" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"GET\",\"url\":\"" CHAT
	  "\",\"body\":" BODY "}", "invalid_value", "method",
	  "Invalid value: 'GET'. Supported values are: 'POST'.", false,
	  "another method" },
	{ "{\"custom_id\":\"r-1\",\"method\":\"GET\",\"url\":\"" CHAT
	  "\",\"body\":" BODY "}", "duplicate_custom_id", "custom_id", NULL,
	  true, "the id counts before the method" },
	{ "{\"custom_id\":\"r-2\",\"method\":7,\"url\":\"" CHAT
	  "\",\"body\":" BODY "}", "invalid_type", "method",
	  "Invalid type for 'method': expected a string, but got an integer "
	  "instead.", false, "no method's name" },
	{ "{\"custom_id\":[],\"method\":\"POST\"}", "invalid_type",
	  "custom_id", NULL, false, "member by member, not all missing first" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":[]}", "invalid_type", "body", NULL, false,
	  "a body that is none" },
	{ LINE("r-1"), "duplicate_custom_id", "custom_id",
	  "The custom_id 'r-1' for this request is a duplicate of another "
	  "request. The custom_id parameter must be unique for each request in "
	  "a batch.", true, "the id of line 1" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"/v1/responses"
	  "\",\"body\":{\"model\":\"m\",\"input\":\"x\"}}", "invalid_url", "url",
	  "The URL provided for this request does not match the batch "
	  "endpoint.", true, "another endpoint" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"messages\":[]}}", "invalid_request", "body.model",
	  "Model parameter is required.", true, "no model" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"model\":\"other\",\"messages\":[]}}",
	  "mismatched_model", "body.model",
	  "The model 'other' for this request does not match the rest of the "
	  "batch. Each batch must contain requests for a single model.", true,
	  "another model" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"model\":\"m\"}}", "invalid_request", "body.messages",
	  "Messages parameter is required.", true, "no messages" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"model\":\"m\",\"messages\":[],\"stream\":true}}",
	  "streaming_unsupported", "body.stream",
	  "Chat Completions: Streaming is not supported in the Batch API.",
	  true, "streamed" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"model\":\"m\",\"messages\":7}}", "", "", "", true,
	  "what messages hold is judged when they are asked" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"model\":\"m\",\"messages\":[],\"stream\":false}}", "",
	  "", "", true, "stream, but false" },
	{ "{\"custom_id\":\"r-2\",\"method\":\"POST\",\"url\":\"" CHAT
	  "\",\"body\":{\"model\":\"m\",\"messages\":[]},\"note\":1}", "", "",
	  "", true, "a member more harms nothing" },
	{ "{\"custom_id\":\"r-1\",\"custom_id\":\"r-2\",\"method\":\"POST\","
	  "\"url\":\"" CHAT "\",\"body\":" BODY "}", "", "", "", true,
	  "of a member given twice the last counts" },
};

static bool
check(struct nm_input *input, const char *text, struct nm_input_line *line,
      struct nm_finding *finding)
{
	return nm_input_check_line(input, nm_text_of(text), input->lines + 1,
	                           line, finding);
}

static void
lines_are_found_fault_with_in_the_services_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_input input;
		struct nm_input_line line;
		struct nm_finding finding;
		bool good = rows[i].code[0] == 0;

		nm_input_init(&input, NULL);
		assert_true(check(&input, LINE("r-1"), &line, &finding));
		assert_int_equal(line.output_tokens_max, 64);
		if (check(&input, rows[i].line, &line, &finding) != good ||
		    strcmp(finding.code, rows[i].code) != 0 ||
		    strcmp(finding.param, rows[i].param) != 0 ||
		    finding.certain != rows[i].certain ||
		    (rows[i].message &&
		     strcmp(finding.message, rows[i].message) != 0))
			fail_msg("%s: %s (%s): %s", rows[i].why, finding.code,
			         finding.param, finding.message);
		assert_int_equal(finding.line, 2);
		assert_int_equal(input.faulty, !good);
		assert_int_equal(input.lines, 2);
		nm_input_release(&input);
	}
}

/* The other three ways to ask: what is missing, and what streams. */
static void
each_endpoint_wants_its_own_member(void **state)
{
	static const struct {
		const char *url, *body, *code, *param, *message;
	} bodies_of[] = {
		{ "/v1/responses", "", "invalid_request", "body.input",
		  "Input parameter is required." },
		{ "/v1/embeddings", ",\"input\":null", "invalid_request",
		  "body.input", "Input parameter is required." },
		{ "/v1/completions", ",\"input\":\"x\"", "invalid_request",
		  "body.prompt", "Prompt parameter is required." },
		{ "/v1/responses", ",\"input\":\"x\",\"stream\":true",
		  "streaming_unsupported", "body.stream", "Responses: Streaming "
		  "is not supported in the Batch API." },
		{ "/v1/moderations", "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies_of) / sizeof(*bodies_of); i++) {
		struct nm_buf text = {0};
		struct nm_input input;
		struct nm_input_line line;
		struct nm_finding finding;

		nm_input_init(&input, NULL);
		nm_buf_addf(&text, "{\"custom_id\":\"a\",\"method\":\"POST\","
		            "\"url\":\"%s\",\"body\":{\"model\":\"m\"%s}}",
		            bodies_of[i].url, bodies_of[i].body);
		check(&input, nm_buf_string(&text), &line, &finding);
		assert_string_equal(finding.code, bodies_of[i].code);
		assert_string_equal(finding.param, bodies_of[i].param);
		assert_string_equal(finding.message, bodies_of[i].message);
		nm_input_release(&input);
		nm_buf_release(&text);
	}
}

/* NUL ends a C string, and is no white space. */
static void
a_line_of_nul_bytes_is_not_blank(void **state)
{
	struct nm_input input;
	struct nm_input_line line;
	struct nm_finding finding;

	(void)state;
	nm_input_init(&input, NULL);
	assert_false(nm_input_check_line(
		&input, (struct nm_text){ " \0\0", 3 }, 1, &line, &finding));
	assert_string_equal(finding.code, "invalid_json_line");
	assert_int_equal(input.blank, 0);
	nm_input_release(&input);
}

static void
hints_tell_a_person_more(void **state)
{
	static const struct {
		const char *line, *hint;
	} hints[] = {
		{ "\xef\xbb\xbf" LINE("r-1"), "byte order mark" },
		{ "{\"a\":\"\xff\"}", "not UTF-8" },
		{ "{\"custom_id\":\"r-1\"", "too early" },
		{ "{\"custom_id\":\"r-1\",\"method\":\"POST\",\"url\":"
		  "\"/v1/chat\",\"body\":" BODY "}", "no endpoint" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		struct nm_input input;
		struct nm_input_line line;
		struct nm_finding finding;

		nm_input_init(&input, NULL);
		assert_false(check(&input, hints[i].line, &line, &finding));
		if (!strstr(finding.hint, hints[i].hint))
			fail_msg("%s: %s", hints[i].hint, finding.hint);
		nm_input_release(&input);
	}
}

static void
wishes_bind_from_line_one(void **state)
{
	struct nm_input_options options = {
		.endpoint = "/chat/completions", .model = "deployment"
	};
	struct nm_input input;
	struct nm_input_line line;
	struct nm_finding finding;

	(void)state;
	nm_input_init(&input, &options);
	assert_false(check(&input, LINE("r-1"), &line, &finding));
	assert_string_equal(finding.code, "invalid_url");
	assert_false(check(&input, "{\"custom_id\":\"r-2\",\"method\":\"POST\","
	                   "\"url\":\"/chat/completions\",\"body\":" BODY "}",
	                   &line, &finding));
	assert_string_equal(finding.code, "mismatched_model");
	assert_true(check(&input, "{\"custom_id\":\"r-3\",\"method\":\"POST\","
	                  "\"url\":\"/chat/completions\",\"body\":"
	                  "{\"model\":\"deployment\",\"messages\":[]}}", &line,
	                  &finding));
	nm_input_release(&input);
}

static const struct {
	const char *url, *body;
	uint64_t    tokens;
	int64_t     output;
	uint64_t    embeddings;
	const char *why;
} bodies[] = {
	{ CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
	  "\"12345678\"}]}", 9, -1, 0, "12 bytes of texts, a frame, the reply's" },
	{ CHAT, "{\"model\":\"m\",\"n\":3,\"max_tokens\":10,\"messages\":[]}", 3,
	  30, 0, "three answers of ten" },
	{ CHAT, "{\"model\":\"m\",\"n\":3.0,\"max_tokens\":10,\"messages\":[]}", 3,
	  30, 0, "three, however that is written" },
	{ CHAT, "{\"model\":\"m\",\"max_tokens\":10,\"max_completion_tokens\":7,"
	  "\"messages\":[]}", 3, 7, 0, "the newer bound counts" },
	{ CHAT, "{\"model\":\"m\",\"max_tokens\":1e300,\"messages\":[]}", 3,
	  INT32_MAX, 0, "one that no model can reach" },
	{ CHAT, "{\"model\":\"m\",\"max_tokens\":\"10\",\"messages\":[]}", 3,
	  -1, 0, "one that is refused when it is asked, not before" },
	{ CHAT, "{\"model\":\"m\",\"messages\":[{\"content\":[{\"type\":"
	  "\"image_url\",\"image_url\":{\"url\":\"data:AAAAAAAAAAAAAAA\"}}]}]}",
	  6, -1, 0, "a picture is not text" },
	{ "/v1/responses", "{\"model\":\"m\",\"input\":\"12345678\","
	  "\"max_output_tokens\":16}", 5, 16, 0, "another endpoint's names" },
	{ "/v1/embeddings", "{\"model\":\"m\",\"input\":[\"abcd\",\"abcd\"]}", 5,
	  -1, 2, "two texts" },
	{ "/v1/embeddings", "{\"model\":\"m\",\"input\":[1,2,3]}", 6, -1, 1,
	  "one text as tokens" },
	{ "/v1/embeddings", "{\"model\":\"m\",\"input\":\"abcd\"}", 4, -1, 1,
	  "one text" },
	{ "/v1/moderations", "{\"input\":\"abcd\"}", 4, -1, 0,
	  "needs no model" },
};

static void
bodies_are_summed_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct nm_input input;
		struct nm_input_line line;
		struct nm_finding finding;
		struct nm_buf text = {0};

		nm_buf_addf(&text, "{\"custom_id\":\"r\",\"method\":\"POST\","
		            "\"url\":\"%s\",\"body\":%s}", bodies[i].url,
		            bodies[i].body);
		nm_input_init(&input, NULL);
		if (!check(&input, nm_buf_string(&text), &line, &finding) ||
		    line.prompt_tokens_guess != bodies[i].tokens ||
		    line.output_tokens_max != bodies[i].output ||
		    input.embeddings != bodies[i].embeddings)
			fail_msg("%s: %s, %llu tokens, %lld out, %llu inputs",
			         bodies[i].why, finding.message,
			         (unsigned long long)line.prompt_tokens_guess,
			         (long long)line.output_tokens_max,
			         (unsigned long long)input.embeddings);
		assert_int_equal(input.prompt_tokens_guess, bodies[i].tokens);
		assert_int_equal(input.unbounded, bodies[i].output < 0);
		nm_input_release(&input);
		nm_buf_release(&text);
	}
}

/* So many prompts that their bounds are the largest number each. */
static void
sums_of_bounds_end_at_the_largest(void **state)
{
	struct nm_buf prompts = {0}, text = {0};
	struct nm_input input;
	struct nm_input_line line;
	struct nm_finding finding;

	(void)state;
	nm_buf_add_string(&prompts, "\"\"");
	for (int i = 1; i < 1 << 20; i++)
		nm_buf_add_string(&prompts, ",\"\"");
	nm_input_init(&input, NULL);
	for (int i = 0; i < 70; i++) {
		nm_buf_clear(&text);
		nm_buf_addf(&text, "{\"custom_id\":\"%d\",\"method\":\"POST\","
		            "\"url\":\"/v1/completions\",\"body\":{\"model\":"
		            "\"m\",\"n\":128,\"max_tokens\":2147483648,"
		            "\"prompt\":[%s]}}", i, nm_buf_string(&prompts));
		assert_true(check(&input, nm_buf_string(&text), &line,
		                  &finding));
	}
	assert_true(input.output_tokens_max == UINT64_MAX);
	nm_input_release(&input);
	nm_buf_release(&text);
	nm_buf_release(&prompts);
}

static void
files_are_judged_as_a_whole(void **state)
{
	struct nm_input_options options = { .lines_max = 2, .bytes_max = 100 };
	struct nm_input input;
	struct nm_input_line line;
	struct nm_finding finding;

	(void)state;
	nm_input_init(&input, &options);
	assert_false(nm_input_finish(&input, &finding));
	assert_string_equal(finding.code, "empty_file");
	assert_true(nm_input_finish(&input, &finding));
	nm_input_release(&input);

	nm_input_init(&input, &options);
	assert_true(check(&input, LINE("1"), &line, &finding));
	assert_true(check(&input, LINE("2"), &line, &finding));
	assert_true(check(&input, "", &line, &finding));
	assert_true(check(&input, LINE("3"), &line, &finding));
	assert_false(nm_input_finish(&input, &finding));
	assert_string_equal(finding.code, "too_many_tasks");
	assert_false(nm_input_finish(&input, &finding));
	assert_string_equal(finding.code, "file_too_large");
	assert_true(nm_input_finish(&input, &finding));
	assert_int_equal(input.bytes, 3 * (sizeof(LINE("1")) - 1) + 4);
	nm_input_release(&input);

	options.lines_max = options.bytes_max = NM_INPUT_UNBOUNDED;
	nm_input_init(&input, &options);
	for (int i = 0; i < 3; i++)
		check(&input, LINE("1"), &line, &finding);
	assert_int_equal(finding.earlier_line, 1);
	assert_true(nm_input_finish(&input, &finding));
	nm_input_release(&input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_found_fault_with_in_the_services_words),
		cmocka_unit_test(each_endpoint_wants_its_own_member),
		cmocka_unit_test(a_line_of_nul_bytes_is_not_blank),
		cmocka_unit_test(hints_tell_a_person_more),
		cmocka_unit_test(wishes_bind_from_line_one),
		cmocka_unit_test(bodies_are_summed_up),
		cmocka_unit_test(sums_of_bounds_end_at_the_largest),
		cmocka_unit_test(files_are_judged_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
