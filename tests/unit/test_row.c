/*
 * test_row: which class each shape of line ends in, by the recorded shapes
 * (tests/data/recorded) and by lines of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "eval/row.h"
#include "wire/jsonl.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define RECORDED "tests/data/recorded/rows_"

static void
join(const struct nm_row *row, struct nm_buf *out)
{
	nm_buf_clear(out);
	for (size_t i = 0; i < row->n_answers; i++) {
		if (i)
			nm_buf_add_byte(out, '/');
		nm_buf_add_text(out, row->answers[i]);
	}
}

/* ---- recorded shapes ---- */

struct recorded {
	const char   *file, *custom_id;
	enum nm_class class;
	const char   *answers; /* joined by '/' */
	int           status;
};

static const struct recorded recorded[] = {
	{ "chat_2024", "chat-2024", NM_CLASS_ANSWERED, "Heat/Ali", 200 },
	{ "chat_2024", "chat-2024-no-details", NM_CLASS_ANSWERED, "1995", 200 },
	{ "chat_2024", "chat-2024-prose", NM_CLASS_UNPARSEABLE, "", 200 },
	{ "chat_2026", "chat-2026", NM_CLASS_ANSWERED, "Heat/The Insider", 200 },
	{ "chat_2026", "chat-cached", NM_CLASS_ANSWERED, "Amélie", 200 },
	{ "chat_2026", "chat-cache-write", NM_CLASS_ANSWERED, "Solaris", 200 },
	{ "chat_2026", "chat-number", NM_CLASS_ANSWERED, "1994/1995/true", 200 },
	{ "chat_2026", "chat-no-answers-key", NM_CLASS_UNPARSEABLE, "", 200 },
	{ "chat_2026", "chat-empty-list", NM_CLASS_ANSWERED, "", 200 },
	{ "chat_2026", "chat-fenced", NM_CLASS_UNPARSEABLE, "", 200 },
	{ "chat_2026", "refusal", NM_CLASS_REFUSED, "", 200 },
	{ "chat_2026", "content-filter", NM_CLASS_REFUSED, "", 200 },
	{ "chat_2026", "content-filter-empty", NM_CLASS_REFUSED, "", 200 },
	{ "chat_2026", "length-empty", NM_CLASS_TRUNCATED, "", 200 },
	{ "chat_2026", "length-cut", NM_CLASS_TRUNCATED, "", 200 },
	{ "chat_2026", "length-whole", NM_CLASS_ANSWERED, "Heat", 200 },
	{ "chat_2026", "tool-calls", NM_CLASS_UNPARSEABLE, "", 200 },
	{ "chat_2026", "no-choices", NM_CLASS_UNPARSEABLE, "", 200 },
	{ "chat_2026", "no-usage", NM_CLASS_ANSWERED, "Heat", 200 },
	{ "responses_2026", "resp-reasoning-first", NM_CLASS_ANSWERED,
	  "Heat/The Insider", 200 },
	{ "responses_2026", "resp-two-messages", NM_CLASS_ANSWERED, "Heat/Ali",
	  200 },
	{ "responses_2026", "resp-two-parts", NM_CLASS_ANSWERED, "Heat", 200 },
	{ "responses_2026", "resp-refusal", NM_CLASS_REFUSED, "", 200 },
	{ "responses_2026", "resp-incomplete", NM_CLASS_TRUNCATED, "", 200 },
	{ "responses_2026", "resp-content-filter", NM_CLASS_REFUSED, "", 200 },
	{ "responses_2026", "resp-failed-in-200", NM_CLASS_HTTP_ERROR, "", 200 },
	{ "responses_2026", "resp-function-call", NM_CLASS_UNPARSEABLE, "",
	  200 },
	{ "responses_2026", "resp-unknown-item", NM_CLASS_ANSWERED, "Heat",
	  200 },
	{ "errors", "error-400", NM_CLASS_HTTP_ERROR, "", 400 },
	{ "errors", "error-429", NM_CLASS_HTTP_ERROR, "", 429 },
	{ "errors", "error-500", NM_CLASS_HTTP_ERROR, "", 500 },
	{ "errors", "error-null-body", NM_CLASS_HTTP_ERROR, "", 500 },
	{ "errors", "status-zero", NM_CLASS_HTTP_ERROR, "", 0 },
	{ "errors", "error-in-200", NM_CLASS_HTTP_ERROR, "", 200 },
	{ "errors", "batch-expired", NM_CLASS_EXPIRED, "", 0 },
	{ "errors", "batch-cancelled", NM_CLASS_CANCELLED, "", 0 },
	{ "errors", "error-unknown-code", NM_CLASS_HTTP_ERROR, "", 0 },
	{ "other_servers", "vllm-success", NM_CLASS_ANSWERED, "Heat", 200 },
	{ "other_servers", "vllm-error-string", NM_CLASS_HTTP_ERROR, "", 400 },
	{ "other_servers", "vllm-error-object", NM_CLASS_HTTP_ERROR, "", 400 },
	{ "other_servers", "together-no-response", NM_CLASS_HTTP_ERROR, "", 0 },
	{ "other_servers", "no-id-no-error", NM_CLASS_ANSWERED, "Heat", 200 },
	{ "other_servers", "numeric-code", NM_CLASS_HTTP_ERROR, "", 500 },
	{ "line_separator", "after-u2028", NM_CLASS_ANSWERED, "Heat", 200 },
	{ "escapes", "lone-surrogate", NM_CLASS_ANSWERED, "Heat \xef\xbf\xbd",
	  200 },
	{ "escapes", "lone-surrogate-outside", NM_CLASS_ANSWERED,
	  "Heat \xef\xbf\xbd", 200 },
	{ "escapes", "escaped-non-ascii", NM_CLASS_ANSWERED,
	  "Kieślowski/Amélie", 200 },
	{ "damaged", "neither", NM_CLASS_HTTP_ERROR, "", 0 },
};

/* Reads the row of that id out of a recorded file into *row. */
static void
find_recorded(struct nm_row_reader *reader, const char *file,
              const char *custom_id, struct nm_buf *bytes, struct nm_row *row)
{
	struct nm_jsonl lines = { 0 };
	struct nm_buf path = { 0 };
	struct nm_line line;

	nm_buf_addf(&path, RECORDED "%s.jsonl", file);
	nm_buf_clear(bytes);
	assert_int_equal(nm_file_read(nm_buf_string(&path), bytes, NULL), NM_OK);
	nm_buf_release(&path);
	nm_jsonl_feed(&lines, bytes->at, bytes->len);
	nm_jsonl_finish(&lines);
	while (nm_jsonl_next(&lines, &line)) {
		nm_row_read(reader, line.at, line.len, row);
		if (nm_text_is(row->custom_id, custom_id)) {
			nm_jsonl_release(&lines);
			return;
		}
	}
	fail_msg("no row %s in %s", custom_id, file);
}

static void
recorded_shapes(void **state)
{
	struct nm_row_reader reader = { 0 };
	struct nm_buf bytes = { 0 }, names = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(recorded); i++) {
		const struct recorded *want = &recorded[i];
		struct nm_row row;

		find_recorded(&reader, want->file, want->custom_id, &bytes,
		              &row);
		join(&row, &names);
		if (row.kind != NM_ROW_READ || row.class != want->class
		    || row.status_code != want->status || row.ours
		    || (want->class != NM_CLASS_ANSWERED && row.answers)
		    || strcmp(nm_buf_string(&names), want->answers) != 0)
			fail_msg("%s: %s, %d, \"%s\"", want->custom_id,
			         nm_class_name(row.class), row.status_code,
			         nm_buf_string(&names));
	}
	nm_buf_release(&names);
	nm_buf_release(&bytes);
	nm_row_reader_release(&reader);
}

static void
recorded_details(void **state)
{
	struct nm_row_reader reader = { 0 };
	struct nm_buf bytes = { 0 };
	struct nm_row row;

	(void)state;
	find_recorded(&reader, "chat_2026", "chat-number", &bytes, &row);
	assert_int_equal(row.n_dropped, 2);
	find_recorded(&reader, "chat_2026", "chat-cached", &bytes, &row);
	assert_true(row.usage.present);
	assert_int_equal(row.usage.input_tokens, 2083);
	assert_int_equal(row.usage.cached_tokens, 1920);
	find_recorded(&reader, "chat_2026", "chat-cache-write", &bytes, &row);
	assert_int_equal(row.usage.cache_write_tokens, 2048);
	find_recorded(&reader, "chat_2026", "no-usage", &bytes, &row);
	assert_false(row.usage.present);
	find_recorded(&reader, "chat_2026", "length-empty", &bytes, &row);
	assert_true(nm_text_is(row.finish_reason, "length"));
	assert_true(row.usage.reasoning_tokens > 0);
	assert_true(nm_text_is(row.model, "gpt-5-mini-2025-08-07"));
	find_recorded(&reader, "chat_2026", "refusal", &bytes, &row);
	assert_true(row.error_message.len > 0);
	find_recorded(&reader, "responses_2026", "resp-incomplete", &bytes,
	              &row);
	assert_true(nm_text_is(row.finish_reason, "max_output_tokens"));
	assert_true(row.usage.present);
	find_recorded(&reader, "errors", "error-400", &bytes, &row);
	assert_true(nm_text_is(row.error_code, "decimal_above_max_value"));
	assert_true(nm_text_is(row.error_type, "invalid_request_error"));
	find_recorded(&reader, "other_servers", "numeric-code", &bytes, &row);
	assert_true(nm_text_is(row.error_code, "500"));
	find_recorded(&reader, "other_servers", "vllm-error-string", &bytes,
	              &row);
	assert_true(nm_text_is(row.error_message,
	                       "The model `nobody` does not exist."));
	find_recorded(&reader, "escapes", "escaped-nul", &bytes, &row);
	assert_int_equal(row.n_answers, 1);
	assert_int_equal(row.answers[0].len, 5);
	find_recorded(&reader, "line_separator", "u2028-raw", &bytes, &row);
	assert_int_equal(row.n_answers, 3);
	nm_buf_release(&bytes);
	nm_row_reader_release(&reader);
}

static void
whole_files(void **state)
{
	static const struct {
		const char *file;
		int         kinds[3]; /* by nm_row_kind: read, blank, malformed */
	} rows[] = {
		{ "last_line_cut", { 2, 0, 1 } },
		{ "no_final_newline", { 2, 0, 0 } },
		{ "crlf_blank", { 2, 2, 0 } },
		{ "damaged", { 5, 0, 5 } },
	};
	struct nm_row_reader reader = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_buf bytes = { 0 }, path = { 0 };
		struct nm_jsonl lines = { 0 };
		struct nm_line line;
		int kinds[3] = { 0 };

		nm_buf_addf(&path, RECORDED "%s.jsonl", rows[i].file);
		assert_int_equal(nm_file_read(nm_buf_string(&path), &bytes,
		                              NULL), NM_OK);
		nm_jsonl_feed(&lines, bytes.at, bytes.len);
		nm_jsonl_finish(&lines);
		while (nm_jsonl_next(&lines, &line)) {
			struct nm_row row;

			nm_row_read(&reader, line.at, line.len, &row);
			kinds[row.kind]++;
		}
		if (memcmp(kinds, rows[i].kinds, sizeof(kinds)) != 0)
			fail_msg("%s: %d %d %d", rows[i].file, kinds[0],
			         kinds[1], kinds[2]);
		nm_jsonl_release(&lines);
		nm_buf_release(&path);
		nm_buf_release(&bytes);
	}
	nm_row_reader_release(&reader);
}

/* ---- lines of our own ---- */

/* A line of request-3 with this response and error. */
#define LINE(response, error) \
	"{\"custom_id\":\"request-3\",\"response\":" response \
	",\"error\":" error "}"
#define OK_BODY(body) "{\"status_code\":200,\"body\":" body "}"
#define CHOICE(message, finish) \
	OK_BODY("{\"choices\":[{\"message\":" message \
	        ",\"finish_reason\":" finish "}]}")
#define GOOD "{\"content\":\"{\\\"answers\\\":[\\\"a\\\"]}\"}"
#define REFUSING "{\"content\":\"{\\\"answers\\\":[\\\"a\\\"]}\"," \
	"\"refusal\":\"no\"}"

static void
precedence(void **state)
{
	static const struct {
		const char   *line;
		enum nm_class class;
		const char   *why;
	} rows[] = {
		{ LINE(CHOICE(GOOD, "\"stop\""), "null"), NM_CLASS_ANSWERED,
		  "plain" },
		{ LINE(CHOICE(GOOD, "\"stop\""), "{\"code\":\"batch_expired\"}"),
		  NM_CLASS_EXPIRED, "an outer error stands before all" },
		{ LINE(CHOICE(GOOD, "\"stop\""), "\"batch_cancelled\""),
		  NM_CLASS_CANCELLED, "a bare string as its code" },
		{ LINE("null", "{\"code\":\"batch_canceled\"}"),
		  NM_CLASS_CANCELLED, "the other spelling" },
		{ LINE("null", "\"oops\""), NM_CLASS_HTTP_ERROR, "a string" },
		{ LINE("null", "{\"error\":{\"code\":\"batch_expired\"}}"),
		  NM_CLASS_EXPIRED, "wrapped once more" },
		{ LINE(CHOICE(GOOD, "\"stop\""), "\"\""), NM_CLASS_ANSWERED,
		  "an empty string is no error" },
		{ LINE(CHOICE(GOOD, "\"stop\""), "{}"), NM_CLASS_ANSWERED,
		  "nor is an empty object" },
		{ LINE("{\"status_code\":199,\"body\":{}}", "null"),
		  NM_CLASS_HTTP_ERROR, "199" },
		{ LINE("{\"status_code\":300,\"body\":{}}", "null"),
		  NM_CLASS_HTTP_ERROR, "300" },
		{ LINE("{\"status_code\":299,\"body\":{\"choices\":[{\"message\":"
		       GOOD "}]}}", "null"), NM_CLASS_ANSWERED, "299" },
		{ LINE("{\"body\":{\"choices\":[{\"message\":" GOOD "}]}}",
		       "null"), NM_CLASS_HTTP_ERROR, "no status is no success" },
		{ LINE("{\"status_code\":\"200\",\"body\":{\"choices\":[{"
		       "\"message\":" GOOD "}]}}", "null"),
		  NM_CLASS_HTTP_ERROR, "nor is one that is no number" },
		{ LINE("{\"status_code\":500,\"body\":{\"choices\":[{"
		       "\"message\":" GOOD "}]}}", "null"), NM_CLASS_HTTP_ERROR,
		  "a status before content" },
		{ LINE(OK_BODY("{\"error\":{\"code\":1},\"choices\":[{"
		               "\"message\":" GOOD "}]}"), "null"),
		  NM_CLASS_HTTP_ERROR, "body.error before content" },
		{ LINE(OK_BODY("{\"error\":null,\"choices\":[{\"message\":" GOOD
		               "}]}"), "null"),
		  NM_CLASS_ANSWERED, "a null error is none" },
		{ LINE(CHOICE(REFUSING, "\"stop\""), "null"), NM_CLASS_REFUSED,
		  "a refusal before content" },
		{ LINE(CHOICE("{\"content\":null,\"refusal\":\"\"}", "\"stop\""),
		       "null"), NM_CLASS_UNPARSEABLE, "an empty one is none" },
		{ LINE(CHOICE(GOOD, "\"content_filter\""), "null"),
		  NM_CLASS_REFUSED, "the filter before content" },
		{ LINE(CHOICE(GOOD, "\"length\""), "null"), NM_CLASS_ANSWERED,
		  "content before length" },
		{ LINE(CHOICE("{\"content\":null}", "\"length\""), "null"),
		  NM_CLASS_TRUNCATED, "length" },
		{ LINE(CHOICE("{\"content\":7}", "\"stop\""), "null"),
		  NM_CLASS_UNPARSEABLE, "content of another kind" },
		{ LINE(CHOICE("{\"content\":[{\"type\":\"text\",\"text\":"
		              "\"{\\\"answers\\\":\"},{\"type\":\"text\","
		              "\"text\":\"[]}\"}]}", "\"stop\""), "null"),
		  NM_CLASS_ANSWERED, "content in parts" },
		{ LINE(CHOICE("{\"content\":[{\"type\":\"refusal\",\"refusal\":"
		              "\"no\"}]}", "\"stop\""), "null"),
		  NM_CLASS_REFUSED, "a refusal among the parts" },
		{ LINE(OK_BODY("{\"choices\":[{\"message\":{\"content\":\"x\"}},"
		               "{\"message\":" GOOD "}]}"), "null"),
		  NM_CLASS_UNPARSEABLE, "only the first choice counts" },
		{ LINE(OK_BODY("{\"object\":\"response\",\"status\":\"failed\","
		               "\"error\":null}"), "null"),
		  NM_CLASS_HTTP_ERROR, "a failed response without its error" },
		{ LINE(OK_BODY("{\"status\":\"incomplete\",\"output\":[]}"),
		       "null"), NM_CLASS_TRUNCATED, "incomplete without a reason" },
		{ LINE(OK_BODY("\"<html>\""), "null"), NM_CLASS_UNPARSEABLE,
		  "a body that is a string" },
		{ LINE(OK_BODY("[]"), "null"), NM_CLASS_UNPARSEABLE, "a list" },
		{ LINE("[]", "null"), NM_CLASS_HTTP_ERROR, "no response" },
		{ "{\"custom_id\":\"request-3\"}", NM_CLASS_HTTP_ERROR,
		  "nothing at all" },
		{ "\xef\xbb\xbf" LINE(CHOICE(GOOD, "\"stop\""), "null"),
		  NM_CLASS_ANSWERED, "behind a byte order mark" },
	};
	struct nm_row_reader reader = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_row row;

		nm_row_read(&reader, rows[i].line, strlen(rows[i].line), &row);
		if (row.kind != NM_ROW_READ || !row.ours || row.id != 3
		    || row.class != rows[i].class)
			fail_msg("%s: %s", rows[i].why,
			         nm_class_name(row.class));
	}
	nm_row_reader_release(&reader);
	nm_row_reader_release(NULL);
}

static void
malformed(void **state)
{
	static const char *const lines[] = {
		"{", "[]", "null", "\"x\"", "{}", "{\"custom_id\":7}",
		"{\"custom_id\":null}", "<<<<<<< HEAD", "{\"custom_id\":\"a\"}}",
		"{\"custom_id\":\"a\xff\"}",
	};
	struct nm_row_reader reader = { 0 };
	struct nm_row row;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		nm_row_read(&reader, lines[i], strlen(lines[i]), &row);
		if (row.kind != NM_ROW_MALFORMED || row.custom_id.at)
			fail_msg("%s", lines[i]);
	}
	nm_row_read(&reader, NULL, 0, &row);
	assert_int_equal(row.kind, NM_ROW_BLANK);
	nm_row_read(&reader, " \t\r", 3, &row);
	assert_int_equal(row.kind, NM_ROW_BLANK);
	nm_row_reader_release(&reader);
}

static void
leniency_is_told_and_used(void **state)
{
	static const struct {
		const char   *line;
		bool          saves;
		enum nm_class strict;
		const char   *why;
	} rows[] = {
		{ LINE(CHOICE("{\"content\":\"so: {\\\"answers\\\":[1]}\"}",
		              "\"stop\""), "null"), true, NM_CLASS_UNPARSEABLE,
		  "prose" },
		{ LINE(CHOICE("{\"content\":\"{\\\"answers\\\":[1]} and\"}",
		              "\"length\""), "null"), true, NM_CLASS_TRUNCATED,
		  "cut after the object" },
		{ LINE(CHOICE("{\"content\":\"none\"}", "\"stop\""), "null"),
		  false, NM_CLASS_UNPARSEABLE, "nothing to be saved" },
		{ LINE(CHOICE(GOOD, "\"stop\""), "null"), false,
		  NM_CLASS_ANSWERED, "nothing to be saved from" },
	};
	struct nm_row_reader strict = { 0 };
	struct nm_row_reader lenient = { .reading = NM_READING_LENIENT };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_row a, b;
		size_t len = strlen(rows[i].line);

		nm_row_read(&strict, rows[i].line, len, &a);
		nm_row_read(&lenient, rows[i].line, len, &b);
		if (a.class != rows[i].strict || a.lenient
		    || a.lenient_would_save != rows[i].saves
		    || b.lenient != rows[i].saves || b.lenient_would_save
		    || b.class != (rows[i].saves ? NM_CLASS_ANSWERED
		                                 : rows[i].strict)
		    || b.n_answers != (b.class == NM_CLASS_ANSWERED)
		    || (a.class != NM_CLASS_ANSWERED && a.n_answers))
			fail_msg("%s", rows[i].why);
	}
	nm_row_reader_release(&strict);
	nm_row_reader_release(&lenient);
}

static void
usage(void **state)
{
	static const struct {
		const char     *json;
		struct nm_usage usage;
		const char     *why;
	} rows[] = {
		{ "null", { 0 }, "null" },
		{ "{}", { 0 }, "empty" },
		{ "{\"prompt_tokens\":5}", { 0 }, "half: the other is not 0" },
		{ "{\"output_tokens\":5}", { 0 }, "the other half" },
		{ "{\"output_tokens\":5,\"total_tokens\":9}",
		  { true, 4, 0, 0, 5, 0 }, "half, and the whole" },
		{ "{\"prompt_tokens\":8,\"total_tokens\":8}",
		  { true, 8, 0, 0, 0, 0 }, "of embeddings" },
		{ "{\"prompt_tokens\":8,\"total_tokens\":7}", { 0 },
		  "half, and less as a whole" },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":null}", { 0 },
		  "half, and nothing" },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":0}",
		  { true, 5, 0, 0, 0, 0 }, "nothing out, as it is told" },
		{ "{\"input_tokens\":5,\"output_tokens\":7,"
		  "\"input_tokens_details\":{\"cached_tokens\":2,"
		  "\"cache_write_tokens\":3},\"output_tokens_details\":"
		  "{\"reasoning_tokens\":4}}", { true, 5, 2, 3, 7, 4 },
		  "the other names" },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":7,"
		  "\"prompt_tokens_details\":null}", { true, 5, 0, 0, 7, 0 },
		  "no details" },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":7,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":6}}",
		  { true, 5, 0, 0, 7, 0 }, "more cached than there are" },
		{ "{\"prompt_tokens\":-1,\"completion_tokens\":-7}", { 0 },
		  "negative" },
		{ "{\"prompt_tokens\":5,\"completion_tokens\":1000000001}",
		  { 0 }, "not to be believed" },
		{ "{\"prompt_tokens\":1000000001,\"completion_tokens\":7}",
		  { 0 }, "nor is that" },
		{ "{\"prompt_tokens\":99999999999999999999,"
		  "\"completion_tokens\":7}", { 0 }, "overflow" },
		{ "{\"prompt_tokens\":\"5\",\"completion_tokens\":7}", { 0 },
		  "a string" },
	};
	struct nm_row_reader reader = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_buf line = { 0 };
		struct nm_row row;

		nm_buf_addf(&line, "{\"custom_id\":\"x\",\"response\":{"
		            "\"status_code\":200,\"body\":{\"usage\":%s}}}",
		            rows[i].json);
		nm_row_read(&reader, line.at, line.len, &row);
		assert_int_equal(row.kind, NM_ROW_READ);
		if (row.usage.present != rows[i].usage.present
		    || row.usage.input_tokens != rows[i].usage.input_tokens
		    || row.usage.cached_tokens != rows[i].usage.cached_tokens
		    || row.usage.cache_write_tokens
		       != rows[i].usage.cache_write_tokens
		    || row.usage.output_tokens != rows[i].usage.output_tokens
		    || row.usage.reasoning_tokens
		       != rows[i].usage.reasoning_tokens)
			fail_msg("%s", rows[i].why);
		nm_buf_release(&line);
	}
	nm_row_reader_release(&reader);
}

static void
names_of_classes(void **state)
{
	static const char *const names[NM_N_CLASSES] = {
		"answered", "refused", "truncated", "unparseable", "http_error",
		"expired", "cancelled", "missing",
	};
	enum nm_class class;

	(void)state;
	for (int i = 0; i < NM_N_CLASSES; i++) {
		assert_string_equal(nm_class_name((enum nm_class)i), names[i]);
		assert_int_equal(nm_class_read(nm_text_of(names[i]), &class,
		                               NULL), NM_OK);
		assert_int_equal(class, i);
		assert_int_equal(nm_class_is_instrument(class), i >= 4);
	}
	assert_int_equal(nm_class_read(NM_TEXT("lost"), &class, NULL),
	                 NM_INPUT);
}

static void
missing_rows(void **state)
{
	struct nm_row_reader reader = { 0 };
	struct nm_row row;

	(void)state;
	nm_row_missing(&reader, 12, &row);
	assert_int_equal(row.kind, NM_ROW_READ);
	assert_int_equal(row.class, NM_CLASS_MISSING);
	assert_true(row.ours);
	assert_int_equal(row.id, 12);
	assert_true(nm_text_is(row.custom_id, "request-12"));
	assert_int_equal(row.n_answers, 0);
	nm_row_reader_release(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_shapes),
		cmocka_unit_test(recorded_details),
		cmocka_unit_test(whole_files),
		cmocka_unit_test(precedence),
		cmocka_unit_test(malformed),
		cmocka_unit_test(leniency_is_told_and_used),
		cmocka_unit_test(usage),
		cmocka_unit_test(names_of_classes),
		cmocka_unit_test(missing_rows),
	};

	return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
