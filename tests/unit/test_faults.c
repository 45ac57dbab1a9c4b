#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/faults.h"
#include "server/script.h"

#define PATH(literal) NM_TEXT(literal)

static void
test_paths(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool        fits;
	} rows[] = {
		{ "/v1/batches", "/v1/batches", true },
		{ "/v1/batches", "/v1/batches/b", false },
		{ "/v1/files/*", "/v1/files/f1", true },
		{ "/v1/files/*", "/v1/files/f1/content", false },
		{ "/v1/files/*/content", "/v1/files/f1/content", true },
		{ "/v1/files**", "/v1/files", true },
		{ "/v1/files**", "/v1/files/f1/content", true },
		{ "**", "/anything/at/all", true },
		{ "/v1/*/b", "/v1/a/c", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (nm_path_fits(rows[i].pattern, nm_text_of(rows[i].path)) !=
		    rows[i].fits)
			fail_msg("%s %s", rows[i].pattern, rows[i].path);
}

/* The definition, word by word: slow, and plainly right. */
static bool
fits_by_definition(const char *pattern, const char *path)
{
	bool deep = pattern[0] == '*' && pattern[1] == '*';

	if (*pattern != '*')
		return *pattern == *path &&
		       (!*pattern || fits_by_definition(pattern + 1, path + 1));
	for (;; path++) {
		if (fits_by_definition(pattern + 1 + deep, path))
			return true;
		if (!*path || (!deep && *path == '/'))
			return false;
	}
}

/* The number's digits as letters, least first. */
static void
spell(unsigned number, const char *letters, char word[8])
{
	size_t base = strlen(letters), n = 0;

	for (; number; number = (unsigned)((number - 1) / base))
		word[n++] = letters[(number - 1) % base];
	word[n] = 0;
}

static void
test_all_short_paths(void **state)
{
	char pattern[8], path[8];

	(void)state;
	for (unsigned i = 0; i < 1093; i++) /* to 6 letters of 3 */
		for (unsigned j = 0; j < 127; j++) { /* and of 2 */
			spell(i, "a/*", pattern);
			spell(j, "a/", path);
			if (nm_path_fits(pattern, nm_text_of(path)) !=
			    fits_by_definition(pattern, path))
				fail_msg("'%s' and '%s'", pattern, path);
		}
}

/* A script is read from people: no line of it may stall the server. */
static void
test_many_stars(void **state)
{
	char pattern[600], path[300];

	(void)state;
	memset(path, 'a', sizeof(path));
	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = i % 4 ? '*' : 'a';
	}
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = 0;
	assert_false(nm_path_fits(pattern,
	                          (struct nm_text){ path, sizeof(path) }));
}

static void
test_errors(void **state)
{
	static const struct {
		const char *script, *reason;
	} rows[] = {
		{ "\n# fine\nof 3", "s:3:1: no rule begins with: 'of'" },
		{ "on PUT /v1/batches: hang",
		  "s:1:4: the method is GET, POST, DELETE or *: 'PUT'" },
		{ "on GET batches: hang",
		  "s:1:8: a path begins with '/': 'batches'" },
		{ "on GET /x nth 1 hang",
		  "s:1:17: a ':' is missing before the action" },
		{ "on GET /x:", "s:1:11: no action after the ':'" },
		{ "on GET /x: explode", "s:1:12: no action of a call: 'explode'" },
		{ "on GET /x: status 99",
		  "s:1:19: a status is from 200 to 599: '99'" },
		{ "on GET /x: status",
		  "s:1:18: something is missing at the end: 'a status'" },
		{ "on GET /x: header \"none\"",
		  "s:1:19: not a header such as \"Retry-After: 2\": 'none'" },
		{ "on GET /x: header \"A: b\\r\\nC: d\"", "s:1:19: not a header "
		  "such as \"Retry-After: 2\": 'A: b  C: d'" },
		{ "on GET /x: header \"A b: c\"",
		  "s:1:19: not a header such as \"Retry-After: 2\": 'A b: c'" },
		{ "on GET /x: header \"content-length: 5\"",
		  "s:1:19: a header that is the server's own: "
		  "'content-length: 5'" },
		{ "on GET /x every 0: hang",
		  "s:1:17: a number of at least 1 is meant: '0'" },
		{ "on GET /x nth 0: hang",
		  "s:1:15: these are counted from 1: '0'" },
		{ "on GET /x nth 99999999999999999999: hang", "s:1:15: not a number, "
		  "a range or a per cent: '99999999999999999999'" },
		{ "on GET /x 101%: hang",
		  "s:1:11: not a number, a range or a per cent: '101%'" },
		{ "on GET /x 0x1%: hang",
		  "s:1:11: not a number, a range or a per cent: '0x1%'" },
		{ "on GET /x id q: hang", "s:1:11: only rows are chosen by 'id'" },
		{ "on GET /x: body \"open", "s:1:17: a quote is not closed" },
		{ "on GET /x: body \"b\"",
		  "s:1:20: a body is of a 'status', and none is given" },
		{ "on GET /x: act then delay 5s", "s:1:21: after 'act then' comes "
		  "'status' or 'lose reply': 'delay'" },
		{ "on GET /x: act then lose call", "s:1:26: after 'act then' comes "
		  "'status' or 'lose reply': 'call'" },
		{ "on GET /x: pad 99999999999999999999",
		  "s:1:16: too large a number: '99999999999999999999'" },
		{ "on GET /x: delay 99999999999999999999ms", "s:1:18: not a span of "
		  "time such as 500ms, 5s or 1h: '99999999999999999999ms'" },
		{ "on GET /x: trickle 1/h",
		  "s:1:20: at least a byte a second is meant: '1/h'" },
		{ "row 5..3: missing",
		  "s:1:5: not a number, a range or a per cent: '5..3'" },
		{ "row 0: missing", "s:1:5: these are counted from 1: '0'" },
		{ "row 5: vanished", "s:1:8: no class of a row: 'vanished'" },
		{ "row 5 missing", "s:1:7: a ':' is missing before the class" },
		{ "row 5: missing now", "s:1:16: nothing more was expected: 'now'" },
		{ "row 5: missing in output",
		  "s:1:16: nothing more was expected: 'in'" },
		{ "row 5: http_error 400 in", "s:1:25: after 'in' comes 'output'" },
		{ "row 5: http_error 0",
		  "s:1:19: a status is from 200 to 599: '0'" },
		{ "rows for 1h: missing",
		  "s:1:6: only calls are chosen by 'for'" },
		{ "row 1 of batch id b: missing",
		  "s:1:16: only rows are chosen by 'id'" },
		{ "finalizing soon",
		  "s:1:12: not a span of time such as 500ms, 5s or 1h: 'soon'" },
		{ "quota of 5", "s:1:7: a quota is of tokens, requests or creations: "
		  "'of'" },
		{ "quota tokens 0", "s:1:14: a number of at least 1 is meant: '0'" },
		{ "quota creations 5",
		  "s:1:17: not a rate such as 5/s, 5/m or 5/h: '5'" },
		{ "quota creations 5/h of batch 2",
		  "s:1:21: nothing more was expected: 'of'" },
		{ "stale files 5s of batch 2",
		  "s:1:16: nothing more was expected: 'of'" },
		{ "fail x line 0", "s:1:13: a number of at least 1 is meant: '0'" },
		{ "counts", "s:1:7: counts are wrong, null, or total=N completed=N "
		  "failed=N" },
		{ "counts total=1 failed=x", "s:1:16: not one of total=N completed=N "
		  "failed=N: 'failed=x'" },
		{ "  order\talphabetical",
		  "s:1:9: an order is 'shuffled': 'alphabetical'" },
	};
	struct nm_script script;
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (nm_script_read(&script, "s", nm_text_of(rows[i].script), 0,
		                   &err) != NM_INPUT)
			fail_msg("'%s' was read", rows[i].script);
		assert_string_equal(err.text, rows[i].reason);
	}
}

static void
read_ok(struct nm_script *script, const char *text)
{
	struct nm_err err = {0};

	if (nm_script_read(script, "s", nm_text_of(text), 0, &err))
		fail_msg("%s", err.text);
}

static void
test_actions(void **state)
{
	struct nm_script script;
	const struct nm_fault *fault;

	(void)state;
	read_ok(&script,
		"on POST /v1/batches nth 1: act then lose reply  # and so on\n"
		"on GET /v1/batches/* every 3: status 502 body \"<html>\\\"x\\\"\", "
		"header \"Retry-After: 2\" header \"X-A:b\"\n"
		"on GET /v1/files/*/content nth 2..: cut after 0..1000 trickle 5/s\n"
		"on * /v1/files for 1h: delay 250ms stale 5s\n"
		"on GET /v1/batches: hang\n"
		"ids empty\n"
		"counts total=2000 completed=1000\n");
	assert_int_equal(script.n_calls, 7);
	assert_int_equal(script.calls[0].fault.loss, NM_LOSE_REPLY);
	fault = &script.calls[1].fault;
	assert_int_equal(fault->status, 502);
	assert_string_equal(fault->body, "<html>\"x\"");
	assert_string_equal(fault->headers[0], "Retry-After");
	assert_string_equal(fault->headers[1], "2");
	assert_string_equal(fault->headers[3], "b");
	assert_null(fault->headers[4]);
	assert_true(script.calls[2].fault.cut);
	assert_int_equal(script.calls[2].cut_most, 1000);
	assert_int_equal(script.calls[2].fault.trickle_bytes_per_s, 5);
	assert_int_equal(script.calls[3].which.span_ms, 3600000);
	assert_int_equal(script.calls[3].fault.delay_ms, 250);
	assert_int_equal(script.calls[3].fault.stale_s, 5);
	assert_int_equal(script.calls[4].fault.loss, NM_LOSE_CALL);
	assert_true(script.calls[5].fault.empty_ids);
	assert_string_equal(script.calls[6].fault.counts,
		"{\"total\":2000,\"completed\":1000,\"failed\":0}");
	nm_script_release(&script);
}

static void
test_rows(void **state)
{
	struct nm_row_fault fault;
	struct nm_script script;
	size_t some = 0, again = 0;

	(void)state;
	read_ok(&script,
		"row 7: http_error 400 invalid_value \"bad temperature\"\n"
		"rows 3..5 of batch 2..: missing\n"
		"row 9: status 0\n"
		"row id \"q-1\": truncated\n"
		"row 11: http_error 503 in output\n"
		"rows 10% seed 4: expired\n");
	assert_true(nm_script_row(&script, 1, 7, NM_TEXT("a"), &fault));
	assert_int_equal(fault.class, NM_ROW_HTTP_ERROR);
	assert_int_equal(fault.status, 400);
	assert_string_equal(fault.code, "invalid_value");
	assert_string_equal(fault.message, "bad temperature");
	assert_true(nm_script_row(&script, 2, 4, NM_TEXT("a"), &fault));
	assert_int_equal(fault.class, NM_ROW_MISSING);
	assert_true(nm_script_row(&script, 1, 9, NM_TEXT("a"), &fault));
	assert_int_equal(fault.class, NM_ROW_STATUS_ZERO);
	assert_true(nm_script_row(&script, 1, 70, NM_TEXT("q-1"), &fault));
	assert_int_equal(fault.twist, NM_TWIST_TRUNCATED);
	assert_true(nm_script_row(&script, 1, 11, NM_TEXT("a"), &fault));
	assert_true(fault.in_output);
	assert_null(fault.code);
	for (uint64_t row = 100; row < 10100; row++) {
		some += nm_script_row(&script, 1, row, NM_TEXT("a"), &fault);
		again += nm_script_row(&script, 1, row, NM_TEXT("b"), &fault);
	}
	assert_int_equal(some, again);
	assert_in_range(some, 900, 1100);
	nm_script_release(&script);
}

static void
test_batches(void **state)
{
	struct nm_batch_fault fault;
	struct nm_script script;

	(void)state;
	read_ok(&script,
		"order shuffled seed 9\n"
		"finalizing 30s of batch 1\n"
		"in_progress forever of batch 2\n"
		"pace 50/s\n"
		"quota enqueued tokens 20000\n"
		"quota requests 100\n"
		"quota creations 5/h\n"
		"stale files 5s\n"
		"fail invalid_request \"Cannot find file.\" param file_id line 3 "
		"of batch 3\n");
	assert_int_equal(script.creations_an_hour, 5);
	nm_script_batch(&script, 1, &fault);
	assert_true(fault.shuffled);
	assert_int_equal(fault.order_seed, 9);
	assert_int_equal(fault.dwell_ms[NM_BATCH_FINALIZING], 30000);
	assert_int_equal(fault.dwell_ms[NM_BATCH_IN_PROGRESS], -1);
	assert_int_equal(fault.rows_an_hour, 50 * 3600);
	assert_int_equal(fault.quota_tokens, 20000);
	assert_int_equal(fault.quota_requests, 100);
	assert_int_equal(fault.stale_files_s, 5);
	assert_null(fault.fail_code);
	nm_script_batch(&script, 2, &fault);
	assert_true(fault.dwell_ms[NM_BATCH_IN_PROGRESS] == INT64_MAX);
	nm_script_batch(&script, 3, &fault);
	assert_string_equal(fault.fail_code, "invalid_request");
	assert_string_equal(fault.fail_param, "file_id");
	assert_int_equal(fault.fail_line, 3);
	nm_script_release(&script);
}

static void
write_script(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static uint64_t
number_of(struct nm_faults *faults, const char *batch_id)
{
	uint64_t number;

	nm_faults_script_release(faults,
		nm_faults_script_take(faults, batch_id, &number));
	return number;
}

static void
test_counting(void **state)
{
	char path[] = "/tmp/nm_faults_XXXXXX";
	struct nm_arena arena = {0};
	struct nm_faults *faults;
	struct nm_fault fault;
	struct nm_err err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	write_script(path, "on GET /v1/batches/* nth 2: status 502\n"
		"on GET /v1/batches/*: delay 1s header \"A: b\"\n"
		"on GET /v1/files for 10s: status 500\n");
	assert_int_equal(nm_faults_open(path, 0, &faults, &err), NM_OK);
	for (int i = 1; i <= 3; i++) {
		nm_faults_call(faults, "GET", PATH("/v1/batches/b"), 0, &arena,
		               &fault);
		assert_int_equal(fault.status, i == 2 ? 502 : 0);
		assert_int_equal(fault.delay_ms, 1000);
		assert_string_equal(fault.rule, i == 2 ?
			"on GET /v1/batches/* nth 2: status 502; "
			"on GET /v1/batches/*: delay 1s header \"A: b\"" :
			"on GET /v1/batches/*: delay 1s header \"A: b\"");
	}
	nm_faults_call(faults, "POST", PATH("/v1/batches/b"), 0, &arena, &fault);
	assert_null(fault.rule);
	for (int64_t now = 5000; now < 25000; now += 4000) {
		nm_faults_call(faults, "GET", PATH("/v1/files"), now, &arena, &fault);
		assert_int_equal(fault.status, now < 15000 ? 500 : 0);
	}
	assert_int_equal(nm_faults_batch_number(faults, "a"), 1);
	assert_int_equal(nm_faults_batch_number(faults, "b"), 2);
	assert_int_equal(nm_faults_batch_number(faults, "a"), 1);

	write_script(path, "nonsense\n");
	assert_int_equal(nm_faults_load(faults, NULL, &err), NM_INPUT);
	assert_int_equal(number_of(faults, "b"), 2);
	nm_faults_call(faults, "GET", PATH("/v1/batches/b"), 0, &arena, &fault);
	assert_int_equal(fault.delay_ms, 1000);
	write_script(path, "");
	assert_int_equal(nm_faults_load(faults, NULL, &err), NM_OK);
	/* A new script's first batch is the first that comes. */
	assert_int_equal(number_of(faults, "b"), 0);
	assert_int_equal(nm_faults_batch_number(faults, "c"), 1);
	assert_int_equal(number_of(faults, "c"), 1);
	nm_faults_call(faults, "GET", PATH("/v1/batches/b"), 0, &arena, &fault);
	assert_null(fault.rule);
	nm_faults_close(faults);
	nm_arena_release(&arena);
	remove(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_all_short_paths),
		cmocka_unit_test(test_many_stars),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_counting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
