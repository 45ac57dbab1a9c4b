/* watcher: what a run tells comes to the person whole, and counted over all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/progress.h"
#include "screen.h"
#include "task/watcher.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What a message wrote, as long as it is open. */
struct said {
	struct nm_message message;
	struct nm_watch   watch;
	char             *text;
	size_t            len;
};

static void
listen_to(struct said *said)
{
	*said = (struct said){ .message.program = "prog" };
	said->message.to = open_memstream(&said->text, &said->len);
	assert_non_null(said->message.to);
	nm_watcher_init(&said->watch, &said->message);
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
lines(void **state)
{
	struct said said;

	(void)state;
	listen_to(&said);
	said.watch.note(said.watch.user, "50 % done, %s and %n");
	said.watch.warn(said.watch.user, "%d left");
	expect_said(&said, "prog: 50 % done, %s and %n\n"
	            "prog: warning: %d left\n", "no text is a format");
	listen_to(&said);
	said.message.level = NM_MESSAGE_QUIET;
	said.watch.note(said.watch.user, "all is well");
	said.watch.warn(said.watch.user, "it is not");
	expect_said(&said, "prog: warning: it is not\n", "--quiet");
}

/* So many parts of ten requests each: done ones first, then some at work. */
static size_t
make_parts(struct nm_part *parts, size_t n_done, size_t n_working)
{
	for (size_t i = 0; i < n_done + n_working; i++)
		parts[i] = (struct nm_part){
			.name = "b", .total = 10,
			.status = i < n_done ? "completed" : "in_progress",
			.done = i < n_done ? 9 : 0, .failed = i < n_done,
		};
	return n_done + n_working;
}

static void
counts(void **state)
{
	static const struct {
		size_t      n_done, n_working;
		const char *text, *why;
	} rows[] = {
		{ 1, 0, "prog: completed: 10 of 10 (100.0 %), 1 failed,",
		  "one alone is not counted" },
		{ 1, 1, "prog: 1 completed, 1 in_progress: 10 of 20 (50.0 %),"
		  " 1 failed,", "two are" },
		{ 40, 60, "prog: 40 completed, 60 in_progress: 400 of 1000"
		  " (40.0 %), 40 failed,", "more than a screen has lines" },
	};
	struct nm_part parts[100];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_progress progress;
		struct nm_clock clock = { 0 };
		struct said said;
		size_t n = make_parts(parts, rows[i].n_done,
		                      rows[i].n_working);

		listen_to(&said);
		said.watch.progress(said.watch.user, parts, n);
		fflush(said.message.to);
		assert_int_equal(said.len, 0); /* no live line is open */
		nm_progress_open(&progress, &said.message, &clock, 0);
		said.watch.progress(said.watch.user, parts, n);
		nm_progress_close(&progress);
		fclose(said.message.to);
		if (strncmp(said.text, rows[i].text, strlen(rows[i].text)) != 0)
			fail_msg("%s: \"%s\"", rows[i].why, said.text);
		free(said.text);
	}
}

/* Of several batches each has a line; one that is not sent yet has no name. */
static void
names(void **state)
{
	static const struct nm_part parts[] = {
		{ .name = "batch_1", .status = "in_progress", .done = 1,
		  .total = 2 },
		{ .name = NULL, .status = "", .total = 2 },
		{ .name = NULL, .status = NULL, .total = 2 },
	};
	struct nm_progress progress;
	struct nm_clock clock = { 0 };
	struct nm_message message;
	struct nm_watch watch;
	struct screen screen;
	const char *text;

	(void)state;
	screen_open(&screen, 80);
	message = (struct nm_message){ .to = screen.slave };
	nm_watcher_init(&watch, &message);
	nm_progress_open(&progress, &message, &clock, 0);
	watch.progress(watch.user, parts, COUNT(parts));
	text = screen_text(&screen);
	if (strncmp(text, "batch_1  in_progress   1 of 2 (50.0 %)\n"
	            "  waiting to be sent  0 of 2 (0.0 %)\n"
	            "  waiting to be sent  0 of 2 (0.0 %)\n"
	            "1 in_progress, 2 waiting to be sent: 1 of 6 (16.7 %),",
	            160) != 0)
		fail_msg("%s", text);
	nm_progress_close(&progress);
	screen_close(&screen);
	/* Of a single one the name says nothing. */
	screen_open(&screen, 80);
	message = (struct nm_message){ .to = screen.slave };
	nm_progress_open(&progress, &message, &clock, 0);
	watch.progress(watch.user, parts, 1);
	text = screen_text(&screen);
	if (strncmp(text, "in_progress: 1 of 2 (50.0 %), ", 30) != 0)
		fail_msg("%s", text);
	nm_progress_close(&progress);
	screen_close(&screen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(counts),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
