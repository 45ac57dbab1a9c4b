/* vclock: time that is the wall's, faster, or stands still; shared; kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/anchor.h"
#include "server/clock.h"

static char folder[32];
static struct nm_err err;

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/nm-vclock-XXXXXX");
	return !mkdtemp(folder);
}

static int
tear_down(void **state)
{
	char command[100];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct nm_vclock *
open_clock(const char *spec)
{
	struct nm_vclock *clock = NULL;

	assert_int_equal(nm_vclock_open(spec, folder, &clock, &err), NM_OK);
	return clock;
}

static int64_t
wall_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static void
test_specs(void **state)
{
	static const char *const bad[] = {
		"fast", "fast=", "fast=0", "fast=0.5", "fast=x", "fast=1e7",
		"slow", "step=2", "fast=nan"
	};
	struct nm_vclock *clock = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (nm_vclock_open(bad[i], folder, &clock, &err) != NM_USAGE)
			fail_msg("%s", bad[i]);
	assert_null(clock);
}

static void
test_real(void **state)
{
	struct nm_vclock *clock = open_clock(NULL);
	int64_t off = nm_vclock_now_ms(clock) - wall_ms();

	(void)state;
	assert_true(off >= -1000 && off <= 2000);
	assert_string_equal(nm_vclock_mode(clock), "real");
	assert_int_equal(nm_vclock_move(clock, 1000, &err), NM_REFUSED);
	nm_vclock_close(clock);
}

static void
test_step(void **state)
{
	struct nm_vclock *clock = open_clock("step"), *other;
	int64_t then = nm_vclock_now_ms(clock);

	(void)state;
	usleep(20000);
	assert_int_equal(nm_vclock_now_ms(clock), then);
	other = open_clock("step");
	assert_int_equal(nm_vclock_move(clock, 86400000, &err), NM_OK);
	assert_int_equal(nm_vclock_now_ms(clock), then + 86400000);
	assert_int_equal(nm_vclock_now_ms(other), then + 86400000);
	nm_vclock_close(clock);
	nm_vclock_close(other);
	/* A restart goes on where time stood; real time then runs from there,
	 * for it may not go back. */
	clock = open_clock("step");
	assert_int_equal(nm_vclock_now_ms(clock), then + 86400000);
	nm_vclock_close(clock);
	clock = open_clock("real");
	assert_true(nm_vclock_now_ms(clock) >= then + 86400000);
	assert_string_equal(nm_vclock_mode(clock), "real");
	nm_vclock_close(clock);
}

static void
test_fast(void **state)
{
	struct nm_vclock *clock = open_clock("fast=10000");
	int64_t then = nm_vclock_now_ms(clock), now;
	uint64_t seen = 0;

	(void)state;
	nm_vclock_wait(clock, then + 100000, 5000, &seen);
	now = nm_vclock_now_ms(clock);
	assert_true(now >= then + 100000);
	assert_int_equal(nm_vclock_move(clock, 1000000, &err), NM_OK);
	assert_true(nm_vclock_now_ms(clock) >= now + 1000000);
	now = nm_vclock_now_ms(clock);
	nm_vclock_close(clock);
	clock = open_clock("fast=10000");
	assert_true(nm_vclock_now_ms(clock) >= now);
	nm_vclock_close(clock);
}

static void *
move_soon(void *ctx)
{
	struct nm_vclock *clock = ctx;

	usleep(20000);
	assert_int_equal(nm_vclock_move(clock, 60000, &err), NM_OK);
	return NULL;
}

/* Waits end when time is moved, by a waking, also one before, or in the end by
 * real time. */
static void
test_waits(void **state)
{
	struct nm_vclock *clock = open_clock("step");
	int64_t then = nm_vclock_now_ms(clock);
	uint64_t seen = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, move_soon, clock), 0);
	nm_vclock_wait(clock, then + 60000, 10000, &seen);
	assert_int_equal(nm_vclock_now_ms(clock), then + 60000);
	pthread_join(thread, NULL);
	seen = 0;
	nm_vclock_wait(clock, INT64_MAX, 10000, &seen);
	assert_int_equal(seen, 1);
	nm_vclock_wake(clock);
	nm_vclock_wait(clock, INT64_MAX, 10000, &seen);
	assert_int_equal(seen, 2);
	nm_vclock_wait(clock, INT64_MAX, 10, &seen);
	nm_vclock_close(clock);
}

static void
test_strange_file(void **state)
{
	struct nm_vclock *clock = NULL;
	char path[64];
	FILE *file;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/clock", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("not a clock", file);
	fclose(file);
	assert_int_equal(nm_vclock_open("step", folder, &clock, &err),
	                 NM_STATE);
}

/* The file as it was when the wall alone told what passed. */
static void
test_earlier_version(void **state)
{
	struct nm_anchor_file old = { .magic = "nmclock",
		.turn = 6, .old_virtual_ms = 7000000,
		.old_wall_ms = wall_ms() - 60000 };
	double speed = 1000;
	struct nm_vclock *clock;
	char path[64];
	FILE *file;

	(void)state;
	memcpy(&old.old_speed_bits, &speed, sizeof(speed));
	(void)snprintf(path, sizeof(path), "%s/clock", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(&old, offsetof(struct nm_anchor_file, slots), 1,
	                        file), 1);
	fclose(file);
	for (int i = 0; i < 2; i++) {
		clock = open_clock("fast=1000");
		if (nm_vclock_now_ms(clock) < 7000000 + 60000000 ||
		    nm_vclock_now_ms(clock) > 7000000 + 80000000)
			fail_msg("%lld", (long long)nm_vclock_now_ms(clock));
		nm_vclock_close(clock);
	}
}

/* What the machine's last run left, when the wall said so much less than now. */
static int64_t
after_a_boot(int64_t wall_passed_ms)
{
	struct nm_moment left = { .virtual_ms = 5000000, .speed = 1000,
		.wall_ms = wall_ms() - wall_passed_ms, .boot = 1,
		.mono_ms = INT64_MAX / 2 };
	struct nm_anchor anchor;
	struct nm_vclock *clock;
	int64_t now_ms;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/clock", folder);
	assert_int_equal(nm_anchor_open(&anchor, path, NM_ANCHOR_MAKE, &left,
	                                &err), NM_OK);
	nm_anchor_write(&anchor, &left);
	nm_anchor_close(&anchor);
	clock = open_clock("fast=1000");
	now_ms = nm_vclock_now_ms(clock);
	nm_vclock_close(clock);
	return now_ms;
}

static void
test_another_boot(void **state)
{
	int64_t now_ms = after_a_boot(60000);

	(void)state;
	assert_true(now_ms >= 65000000 && now_ms < 85000000);
	now_ms = after_a_boot(-3600000); /* set back meanwhile */
	assert_true(now_ms >= 5000000 && now_ms < 25000000);
}

static atomic_int ended;

static void *
look_on(void *ctx)
{
	struct nm_vclock *clock = ctx;
	int64_t last = nm_vclock_now_ms(clock), now;

	while (!atomic_load(&ended)) {
		now = nm_vclock_now_ms(clock);
		if (now < last)
			return ctx;
		last = now;
	}
	return NULL;
}

/* The file is written anew again and again, by two who share it. */
static void
test_never_back(void **state)
{
	struct nm_vclock *clocks[] = { open_clock("fast=333.3"),
	                               open_clock("fast=333.3") };
	pthread_t threads[2];
	void *back;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_on,
		                                clocks[i]), 0);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(nm_vclock_move(clocks[i % 2], 0, &err), NM_OK);
	atomic_store(&ended, 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &back);
		assert_null(back);
		nm_vclock_close(clocks[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_specs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_real, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fast, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_earlier_version, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_another_boot, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_never_back, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_strange_file, set_up,
		                                tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
