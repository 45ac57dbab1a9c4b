/* complaint: what is wrong is told with its place, its number and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "recorded.h"
#include "scene.h"
#include "task/complaint.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What a message wrote, as long as it is open. */
struct said {
	struct nm_message message;
	char             *text;
	size_t            len;
};

static void
listen_to(struct said *said)
{
	*said = (struct said){ 0 };
	said->message.to = open_memstream(&said->text, &said->len);
	assert_non_null(said->message.to);
}

static void
expect_said(struct said *said, const char *text, const char *why)
{
	fclose(said->message.to);
	if (strcmp(said->text, text) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", why, said->text, text);
	free(said->text);
}

static void
of_lines(void **state)
{
	static const struct {
		const char *error;
		uint64_t    line;
		const char *text;
		const char *why;
	} rows[] = {
		{ "q.txt:7: no tab", 7, "q.txt:7: no tab\n  abc\n   ^\n",
		  "file and line" },
		{ "a:7: b.txt:7: no tab", 7, "a:7: no tab\n  abc\n   ^\n",
		  "the first mark of that line is taken" },
		{ "c:\\q:1.txt:12: no tab", 12,
		  "c:\\q:1.txt:12: no tab\n  abc\n   ^\n",
		  "a path may have colons" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_dataset_spot spot = { .line = rows[i].line,
			.text = { "abc", 3 }, .byte = 1, .problem = "no tab" };
		struct nm_bad_lines bad = { 0 };
		struct nm_err err = { 0 };
		struct said said;

		listen_to(&said);
		bad.message = &said.message;
		(void)nm_fail(&err, NM_INPUT, 0, "%s", rows[i].error);
		nm_complain_of_line(&bad, &err, &spot);
		assert_int_equal(bad.count, 1);
		expect_said(&said, rows[i].text, rows[i].why);
	}
}

static void
of_more_lines(void **state)
{
	static const struct {
		uint64_t    count;
		const char *text, *why;
	} rows[] = {
		{ 0, "", "none: no word" },
		{ 1, "warning: 1 line is no question and was passed over\n",
		  "one" },
		{ 2, "warning: 2 lines are no questions and were passed over\n",
		  "two" },
		{ NM_BAD_LINES_SHOWN, "warning: 10 lines are no questions and"
		  " were passed over\n", "all of them were shown" },
		{ NM_BAD_LINES_SHOWN + 1, "warning: 11 lines in all are no"
		  " questions and were passed over (the first 10 are shown)\n",
		  "not all were shown" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_bad_lines bad = { .count = rows[i].count };
		struct said said;

		listen_to(&said);
		bad.message = &said.message;
		nm_complain_of_more(&bad);
		expect_said(&said, rows[i].text, rows[i].why);
	}
}

/* The eleventh is counted, not shown. */
static void
of_many_lines(void **state)
{
	struct nm_dataset_spot spot = { .line = 1, .text = { "a", 1 },
	                                .problem = "no tab" };
	struct nm_bad_lines bad = { .count = NM_BAD_LINES_SHOWN };
	struct nm_err err = { .text = "q:1: no tab" };
	struct said said;

	(void)state;
	listen_to(&said);
	bad.message = &said.message;
	nm_complain_of_line(&bad, &err, &spot);
	assert_int_equal(bad.count, NM_BAD_LINES_SHOWN + 1);
	expect_said(&said, "", "the eleventh");
}

static const struct {
	struct nm_shard_record shard;
	const char *text, *why;
} ends[] = {
	{ { .state = NM_SHARD_COLLECTED, .status = "completed", .note = "" },
	  "", "the clean end" },
	{ { .state = NM_SHARD_CREATED, .status = "in_progress", .note = "" },
	  "", "no end yet" },
	{ { .state = NM_SHARD_COLLECTED, .status = "expired", .note = "" },
	  "warning: batch b expired: what it had finished is kept\n",
	  "its window was over" },
	{ { .state = NM_SHARD_COLLECTED, .status = "cancelled", .note = "" },
	  "warning: batch b was cancelled: what it had finished is kept, the"
	  " rest is not asked again by itself\n", "by a person" },
	{ { .state = NM_SHARD_COLLECTED, .status = "cancelled",
	    .note = "cancelled: the deadline was near" }, "",
	  "by the run itself, which told of it then" },
	{ { .state = NM_SHARD_REFUSED, .number = 3, .status = "",
	    .note = "too many tokens" },
	  "warning: shard 3 was refused: too many tokens\n",
	  "it never was a batch" },
};

static void
of_batches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct nm_shard_record shard = ends[i].shard;
		struct nm_run run = { .shards = &shard, .n_shards = 1 };
		struct said said;

		shard.batch_id = "b";
		listen_to(&said);
		nm_complain_of_batches(&said.message, &run, NULL, 0);
		expect_said(&said, ends[i].text, ends[i].why);
	}
}

static char path[64];

static struct nm_quiz *
open_quiz(void)
{
	struct nm_quiz_wish wish = { .name = "q", .model = "m" };
	struct nm_quiz *quiz = NULL;
	struct nm_err err;

	snprintf(path, sizeof(path), "/tmp/nm_complaint_%ld", (long)getpid());
	wish.path = path;
	assert_int_equal(nm_file_write(path, 0600, nm_text_of("first?\tA\n"
	                 "second?\tA\nthird?\tA\nfourth?\tA\n"), &err), NM_OK);
	assert_int_equal(nm_quiz_open(&quiz, &wish, &err), NM_OK);
	return quiz;
}

/* A shard that begins at the second question: its line 2 asks the third. Line 4 and
 * 7 are beyond its end, and are told without a question. */
static void
of_a_failed_batch(void **state)
{
	struct nm_shard_record shard = { .state = NM_SHARD_COLLECTED,
		.batch_id = "b", .status = "failed", .note = "it is noted",
		.first = 1, .count = 3 };
	struct nm_run run = { .shards = &shard, .n_shards = 1 };
	struct nm_quiz *quiz = open_quiz();
	struct nm_buf reply = { 0 }, body = { 0 };
	struct canned_step step = { 0 };
	struct scene scene;
	struct said said;

	(void)state;
	recorded(&body, "batch_2026_failed_lines.json");
	nm_buf_addf(&reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	            body.len, nm_buf_string(&body));
	step.reply = nm_buf_string(&reply);
	scene_begin(&scene, &step, 1);
	run.api = &scene.api;
	listen_to(&said);
	nm_complain_of_batches(&said.message, &run, quiz, 0);
	scene_stop(&scene);
	expect_said(&said,
		"warning: batch b failed at line 2 of its input:"
		" missing_required_parameter (custom_id): Missing required"
		" parameter: 'custom_id'.\n"
		"    line 2 asks: third?\n"
		"warning: batch b failed at line 4 of its input:"
		" duplicate_custom_id (custom_id): The custom_id 'q-3' for this"
		" request is a duplicate of another request. The custom_id"
		" parameter must be unique for each request in a batch.\n"
		"warning: batch b failed at line 7 of its input:"
		" invalid_json_line: This line is not parseable as valid JSON.\n",
		"each error with its line");
	scene_release(&scene);
	nm_buf_release(&reply);
	nm_buf_release(&body);
	nm_quiz_close(quiz);
	unlink(path);
}

static void
of_a_failed_batch_that_is_gone(void **state)
{
	static const struct canned_step step = {
		.reply = "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}",
	};
	static const struct {
		const char *note, *text, *why;
	} rows[] = {
		{ "it is noted", "warning: batch b failed: it is noted\n",
		  "the journal's note stands in" },
		{ "", "warning: batch b failed\n", "nobody knows why" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_shard_record shard = { .batch_id = "b",
			.status = "failed", .note = rows[i].note };
		struct nm_run run = { .shards = &shard, .n_shards = 1 };
		struct scene scene;
		struct said said;

		scene_begin(&scene, &step, 1);
		run.api = &scene.api;
		listen_to(&said);
		nm_complain_of_batches(&said.message, &run, NULL, 0);
		scene_stop(&scene);
		expect_said(&said, rows[i].text, rows[i].why);
		scene_release(&scene);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_lines),
		cmocka_unit_test(of_more_lines),
		cmocka_unit_test(of_many_lines),
		cmocka_unit_test(of_batches),
		cmocka_unit_test(of_a_failed_batch),
		cmocka_unit_test(of_a_failed_batch_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
