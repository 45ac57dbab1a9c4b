/*
 * outcome_many: so many questions that their rows are written before the head is known
 * give the file that fewer would.
 */
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
#include "wire/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Of three batches; of two questions the service failed the first attempt. */
enum {
	QUESTIONS = 50010,
	A_BATCH = 20000,
	FAILED_EARLY = 7,
	FAILED_LATE = 45000,
	ABSENT = 100,
	SOON_BYTES = 32 << 10
};

struct scene {
	char                  folder[64];
	struct nm_service     service;
	struct nm_journal    *journal;
	struct nm_message     message;
	struct nm_prices      prices;
	struct nm_task_tools  tools;
	struct nm_task        task;
	struct nm_outcome     outcome;
};

static const char *
in_scene(struct scene *s, const char *name)
{
	return nm_arena_printf(&s->task.run.arena, "%s/%s", s->folder, name);
}

static void
add_answer(struct nm_buf *rows, int64_t i)
{
	nm_buf_addf(rows, "{\"custom_id\":\"request-%d\",\"response\":{"
	            "\"status_code\":200,\"body\":{\"model\":\"m\",\"choices\":[{"
	            "\"message\":{\"content\":\"{\\\"answers\\\":[\\\"A\\\"]}\"}}]"
	            "}}}\n", (int)i);
}

static void
add_failure(struct nm_buf *rows, int64_t i, int k)
{
	nm_buf_addf(rows, "{\"custom_id\":\"request-%d\",\"response\":{"
	            "\"status_code\":500,\"body\":{\"error\":{\"code\":"
	            "\"a_code_that_is_as_long_as_such_codes_are_%d\"}}}}\n",
	            (int)i, k);
}

static void
collect_shard(struct scene *s, size_t which, const struct nm_buf *rows)
{
	struct nm_shard_record *shard = &s->task.run.shards[which];
	struct nm_err err = { 0 };

	shard->state = NM_SHARD_COLLECTED;
	shard->batch_id = nm_arena_printf(&s->task.run.arena, "batch_%d",
	                                  (int)which);
	shard->status = "completed";
	shard->output_path = in_scene(s, shard->batch_id);
	assert_int_equal(nm_file_write(shard->output_path, 0600,
	                               nm_buf_text(rows), &err), NM_OK);
	assert_int_equal(nm_run_save(&s->task.run, shard, &err), NM_OK);
}

static void
add_first_attempt(struct scene *s, bool absent_comes_late, int n_reasons)
{
	struct nm_buf rows = { 0 };
	int64_t i;

	for (i = 0; i < QUESTIONS; i++) {
		if (i == FAILED_EARLY || i == FAILED_LATE)
			add_failure(&rows, i, 0);
		else if (i > FAILED_LATE && i <= FAILED_LATE + n_reasons)
			add_failure(&rows, i, (int)i);
		else if (i != ABSENT)
			add_answer(&rows, i);
		if (i == QUESTIONS - 1 && absent_comes_late)
			add_answer(&rows, ABSENT);
		if (i % A_BATCH == A_BATCH - 1 || i == QUESTIONS - 1) {
			collect_shard(s, (size_t)(i / A_BATCH), &rows);
			nm_buf_clear(&rows);
		}
	}
	nm_buf_release(&rows);
}

static void
add_second_attempt(struct scene *s)
{
	struct nm_members members = { 0 };
	struct nm_buf rows = { 0 };
	struct nm_err err = { 0 };

	nm_members_add(&members, FAILED_EARLY);
	nm_members_add(&members, FAILED_LATE);
	if (nm_attempts_plan(&s->task.run, &members, 2, &err))
		fail_msg("%s", err.text);
	add_answer(&rows, FAILED_LATE);
	add_answer(&rows, FAILED_EARLY);
	collect_shard(s, 3, &rows);
	nm_members_release(&members);
	nm_buf_release(&rows);
}

static void
record(struct scene *s)
{
	char path[80];
	struct nm_quiz_wish wish = { .path = path, .name = "q", .model = "m" };
	struct nm_buf questions = { 0 };
	struct nm_err err = { 0 };

	snprintf(path, sizeof(path), "%s/q.txt", s->folder);
	for (int i = 0; i < QUESTIONS; i++)
		nm_buf_addf(&questions, "what %d?\tA\n", i);
	assert_int_equal(nm_file_write(wish.path, 0600, nm_buf_text(&questions),
	                               &err), NM_OK);
	if (nm_task_read(&s->task, &s->tools, &wish, &err) ||
	    nm_task_record(&s->task, &err))
		fail_msg("%s", err.text);
	nm_buf_release(&questions);
}

static void
make(struct scene *s, int64_t began_mono_ms)
{
	struct nm_outcome_wish wish = {
		.run = &s->task.run, .quiz = s->task.quiz,
		.prices = &s->prices, .results_dir = s->folder, .attempts = 2,
		.began_mono_ms = began_mono_ms,
	};
	struct nm_err err = { 0 };

	if (nm_outcome_make(&s->outcome, &wish, &err))
		fail_msg("%s", err.text);
}

/* Goes on behind the text, which is to be there, and soon; false when it is not. */
static bool
pass_text(struct nm_text *left, const char *text)
{
	size_t len = strlen(text), most = left->len < SOON_BYTES ? left->len
	                                                         : SOON_BYTES;
	const char *at = memmem(left->at, most, text, len);

	if (!at)
		return false;
	left->len -= (size_t)(at + len - left->at);
	left->at = at + len;
	return true;
}

static bool
row_has(struct nm_text left, const char *text)
{
	struct nm_text end = left;

	if (pass_text(&end, "\n    }"))
		left.len -= end.len;
	return pass_text(&left, text);
}

static void
expect_rows(const struct nm_buf *file, const char *absent_class)
{
	struct nm_text left = nm_buf_text(file);
	char id[24];

	for (int i = 0; i < QUESTIONS; i++) {
		int len = snprintf(id, sizeof(id), "%d,\n", i);

		if (!pass_text(&left, "\"question_id\": ") ||
		    memcmp(left.at, id, (size_t)len) != 0)
			fail_msg("row %d is not there", i);
		if (i == ABSENT && !row_has(left, absent_class))
			fail_msg("row %d is not %s", i, absent_class);
		if ((i == FAILED_EARLY || i == FAILED_LATE) &&
		    (!row_has(left, "\"class\": \"answered\"") ||
		     !row_has(left, "\"attempts\": 2")))
			fail_msg("row %d is not of the second attempt", i);
	}
	assert_false(pass_text(&left, "\"question_id\": "));
}

/* Rows: how the replies come, and whether the head finds its room. */
static const struct {
	bool        absent_comes_late;
	int         n_reasons;
	bool        has_room;
	const char *absent_class;
	uint64_t    answered;
} cases[] = {
	{ false, 0, true, "\"class\": \"missing\"", QUESTIONS - 1 },
	{ true, 0, true, "\"class\": \"answered\"", QUESTIONS },
	{ false, 90, false, "\"class\": \"missing\"", QUESTIONS - 91 },
};

static void
begin(struct scene *s, size_t i)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(own_scene_open(s->folder, &s->service, &s->journal),
	                 0);
	s->tools = (struct nm_task_tools){
		.service = &s->service, .journal = s->journal,
		.message = &s->message, .mode = "batch",
		.settings = { .shard_requests = A_BATCH },
	};
	record(s);
	assert_int_equal(s->task.run.n_shards, 3);
	add_first_attempt(s, cases[i].absent_comes_late, cases[i].n_reasons);
	add_second_attempt(s);
}

static void
end(struct scene *s)
{
	nm_outcome_release(&s->outcome);
	nm_task_release(&s->task);
	assert_int_equal(own_scene_close(s->folder, &s->service, s->journal),
	                 0);
}

static void
many(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct nm_buf text = { 0 }, copy = { 0 };
		struct nm_err err = { 0 };
		struct scene s;

		begin(&s, i);
		make(&s, 0);
		assert_int_equal(nm_file_read(s.outcome.summary.run_path, &text,
		                              &err), NM_OK);
		assert_int_equal(nm_file_read(s.outcome.summary.known_path,
		                              &copy, &err), NM_OK);
		assert_true(nm_text_equal(nm_buf_text(&text),
		                          nm_buf_text(&copy)));
		assert_true((text.at[1] == ' ') == cases[i].has_room);
		expect_rows(&text, cases[i].absent_class);
		assert_int_equal(s.outcome.tally.questions, QUESTIONS);
		assert_int_equal(s.outcome.ledger.by_class[NM_CLASS_ANSWERED],
		                 cases[i].answered);
		assert_int_equal(s.outcome.ledger.asked, QUESTIONS);
		nm_buf_release(&text);
		nm_buf_release(&copy);
		end(&s);
	}
}

/* The results, but for the lines that tell of their own time. */
static void
make_timeless(struct scene *s, int64_t began_mono_ms, struct nm_buf *out)
{
	static const char *const times[] = {
		"\"total_eval_time_sec\"", "\"queries_per_second\"",
		"    \"ended_at\"",
	};
	struct nm_buf text = { 0 };
	struct nm_err err = { 0 };
	size_t i;
	char *at, *end;

	make(s, began_mono_ms);
	assert_int_equal(nm_file_read(s->outcome.summary.run_path, &text, &err),
	                 NM_OK);
	for (i = 0; i < COUNT(times); i++) {
		at = memmem(text.at, SOON_BYTES, times[i], strlen(times[i]));
		assert_non_null(at);
		end = memchr(at, '\n', SOON_BYTES);
		assert_non_null(end);
		memset(at, 't', (size_t)(end - at));
	}
	nm_buf_add_text(out, nm_buf_text(&text));
	nm_buf_release(&text);
}

/* How long it took changes no other line, and the length of none. */
static void
same_room(void **state)
{
	static const int64_t lasted_ms[] = { 1000, 11, 1234567891 };
	struct nm_buf first = { 0 }, later = { 0 };
	struct scene s;
	int64_t now_ms;

	(void)state;
	begin(&s, 0);
	now_ms = nm_clock_mono_ms(s.task.run.clock);
	make_timeless(&s, now_ms - lasted_ms[0], &first);
	for (size_t i = 1; i < COUNT(lasted_ms); i++) {
		make_timeless(&s, now_ms - lasted_ms[i], &later);
		assert_true(nm_text_equal(nm_buf_text(&first),
		                          nm_buf_text(&later)));
		nm_buf_clear(&later);
	}
	nm_buf_release(&first);
	nm_buf_release(&later);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
		cmocka_unit_test(same_room),
	};

	/* No .env of a person's is read. */
	if (chdir("/") || setenv("OPENAI_API_KEY", "sk-test", 1) ||
	    unsetenv("NIGHTMAIL_CLOCK"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
