/*
 * plan, request_file: any request file becomes shards that hold each
 * request once, in order, within every limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/members.h"
#include "run/plan.h"
#include "run/request_file.h"

#define LINE(id, text) \
	"{\"custom_id\":\"" id "\",\"method\":\"POST\"," \
	"\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"," \
	"\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]}}\n"

#define LINE_BYTES (sizeof(LINE("a", "x")) - 1)

static char path[64];

static struct nm_request_file *
open_lines(const char *lines, enum nm_code wanted, struct nm_err *err)
{
	struct nm_request_file *file = NULL;
	int fd;

	snprintf(path, sizeof(path), "/tmp/nm_plan.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(nm_file_write_all(fd, lines, strlen(lines), err),
	                 NM_OK);
	close(fd);
	assert_int_equal(nm_request_file_open(&file, path, err), wanted);
	unlink(path);
	return file;
}

/* One row: lines, limits, and how many requests each shard has to hold. */
static const struct {
	const char *why;
	const char *lines;
	int64_t     requests_max, bytes_max;
	int64_t     counts[4];
	size_t      n_shards;
} cuts[] = {
	{ "all fit into one", LINE("a", "x") LINE("b", "x"), 10, 1000,
	  { 2 }, 1 },
	{ "cut by number", LINE("a", "x") LINE("b", "x") LINE("c", "x"), 2,
	  1000, { 2, 1 }, 2 },
	{ "a shard may be exactly full", LINE("a", "x") LINE("b", "x"), 2,
	  1000, { 2 }, 1 },
	{ "cut by bytes, at exactly two lines", LINE("a", "x")
	  LINE("b", "x") LINE("c", "x"), 10, 2 * LINE_BYTES, { 2, 1 }, 2 },
	{ "cut by bytes, one short of two lines", LINE("a", "x")
	  LINE("b", "x"), 10, 2 * LINE_BYTES - 1, { 1, 1 }, 2 },
	{ "blank lines are no requests", LINE("a", "x") "\n  \n\r\n"
	  LINE("b", "x"), 1, 1000, { 1, 1 }, 2 },
};

static void
test_cuts(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		struct nm_run_settings settings = {
			.shard_requests = cuts[i].requests_max,
			.shard_bytes = cuts[i].bytes_max,
		};
		struct nm_plan plan = { 0 };
		struct nm_err err;
		struct nm_request_file *file =
			open_lines(cuts[i].lines, NM_OK, &err);
		int64_t next = 0;

		assert_int_equal(nm_plan_measure(&plan,
			nm_request_file_source(file), &settings, &err), NM_OK);
		if (plan.n_shards != cuts[i].n_shards)
			fail_msg("%s: %zu shards", cuts[i].why, plan.n_shards);
		for (k = 0; k < plan.n_shards; k++) {
			if (plan.shards[k].count != cuts[i].counts[k] ||
			    plan.shards[k].first != next)
				fail_msg("%s: shard %zu", cuts[i].why, k);
			next += plan.shards[k].count;
		}
		nm_plan_release(&plan);
		nm_request_file_close(file);
	}
}

static const struct {
	const char *why;
	const char *lines;
	const char *told; /* after the path */
} bad[] = {
	{ "not JSON", LINE("a", "x") "{\n", ":2: This line is not" },
	{ "no id", "{\"method\":\"POST\"}\n", ":1: Missing required" },
	{ "an id twice", LINE("a", "x") LINE("a", "y"),
	  ":2: the custom_id 'a'" },
	{ "nothing", "\n \n", " holds no request" },
	{ "a byte order mark", "\xef\xbb\xbf" LINE("a", "x"),
	  ":1: This line is not" },
};

static void
test_bad_files(void **state)
{
	struct nm_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(open_lines(bad[i].lines, NM_INPUT, &err));
		if (!strstr(err.text, bad[i].told))
			fail_msg("%s: %s", bad[i].why, err.text);
	}
}

/* Requests of 20,000 inputs each: two go into a batch's 50,000. */
static void
test_embedding_inputs_fill_a_shard(void **state)
{
	struct nm_run_settings settings = { 0 };
	struct nm_buf lines = { 0 };
	struct nm_plan plan = { 0 };
	struct nm_request_file *file;
	struct nm_err err;
	int i, k;

	(void)state;
	for (i = 0; i < 3; i++) {
		nm_buf_addf(&lines, "{\"custom_id\":\"%d\",\"method\":\"POST\","
		            "\"url\":\"/v1/embeddings\",\"body\":{\"model\":"
		            "\"m\",\"input\":[\"x\"", i);
		for (k = 1; k < 20000; k++)
			nm_buf_add_string(&lines, ",\"x\"");
		nm_buf_add_string(&lines, "]}}\n");
	}
	file = open_lines(nm_buf_string(&lines), NM_OK, &err);
	assert_int_equal(nm_plan_measure(&plan, nm_request_file_source(file),
	                                 &settings, &err), NM_OK);
	assert_int_equal(plan.n_shards, 2);
	assert_int_equal(plan.shards[0].count, 2);
	nm_plan_release(&plan);
	nm_request_file_close(file);
	nm_buf_release(&lines);
}

static void
test_a_fault_is_named_by_its_place(void **state)
{
	struct nm_run_settings settings = { 0 };
	struct nm_plan plan = { 0 };
	struct nm_err err;
	struct nm_request_file *file = open_lines(LINE("a", "x") "\n"
		"{\"custom_id\":\"b\",\"method\":\"POST\","
		"\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"n\","
		"\"messages\":[]}}\n", NM_OK, &err);

	(void)state;
	assert_int_equal(nm_plan_measure(&plan, nm_request_file_source(file),
	                                 &settings, &err), NM_INPUT);
	assert_non_null(strstr(err.text, ":3: the service would refuse it:"
	                       " mismatched_model"));
	nm_plan_release(&plan);
	nm_request_file_close(file);
}

static void
test_source_finds_and_rewinds(void **state)
{
	struct nm_err err;
	struct nm_request_file *file = open_lines(
		LINE("a", "x") LINE("b", "y") LINE("c", "z"), NM_OK, &err);
	struct nm_source *source = nm_request_file_source(file);
	struct nm_source_item item;

	(void)state;
	assert_int_equal(source->count, 3);
	assert_int_equal(source->find(source, NM_TEXT("c")), 2);
	assert_int_equal(source->find(source, NM_TEXT("d")), -1);
	assert_int_equal(nm_source_seek(source, 2, &item, &err), NM_OK);
	assert_true(nm_text_is(item.custom_id, "c"));
	assert_int_equal(nm_source_seek(source, 0, &item, &err), NM_OK);
	assert_true(nm_text_is(item.custom_id, "a"));
	assert_true(nm_text_is(item.body, "{\"model\":\"m\",\"messages\":"
		"[{\"role\":\"user\",\"content\":\"x\"}]}"));
	assert_int_equal(nm_source_seek(source, 3, &item, &err), NM_INPUT);
	nm_request_file_close(file);
}

static void
test_another_attempt_names_its_members(void **state)
{
	struct nm_err err;
	static const char lines[] = LINE("a", "x") LINE("b", "x")
		LINE("c", "x") LINE("d", "x") LINE("e", "x");
	struct nm_request_file *file = open_lines(lines, NM_OK, &err);
	struct nm_run run = { .source = nm_request_file_source(file) };
	struct nm_run_settings settings = { .shard_requests = 2 };
	struct nm_members members = { 0 };
	struct nm_members_walk walk;
	struct nm_plan plan = { 0 };

	(void)state;
	run.record.model = "m";
	nm_run_fill_settings(&run.settings, &settings);
	nm_members_add(&members, 0);
	nm_members_add(&members, 2);
	nm_members_add(&members, 4);
	assert_int_equal(nm_plan_again(&plan, &run,
		nm_buf_text(&members.bytes), 3, 2, &err), NM_OK);
	assert_int_equal(plan.n_shards, 2);
	assert_int_equal(plan.shards[0].attempt, 2);
	nm_members_walk_init(&walk, plan.shards[0].first,
	                     plan.shards[0].count, plan.shards[0].members);
	assert_int_equal(nm_members_walk_next(&walk), 0);
	assert_int_equal(nm_members_walk_next(&walk), 2);
	nm_members_walk_init(&walk, plan.shards[1].first,
	                     plan.shards[1].count, plan.shards[1].members);
	assert_int_equal(nm_members_walk_next(&walk), 4);
	assert_int_equal(nm_members_walk_next(&walk), -1);
	nm_plan_release(&plan);
	nm_members_release(&members);
	nm_request_file_close(file);
}

static void
test_split_keeps_every_request(void **state)
{
	struct nm_err err;
	struct nm_request_file *file = open_lines(
		LINE("a", "x") LINE("b", "x") LINE("c", "x") LINE("d", "x"),
		NM_OK, &err);
	struct nm_run run = { .source = nm_request_file_source(file) };
	struct nm_shard_record shard = { .attempt = 1, .first = 1,
	                                 .count = 3 };
	struct nm_plan_bounds bounds = { INT64_MAX, INT64_MAX };
	struct nm_plan plan = { 0 };

	(void)state;
	nm_run_fill_settings(&run.settings, NULL);
	assert_int_equal(nm_plan_split(&plan, &run, &shard, &bounds, &err),
	                 NM_OK);
	assert_int_equal(plan.n_shards, 1);
	bounds.tokens = plan.tokens - 1;
	nm_plan_release(&plan);
	assert_int_equal(nm_plan_split(&plan, &run, &shard, &bounds, &err),
	                 NM_OK);
	assert_int_equal(plan.n_shards, 2);
	assert_int_equal(plan.shards[0].count, 2);
	nm_plan_release(&plan);
	bounds = (struct nm_plan_bounds){ 2, INT64_MAX };
	assert_int_equal(nm_plan_split(&plan, &run, &shard, &bounds, &err),
	                 NM_OK);
	assert_int_equal(plan.n_shards, 2);
	assert_int_equal(plan.shards[0].first, 1);
	assert_int_equal(plan.shards[1].first, 3);
	assert_int_equal(plan.requests, 3);
	nm_plan_release(&plan);
	nm_request_file_close(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_embedding_inputs_fill_a_shard),
		cmocka_unit_test(test_a_fault_is_named_by_its_place),
		cmocka_unit_test(test_source_finds_and_rewinds),
		cmocka_unit_test(test_another_attempt_names_its_members),
		cmocka_unit_test(test_split_keeps_every_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
