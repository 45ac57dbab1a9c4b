/* outcome: what came is scored and saved, and what is worth another attempt is named. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "own_scene.h"
#include "task/task.h"
#include "wire/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define ANSWER(id) "{\"custom_id\":\"request-" id "\",\"response\":" \
	"{\"status_code\":200,\"body\":{\"model\":\"m\",\"choices\":[{" \
	"\"finish_reason\":\"stop\",\"message\":{\"content\":" \
	"\"{\\\"answers\\\":[\\\"A\\\"]}\"}}],\"usage\":{\"prompt_tokens\":10," \
	"\"prompt_tokens_details\":{\"cached_tokens\":4}," \
	"\"completion_tokens\":2,\"completion_tokens_details\":{" \
	"\"reasoning_tokens\":1}}}}}\n"
#define PROSE(id) "{\"custom_id\":\"request-" id "\",\"response\":" \
	"{\"status_code\":200,\"body\":{\"choices\":[{\"finish_reason\":" \
	"\"stop\",\"message\":{\"content\":\"hm\"}}]}}}\n"
#define FAILED(id, status) "{\"custom_id\":\"request-" id "\",\"response\":" \
	"{\"status_code\":" status ",\"body\":{\"error\":{\"message\":\"no\"}}}}\n"

/* A run of three questions, each with the answer A, and of one batch. */
struct scene {
	char                   folder[64], questions[80], output[80];
	struct nm_service      service;
	struct nm_journal     *journal;
	struct nm_message      message;
	struct nm_prices       prices;
	struct nm_task_tools   tools;
	struct nm_task         task;
	struct nm_outcome_wish wish;
};

static void
record(struct scene *s)
{
	struct nm_quiz_wish wish = { .path = s->questions, .name = "q",
	                             .model = "m" };
	struct nm_shard_record *shard;
	struct nm_err err = { 0 };

	if (nm_task_read(&s->task, &s->tools, &wish, &err) ||
	    nm_task_record(&s->task, &err))
		fail_msg("%s", err.text);
	shard = &s->task.run.shards[0];
	shard->state = NM_SHARD_COLLECTED;
	shard->batch_id = "batch_1";
	shard->status = "completed";
	shard->output_path = s->output;
	assert_int_equal(nm_run_save(&s->task.run, shard, &err), NM_OK);
}

static int
enter(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	*state = s;
	if (own_scene_open(s->folder, &s->service, &s->journal))
		return -1;
	snprintf(s->questions, sizeof(s->questions), "%s/q.txt", s->folder);
	snprintf(s->output, sizeof(s->output), "%s/out.jsonl", s->folder);
	own_write(s->questions, "a?\tA\nb?\tA\nc?\tA\n");
	own_write(s->output, ANSWER("0") ANSWER("1") ANSWER("2"));
	s->tools = (struct nm_task_tools){
		.service = &s->service, .journal = s->journal,
		.message = &s->message, .mode = "batch",
	};
	record(s);
	s->wish = (struct nm_outcome_wish){
		.run = &s->task.run, .quiz = s->task.quiz,
		.prices = &s->prices, .results_dir = s->folder, .attempts = 1,
	};
	return 0;
}

static int
leave(void **state)
{
	struct scene *s = *state;
	int rc;

	nm_task_release(&s->task);
	rc = own_scene_close(s->folder, &s->service, s->journal);
	free(s);
	return rc;
}

static void
make(struct scene *s, struct nm_outcome *outcome)
{
	struct nm_err err = { 0 };

	if (nm_outcome_make(outcome, &s->wish, &err))
		fail_msg("%s", err.text);
}

/* What is asked again now, and what more attempts than are allowed may bring. */
static void
again(void **state)
{
	static const struct {
		const char *rows, *status;
		int64_t     attempts, reask, again, left;
		uint64_t    failures;
		const char *why;
	} rows[] = {
		{ ANSWER("0") ANSWER("1") ANSWER("2"), "completed", 1, 0, 0, 0,
		  0, "all is well" },
		{ ANSWER("0") FAILED("1", "500"), "completed", 1, 0, 2, 2, 2,
		  "one failed, one never came" },
		{ ANSWER("0") FAILED("1", "500"), "completed", 3, 0, 0, 2, 2,
		  "and all attempts are made" },
		{ ANSWER("0") FAILED("1", "400") ANSWER("2"), "completed", 1, 0,
		  0, 0, 1, "one was refused for good" },
		{ ANSWER("0") PROSE("1") ANSWER("2"), "completed", 1, 0, 0, 0,
		  0, "what the model did stands" },
		{ ANSWER("0") PROSE("1") ANSWER("2"), "completed", 1, 2, 1, 0,
		  0, "unless it is to be asked once more" },
		{ ANSWER("0"), "expired", 1, 0, 2, 2, 2, "expired" },
		{ ANSWER("0"), "cancelled", 1, 0, 0, 2, 2,
		  "cancelled by a person: only when one wants it" },
		{ "", "failed", 1, 0, 0, 0, 3,
		  "it failed as a whole, and would again" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_outcome outcome = { 0 };
		void *entered = NULL;
		struct scene *s;
		uint64_t failures;

		assert_int_equal(enter(&entered), 0);
		s = entered;
		own_write(s->output, rows[i].rows);
		s->task.run.shards[0].status = rows[i].status;
		s->task.run.settings.reask = rows[i].reask;
		s->wish.attempts = rows[i].attempts;
		make(s, &outcome);
		failures = nm_ledger_instrument_failures(&outcome.ledger);
		if (outcome.again.count != rows[i].again ||
		    outcome.left != rows[i].left ||
		    failures != rows[i].failures)
			fail_msg("%s: %lld again, %lld left, %llu failed",
			         rows[i].why, (long long)outcome.again.count,
			         (long long)outcome.left,
			         (unsigned long long)failures);
		assert_int_equal(outcome.attempts, 1);
		assert_int_equal(outcome.tally.questions, 3);
		nm_outcome_release(&outcome);
		leave(&entered);
	}
}

#define DIFFERS "the batches' own usage is not that of the replies that came: "

/* The batch's own usage is told where it is not that of its rows: 30 in, of these 12
 * cached, 6 out, of these 3 reasoning. Parts of which all are 0 are not counted. */
static void
usage(void **state)
{
	static const struct {
		int64_t     input, cached, output, reasoning;
		const char *note, *why;
	} rows[] = {
		{ 30, 12, 6, 3, "", "the same" },
		{ 30, -1, 6, -1, "", "the same, as far as it is told" },
		{ -1, -1, -1, -1, "", "it tells none" },
		{ 0, 0, 0, 0, "", "nor here" },
		{ 31, -1, 6, -1, DIFFERS "31 tokens in against 30",
		  "more went in" },
		{ 30, 12, 7, 3, DIFFERS "7 tokens out against 6",
		  "more came out" },
		{ 29, 12, 6, 3, DIFFERS "29 tokens in against 30", "less" },
		{ 30, 20, 6, 3, DIFFERS "20 cached tokens against 12",
		  "more was cached" },
		{ 30, 0, 6, 3, DIFFERS "0 cached tokens against 12",
		  "a 0 of a service that counts such parts" },
		{ 30, 12, 6, 0, DIFFERS "0 reasoning tokens against 3",
		  "also of the other part" },
		{ 30, 0, 6, 0, "", "it counts no parts" },
		{ 30, 0, 6, -1, "", "nor here" },
		{ 31, 0, 6, 0, DIFFERS "31 tokens in against 30",
		  "it counts the whole" },
		{ 30, -1, 6, 4, DIFFERS "4 reasoning tokens against 3",
		  "more was thought" },
		{ INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, DIFFERS
		  "9223372036854775807 tokens in against 30, "
		  "9223372036854775807 cached tokens against 12, "
		  "9223372036854775807 tokens out against 6, "
		  "9223372036854775807 reasoning tokens against 3",
		  "all of them" },
	};
	struct scene *s = *state;
	struct nm_shard_record *shard = &s->task.run.shards[0];
	struct nm_outcome outcome = { 0 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		shard->input_tokens = rows[i].input;
		shard->cached_tokens = rows[i].cached;
		shard->output_tokens = rows[i].output;
		shard->reasoning_tokens = rows[i].reasoning;
		make(s, &outcome);
		if (strcmp(nm_buf_string(&outcome.usage_note),
		           rows[i].note) != 0)
			fail_msg("%s: \"%s\"", rows[i].why,
			         nm_buf_string(&outcome.usage_note));
	}
	nm_outcome_release(&outcome);
}

/* A member of a results file, as JSON. */
static void
expect_result(const char *path, const char *name, const char *wanted)
{
	struct nm_buf text = { 0 }, got = { 0 };
	struct nm_json json = { 0 };
	const struct nm_value *root;
	struct nm_err err = { 0 };

	if (nm_file_read(path, &text, &err) ||
	    nm_json_read(&json, text.at, text.len, &root, &err))
		fail_msg("%s", err.text);
	nm_json_write(&got, nm_json_path(root, name));
	assert_string_equal(nm_buf_string(&got), wanted);
	nm_json_release(&json);
	nm_buf_release(&text);
	nm_buf_release(&got);
}

/* Results and raw replies are on the disk; a later call puts its own in their place. */
static void
saving(void **state)
{
	struct scene *s = *state;
	struct nm_outcome outcome = { 0 };
	char run_path[160];

	own_write(s->output, ANSWER("0") FAILED("1", "500"));
	s->task.run.shards[0].input_tokens = 10;
	s->task.run.shards[0].cached_tokens = 4;
	s->task.run.shards[0].output_tokens = 2;
	make(s, &outcome);
	snprintf(run_path, sizeof(run_path), "%s",
	         outcome.summary.run_path);
	expect_result(run_path, "ledger.missing", "1");
	expect_result(outcome.summary.known_path, "ledger.missing", "1");
	assert_int_equal(outcome.summary.head.run.n_raw, 1);
	assert_int_equal(access(outcome.summary.head.run.raw[0], R_OK), 0);
	assert_int_equal(outcome.summary.head.run.n_batches, 1);
	expect_result(run_path, "run.spent.batches_own_usage",
	              "{\"input_tokens\":10,\"cached_tokens\":4,"
	              "\"output_tokens\":2,\"reasoning_tokens\":null}");
	/* The raw file is linked: what it holds later is a new file. */
	unlink(s->output);
	own_write(s->output, ANSWER("0") ANSWER("1") ANSWER("2"));
	make(s, &outcome);
	assert_string_equal(outcome.summary.run_path, run_path);
	expect_result(run_path, "ledger.missing", "0");
	expect_result(run_path, "ledger.answered", "3");
	nm_outcome_release(&outcome);
	nm_outcome_release(&outcome);
}

/* Into the file that is there, as some editors do, and at another time than before. */
static void
write_within(const char *path, const char *text, off_t at)
{
	static const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

/* Nothing is put in the place of what was saved before. */
static void
saving_in_vain(void **state)
{
	struct scene *s = *state;
	struct nm_outcome outcome = { 0 }, second = { 0 };
	struct nm_err err = { 0 };

	make(s, &outcome);
	unlink(s->output);
	assert_int_not_equal(nm_outcome_make(&second, &s->wish, &err), NM_OK);
	assert_non_null(strstr(err.text, "out.jsonl"));
	expect_result(outcome.summary.run_path, "ledger.answered", "3");
	own_write(s->output, ANSWER("0"));
	write_within(s->questions, "X", 3);
	assert_int_equal(nm_outcome_make(&second, &s->wish, &err), NM_INPUT);
	assert_non_null(strstr(err.text, "was changed while it was being read"));
	expect_result(outcome.summary.run_path, "ledger.answered", "3");
	nm_outcome_release(&second);
	nm_outcome_release(&outcome);
}

#define ENTERED(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(again),
		ENTERED(usage),
		ENTERED(saving),
		ENTERED(saving_in_vain),
	};

	/* No .env of a person's is read. */
	if (chdir("/") || setenv("OPENAI_API_KEY", "sk-test", 1) ||
	    unsetenv("NIGHTMAIL_CLOCK"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
