/* task: what is asked twice alike is one run, and what differs in anything is two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "own_scene.h"
#include "task/task.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A folder with three questions and two prompts, and a service that nobody asks. */
struct scene {
	char                 folder[64], questions[80], others[80], prompt[80];
	struct nm_service    service;
	struct nm_journal   *journal;
	struct nm_message    message;
	char                *said;
	size_t               said_len;
	struct nm_task_tools tools;
	struct nm_task       task;
};

static void
write_file(const char *folder, const char *name, const char *text, char *path)
{
	snprintf(path, 80, "%s/%s", folder, name);
	own_write(path, text);
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
	write_file(s->folder, "q.txt", "a\tA\nb\tB\nc\tC\n", s->questions);
	write_file(s->folder, "o.txt", "a\tA\nno tab\nb\tB\n", s->others);
	write_file(s->folder, "p.txt", "Say: {question}\n", s->prompt);
	s->message.to = open_memstream(&s->said, &s->said_len);
	s->tools = (struct nm_task_tools){
		.service = &s->service, .journal = s->journal,
		.message = &s->message, .mode = "batch", .typed = "variant0",
	};
	return 0;
}

static int
leave(void **state)
{
	struct scene *s = *state;
	int rc;

	nm_task_release(&s->task);
	fclose(s->message.to);
	free(s->said);
	rc = own_scene_close(s->folder, &s->service, s->journal);
	free(s);
	return rc;
}

static void
record(struct scene *s, const struct nm_quiz_wish *wish)
{
	struct nm_err err = { 0 };

	if (nm_task_read(&s->task, &s->tools, wish, &err) ||
	    nm_task_record(&s->task, &err))
		fail_msg("%s", err.text);
}

/* What is asked first is the first two questions, of m, in one shard. */
struct asked {
	int         others; /* 1 = of another file */
	int64_t     limit, sample, max_output_tokens, shard_requests;
	const char *model, *mode;
	int         prompt; /* 1 = one of its own */
};

static void
ask(struct scene *s, const struct asked *asked)
{
	struct nm_quiz_wish wish = {
		.typed = asked->others ? s->others : s->questions,
		.limit = asked->limit, .sample = asked->sample,
		.model = asked->model,
		.max_output_tokens = asked->max_output_tokens,
		.prompt_path = asked->prompt ? s->prompt : NULL,
	};

	s->tools.mode = asked->mode;
	s->tools.settings.shard_requests = asked->shard_requests;
	record(s, &wish);
}

static void
sameness(void **state)
{
	static const struct asked first = { 0, 2, 0, 0, 0, "m", "batch", 0 };
	static const struct {
		struct asked asked;
		int          same;
		const char  *why;
	} rows[] = {
		{ { 0, 2, 0, 0, 0, "m", "batch", 0 }, 1, "the same" },
		{ { 1, 2, 0, 0, 0, "m", "batch", 0 }, 0, "another file" },
		{ { 0, 3, 0, 0, 0, "m", "batch", 0 }, 0, "another limit" },
		{ { 0, 2, 1, 0, 0, "m", "batch", 0 }, 0, "a sample of it" },
		{ { 0, 2, 0, 9, 0, "m", "batch", 0 }, 0, "shorter replies" },
		{ { 0, 2, 0, 0, 1, "m", "batch", 0 }, 1, "smaller shards" },
		{ { 0, 2, 0, 0, 0, "n", "batch", 0 }, 0, "another model" },
		{ { 0, 2, 0, 0, 0, "m", "direct", 0 }, 0, "another way" },
		{ { 0, 2, 0, 0, 0, "m", "batch", 1 }, 0, "another prompt" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char id[NM_RUN_ID_DIGITS + 1];
		void *entered = NULL;
		struct scene *s;
		int same;

		assert_int_equal(enter(&entered), 0);
		s = entered;
		ask(s, &first);
		assert_int_equal(s->task.run.origin, NM_RUN_NEW);
		snprintf(id, sizeof(id), "%s", s->task.run.record.id);
		nm_task_release(&s->task);
		ask(s, &rows[i].asked);
		same = strcmp(id, s->task.run.record.id) == 0;
		if (same != rows[i].same ||
		    (s->task.run.origin == NM_RUN_RESUMED) != rows[i].same)
			fail_msg("%s", rows[i].why);
		leave(&entered);
	}
}

/* What was left is not taken up again; what was taken up or sent cannot be left. */
static void
leaving(void **state)
{
	static const struct asked asked = { 0, 2, 0, 0, 0, "m", "batch", 0 };
	struct scene *s = *state;
	struct nm_shard_record *shard;
	struct nm_err err;

	ask(s, &asked);
	nm_task_leave(&s->task);
	assert_int_equal(s->task.run.record.state, NM_RUN_LEFT);
	nm_task_release(&s->task);
	ask(s, &asked);
	assert_int_equal(s->task.run.origin, NM_RUN_NEW);
	nm_task_release(&s->task);
	ask(s, &asked);
	assert_int_equal(s->task.run.origin, NM_RUN_RESUMED);
	nm_task_leave(&s->task);
	assert_int_equal(s->task.run.record.state, NM_RUN_OPEN);
	s->task.run.origin = NM_RUN_NEW;
	shard = &s->task.run.shards[0];
	shard->state = NM_SHARD_UPLOADING;
	assert_int_equal(nm_run_save(&s->task.run, shard, &err), NM_OK);
	nm_task_leave(&s->task);
	assert_int_equal(s->task.run.record.state, NM_RUN_OPEN);
}

static void
reading(void **state)
{
	struct scene *s = *state;
	const struct {
		const char  *typed, *prompt;
		enum nm_code code;
		const char  *error, *lacks, *why;
	} rows[] = {
		{ "4-hop", NULL, NM_INPUT, "while looking for a dataset: 1-hop,"
		  " 2-hop, 3-hop, or the path of a file", "none",
		  "neither a name nor a path" },
		{ "./4-hop", NULL, NM_INPUT, "cannot read ./4-hop", "1-hop",
		  "a path" },
		{ "empty", NULL, NM_INPUT, "", "1-hop", "no question in it" },
		{ "plain", "no-such", NM_INPUT, "cannot read no-such", "1-hop",
		  "it is the prompt that is not there" },
		{ s->questions, NULL, NM_OK, "", "none", "a file of questions" },
	};
	char path[80];

	write_file(s->folder, "empty", "\n", path);
	write_file(s->folder, "plain", "a\tA\n", path);
	assert_int_equal(chdir(s->folder), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_quiz_wish wish = { .typed = rows[i].typed,
			.prompt_path = rows[i].prompt, .model = "m" };
		struct nm_err err = { 0 };
		enum nm_code rc = nm_task_read(&s->task, &s->tools, &wish,
		                               &err);

		if (rc != rows[i].code || !strstr(err.text, rows[i].error) ||
		    strstr(err.text, rows[i].lacks))
			fail_msg("%s: %d, \"%s\"", rows[i].why, (int)rc,
			         err.text);
		nm_task_release(&s->task);
	}
	assert_int_equal(chdir("/"), 0);
}

/* A line that is no question is told with its place, and passed over. */
static void
reading_past_bad_lines(void **state)
{
	struct scene *s = *state;
	struct nm_quiz_wish wish = { .typed = s->others, .model = "m" };
	struct nm_err err;

	assert_int_equal(nm_task_read(&s->task, &s->tools, &wish, &err), NM_OK);
	assert_int_equal(nm_quiz_source(s->task.quiz)->count, 2);
	fflush(s->message.to);
	assert_non_null(strstr(s->said, "o.txt:2: "));
	assert_non_null(strstr(s->said, "warning: 1 line is no question and"
	                                " was passed over\n"));
}

static void
telling(void **state)
{
	struct scene *s = *state;
	struct nm_quiz_wish wish = { .typed = s->questions, .model = "m" };
	struct nm_shard_record *shard;

	s->tools.settings.shard_requests = 2;
	record(s, &wish);
	assert_string_equal(nm_task_description(&s->task), "Variant0 - q");
	assert_string_equal(s->task.run.metadata[0].value, "Variant0 - q");
	assert_true(nm_task_is_batch(&s->task));
	assert_int_equal(s->task.run.n_shards, 2);
	assert_string_equal(nm_task_batch_id(&s->task), "");
	shard = &s->task.run.shards[1];
	shard->batch_id = "batch_2";
	assert_string_equal(nm_task_batch_id(&s->task), "batch_2");
	assert_string_equal(nm_task_status_command(&s->task),
		"batch_manager --status batch_2 --base-url"
		" http://127.0.0.1:9/v1");
}

static void
attempts(void **state)
{
	static const struct {
		int64_t made, allowed, wanted;
		const char *why;
	} rows[] = {
		{ 1, 1, 2, "one more than was made" },
		{ 1, 3, 4, "one more than was allowed: it gave up before" },
		{ 5, 3, 6, "more were made than this call allows" },
		{ 0, 3, 4, "none was" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_task task = { .outcome.attempts = rows[i].made,
			.run.settings.max_attempts = rows[i].allowed };

		if (nm_task_attempts_wanted(&task) != rows[i].wanted)
			fail_msg("%s: %d", rows[i].why,
			         (int)nm_task_attempts_wanted(&task));
	}
}

#define ENTERED(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sameness),
		ENTERED(leaving),
		ENTERED(reading),
		ENTERED(reading_past_bad_lines),
		ENTERED(telling),
		cmocka_unit_test(attempts),
	};

	/* No .env of a person's is read. */
	if (chdir("/") || setenv("OPENAI_API_KEY", "sk-test", 1) ||
	    unsetenv("NIGHTMAIL_CLOCK"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
