/*
 * quiz: a question that is passed over counts as what is sent for it, to the byte:
 * the plan's figures are those of a full look at every composed line. And a later
 * process asks by the same prompt.
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
#include "remote/input.h"
#include "run/feed.h"
#include "run/plan.h"
#include "run/quiz.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { REQUESTS_MAX = 16 };

#define TEN "a\tA\nb\tA\nc\tA\nd\tA\ne\tA\nf\tA\ng\tA\nh\tA\ni\tA\nj\tA\n"

static const struct {
	const char *why;
	const char *dataset;
	int64_t     requests;
	int64_t     composed; /* of them, though they might be passed over */
	int64_t     limit, sample;
} rows[] = {
	{ "plain questions, ids of one and two digits", TEN "k\tA\nl\tA\n", 12,
	  0, 0, 0 },
	{ "a quote, a backslash and a control character are escaped",
	  "p\tA\nsay \"x\"\tA\nback\\slash\tA\na\x01" "b\tA\nq\tA\n", 5, 3, 0, 0 },
	{ "the first is the one with the escape", "\"\tA\nplain\tA\n", 2, 1, 0,
	  0 },
	{ "UTF-8 of two, three and four bytes, U+2028, DEL",
	  "caf\xc3\xa9\tA\n\xe2\x98\x95\tA\n\xf0\x9f\x8e\xac\tA\n"
	  "x\xe2\x80\xa8y\tA\n\x7f\tA\n", 5, 0, 0, 0 },
	{ "no UTF-8: cut off, overlong, a surrogate, in the answer; a NUL is not"
	  " here", "a\tA\nb\xc3\tA\n\xc0\xaf\tA\n\xed\xa0\x80\tA\nc\tA\xff\n"
	  "d\tA\n", 2, 0, 0, 0 },
	{ "blank and bad lines keep their numbers", "\na\tA\n\nbad\nb\tA\n"
	  "two\ttabs\there\nc\tA|\n", 3, 0, 0, 0 },
	{ "an empty question", " x\tA\n\tA\nb\tA\n", 2, 0, 0, 0 },
	{ "carriage returns, and no last newline", "a\tA\r\nb\tA\r\nc\tA", 3, 0,
	  0, 0 },
	{ "JSON Lines, escaped there, some of it here too",
	  "{\"question\": \"a\\u00e9\", \"answers\": [1]}\n"
	  "{\"question\": \"say \\\"x\\\"\", \"answers\": [\"A\"]}\n"
	  "{\"question\": \"new\\nline\", \"answers\": [\"A\"]}\n"
	  "{\"question\": \"\\ud83c\\udfac \\ud800\", \"answers\": [\"A\"]}\n"
	  "{\"question\": \"none\", \"answers\": []}\n"
	  "{\"question\": \"nul \\u0000\", \"answers\": [\"A\"]}\n", 4, 2, 0, 0 },
	{ "the first lines alone", TEN, 3, 0, 3, 0 },
	{ "a sample: ids are no ordinals", TEN "\"\tA\n", 6, 0, 0, 6 },
};

static char path[64];

static struct nm_quiz *
open_quiz(size_t row)
{
	struct nm_quiz_wish wish = {
		.path = path, .name = "quiz", .model = "m",
		.limit = rows[row].limit, .sample = rows[row].sample, .seed = 1,
		.prompt_template = "be \"brief\"\n---\n{question}\nJSON",
	};
	struct nm_quiz *quiz = NULL;
	struct nm_err err;

	snprintf(path, sizeof(path), "/tmp/nm_quiz_%ld", (long)getpid());
	assert_int_equal(nm_file_write(path, 0600, nm_text_of(rows[row].dataset),
	                               &err), NM_OK);
	if (nm_quiz_open(&quiz, &wish, &err))
		fail_msg("%s: %s", rows[row].why, err.text);
	unlink(path);
	return quiz;
}

/* What a full look at each composed line finds. */
struct found {
	int64_t       requests, bytes, tokens;
	int64_t       line_bytes[REQUESTS_MAX];
	struct nm_buf lines;
};

static void
look(struct nm_source *source, struct found *found, const char *why)
{
	struct nm_input_options options = { 0 };
	struct nm_source_item item;
	struct nm_input_line line;
	struct nm_finding finding;
	struct nm_input input;
	struct nm_err err;

	nm_input_init(&input, &options);
	assert_int_equal(source->rewind(source, &err), NM_OK);
	source->position = 0;
	for (;;) {
		struct nm_text text;

		assert_int_equal(nm_source_next(source, &item, &err), NM_OK);
		if (item.ordinal < 0)
			break;
		text = (struct nm_text){ item.line.at, item.line.len - 1 };
		if (!nm_input_check_line(&input, text, input.lines + 1, &line,
		                         &finding))
			fail_msg("%s: %s", why, finding.message);
		assert_true(nm_text_equal(line.custom_id, item.custom_id));
		assert_int_equal(source->find(source, item.custom_id),
		                 item.ordinal);
		assert_int_equal(item.line_bytes, item.line.len);
		assert_true(found->requests < REQUESTS_MAX);
		found->line_bytes[found->requests++] = item.line_bytes;
		found->bytes += item.line_bytes;
		found->tokens += (int64_t)line.prompt_tokens_guess;
		nm_buf_add_text(&found->lines, item.line);
	}
	nm_input_release(&input);
}

static void
passed_over_or_composed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_quiz *quiz = open_quiz(i);
		struct nm_source *source = nm_quiz_source(quiz);
		struct found found = { 0 };
		struct nm_source_item item;
		struct nm_err err;
		int64_t composed = 0, n = 0;

		look(source, &found, rows[i].why);
		if (found.requests != rows[i].requests)
			fail_msg("%s: %lld", rows[i].why,
			         (long long)found.requests);
		assert_int_equal(source->rewind(source, &err), NM_OK);
		source->position = 0;
		for (;; n++) {
			assert_int_equal(nm_source_pass(source, &item, &err),
			                 NM_OK);
			if (item.ordinal < 0)
				break;
			assert_int_equal(item.ordinal, n);
			if (item.line_bytes != found.line_bytes[n])
				fail_msg("%s: request %lld", rows[i].why,
				         (long long)n);
			composed += item.line.len > 0;
		}
		assert_int_equal(n, found.requests);
		if (!rows[i].sample && composed != rows[i].composed)
			fail_msg("%s: %lld composed", rows[i].why,
			         (long long)composed);
		nm_buf_release(&found.lines);
		nm_quiz_close(quiz);
	}
}

/* All shards, read as an upload reads them, make the lines that were looked at. */
static void
expect_sent(const struct nm_plan *plan, struct nm_source *source,
            const struct found *found, const char *why)
{
	struct nm_buf sent = { 0 };

	for (size_t i = 0; i < plan->n_shards; i++) {
		size_t before = sent.len;
		struct nm_feed feed;
		struct nm_err err;
		ssize_t got;

		nm_feed_init(&feed, source, &plan->shards[i]);
		do {
			char *at = nm_buf_room(&sent, 1000);

			got = nm_feed_read(&feed, at, 1000, &err);
			if (got < 0)
				fail_msg("%s: %s", why, err.text);
			nm_buf_took(&sent, (size_t)got);
		} while (got);
		assert_int_equal(sent.len - before, plan->shards[i].bytes);
	}
	assert_true(nm_text_equal(nm_buf_text(&sent),
	                          nm_buf_text(&found->lines)));
	nm_buf_release(&sent);
}

/* The first shard takes `count` requests where it may have so many bytes. */
static void
expect_cut(struct nm_source *source, const struct found *found,
           int64_t bytes_max, int64_t count, const char *why)
{
	struct nm_run_settings settings = {
		.shard_requests = 1000, .shard_bytes = bytes_max,
	};
	struct nm_plan plan = { 0 };
	struct nm_err err;

	if (nm_plan_measure(&plan, source, &settings, &err))
		fail_msg("%s: %s", why, err.text);
	if (plan.shards[0].count != count)
		fail_msg("%s: %lld of %lld requests within %lld bytes", why,
		         (long long)plan.shards[0].count, (long long)count,
		         (long long)bytes_max);
	assert_int_equal(plan.requests, found->requests);
	assert_int_equal(plan.bytes, found->bytes);
	assert_int_equal(plan.tokens, found->tokens);
	expect_sent(&plan, source, found, why);
	nm_plan_release(&plan);
}

static void
shards_end_to_the_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_quiz *quiz = open_quiz(i);
		struct nm_source *source = nm_quiz_source(quiz);
		struct found found = { 0 };
		int64_t sum;

		look(source, &found, rows[i].why);
		sum = found.line_bytes[0];
		for (int64_t n = 2; n <= found.requests; n++) {
			sum += found.line_bytes[n - 1];
			expect_cut(source, &found, sum, n, rows[i].why);
			expect_cut(source, &found, sum - 1, n - 1,
			           rows[i].why);
		}
		nm_buf_release(&found.lines);
		nm_quiz_close(quiz);
	}
}

static void
one_request_above_all_bytes(void **state)
{
	struct nm_run_settings settings = { .shard_bytes = 100 };
	struct nm_quiz *quiz = open_quiz(0);
	struct nm_plan plan = { 0 };
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_plan_measure(&plan, nm_quiz_source(quiz), &settings,
	                                 &err), NM_INPUT);
	assert_non_null(strstr(err.text, "request 0 alone has "));
	nm_plan_release(&plan);
	nm_quiz_close(quiz);
}

static void
paths_are_recalled(void **state)
{
	static const struct {
		const char *spec, *path, *why;
	} specs[] = {
		{ "{\"path\":\"/a\"}", "/a", "as text" },
		{ "{\"path\":\"/\xef\xbf\xbd\",\"path_bytes\":\"2fff\"}", "/\xff",
		  "as bytes" },
		{ "{}", NULL, "not told" },
		{ "{\"path\":7}", NULL, "no text" },
		{ "{\"path\":\"a\",\"path_bytes\":\"fg\"}", "a", "no digits" },
		{ "{\"path\":\"a\",\"path_bytes\":\"6\"}", "a", "half a byte" },
		{ "{\"path\":\"a\",\"path_bytes\":\"6200\"}", "a", "a NUL" },
		{ "{\"path\":\"a\",\"path_bytes\":\"\"}", "a", "no bytes" },
		{ "{\"path\":\"a\",\"path_bytes\":\"6\\u00002\"}", "a", "a NUL in it" },
	};
	static const char *const paths[] = {
		"/plain/q.txt", "/caf\xc3\xa9/\xe2\x98\x95", "/\xff\xfe.txt",
		"/cut\xe2\x98", "/over\xc0\xaf", "", "/a \"b\" \\ \n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(specs) + COUNT(paths); i++) {
		const char *wanted = i < COUNT(specs) ? specs[i].path
		                     : paths[i - COUNT(specs)], *got;
		struct nm_arena arena = { 0 };
		const struct nm_value *root;
		struct nm_json json = { 0 };
		struct nm_buf text = { 0 };
		struct nm_json_writer w = { .out = &text };
		struct nm_err err;

		if (i < COUNT(specs)) {
			nm_buf_add_string(&text, specs[i].spec);
		} else {
			nm_json_open_object(&w, NULL);
			nm_source_put_path(&w, "path", wanted);
			nm_json_close_object(&w);
		}
		assert_int_equal(nm_source_read_spec(nm_buf_string(&text), &json,
		                                     &root, &err), NM_OK);
		got = nm_source_recall_path(root, "path", &arena);
		if (!got != !wanted || (got && strcmp(got, wanted) != 0))
			fail_msg("%s: %s", nm_buf_string(&text), got);
		nm_json_release(&json);
		nm_arena_release(&arena);
		nm_buf_release(&text);
	}
}

/* Asks by the prompt, and then by what the journal has of it. */
static void
expect_recalled(const char *prompt_path, const char *why)
{
	struct nm_quiz_wish wish = {
		.path = path, .name = "quiz", .model = "m",
		.prompt_path = prompt_path,
	};
	struct nm_quiz *quiz = NULL, *later = NULL;
	struct nm_quiz_memory memory;
	struct nm_arena arena = { 0 };
	struct nm_buf spec = { 0 };
	struct nm_err err;

	if (nm_quiz_open(&quiz, &wish, &err))
		fail_msg("%s: %s", why, err.text);
	nm_quiz_spec(quiz, "a quiz", &spec);
	if (nm_quiz_recall(nm_buf_string(&spec), &arena, &memory, &err) ||
	    nm_quiz_open(&later, &memory.wish, &err))
		fail_msg("%s: %s", why, err.text);
	if (strcmp(nm_quiz_prompt_digest(quiz),
	           nm_quiz_prompt_digest(later)) != 0 ||
	    strcmp(nm_quiz_request_digest(quiz),
	           nm_quiz_request_digest(later)) != 0)
		fail_msg("%s: the prompt is another one", why);
	assert_string_equal(memory.prompt_digest, nm_quiz_prompt_digest(later));
	nm_quiz_close(later);
	nm_quiz_close(quiz);
	nm_arena_release(&arena);
	nm_buf_release(&spec);
}

static void
prompts_are_recalled(void **state)
{
	static const struct {
		const char *template, *why;
	} prompts[] = {
		{ "{question} JSON", "no line's end" },
		{ "{question} JSON\n", "one" },
		{ "{question} JSON\n\n", "a blank line at the end" },
		{ "{question} JSON\r\n\r\n", "the same of Windows" },
		{ "{question} JSON\r\r\n", "a carriage return that is its own" },
		{ "JSON {question}\n\n", "a blank line behind the question" },
		{ "be brief\n---\n{question} JSON\n", "a system's part" },
		{ "be brief\n\n---\n\n{question} JSON", "blank lines within" },
		{ "be brief\r\r\n---\n{question} JSON", "a return before the rule" },
		{ "---\n{question} JSON\n", "an empty system's part" },
		{ "be\n---\nJSON\n---\n{question}\n---\n", "rules within" },
	};
	char prompt[sizeof(path) + 8];
	struct nm_err err;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/nm_quiz_%ld", (long)getpid());
	snprintf(prompt, sizeof(prompt), "%s.prompt", path);
	assert_int_equal(nm_file_write(path, 0600, nm_text_of(TEN), &err), NM_OK);
	for (size_t i = 0; i < COUNT(prompts); i++) {
		assert_int_equal(nm_file_write(prompt, 0600,
			nm_text_of(prompts[i].template), &err), NM_OK);
		expect_recalled(prompt, prompts[i].why);
	}
	unlink(prompt);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_recalled),
		cmocka_unit_test(prompts_are_recalled),
		cmocka_unit_test(passed_over_or_composed),
		cmocka_unit_test(shards_end_to_the_byte),
		cmocka_unit_test(one_request_above_all_bytes),
	};

	return cmocka_run_group_tests_name("quiz", tests, NULL, NULL);
}
