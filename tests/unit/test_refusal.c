#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "recorded.h"
#include "remote/refusal.h"

#define KEY "sk-test-0123456789abcdef"

static const struct {
	int         status;
	const char *body;   /* a file's name when it begins with '@' */
	const char *head;
	bool        transient;
	const char *text;
} rows[] = {
	{ 401, "@error_401_bad_key.json", "X-Request-Id: req_7\r\n", false,
	  "401 invalid_api_key: Incorrect API key provided: (key) "
	  "(request id req_7)" },
	{ 400, "@error_400_metadata.json", "", false,
	  "400 invalid_type: Invalid type for 'metadata.tags': expected a "
	  "string, but got an array instead (param metadata.tags)" },
	{ 400, "@error_400_not_jsonl.json", "", false,
	  "400 invalid_request_error: Invalid file format for Batch API. Must "
	  "be .jsonl" },
	{ 400, "@error_400_string.json", "", false, "400: model is required" },
	{ 503, "@error_503_numeric_code.json", "", true,
	  "503 unavailable_error: Loading model" },
	{ 429, "@error_429_credit_balance.json", "", false,
	  "429 credit_balance_exhausted: Your credit balance is exhausted" },
	{ 429, "@error_429_insufficient_quota.json", "", false, NULL },
	{ 429, "@error_429_rate_limit.json", "", true, NULL },
	{ 500, "@error_500_server.json", "", true, NULL },
	{ 409, "@error_409_cancel.json", "", true, NULL },
	{ 502, "@error_502_html.html", "", true, "502: 502 Bad Gateway" },
	{ 502, "<html>\n<body>\n<h1>Bad  day</h1><p>edge</p>", "", true,
	  "502: Bad day edge" },
	{ 500, "", "", true, "500: without an explanation" },
	{ 500, "  \r\n", "", true, "500: without an explanation" },
	{ 500, "null", "", true, "500: null" },
	{ 500, "[1]", "", true, "500: [1]" },
	{ 500, "upstream connect error\nreset", "", true,
	  "500: upstream connect error reset" },
	{ 400, "{\"error\":{}}", "", false, "400: {\"error\":{}}" },
	{ 400, "{\"error\":null,\"detail\":\"Not so.\"}", "", false,
	  "400: Not so" },
	{ 400, "{\"message\":\"bare\",\"code\":12}", "", false, "400 12: bare" },
	{ 400, "{\"error\":{\"message\":\"a\\u001b[31mred\\nline\"}}", "",
	  false, "400: a [31mred line" },
	{ 401, "{\"error\":{\"message\":\"bad " KEY ".\"}}", "", false,
	  "401: bad (key)" },
	{ 401, "{\"error\":{\"message\":\"got " KEY "\",\"param\":\"" KEY
	  "\"}}", "", false,
	  "401: got (key) (param ************************)" },
	{ 401, "{\"error\":{\"message\":\"You sent sk-other*****wxyz. No.\"}}",
	  "", false, "401: You sent (key). No" },
	{ 302, "", "Location: http://elsewhere.example/\r\n", false,
	  "302: it redirects to http://elsewhere.example/, which is not "
	  "followed with a key: mend the base URL" },
};

static void
words_of_no_become_one_line(void **state)
{
	struct nm_secret key = {0};
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_secret_set(&key, NM_TEXT(KEY), &err), NM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_http_reply reply = { .status = rows[i].status };
		struct nm_refusal refusal;

		if (rows[i].body[0] == '@')
			recorded(&reply.body, rows[i].body + 1);
		else
			nm_buf_add_string(&reply.body, rows[i].body);
		nm_buf_add_string(&reply.head, rows[i].head);
		nm_refusal_read(&refusal, &reply, &key, 0);
		nm_refusal_fail(&refusal, NM_REFUSED, &err);
		assert_int_equal(err.detail, rows[i].status);
		if (rows[i].text && strcmp(err.text, rows[i].text) != 0)
			fail_msg("row %zu:\n%s\n%s", i, err.text, rows[i].text);
		if (refusal.transient != rows[i].transient)
			fail_msg("row %zu: transient %d: %s", i,
			         refusal.transient, err.text);
		assert_null(strstr(err.text, KEY));
		assert_null(strchr(err.text, '\n'));
		nm_http_reply_release(&reply);
	}
	nm_secret_release(&key);
}

static void
long_words_are_cut_at_a_character(void **state)
{
	struct nm_http_reply reply = { .status = 400 };
	struct nm_refusal refusal;

	(void)state;
	nm_buf_add_string(&reply.body, "{\"error\":{\"message\":\"");
	for (int i = 0; i < 10000; i++)
		nm_buf_add_string(&reply.body, "\xe2\x82\xac");
	nm_buf_add_string(&reply.body, "\",\"code\":\"");
	for (int i = 0; i < 1000; i++)
		nm_buf_add_byte(&reply.body, 'c');
	nm_buf_add_string(&reply.body, "\"}}");
	nm_refusal_read(&refusal, &reply, NULL, 0);
	assert_int_equal(strlen(refusal.message) % 3, 0);
	assert_true(strlen(refusal.message) > 300);
	assert_int_equal(strlen(refusal.code), sizeof(refusal.code) - 1);
	nm_http_reply_release(&reply);
}

static const struct {
	int         status;
	const char *code, *message;
	int         kind;
	int64_t     value;
	const char *model, *why;
} limits[] = {
	{ 0, "token_limit_exceeded", "Enqueued token limit reached for "
	  "gpt-4o-mini in organization org-y. Limit: 2,000,000 enqueued "
	  "tokens. Please try again once some in_progress batches have been "
	  "completed.", NM_LIMIT_TOKENS, 2000000, "gpt-4o-mini",
	  "as recorded" },
	{ 0, "token_limit_exceeded", "Enqueued token limit reached for gpt-4o "
	  "in organization org-y. Limit: 90,000 enqueued tokens.",
	  NM_LIMIT_TOKENS, 90000, "gpt-4o", "a small account" },
	{ 0, "token_limit_exceeded", "", NM_LIMIT_TOKENS, -1, "",
	  "the code alone" },
	{ 0, "", "Enqueued token limit reached for m in organization o. Limit: "
	  "90000 enqueued tokens.", NM_LIMIT_TOKENS, 90000, "m",
	  "no code, no commas" },
	{ 429, "rate_limit_exceeded", "You have 5M enqueued tokens; wait.",
	  NM_LIMIT_TOKENS, 5000000, "", "a unit" },
	{ 0, "", "Enqueued request limit reached for m in organization o. "
	  "Limit: 1,000,000 enqueued requests.", NM_LIMIT_REQUESTS, 1000000,
	  "m", "requests are limited too" },
	{ 400, "", "File is too large.", NM_LIMIT_FILE_BYTES, -1, "",
	  "at the upload" },
	{ 0, "", "The batch input file is larger than the 209715200 maximum for "
	  "the gpt-4.1-nano model.", NM_LIMIT_FILE_BYTES, 209715200,
	  "gpt-4.1-nano", "at validation" },
	{ 413, "", "Request Entity Too Large", NM_LIMIT_FILE_BYTES, -1, "",
	  "a proxy's word" },
	{ 0, "too_many_tasks", "The number of tasks exceeds the limit of "
	  "100,000.", NM_LIMIT_LINES, 100000, "", "another vendor's lines" },
	{ 429, "", "You may create 2,000 batches per hour.",
	  NM_LIMIT_CREATIONS, 2000, "", "the hourly number" },
	{ 429, "rate_limit_exceeded", "Rate limit reached for requests",
	  NM_LIMIT_NONE, -1, "", "a rate is no limit of this kind" },
	{ 0, "invalid_json_line", "This line is not parseable as valid JSON.",
	  NM_LIMIT_NONE, -1, "", "another fault" },
	{ 0, "token_limit_exceeded", "Limit: 99999999999999999999999 enqueued "
	  "tokens", NM_LIMIT_TOKENS, -1, "", "a number past all numbers" },
	{ 429, "", "Requested 350,000 enqueued tokens, but the limit is "
	  "200,000.", NM_LIMIT_TOKENS, 200000, "", "what was asked is no limit" },
	{ 429, "", "Too many enqueued tokens (limit 90k)", NM_LIMIT_TOKENS,
	  90000, "", "no colon" },
	{ 0, "", "ENQUEUED TOKEN LIMIT (2_000_000) REACHED", NM_LIMIT_TOKENS,
	  2000000, "", "capitals" },
	{ 0, "token_limit_exceeded", "Limit: 2.000.000 enqueued tokens",
	  NM_LIMIT_TOKENS, 2000000, "", "points part the thousands" },
	{ 0, "token_limit_exceeded", "Limit: 2 000 000 enqueued tokens",
	  NM_LIMIT_TOKENS, 2000000, "", "blanks part the thousands" },
	{ 0, "token_limit_exceeded", "Limit: 2\xc2\xa0" "000\xe2\x80\xaf" "000 "
	  "enqueued tokens", NM_LIMIT_TOKENS, 2000000, "", "so do others" },
	{ 0, "token_limit_exceeded", "Limit: 2'000\xe2\x80\x99" "000 enqueued "
	  "tokens", NM_LIMIT_TOKENS, 2000000, "", "and apostrophes" },
	{ 0, "token_limit_exceeded", "Limit: 2 million enqueued tokens",
	  NM_LIMIT_TOKENS, 2000000, "", "a unit in words" },
	{ 0, "token_limit_exceeded", "Limit: 2e6 enqueued tokens",
	  NM_LIMIT_TOKENS, -1, "", "a power is not taken for two" },
	{ 0, "token_limit_exceeded", "Limit: 2,5M enqueued tokens",
	  NM_LIMIT_TOKENS, -1, "", "nor is a fraction with a comma" },
	{ 429, "", "Limit: 5 per 100 enqueued tokens", NM_LIMIT_TOKENS, 5, "",
	  "what stands apart is another number" },
	{ 429, "", "At most 1 234 567 enqueued tokens", NM_LIMIT_TOKENS, 1234567,
	  "", "blanks, read from behind" },
	{ 429, "", "In 2024 100 enqueued requests were allowed",
	  NM_LIMIT_REQUESTS, 100, "", "a year is no part of a number" },
	{ 0, "token_limit_exceeded", "Limit: 2.5M enqueued tokens",
	  NM_LIMIT_TOKENS, -1, "", "a fraction is not taken for two" },
	{ 0, "token_limit_exceeded", "The limit for gpt-4o is reached.",
	  NM_LIMIT_TOKENS, -1, "", "a model's number is no limit" },
	{ 0, "", "At most 1,000 enqueued requests are allowed.",
	  NM_LIMIT_REQUESTS, 1000, "", "before the noun" },
	{ 429, "", "You reached the hourly limit of 2000 for batches.",
	  NM_LIMIT_CREATIONS, 2000, "", "hourly" },
	{ 400, "", "A file may have 50,000 lines per file.", NM_LIMIT_LINES,
	  50000, "", "lines" },
	{ 0, "", "", NM_LIMIT_NONE, -1, "", "nothing" },
};

static void
limits_are_read_from_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct nm_limit got = nm_limit_read(
			limits[i].status, nm_text_of(limits[i].code),
			nm_text_of(limits[i].message));

		if ((int)got.kind != limits[i].kind ||
		    got.value != limits[i].value ||
		    strcmp(got.model, limits[i].model) != 0)
			fail_msg("%s: kind %d, value %lld, model %s",
			         limits[i].why, (int)got.kind,
			         (long long)got.value, got.model);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_no_become_one_line),
		cmocka_unit_test(long_words_are_cut_at_a_character),
		cmocka_unit_test(limits_are_read_from_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
