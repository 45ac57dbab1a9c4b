#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "recorded.h"
#include "remote/batches.h"
#include "scene.h"

static const struct {
	const char *file;
	int         status;
	bool        final;
	const char *output, *error, *model;
	int64_t     created_s, ended_s;
	int64_t     total, completed, failed, tokens;
	size_t      errors, metadata;
	const char *why;
} rows[] = {
	{ "batch_2026_completed_output_only.json", NM_BATCH_COMPLETED, true,
	  "file-6bOutput04", "", "gpt-5-mini-2025-08-07", 1787300000,
	  1787300132, 5, 5, 0, 1105, 0, 2, "the clean end" },
	{ "batch_minimal.json", NM_BATCH_IN_PROGRESS, false, "", "", "",
	  1787300000, 0, -1, -1, -1, -1, 0, 0, "only what must be there" },
	{ "batch_azure_validating.json", NM_BATCH_VALIDATING, false, "", "", "",
	  1787297600, 0, -1, -1, -1, -1, 0, 0,
	  "capitals, ISO times, null counts, empty ids" },
	{ "batch_azure_failed.json", NM_BATCH_FAILED, true, "file-5d1f0ut",
	  "file-5d1fErr", "", 1787300000, 1787300042, -1, -1, -1, -1, 1, 0,
	  "failed, with files" },
	{ "batch_2026_failed_lines.json", NM_BATCH_FAILED, true, "", "", "",
	  1787300000, 1787300003, 0, 0, 0, 0, 3, 2, "three faulty lines" },
	{ "batch_future_status.json", NM_BATCH_UNKNOWN, false, "", "",
	  "gpt-5-mini-2025-08-07", 1787300000, 0, 5, 1, 0, 0, 0, 0,
	  "a word nobody knows is not the end" },
	{ "batch_2026_completed_empty_error_id.json", NM_BATCH_COMPLETED, true,
	  NULL, "", NULL, 1787300000, -1, -2, -2, -2, -2, 0, 2,
	  "an empty id means no file" },
	{ "batch_2024_validating.json", NM_BATCH_VALIDATING, false, "", "", "",
	  -1, 0, 0, 0, 0, -1, 0, 0, "an older shape" },
};

static void
read_recorded(struct nm_arena *arena, const char *name,
              struct nm_batch *batch)
{
	const struct nm_value *root;
	struct nm_json json = {0};
	struct nm_buf text = {0};
	struct nm_err err;

	recorded(&text, name);
	assert_int_equal(nm_json_read(&json, text.at, text.len, &root, &err),
	                 NM_OK);
	assert_int_equal(nm_batch_read(root, arena, batch, &err), NM_OK);
	/* What was read must not lean on the text. */
	nm_json_release(&json);
	nm_buf_release(&text);
}

static void
expect_number(const char *why, const char *what, int64_t got, int64_t want,
              int64_t unless)
{
	if (want != unless && got != want)
		fail_msg("%s: %s is %lld, not %lld", why, what,
		         (long long)got, (long long)want);
}

static void
recorded_batches_are_read(void **state)
{
	struct nm_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = rows[i].why;
		struct nm_batch batch;

		read_recorded(&arena, rows[i].file, &batch);
		expect_number(why, "status", batch.status, rows[i].status, -1);
		assert_int_equal(nm_batch_is_final(batch.status), rows[i].final);
		if (rows[i].output)
			assert_string_equal(batch.output_file_id,
			                    rows[i].output);
		assert_string_equal(batch.error_file_id, rows[i].error);
		if (rows[i].model)
			assert_string_equal(batch.model, rows[i].model);
		expect_number(why, "created", batch.created_s,
		              rows[i].created_s, -1);
		expect_number(why, "ended", nm_batch_ended_s(&batch),
		              rows[i].ended_s, -1);
		expect_number(why, "total", batch.total, rows[i].total, -2);
		expect_number(why, "completed", batch.completed,
		              rows[i].completed, -2);
		expect_number(why, "failed", batch.failed, rows[i].failed, -2);
		expect_number(why, "tokens", batch.usage.total_tokens,
		              rows[i].tokens, -2);
		expect_number(why, "errors", (int64_t)batch.n_errors,
		              (int64_t)rows[i].errors, -1);
		expect_number(why, "metadata", (int64_t)batch.n_metadata,
		              (int64_t)rows[i].metadata, -1);
	}
	nm_arena_release(&arena);
}

static void
details_are_kept(void **state)
{
	struct nm_arena arena = {0};
	struct nm_batch batch;

	(void)state;
	read_recorded(&arena, "batch_2026_failed_lines.json", &batch);
	assert_string_equal(batch.errors[1].code, "duplicate_custom_id");
	assert_string_equal(batch.errors[1].param, "custom_id");
	assert_int_equal(batch.errors[1].line, 4);
	assert_string_equal(batch.errors[2].param, "");
	assert_string_equal(nm_batch_metadata(&batch, "nightmail_run"),
	                    "01J9ZK3Q");
	assert_string_equal(nm_batch_metadata(&batch, "absent"), "");
	read_recorded(&arena, "batch_2026_completed_output_only.json", &batch);
	assert_int_equal(batch.usage.cached_tokens, 128);
	assert_int_equal(batch.usage.reasoning_tokens, 512);
	read_recorded(&arena, "batch_azure_failed.json", &batch);
	assert_int_equal(batch.errors[0].line, 0);
	nm_arena_release(&arena);
}

static const struct {
	const char *json;
	int         status; /* -1 = no batch */
	int64_t     created_s;
	size_t      errors;
	const char *why;
} shapes[] = {
	{ "{\"id\":\"b\",\"status\":\"COMPLETED\"}", NM_BATCH_COMPLETED, 0, 0,
	  "a vendor's capitals" },
	{ "{\"id\":\"b\",\"status\":\"CANCELING\"}", NM_BATCH_CANCELLING, 0, 0,
	  "one l" },
	{ "{\"id\":\"b\",\"status\":\"Canceled\"}", NM_BATCH_CANCELLED, 0, 0,
	  "one l, in the end" },
	{ "{\"job\":{\"id\":\"b\",\"status\":\"validating\"}}",
	  NM_BATCH_VALIDATING, 0, 0, "wrapped" },
	{ "{\"id\":\"b\",\"error\":\"no such file\",\"status\":\"failed\"}",
	  NM_BATCH_FAILED, 0, 1, "an error that is a text" },
	{ "{\"id\":\"b\",\"errors\":[\"bad\",{\"code\":\"x\"}]}",
	  NM_BATCH_UNKNOWN, 0, 2, "a bare array of errors" },
	{ "{\"id\":\"b\",\"errors\":{\"data\":null},\"metadata\":[1],"
	  "\"usage\":7,\"request_counts\":\"5/5\"}", NM_BATCH_UNKNOWN, 0, 0,
	  "members of other kinds" },
	{ "{\"id\":\"b\",\"created_at\":1787300000.75}", NM_BATCH_UNKNOWN,
	  1787300000, 0, "a fraction of a second" },
	{ "{\"id\":\"b\",\"created_at\":\"2026-08-21T09:33:20+02:00\"}",
	  NM_BATCH_UNKNOWN, 1787297600, 0, "a time zone" },
	{ "{\"id\":\"b\",\"created_at\":\"2026-08-21 07:33:20Z\"}",
	  NM_BATCH_UNKNOWN, 1787297600, 0, "a blank for the T" },
	{ "{\"id\":\"b\",\"created_at\":\"yesterday\"}", NM_BATCH_UNKNOWN, 0, 0,
	  "no time" },
	{ "{\"id\":\"b\",\"created_at\":-5}", NM_BATCH_UNKNOWN, 0, 0,
	  "before all times" },
	{ "{\"id\":\"b\",\"created_at\":1e300}", NM_BATCH_UNKNOWN, 0, 0,
	  "after all times" },
	{ "{\"id\":7}", -1, 0, 0, "an id that is a number" },
	{ "{\"object\":\"batch\"}", -1, 0, 0, "no id" },
	{ "[]", -1, 0, 0, "no object" },
	{ "null", -1, 0, 0, "nothing" },
};

static void
other_shapes_are_read_as_far_as_they_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct nm_arena arena = {0};
		const struct nm_value *root;
		struct nm_json json = {0};
		struct nm_batch batch = { .id = "before" };
		struct nm_err err = {0};
		enum nm_code rc;

		assert_int_equal(nm_json_read(&json, shapes[i].json,
		                              strlen(shapes[i].json), &root,
		                              &err), NM_OK);
		rc = nm_batch_read(root, &arena, &batch, &err);
		if (shapes[i].status < 0) {
			assert_int_equal(rc, NM_PROTOCOL);
			assert_string_equal(batch.id, "before");
		} else if (rc || (int)batch.status != shapes[i].status ||
		           batch.created_s != shapes[i].created_s ||
		           batch.n_errors != shapes[i].errors) {
			fail_msg("%s: status %d, created %lld, %zu errors",
			         shapes[i].why, (int)batch.status,
			         (long long)batch.created_s, batch.n_errors);
		}
		nm_json_release(&json);
		nm_arena_release(&arena);
	}
}

static const struct {
	const char *usage;
	int64_t     input, cached, output, reasoning;
	const char *why;
} usages[] = {
	{ "{\"input_tokens\":30,\"input_tokens_details\":{\"cached_tokens\":20},"
	  "\"output_tokens\":6,\"output_tokens_details\":{"
	  "\"reasoning_tokens\":4}}", 30, 20, 6, 4, "all of it" },
	{ "{\"prompt_tokens\":30,\"prompt_tokens_details\":{"
	  "\"cached_tokens\":20},\"completion_tokens\":6,"
	  "\"completion_tokens_details\":{\"reasoning_tokens\":4}}",
	  30, 20, 6, 4, "in the words of chat" },
	{ "{\"input_tokens\":30,\"output_tokens\":6}", 30, -1, 6, -1,
	  "untold details are not 0" },
	{ "{\"input_tokens\":30,\"input_tokens_details\":null,"
	  "\"output_tokens\":6,\"output_tokens_details\":{}}", 30, -1, 6, -1,
	  "nor empty ones" },
	{ "{\"input_tokens\":30,\"input_tokens_details\":{\"cached_tokens\":"
	  "null},\"output_tokens\":6,\"output_tokens_details\":{"
	  "\"reasoning_tokens\":-1}}", 30, -1, 6, -1, "nor what is no number" },
	{ "{\"input_tokens\":30,\"input_tokens_details\":{\"cached_tokens\":0},"
	  "\"output_tokens\":6,\"output_tokens_details\":{"
	  "\"reasoning_tokens\":0}}", 30, 0, 6, 0, "a told 0 is one" },
	{ "null", -1, -1, -1, -1, "nothing" },
};

static void
read_usage(const char *usage, struct nm_batch_usage *out)
{
	struct nm_arena arena = {0};
	struct nm_buf text = {0};
	const struct nm_value *root;
	struct nm_json json = {0};
	struct nm_batch batch;
	struct nm_err err;

	nm_buf_addf(&text, "{\"id\":\"b\",\"usage\":%s}", usage);
	assert_int_equal(nm_json_read(&json, text.at, text.len, &root, &err),
	                 NM_OK);
	assert_int_equal(nm_batch_read(root, &arena, &batch, &err), NM_OK);
	*out = batch.usage;
	nm_json_release(&json);
	nm_buf_release(&text);
	nm_arena_release(&arena);
}

static void
usage_is_read_in_either_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
		const char *why = usages[i].why;
		struct nm_batch_usage got;

		read_usage(usages[i].usage, &got);
		expect_number(why, "in", got.input_tokens, usages[i].input, -2);
		expect_number(why, "cached", got.cached_tokens,
		              usages[i].cached, -2);
		expect_number(why, "out", got.output_tokens, usages[i].output,
		              -2);
		expect_number(why, "reasoning", got.reasoning_tokens,
		              usages[i].reasoning, -2);
	}
}

static void
respond(struct nm_buf *out, const char *status, const char *file)
{
	struct nm_buf body = {0};

	recorded(&body, file);
	nm_buf_addf(out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status,
	            body.len);
	nm_buf_add_text(out, nm_buf_text(&body));
	nm_buf_release(&body);
}

static void
a_batch_is_created_as_it_is_wished(void **state)
{
	static const struct nm_batch_pair metadata[] = {
		{ "run", "r1" }, { "tag", "\"t\"" }
	};
	struct nm_batch_wish wish = {
		.input_file_id = "file-In", .endpoint = "/v1/chat/completions",
		.metadata = metadata, .n_metadata = 2,
		.output_expires_after_s = 3600
	};
	struct canned_step step = {0};
	struct nm_buf reply = {0};
	struct nm_batch batch;
	struct scene scene;
	struct nm_err err = {0};

	(void)state;
	respond(&reply, "200 OK", "batch_2026_validating.json");
	step.reply = nm_buf_string(&reply);
	scene_begin(&scene, &step, 1);
	assert_int_equal(nm_batches_create(&scene.api, &wish, &scene.arena,
	                                   &batch, &err), NM_OK);
	assert_int_equal(batch.status, NM_BATCH_VALIDATING);
	scene_stop(&scene);
	scene_expect(&scene, 0, "POST /v1/batches HTTP/1.1\r\n");
	scene_expect(&scene, 0, "Content-Type: application/json\r\n");
	scene_expect(&scene, 0, "{\"input_file_id\":\"file-In\",\"endpoint\":"
	             "\"/v1/chat/completions\",\"completion_window\":\"24h\","
	             "\"metadata\":{\"run\":\"r1\",\"tag\":\"\\\"t\\\"\"},"
	             "\"output_expires_after\":{\"anchor\":\"created_at\","
	             "\"seconds\":3600}}");
	scene_release(&scene);
	nm_buf_release(&reply);
}

static void
creation_is_never_repeated(void **state)
{
	static const struct {
		struct canned_step step;
		enum nm_code       code;
		const char        *why;
	} ends[] = {
		{ { .end = CANNED_CLOSE }, NM_AMBIGUOUS, "cut after the request" },
		{ { .reply = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" },
		  NM_AMBIGUOUS, "500: it may stand" },
		{ { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
		  NM_AMBIGUOUS, "a success without an id" },
		{ { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n<" },
		  NM_AMBIGUOUS, "a success that cannot be read" },
		{ { .reply = "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n"
		    "Retry-After: 3\r\n\r\n" }, NM_UNREACHABLE,
		  "429: it does not stand" },
		{ { .reply = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n" },
		  NM_REFUSED, "a refusal" },
	};
	struct nm_batch_wish wish = {
		.input_file_id = "file-In", .endpoint = "/v1/chat/completions"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct canned_step steps[2];
		struct nm_batch batch;
		struct scene scene;
		struct nm_err err = {0};

		steps[0] = steps[1] = ends[i].step;
		scene_begin(&scene, steps, 2);
		if (nm_batches_create(&scene.api, &wish, &scene.arena, &batch,
		                      &err) != ends[i].code)
			fail_msg("%s: %d %s", ends[i].why, (int)err.code,
			         err.text);
		scene_stop(&scene);
		assert_int_equal(scene.canned.n_seen, 1);
		scene_release(&scene);
	}
}

static void
pages_are_read_with_and_without_has_more(void **state)
{
	static const char *const files[] = {
		"list_batches_has_more.json",
		"list_batches_without_has_more.json", "list_batches_empty.json"
	};
	struct canned_step steps[4] = {0};
	struct nm_batches_page page;
	struct nm_buf replies[3] = {0};
	struct scene scene;
	struct nm_err err = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		respond(&replies[i], "200 OK", files[i]);
		steps[i].reply = nm_buf_string(&replies[i]);
	}
	steps[3].reply = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"
		"[{\"id\":\"b1\"},7,{\"id\":\"b2\"}]   ";
	scene_begin(&scene, steps, 4);
	assert_int_equal(nm_batches_list(&scene.api, "", 2, &scene.arena, &page,
	                                 &err), NM_OK);
	assert_int_equal(page.count, 2);
	assert_true(page.more);
	assert_string_equal(page.after, "batch_6b00000000000021");
	assert_int_equal(nm_batches_list(&scene.api, page.after, 0,
	                                 &scene.arena, &page, &err), NM_OK);
	assert_int_equal(page.count, 2);
	assert_false(page.more);
	assert_int_equal(nm_batches_list(&scene.api, "a b", 5, &scene.arena,
	                                 &page, &err), NM_OK);
	assert_int_equal(page.count, 0);
	assert_string_equal(page.after, "");
	assert_int_equal(nm_batches_list(&scene.api, NULL, 0, &scene.arena,
	                                 &page, &err), NM_OK);
	assert_int_equal(page.count, 2);
	scene_stop(&scene);
	scene_expect(&scene, 0, "GET /v1/batches?limit=2 HTTP/1.1");
	scene_expect(&scene, 1,
	             "GET /v1/batches?after=batch_6b00000000000021 HTTP/1.1");
	scene_expect(&scene, 2,
	             "GET /v1/batches?limit=5&after=a%20b HTTP/1.1");
	scene_release(&scene);
	for (size_t i = 0; i < 3; i++)
		nm_buf_release(&replies[i]);
}

/* Services that do not know `after` give the first page for ever. */
static void
a_page_over_again_is_none(void **state)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 58"
		"\r\n\r\n{\"has_more\":true,\"data\":[{\"id\":\"b1\"},"
		"{\"id\":\"b2\"}]}        ";
	struct canned_step steps[2] = {{ .reply = reply }, { .reply = reply }};
	struct nm_batches_page page;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, steps, 2);
	assert_int_equal(nm_batches_list(&scene.api, NULL, 2, &scene.arena,
	                                 &page, &err), NM_OK);
	assert_int_equal(page.count, 2);
	assert_string_equal(page.after, "b2");
	assert_int_equal(nm_batches_list(&scene.api, page.after, 2,
	                                 &scene.arena, &page, &err), NM_OK);
	assert_int_equal(page.count, 0);
	assert_true(page.more);
	scene_stop(&scene);
	scene_release(&scene);
}

static void
a_conflict_is_the_answer_to_a_cancel(void **state)
{
	struct canned_step steps[3] = {0};
	struct nm_buf reply = {0}, done = {0};
	struct nm_batch batch;
	struct scene scene;
	struct nm_err err = {0};

	(void)state;
	respond(&reply, "409 Conflict", "error_409_cancel.json");
	respond(&done, "200 OK", "batch_2026_cancelling.json");
	steps[0].reply = nm_buf_string(&reply);
	/* Asking for a cancel twice is asking once: a 500 is repeated. */
	steps[1].reply = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
	steps[2].reply = nm_buf_string(&done);
	scene_begin(&scene, steps, 3);
	assert_int_equal(nm_batches_cancel(&scene.api, "batch_1", &scene.arena,
	                                   &batch, &err), NM_REFUSED);
	assert_int_equal(err.detail, 409);
	assert_int_equal(nm_batches_cancel(&scene.api, "batch/2", &scene.arena,
	                                   &batch, &err), NM_OK);
	assert_int_equal(batch.status, NM_BATCH_CANCELLING);
	scene_stop(&scene);
	scene_expect(&scene, 1, "POST /v1/batches/batch%2F2/cancel HTTP/1.1");
	scene_release(&scene);
	nm_buf_release(&reply);
	nm_buf_release(&done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_batches_are_read),
		cmocka_unit_test(details_are_kept),
		cmocka_unit_test(other_shapes_are_read_as_far_as_they_go),
		cmocka_unit_test(usage_is_read_in_either_words),
		cmocka_unit_test(a_batch_is_created_as_it_is_wished),
		cmocka_unit_test(creation_is_never_repeated),
		cmocka_unit_test(pages_are_read_with_and_without_has_more),
		cmocka_unit_test(a_page_over_again_is_none),
		cmocka_unit_test(a_conflict_is_the_answer_to_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
