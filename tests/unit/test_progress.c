/* progress: the live line, its erasure, plain lines, and the time left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/progress.h"
#include "cli/terminal.h"
#include "screen.h"

/* Each millisecond of the machine is a second; waits are then short. */
static struct nm_clock fast;

static struct nm_progress_part
part(const char *status, uint64_t done, uint64_t failed, uint64_t total)
{
	return (struct nm_progress_part){ NULL, status, done, failed, total };
}

/* A beginning that lies ahead: the time elapsed is 0s, however slow the machine. */
static int64_t
ahead_ms(void)
{
	return nm_clock_mono_ms(NULL) + 1000000;
}

static void
sleep_ms(int64_t ms)
{
	struct nm_clock real = {0};
	struct nm_err err;

	assert_int_equal(nm_clock_sleep(&real, ms, &err), NM_OK);
}

static void
test_live(void **state)
{
	struct nm_progress_part one = part("in_progress", 30, 2, 100);
	struct nm_progress progress;
	struct nm_message message;
	struct nm_clock real = {0};
	struct screen screen;

	(void)state;
	screen_open(&screen, 80);
	nm_message_init(&message, "prog");
	message.to = screen.slave;
	nm_progress_open(&progress, &message, &real, ahead_ms());
	nm_progress_show(&progress, &one, 1, "12 in flight");
	assert_string_equal(screen_text(&screen),
		"in_progress: 32 of 100 (32.0 %), 2 failed, 0s elapsed, "
		"12 in flight");

	/* A message takes the place of the line, and is there once. */
	nm_message_note(&message, "hello");
	assert_string_equal(screen_text(&screen), "prog: hello");
	sleep_ms(110);
	nm_progress_show(&progress, &one, 1, NULL);
	assert_string_equal(screen_text(&screen), "prog: hello\n"
		"in_progress: 32 of 100 (32.0 %), 2 failed, 0s elapsed");
	nm_progress_close(&progress);
	assert_string_equal(screen_text(&screen), "prog: hello");
	assert_null(message.live);
	screen_close(&screen);
}

static void
test_ten_redraws_a_second(void **state)
{
	struct nm_progress_part one = part("in_progress", 0, 0, 100000);
	struct nm_progress progress;
	struct nm_message message;
	struct nm_clock real = {0};
	struct screen screen;
	int64_t began_ms, passed_ms;

	(void)state;
	screen_open(&screen, 80);
	nm_message_init(&message, "prog");
	message.to = screen.slave;
	nm_progress_open(&progress, &message, &real, ahead_ms());
	began_ms = nm_clock_mono_ms(&real);
	for (one.done = 0; nm_clock_mono_ms(&real) - began_ms < 250; one.done++)
		nm_progress_show(&progress, &one, 1, NULL);
	passed_ms = nm_clock_mono_ms(&real) - began_ms;
	(void)screen_text(&screen);
	/* A machine that lets it wait makes room for more. */
	assert_in_range(screen.redraws, 1, 1 + passed_ms / 100);
	nm_progress_close(&progress);
	screen_close(&screen);
}

static void
test_several_parts_and_widths(void **state)
{
	struct nm_progress_part parts[] = {
		{ "batch_1", "completed", 50, 0, 50 },
		{ "batch_2", "in_progress", 10, 5, 50 },
		{ "batch_3", "validating", 0, 0, 50 },
	};
	struct nm_progress progress;
	struct nm_message message;
	struct nm_clock real = {0};
	struct screen screen;

	(void)state;
	screen_open(&screen, 90);
	nm_message_init(&message, "prog");
	message.to = screen.slave;
	nm_progress_open(&progress, &message, &real, ahead_ms());
	nm_progress_show(&progress, parts, 3, NULL);
	assert_string_equal(screen_text(&screen),
		"batch_1  completed     50 of 50 (100.0 %)\n"
		"batch_2  in_progress   15 of 50 (30.0 %), 5 failed\n"
		"batch_3  validating    0 of 50 (0.0 %)\n"
		"1 completed, 1 in_progress, 1 validating: 65 of 150 (43.3 %), "
		"5 failed, 0s elapsed");

	screen_resize(&screen, 30);
	sleep_ms(110);
	nm_progress_show(&progress, parts, 3, NULL);
	(void)screen_text(&screen);
	/* 41, 50, 38 and 83 columns are broken into 2 + 2 + 2 + 3 rows. */
	assert_int_equal(screen.up, 8);
	nm_progress_close(&progress);
	screen_close(&screen);
}

/* Written at a narrow width from the beginning: cut, and erased whole. */
static void
test_narrow(void **state)
{
	struct nm_progress_part one = part("in_progress", 30, 2, 100);
	struct nm_progress progress;
	struct nm_message message;
	struct nm_clock real = {0};
	struct screen screen;

	(void)state;
	screen_open(&screen, 30);
	nm_message_init(&message, "prog");
	message.to = screen.slave;
	nm_message_note(&message, "above");
	nm_progress_open(&progress, &message, &real, ahead_ms());
	nm_progress_show(&progress, &one, 1, NULL);
	assert_string_equal(screen_text(&screen),
		"prog: above\nin_progress: 32 of 100 (32.0…");
	nm_progress_close(&progress);
	assert_string_equal(screen_text(&screen), "prog: above");
	screen_close(&screen);
}

static void
test_plain(void **state)
{
	struct nm_progress_part one = part("validating", 0, 0, 0);
	struct nm_progress progress;
	struct nm_message message;
	char text[1000] = "";
	int i;

	(void)state;
	nm_message_init(&message, "prog");
	message.to = fmemopen(text, sizeof(text), "w");
	nm_progress_open(&progress, &message, NULL, ahead_ms());
	nm_progress_show(&progress, &one, 1, NULL);
	one = part("in_progress", 1, 0, 10);
	for (i = 0; i < 10; i++)
		nm_progress_show(&progress, &one, 1, NULL);
	one = part("completed", 10, 0, 10);
	nm_progress_show(&progress, &one, 1, NULL);
	nm_progress_close(&progress);
	fclose(message.to);
	assert_string_equal(text,
		"prog: validating: 0s elapsed\n"
		"prog: in_progress: 1 of 10 (10.0 %), 0s elapsed\n"
		"prog: completed: 10 of 10 (100.0 %), 0s elapsed\n");
}

/* Lines that are shown when so many seconds have passed since the last one. */
static int
lines_after(struct nm_progress *progress, const struct nm_progress_part *one,
            int seconds, const char *text)
{
	size_t before, i;
	int lines = 0;

	fflush(progress->message->to);
	before = strlen(text);
	progress->drawn_ms = nm_clock_mono_ms(NULL) - 1000 * seconds;
	nm_progress_show(progress, one, 1, NULL);
	fflush(progress->message->to);
	for (i = before; text[i]; i++)
		lines += text[i] == '\n';
	return lines;
}

static void
test_plain_and_still(void **state)
{
	static const struct {
		uint64_t done;
		int      seconds, lines;
	} rows[] = {
		{ 1, 10, 1 },               /* it moved */
		{ 1, 9, 0 }, { 1, 10, 1 },
		{ 1, 19, 0 }, { 1, 20, 1 },
		{ 1, 39, 0 }, { 1, 40, 1 },
		{ 2, 9, 0 }, { 2, 10, 1 },  /* it moves again */
		{ 2, 10, 1 }, { 2, 20, 1 }, { 2, 40, 1 }, { 2, 80, 1 },
		{ 2, 160, 1 }, { 2, 320, 1 },
		{ 2, 599, 0 }, { 2, 600, 1 }, { 2, 600, 1 },
	};
	struct nm_progress_part one = part("in_progress", 0, 0, 10);
	struct nm_progress progress;
	struct nm_message message;
	char text[4000] = "";
	size_t i;

	(void)state;
	nm_message_init(&message, "prog");
	message.to = fmemopen(text, sizeof(text), "w");
	nm_progress_open(&progress, &message, NULL, ahead_ms());
	nm_progress_show(&progress, &one, 1, NULL);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int lines;

		one.done = rows[i].done;
		lines = lines_after(&progress, &one, rows[i].seconds, text);
		if (lines != rows[i].lines)
			fail_msg("row %zu: %d", i, lines);
	}
	nm_progress_close(&progress);
	fclose(message.to);
}

static void
test_quiet(void **state)
{
	struct nm_progress_part one = part("validating", 0, 0, 0);
	struct nm_message message = { .level = NM_MESSAGE_QUIET };
	struct nm_progress progress;
	char text[100] = "";

	(void)state;
	message.to = fmemopen(text, sizeof(text), "w");
	nm_progress_open(&progress, &message, NULL, ahead_ms());
	nm_progress_show(&progress, &one, 1, NULL);
	nm_progress_close(&progress);
	fclose(message.to);
	assert_string_equal(text, "");
}

/* One row a second at first, ten a second in the later half of the time. */
static void
test_time_left(void **state)
{
	struct nm_message message = {0};
	struct nm_progress progress;
	struct nm_clock real = {0};
	int64_t now_ms, left_ms;
	uint64_t finished = 0;
	size_t i;

	(void)state;
	message.to = fopen("/dev/null", "w");
	nm_progress_open(&progress, &message, &real, ahead_ms());
	assert_int_equal(nm_progress_left_ms(&progress, 0, 100), -1);
	now_ms = nm_clock_mono_ms(&real);
	for (i = 0; i < NM_PROGRESS_SAMPLES; i++) {
		progress.samples[i].at_ms =
			now_ms - 1000 * (int64_t)(NM_PROGRESS_SAMPLES - i);
		progress.samples[i].finished = finished;
		finished += i < NM_PROGRESS_SAMPLES / 2 ? 1 : 10;
	}
	progress.n_samples = NM_PROGRESS_SAMPLES;
	left_ms = nm_progress_left_ms(&progress, finished, finished + 1000);
	assert_in_range(left_ms, 100000, 110000);
	assert_int_equal(nm_progress_left_ms(&progress, 5, 5), 0);
	/* Nothing came of late: the whole time tells; nothing ever: nothing does. */
	progress.samples[NM_PROGRESS_SAMPLES / 2].finished = finished;
	assert_true(nm_progress_left_ms(&progress, finished, 1000) > 0);
	assert_int_equal(nm_progress_left_ms(&progress, 0, 1000), -1);
	nm_progress_close(&progress);
	fclose(message.to);
}

/* Hours of samples in few places, spread over all of the time. */
static void
test_samples_are_thinned(void **state)
{
	struct nm_message message = {0};
	struct nm_progress progress;
	struct nm_progress_part one = part("in_progress", 0, 0, 0);
	struct nm_err err;
	int64_t began_ms;
	size_t i;

	(void)state;
	assert_int_equal(nm_clock_init(&fast, "fast=1000000", NULL, &err),
	                 NM_OK);
	message.to = fopen("/dev/null", "w");
	nm_progress_open(&progress, &message, &fast, 0);
	began_ms = nm_clock_mono_ms(&fast);
	for (i = 0; i < 1000 ||
	     nm_clock_mono_ms(&fast) - began_ms < 100 * 1000000; i++)
		nm_progress_show(&progress, &one, 1, NULL);
	assert_in_range(progress.n_samples, 2, NM_PROGRESS_SAMPLES);
	for (i = 1; i < progress.n_samples; i++)
		assert_true(progress.samples[i].at_ms -
		            progress.samples[i - 1].at_ms >= 1000);
	nm_progress_close(&progress);
	fclose(message.to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_ten_redraws_a_second),
		cmocka_unit_test(test_several_parts_and_widths),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_and_still),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_time_left),
		cmocka_unit_test(test_samples_are_thinned),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
