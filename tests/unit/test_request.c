/* test_request: the bytes that are sent, and custom ids there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/request.h"
#include "wire/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct nm_request
request_of(const char *template, const struct nm_request_options *options)
{
	struct nm_prompt prompt = { 0 };
	struct nm_request request = { 0 };
	struct nm_err err = { 0 };

	assert_int_equal(nm_prompt_read(&prompt, nm_text_of(template), "t",
	                                &err), NM_OK);
	if (nm_request_init(&request, &prompt, options, &err))
		fail_msg("%s", err.text);
	nm_prompt_release(&prompt);
	return request;
}

static struct nm_question
question_of(size_t id, const char *text)
{
	return (struct nm_question){ .id = id, .text = text,
	                             .text_len = strlen(text) };
}

static void
bodies(void **state)
{
	static const struct {
		const char               *template;
		struct nm_request_options options;
		const char               *question, *body, *why;
	} rows[] = {
		{ "s\n---\nQ: {question}\nJSON", { .model = "m" }, "who [A]",
		  "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
		  "\"s\"},{\"role\":\"user\",\"content\":\"Q: who [A]\\nJSON\"}],"
		  "\"response_format\":{\"type\":\"json_object\"}}", "chat" },
		{ "---\n{question} \"JSON\"",
		  { .model = "a\"b", .max_output_tokens = 64 },
		  "say \"x\" \\ \x01 é\xe2\x80\xa8",
		  "{\"model\":\"a\\\"b\",\"messages\":[{\"role\":\"user\","
		  "\"content\":\"say \\\"x\\\" \\\\ \\u0001 é\xe2\x80\xa8"
		  " \\\"JSON\\\"\"}],\"response_format\":{\"type\":"
		  "\"json_object\"},\"max_completion_tokens\":64}",
		  "no system message, escapes, a limit" },
		{ "---\n{question} JSON", { .model = "m" }, "\"",
		  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
		  "\"content\":\"\\\" JSON\"}],\"response_format\":"
		  "{\"type\":\"json_object\"}}", "a quote alone" },
		{ "s\n---\n{question} JSON",
		  { .model = "m", .endpoint = NM_ENDPOINT_RESPONSES,
		    .max_output_tokens = 16 }, "q",
		  "{\"model\":\"m\",\"input\":[{\"role\":\"system\",\"content\":"
		  "\"s\"},{\"role\":\"user\",\"content\":\"q JSON\"}],\"text\":"
		  "{\"format\":{\"type\":\"json_object\"}},"
		  "\"max_output_tokens\":16}", "responses" },
	};
	struct nm_json json = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_request request = request_of(rows[i].template,
		                                       &rows[i].options);
		struct nm_question q = question_of(0, rows[i].question);
		struct nm_buf out = { 0 };
		const struct nm_value *root;

		nm_request_add_body(&request, &q, &out);
		if (strcmp(nm_buf_string(&out), rows[i].body) != 0)
			fail_msg("%s: %s", rows[i].why, nm_buf_string(&out));
		assert_int_equal(nm_json_read(&json, out.at, out.len, &root,
		                              NULL), NM_OK);
		nm_buf_release(&out);
		nm_request_release(&request);
	}
	nm_json_release(&json);
}

static void
lines(void **state)
{
	struct nm_request_options options = { .model = "m" };
	struct nm_request request = request_of("---\n{question} JSON", &options);
	struct nm_question q = question_of(14871, "q");
	struct nm_buf out = { 0 }, body = { 0 };
	size_t at;

	(void)state;
	nm_buf_add_string(&out, "before\n");
	at = nm_request_add_line(&request, &q, &out);
	nm_request_add_body(&request, &q, &body);
	assert_int_equal(memcmp(out.at + 7,
		"{\"custom_id\":\"request-14871\",\"method\":\"POST\","
		"\"url\":\"/v1/chat/completions\",\"body\":{\"model\"", 82), 0);
	assert_int_equal(out.len, at + body.len + 2);
	assert_memory_equal(out.at + at, body.at, body.len);
	assert_string_equal(out.at + out.len - 2, "}\n");
	assert_null(memchr(out.at + 7, '\n', out.len - 8));
	nm_buf_release(&out);
	nm_buf_release(&body);
	nm_request_release(&request);
	nm_request_release(NULL);
}

static void
sizes(void **state)
{
	static const struct {
		size_t      id;
		const char *question;
		bool        plain;
		const char *why;
	} rows[] = {
		{ 0, "q", true, "one digit" },
		{ 9, "q", true, "one digit still" },
		{ 10, "who [A]", true, "two digits" },
		{ 999999, "a question of more than thirty-two bytes, so that it"
		  " takes steps of all widths", true, "six digits" },
		{ (size_t)1 << 53, "q", true, "the largest id" },
		{ 7, "", true, "no text at all" },
		{ 7, "caf\xc3\xa9 \xe2\x98\x95 \xf0\x9f\x8e\xac", true,
		  "UTF-8 stands as it is" },
		{ 7, "\x7f\xe2\x80\xa8", true, "so do DEL and U+2028" },
		{ 7, "/", true, "and a slash" },
		{ 7, "\"", false, "a quote" },
		{ 7, "sixteen bytes ..\"", false, "a quote in the last byte" },
		{ 7, "\\ sixteen bytes and more", false, "a backslash" },
		{ 7, "a\x01", false, "a control character" },
		{ 7, "a\x1f" "b", false, "the last control character" },
	};
	struct nm_request_options options = { .model = "m\"" };
	struct nm_request request = request_of("s\n---\n\"{question} JSON",
	                                       &options);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_question q = question_of(rows[i].id,
		                                   rows[i].question);
		size_t bytes = nm_request_plain_line_bytes(&request, &q);
		struct nm_buf out = { 0 }, id = { 0 };

		nm_request_add_line(&request, &q, &out);
		nm_custom_id_add(&id, q.id);
		if (bytes != (rows[i].plain ? out.len : 0))
			fail_msg("%s: %zu", rows[i].why, bytes);
		assert_true(nm_text_equal(nm_request_line_id(
			nm_buf_text(&out)), nm_buf_text(&id)));
		nm_buf_release(&out);
		nm_buf_release(&id);
	}
	nm_request_release(&request);
}

static void
refused(void **state)
{
	static const struct {
		struct nm_request_options options;
		const char               *why;
	} rows[] = {
		{ { 0 }, "no model" },
		{ { .model = "" }, "an empty model" },
		{ { .model = "\xff" }, "a model that is not UTF-8" },
		{ { .model = "m", .max_output_tokens = -1 }, "negative" },
		{ { .model = "m", .max_output_tokens = 15,
		    .endpoint = NM_ENDPOINT_RESPONSES }, "15 for responses" },
	};
	struct nm_prompt prompt = { 0 };
	struct nm_request request = { 0 };

	(void)state;
	assert_int_equal(nm_prompt_load(&prompt, NULL, NULL), NM_OK);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (nm_request_init(&request, &prompt, &rows[i].options, NULL)
		    != NM_USAGE || request.body_head.at)
			fail_msg("%s", rows[i].why);
	nm_prompt_release(&prompt);
}

static void
digests_tell_requests(void **state)
{
	static const struct {
		const char               *template;
		struct nm_request_options options;
	} rows[] = {
		{ "---\n{question} JSON", { .model = "m" } },
		{ "---\n{question} JSON", { .model = "n" } },
		{ "---\n{question} JSON!", { .model = "m" } },
		{ "---\nJSON {question}", { .model = "m" } },
		{ "---\n{question} JSON", { .model = "m",
		                            .max_output_tokens = 9 } },
		{ "---\n{question} JSON", { .model = "m",
		                            .endpoint = NM_ENDPOINT_RESPONSES } },
	};
	char seen[COUNT(rows)][NM_DIGEST_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_request request = request_of(rows[i].template,
		                                       &rows[i].options);

		memcpy(seen[i], request.digest, NM_DIGEST_HEX_MAX);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
		nm_request_release(&request);
	}
}

static void
custom_ids(void **state)
{
	static const struct {
		const char *text;
		int64_t     id; /* -1 = foreign */
		const char *why;
	} rows[] = {
		{ "request-0", 0, "the first" },
		{ "request-14871", 14871, "plain" },
		{ "request-9007199254740992", INT64_C(1) << 53, "the largest" },
		{ "request-9007199254740993", -1, "one more" },
		{ "request-18446744073709551617", -1, "overflow" },
		{ "request-", -1, "no number" },
		{ "request-00", -1, "leading zero" },
		{ "request-01", -1, "leading zero" },
		{ "request-+1", -1, "sign" },
		{ "request--1", -1, "sign" },
		{ "request- 1", -1, "blank" },
		{ "request-1 ", -1, "blank behind" },
		{ "request-1a", -1, "letter" },
		{ "request-٣", -1, "another script's digit" },
		{ "Request-1", -1, "case" },
		{ "1", -1, "no prefix" },
		{ "", -1, "empty" },
		{ "xrequest-1", -1, "something before" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t id = 77;
		enum nm_custom_id kind = nm_custom_id_read(
			nm_text_of(rows[i].text), &id);
		bool ours = rows[i].id >= 0;
		struct nm_buf out = { 0 };

		if ((kind == NM_CUSTOM_ID_OURS) != ours
		    || id != (ours ? (uint64_t)rows[i].id : 77))
			fail_msg("%s: %s", rows[i].text, rows[i].why);
		nm_custom_id_add(&out, id);
		if (ours)
			assert_string_equal(nm_buf_string(&out), rows[i].text);
		nm_buf_release(&out);
	}
	assert_int_equal(nm_custom_id_read((struct nm_text){ 0 }, NULL),
	                 NM_CUSTOM_ID_FOREIGN);
	assert_int_equal(nm_custom_id_read((struct nm_text){ "request-1\0", 10 },
	                                   NULL), NM_CUSTOM_ID_FOREIGN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),
		cmocka_unit_test(lines),
		cmocka_unit_test(sizes),
		cmocka_unit_test(refused),
		cmocka_unit_test(digests_tell_requests),
		cmocka_unit_test(custom_ids),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
