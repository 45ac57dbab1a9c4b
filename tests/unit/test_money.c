/* money: nobody spends more than a dollar, or more than was allowed, unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/canary.h"
#include "screen.h"
#include "small_task.h"
#include "task/money.h"
#include "wire/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DOLLAR INT64_C(1000000000000)

/* Two questions with SEEN_TOKENS each: a dollar by batch, two directly. */
static const struct nm_price dear_models[] = {
	{ .model = "m", .long_over_tokens = INT64_MAX,
	  .plain = { { 0, 0, 0, DOLLAR / 10 }, { 0, 0, 0, DOLLAR / 20 } } },
};
static const struct nm_prices dear = { .models = dear_models, .n_models = 1 };
static const struct nm_prices unknown;

/* A person at a terminal, who has typed this already. */
struct person {
	struct screen screen;
	int           stdin_before;
};

static void
sit_down(struct person *person, struct nm_message *message, const char *typed)
{
	screen_open(&person->screen, 80);
	person->stdin_before = dup(STDIN_FILENO);
	assert_true(dup2(fileno(person->screen.slave), STDIN_FILENO) == 0);
	assert_int_equal(write(person->screen.master, typed, strlen(typed)),
	                 strlen(typed));
	*message = (struct nm_message){ .program = "prog",
	                                .to = person->screen.slave };
}

static void
get_up(struct person *person)
{
	dup2(person->stdin_before, STDIN_FILENO);
	close(person->stdin_before);
	screen_close(&person->screen);
}

/* Whoever asks wrongly hears a no. */
static void
asking(void **state)
{
	static const struct {
		int64_t      expected_pusd;
		const char  *typed;
		enum nm_code code;
		int          asked;
		enum { NOTHING, AGREED, LOCAL } before;
		const char  *why;
	} rows[] = {
		{ 0, "n\n", NM_OK, 0, NOTHING, "nothing to pay" },
		{ DOLLAR, "n\n", NM_OK, 0, NOTHING, "a dollar is not more" },
		{ DOLLAR + 1, "n\n", NM_INTERRUPTED, 1, NOTHING, "this is" },
		{ INT64_MAX, "n\n", NM_INTERRUPTED, 1, NOTHING, "the most" },
		{ DOLLAR + 1, "\n", NM_INTERRUPTED, 1, NOTHING,
		  "an empty line is a no" },
		{ DOLLAR + 1, "\004", NM_INTERRUPTED, 1, NOTHING,
		  "so is the end of input" },
		{ DOLLAR + 1, "y\n", NM_OK, 1, NOTHING, "a yes" },
		{ DOLLAR + 1, "n\n", NM_OK, 0, AGREED, "agreed to before" },
		{ DOLLAR + 1, "n\n", NM_OK, 0, LOCAL,
		  "the built-in server takes no money" },
	};
	struct small_task *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_estimate_cost cost = { NM_COST_KNOWN, DOLLAR / 2,
			rows[i].expected_pusd, 3 * DOLLAR };
		struct nm_message message;
		struct nm_err err = { 0 };
		struct person person;
		enum nm_code rc;
		int asked;

		sit_down(&person, &message, rows[i].typed);
		s->tools.message = &message;
		s->tools.pay = rows[i].before == AGREED ? NM_PAY_AGREED
		                                        : NM_PAY_ASK;
		s->service.server = rows[i].before == LOCAL ? (void *)s : NULL;
		rc = nm_money_ask(&s->tools, &cost, &err);
		asked = strstr(screen_text(&person.screen), "prog: this is"
		               " estimated to cost $0.50 to $3.00; go on?"
		               " [y/N]") != NULL;
		get_up(&person);
		if (rc != rows[i].code || asked != rows[i].asked)
			fail_msg("%s: %d, asked: %d", rows[i].why, (int)rc,
			         asked);
		if (rc)
			assert_string_equal(err.text, "nothing was sent");
	}
}

/* A script has nobody to ask: it goes on, as --max-cost is there to bound it. */
static void
asking_nobody(void **state)
{
	struct nm_estimate_cost cost = { NM_COST_KNOWN, 0, 2 * DOLLAR,
	                                 3 * DOLLAR };
	struct small_task *s = *state;
	struct nm_message message = { .to = tmpfile() };
	int before = dup(STDIN_FILENO);
	struct nm_err err;

	assert_non_null(message.to);
	assert_int_equal(dup2(fileno(message.to), STDIN_FILENO), 0);
	s->tools.message = &message;
	assert_int_equal(nm_money_ask(&s->tools, &cost, &err), NM_OK);
	assert_int_equal(ftell(message.to), 0);
	assert_int_equal(s->tools.pay, NM_PAY_ASK);
	dup2(before, STDIN_FILENO);
	close(before);
	fclose(message.to);
}

/* Two tasks alike, "r" of "n" and "s" of "o", each with a shard of two requests. */
struct pair {
	struct nm_task         tasks[2];
	struct nm_shard_record shards[2];
};

static void
pair_up(struct small_task *s, struct pair *pair)
{
	struct nm_err err;

	for (int i = 0; i < 2; i++) {
		struct nm_run *run = &pair->tasks[i].run;

		pair->tasks[i] = s->task;
		pair->shards[i] = (struct nm_shard_record){
			.attempt = 1, .count = 2, .batch_id = "", .status = "",
			.output_path = "", .error_path = "",
			.state = NM_SHARD_PLANNED,
		};
		run->source = nm_quiz_source(s->task.quiz);
		run->record.requests = 2;
		run->shards = &pair->shards[i];
		run->n_shards = 1;
	}
	pair->tasks[1].run.record.id = "s";
	pair->tasks[1].run.record.name = "o";
	assert_int_equal(nm_runs_add(s->journal, &pair->tasks[1].run.record,
	                             &err), NM_OK);
}

static void
part(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		nm_arena_release(&pair->tasks[i].run.arena);
		nm_arena_release(&pair->tasks[i].arena);
	}
}

static enum nm_run_state
state_of(struct small_task *s, const char *run)
{
	struct nm_arena arena = { 0 };
	struct nm_run_record record;
	struct nm_err err;

	assert_int_equal(nm_runs_get(s->journal, run, &arena, &record, &err),
	                 NM_OK);
	nm_arena_release(&arena);
	return record.state;
}

/* What is asked about is the sum of all that is not sent yet. */
static void
consenting(void **state)
{
	static const struct {
		const char         *typed;
		size_t              n_tasks;
		const char         *mode;
		enum nm_shard_state sent;  /* of the first */
		const struct nm_prices *prices;
		enum nm_code        code;
		int                 asked, agreed;
		const char         *why;
	} rows[] = {
		{ "n\n", 1, "batch", NM_SHARD_PLANNED, &dear, NM_OK, 0, 0,
		  "a dollar: nobody is asked, and nothing is agreed to" },
		{ "n\n", 2, "batch", NM_SHARD_PLANNED, &dear, NM_INTERRUPTED,
		  1, 0, "two: no" },
		{ "y\n", 2, "batch", NM_SHARD_PLANNED, &dear, NM_OK, 1, 1,
		  "two: yes, and that is kept" },
		{ "n\n", 1, "direct", NM_SHARD_PLANNED, &dear, NM_INTERRUPTED,
		  1, 0, "directly it is two dollars" },
		{ "n\n", 2, "batch", NM_SHARD_CREATED, &dear, NM_OK, 0, 0,
		  "what was sent is not asked about" },
		{ "n\n", 2, "batch", NM_SHARD_PLANNED, &unknown,
		  NM_OK, 0, 0, "nothing is known of what it costs" },
	};
	struct small_task *s;
	struct screen screen;
	void *entered;

	(void)state;
	screen_open(&screen, 80); /* where there is none, nothing is entered */
	screen_close(&screen);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_message message;
		struct nm_err err = { 0 };
		struct person person;
		struct pair pair = { 0 };
		enum nm_code rc;
		int asked;

		assert_int_equal(small_task_enter(&entered), 0);
		s = entered;
		pair_up(s, &pair);
		s->tools.prices = rows[i].prices;
		s->tools.message = &message;
		pair.shards[0].state = rows[i].sent;
		pair.tasks[0].run.record.mode = rows[i].mode;
		if (strcmp(rows[i].mode, "direct") == 0)
			pair.tasks[0].run.n_shards = 0;
		sit_down(&person, &message, rows[i].typed);
		rc = nm_money_consent(pair.tasks, rows[i].n_tasks, &s->tools,
		                      &err);
		asked = strstr(screen_text(&person.screen), "go on?") != NULL;
		get_up(&person);
		if (rc != rows[i].code || asked != rows[i].asked ||
		    (s->tools.pay == NM_PAY_AGREED) != rows[i].agreed)
			fail_msg("%s: %d, asked: %d, agreed: %d", rows[i].why,
			         (int)rc, asked, s->tools.pay);
		if (state_of(s, "r") != (rc ? NM_RUN_LEFT : NM_RUN_OPEN))
			fail_msg("%s: the run is %d", rows[i].why,
			         (int)state_of(s, "r"));
		part(&pair);
		small_task_leave(&entered);
	}
}

enum { HIGH_PUSD = 2 * 2000 * BATCH_PUSD }; /* of two replies, as none came yet */

static int
ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

/* All before the first is sent; of those that cannot be, the new ones are left. */
static void
taking(void **state)
{
	static const struct {
		int64_t max_pusd;
		size_t  n_tasks;
		enum { BOTH_NEW, FIRST_RESUMED, FIRST_SENT } before;
		enum nm_code code;
		int64_t taken_pusd;
		const char *error; /* its end */
		enum nm_run_state first, second;
		const char *why;
	} rows[] = {
		{ 0, 2, BOTH_NEW, NM_OK, 0, "", NM_RUN_OPEN, NM_RUN_OPEN,
		  "no ceiling, no account of it" },
		{ 2 * HIGH_PUSD, 2, BOTH_NEW, NM_OK, 2 * HIGH_PUSD, "",
		  NM_RUN_OPEN, NM_RUN_OPEN, "both, to the last picodollar" },
		{ 2 * HIGH_PUSD - 1, 2, BOTH_NEW, NM_USAGE, HIGH_PUSD,
		  ", while adding o", NM_RUN_LEFT, NM_RUN_LEFT,
		  "one less: neither" },
		{ HIGH_PUSD - 1, 2, BOTH_NEW, NM_USAGE, 0,
		  ", while adding n", NM_RUN_LEFT, NM_RUN_LEFT,
		  "the first alone is too much" },
		{ HIGH_PUSD - 1, 1, BOTH_NEW, NM_USAGE, 0,
		  "above --max-cost $0.000000399999, while a reply counts as "
		  "2000 tokens until some came; --max-output-tokens bounds it",
		  NM_RUN_LEFT, NM_RUN_OPEN,
		  "of one alone nothing needs a name" },
		{ 2 * HIGH_PUSD - 1, 2, FIRST_RESUMED, NM_USAGE, HIGH_PUSD,
		  ", while adding o", NM_RUN_OPEN, NM_RUN_LEFT,
		  "one that was taken up stays open" },
		{ 2 * HIGH_PUSD - 1, 2, FIRST_SENT, NM_USAGE, HIGH_PUSD,
		  ", while adding o", NM_RUN_OPEN, NM_RUN_LEFT,
		  "so does one of which something was sent" },
		{ HIGH_PUSD - 1, 1, FIRST_SENT, NM_OK, HIGH_PUSD, "",
		  NM_RUN_OPEN, NM_RUN_OPEN,
		  "what was sent is counted, never refused" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_message message = { 0 };
		struct nm_err err = { 0 };
		struct pair pair = { 0 };
		struct small_task *s;
		void *entered;
		enum nm_code rc;

		assert_int_equal(small_task_enter(&entered), 0);
		s = entered;
		pair_up(s, &pair);
		s->tools.message = &message;
		s->budget.max_pusd = rows[i].max_pusd;
		if (rows[i].before == FIRST_RESUMED)
			pair.tasks[0].run.origin = NM_RUN_RESUMED;
		if (rows[i].before == FIRST_SENT)
			pair.shards[0].state = NM_SHARD_CREATED;
		rc = nm_money_take(pair.tasks, rows[i].n_tasks, &err);
		if (rc != rows[i].code ||
		    s->budget.taken_pusd != rows[i].taken_pusd)
			fail_msg("%s: %d, %lld taken", rows[i].why, (int)rc,
			         (long long)s->budget.taken_pusd);
		if (!ends_in(err.text, rows[i].error))
			fail_msg("%s: \"%s\"", rows[i].why, err.text);
		if (state_of(s, "r") != rows[i].first ||
		    state_of(s, "s") != rows[i].second)
			fail_msg("%s: runs are %d and %d", rows[i].why,
			         (int)state_of(s, "r"), (int)state_of(s, "s"));
		part(&pair);
		small_task_leave(&entered);
	}
}

static int64_t
whole(const struct nm_value *root, const char *path)
{
	return nm_json_int(nm_json_path(root, path), -1);
}

/* The bytes of all its lines. */
static int64_t
bytes_of(struct nm_source *source)
{
	struct nm_source_item item;
	struct nm_err err;
	int64_t bytes = 0;

	assert_int_equal(nm_source_rewind(source, &err), NM_OK);
	for (;;) {
		assert_int_equal(nm_source_next(source, &item, &err), NM_OK);
		if (item.ordinal < 0)
			return bytes;
		bytes += (int64_t)item.line.len;
	}
}

static void
estimating(void **state)
{
	struct nm_run_settings settings = { .shard_requests = 1 };
	struct small_task *s = *state;
	struct nm_task tasks[2] = { s->task, s->task };
	struct nm_buf out = { 0 };
	struct nm_json json = { 0 };
	const struct nm_value *root, *one;
	struct nm_json_walk walk;
	struct nm_err err;

	assert_int_equal(nm_money_estimate(tasks, 2, &settings, NM_MONEY_JSON,
	                                   &out, &err), NM_OK);
	assert_int_equal(nm_json_read(&json, out.at, out.len, &root, &err),
	                 NM_OK);
	assert_int_equal(nm_json_count(nm_json_get(root, "datasets")), 2);
	nm_json_walk_init(&walk, nm_json_get(root, "datasets"));
	(void)nm_json_walk_next(&walk, NULL);
	one = nm_json_walk_next(&walk, NULL);
	assert_int_equal(whole(one, "questions"), 2);
	assert_int_equal(whole(one, "batches"), 2);
	assert_int_equal(whole(one, "bytes"),
	                 bytes_of(nm_quiz_source(s->task.quiz)));
	/* What came before is not asked about: a guess, not SEEN_TOKENS. */
	assert_int_equal(whole(one, "output_tokens_estimate.expected"), 300);
	assert_int_equal(whole(one, "canary"), 0);
	nm_buf_clear(&out);
	assert_int_equal(nm_money_estimate(tasks, 1, &settings, NM_MONEY_TEXT,
	                                   &out, &err), NM_OK);
	assert_non_null(strstr(nm_buf_string(&out), "\nNothing was sent."));
	assert_null(strstr(nm_buf_string(&out), "all together"));
	assert_int_equal(s->budget.taken_pusd, 0);
	nm_json_release(&json);
	nm_buf_release(&out);
}

/* It goes directly, at twice the price of these models: what is in the batch is less by
 * it. As many as there are, at most. */
static void
estimating_a_canary(void **state)
{
	static const struct {
		int64_t wish, canary, batches;
		double  batch_usd;
	} rows[] = {
		{ NM_CANARY_USUAL, 0, 1, 2 * 150 * BATCH_PUSD },
		{ 1, 1, 1, 150 * (BATCH_PUSD + DIRECT_PUSD) },
		{ 7, 2, 0, 2 * 150 * DIRECT_PUSD },
	};
	struct small_task *s = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_run_settings settings = { .canary = rows[i].wish };
		const struct nm_value *root, *one;
		struct nm_json json = { 0 };
		struct nm_json_walk walk;
		struct nm_buf out = { 0 };
		struct nm_err err;
		double usd;

		assert_int_equal(nm_money_estimate(&s->task, 1, &settings,
			NM_MONEY_JSON, &out, &err), NM_OK);
		assert_int_equal(nm_json_read(&json, out.at, out.len, &root,
		                              &err), NM_OK);
		nm_json_walk_init(&walk, nm_json_get(root, "datasets"));
		one = nm_json_walk_next(&walk, NULL);
		assert_int_equal(whole(one, "canary"), rows[i].canary);
		assert_int_equal(whole(one, "batches"), rows[i].batches);
		usd = nm_json_double(nm_json_path(one,
			"batch_cost_usd_estimate.expected"), 0);
		assert_true(usd * 1e12 > rows[i].batch_usd - 1 &&
		            usd * 1e12 < rows[i].batch_usd + 1);
		nm_json_release(&json);
		nm_buf_release(&out);
	}
}

/* The dataset is another one meanwhile: nothing is told of it. */
static void
estimating_what_changed(void **state)
{
	struct nm_run_settings settings = { 0 };
	struct small_task *s = *state;
	struct nm_buf out = { 0 };
	char path[80];
	struct nm_err err;

	snprintf(path, sizeof(path), "%s/q.txt", s->folder);
	assert_int_equal(truncate(path, 4), 0);
	assert_int_equal(nm_money_estimate(&s->task, 1, &settings,
		NM_MONEY_TEXT, &out, &err), NM_INPUT);
	assert_int_equal(nm_money_estimate(&s->task, 1, &settings,
		NM_MONEY_JSON, &out, &err), NM_INPUT);
	assert_int_equal(out.len, 0);
	nm_buf_release(&out);
}

#define ENTERED(test) cmocka_unit_test_setup_teardown(test, small_task_enter, \
	small_task_leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENTERED(asking),
		ENTERED(asking_nobody),
		cmocka_unit_test(consenting),
		cmocka_unit_test(taking),
		ENTERED(estimating),
		ENTERED(estimating_a_canary),
		ENTERED(estimating_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
