/* progress: the live line, its erasure, plain lines, and the time left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
	nm_progress_open(&progress, &message, &real, 0);
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
	int64_t began_ms;

	(void)state;
	screen_open(&screen, 80);
	nm_message_init(&message, "prog");
	message.to = screen.slave;
	nm_progress_open(&progress, &message, &real, 0);
	began_ms = nm_clock_mono_ms(&real);
	for (one.done = 0; nm_clock_mono_ms(&real) - began_ms < 250; one.done++)
		nm_progress_show(&progress, &one, 1, NULL);
	(void)screen_text(&screen);
	assert_in_range(screen.redraws, 1, 2);
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
	nm_progress_open(&progress, &message, &real, 0);
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
	nm_progress_open(&progress, &message, &real, 0);
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
	nm_progress_open(&progress, &message, NULL, 0);
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

static void
test_quiet(void **state)
{
	struct nm_progress_part one = part("validating", 0, 0, 0);
	struct nm_message message = { .level = NM_MESSAGE_QUIET };
	struct nm_progress progress;
	char text[100] = "";

	(void)state;
	message.to = fmemopen(text, sizeof(text), "w");
	nm_progress_open(&progress, &message, NULL, 0);
	nm_progress_show(&progress, &one, 1, NULL);
	nm_progress_close(&progress);
	fclose(message.to);
	assert_string_equal(text, "");
}

/*
 * A hundred rows every virtual second for ten minutes at least: a stall of this
 * machine is minutes there, so that what is right is reckoned from the time seen.
 */
static void
test_time_left(void **state)
{
	struct nm_progress progress;
	struct nm_message message = {0};
	char text[100000] = "";
	struct nm_err err;
	int64_t began_ms, now_ms, left_ms, right_ms;

	(void)state;
	assert_int_equal(nm_clock_init(&fast, "fast=2000", NULL, &err), NM_OK);
	message.to = fmemopen(text, sizeof(text), "w");
	nm_progress_open(&progress, &message, &fast, 0);
	assert_int_equal(nm_progress_left_ms(&progress, 0, 100), -1);
	began_ms = now_ms = nm_clock_mono_ms(&fast);
	while (now_ms - began_ms < 600000) {
		struct nm_progress_part one;

		now_ms = nm_clock_mono_ms(&fast);
		one = part("in_progress", (uint64_t)(now_ms - began_ms) / 10, 0,
		           1000000);
		nm_progress_show(&progress, &one, 1, NULL);
	}
	left_ms = nm_progress_left_ms(&progress,
		(uint64_t)(now_ms - began_ms) / 10, 1000000);
	right_ms = 10000000 - (now_ms - began_ms);
	assert_in_range(left_ms, right_ms * 8 / 10, right_ms * 12 / 10);
	assert_int_equal(nm_progress_left_ms(&progress, 5, 5), 0);
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
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_time_left),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
