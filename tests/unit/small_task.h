/*
 * small_task: a task of two questions, with its run in a journal of its own: what the
 * tests of the room task begin from. Replies alone cost, so that sums are to be seen.
 *
 * Calling sequence: enter and leave, as a test's setup and teardown or by hand.
 */
#ifndef NM_TESTS_SMALL_TASK_H
#define NM_TESTS_SMALL_TASK_H

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "task/task.h"

enum {
	BATCH_PUSD = 100, DIRECT_PUSD = 200,
	SEEN_TOKENS = 10, SEEN_REPLIES = 1000
};

static const struct nm_price small_models[] = {
	{ .model = "m", .long_over_tokens = INT64_MAX,
	  .plain = { { 0, 0, 0, DIRECT_PUSD }, { 0, 0, 0, BATCH_PUSD } } },
	{ .model = "batch-alone", .long_over_tokens = INT64_MAX,
	  .plain = { { -1, -1, -1, -1 }, { 0, 0, 0, BATCH_PUSD } } },
	{ .model = "direct-alone", .long_over_tokens = INT64_MAX,
	  .plain = { { 0, 0, 0, DIRECT_PUSD }, { -1, -1, -1, -1 } } },
};
static const struct nm_prices small_prices = { .models = small_models,
	.n_models = sizeof(small_models) / sizeof(*small_models) };

struct small_task {
	char                 folder[64];
	struct nm_journal   *journal;
	struct nm_service    service;
	struct nm_budget     budget;
	struct nm_task_tools tools;
	struct nm_task       task;
};

/* Asks this model from now on, with a maximum that replies state (0 = none). */
static inline void
small_task_state(struct small_task *s, const char *model, int64_t max_tokens)
{
	struct nm_quiz_wish wish = { .name = "q", .model = model,
	                             .max_output_tokens = max_tokens };
	char path[80];
	struct nm_err err;

	snprintf(path, sizeof(path), "%s/q.txt", s->folder);
	wish.path = path;
	nm_quiz_close(s->task.quiz);
	s->task.quiz = NULL;
	s->task.load = (struct nm_load){ 0 };
	assert_int_equal(nm_quiz_open(&s->task.quiz, &wish, &err), NM_OK);
}

static inline void
small_task_ask(struct small_task *s, const char *model)
{
	small_task_state(s, model, 0);
}

static inline int
small_task_enter(void **state)
{
	struct small_task *s = calloc(1, sizeof(*s));
	struct nm_run_record run = {
		.id = "r", .key = "k", .mode = "batch", .name = "n",
		.model = "m", .endpoint = "/v1/chat/completions", .account = "a",
		.spec = "{}", .results_path = "",
	};
	char path[80];
	struct nm_err err;

	if (!s)
		abort();
	*state = s;
	snprintf(s->folder, sizeof(s->folder), "/tmp/nm_task.XXXXXX");
	if (!mkdtemp(s->folder))
		return -1;
	snprintf(path, sizeof(path), "%s/q.txt", s->folder);
	if (nm_file_write(path, 0600, nm_text_of("a\tA\nb\tB\n"), &err) ||
	    nm_journal_open(s->folder, &s->journal, &err) ||
	    nm_runs_add(s->journal, &run, &err))
		return -1;
	small_task_ask(s, "m");
	s->tools = (struct nm_task_tools){
		.service = &s->service, .budget = &s->budget,
		.prices = &small_prices, .mode = "batch",
	};
	s->task.tools = &s->tools;
	s->task.seen = (struct nm_seen){ SEEN_REPLIES,
		SEEN_REPLIES * SEEN_TOKENS, SEEN_TOKENS };
	s->task.run.journal = s->journal;
	s->task.run.record = run;
	return 0;
}

static inline int
small_task_leave(void **state)
{
	struct small_task *s = *state;
	char command[96];

	nm_quiz_close(s->task.quiz);
	nm_journal_close(s->journal);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	free(s);
	return system(command);
}

#endif
