/* pace: grows, is halved once a second, holds, rests in an outage, and recovers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/pace.h"

static void
go_well(struct nm_pace *pace, int times)
{
	while (times-- > 0)
		nm_pace_went_well(pace);
}

/* Trouble with what was sent just then. */
static void
fail_at(struct nm_pace *pace, int64_t now_ms)
{
	nm_pace_trouble(pace, now_ms, now_ms, -1);
}

static void
test_grows_to_its_ceiling(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	assert_int_equal(nm_pace_room(&pace, 0), 8);
	go_well(&pace, 10);
	assert_int_equal(nm_pace_room(&pace, 0), 18);
	go_well(&pace, 1000);
	assert_int_equal(nm_pace_room(&pace, 0), 64);
}

static void
test_small_ceilings_hold(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 1);
	go_well(&pace, 100);
	assert_int_equal(nm_pace_room(&pace, 0), 1);
	fail_at(&pace, 0);
	assert_int_equal(nm_pace_room(&pace, 0), 1);
	fail_at(&pace, 5000);
	assert_int_equal(nm_pace_room(&pace, 9000), 1);
}

static void
test_trouble_halves_once_a_second(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	fail_at(&pace, 5000);
	fail_at(&pace, 5100);
	fail_at(&pace, 5999);
	assert_int_equal(nm_pace_room(&pace, 5999), 32);
	nm_pace_went_well(&pace);
	fail_at(&pace, 6000);
	assert_int_equal(nm_pace_room(&pace, 6000), 16);
}

static void
test_what_flew_together_is_one_trouble(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	fail_at(&pace, 5000);
	/* Sent before that, and slow to fail. */
	nm_pace_trouble(&pace, 4000, 7000, -1);
	nm_pace_trouble(&pace, 4900, 9000, -1);
	assert_int_equal(nm_pace_room(&pace, 9000), 32);
	assert_false(nm_pace_is_outage(&pace));
	assert_int_equal(nm_pace_failing_ms(&pace, 9000), 4000);
}

static void
test_recovers_slowly_then_fully(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	fail_at(&pace, 0);
	go_well(&pace, 33);
	assert_int_equal(nm_pace_room(&pace, 0), 33);
	go_well(&pace, 3000);
	assert_int_equal(nm_pace_room(&pace, 0), 64);
}

static void
test_a_hold_is_kept_to_its_end(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	nm_pace_hold(&pace, 0, 2000);
	nm_pace_hold(&pace, 0, 1000);
	assert_int_equal(nm_pace_room(&pace, 1999), 0);
	assert_int_equal(nm_pace_room(&pace, 2000), 8);
}

static void
test_a_hold_has_a_bound(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	nm_pace_hold(&pace, 1000, 89000);
	assert_int_equal(nm_pace_room(&pace, 1000 + NM_PACE_HOLD_MS - 1), 0);
	assert_int_equal(nm_pace_room(&pace, 1000 + NM_PACE_HOLD_MS), 8);
	/* A reply at ease does not end it: the service said so. */
	nm_pace_hold(&pace, 50000, 89000);
	nm_pace_went_well(&pace);
	assert_int_equal(nm_pace_room(&pace, 50001), 0);
}

static void
test_what_the_service_has_room_for(void **state)
{
	static const struct {
		int64_t     left, room;
		const char *why;
	} rows[] = {
		{ 100, 64, "more than fly anyway" },
		{ 64, 64, "just so many" },
		{ 10, 10, "fewer" },
		{ 1, 1, "one" },
		{ 0, 1, "none: the one that asks when there is" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_pace pace;

		nm_pace_init(&pace, 64);
		go_well(&pace, 100);
		nm_pace_left(&pace, rows[i].left);
		if (nm_pace_room(&pace, 0) != rows[i].room)
			fail_msg("%s", rows[i].why);
		/* It was no trouble: it grows again at once. */
		go_well(&pace, 63);
		assert_int_equal(nm_pace_room(&pace, 0), 64);
	}
}

/* Fails whenever something may go; returns when the n-th probe went. */
static int64_t
probe(struct nm_pace *pace, int64_t now_ms, int times)
{
	while (times-- > 0) {
		while (!nm_pace_room(pace, now_ms))
			now_ms += 100;
		fail_at(pace, now_ms);
		now_ms += 1000;
	}
	return now_ms;
}

static void
test_an_outage_makes_ever_longer_rests(void **state)
{
	struct nm_pace pace;
	int64_t now_ms;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	fail_at(&pace, 0);
	assert_false(nm_pace_is_outage(&pace));
	assert_int_equal(nm_pace_room(&pace, 999), 32);
	fail_at(&pace, 1000);
	assert_true(nm_pace_is_outage(&pace));
	assert_int_equal(nm_pace_room(&pace, 1999), 0);
	assert_int_equal(nm_pace_room(&pace, 2000), 16);
	fail_at(&pace, 2000);
	assert_int_equal(nm_pace_room(&pace, 3999), 0);
	fail_at(&pace, 4000);
	assert_int_equal(nm_pace_room(&pace, 7999), 0);
	assert_int_equal(nm_pace_room(&pace, 8000), 4);
	now_ms = probe(&pace, 8000, 20);
	/* 8, 16, then 30 s each. */
	assert_in_range(now_ms, 8000 + 8000 + 16000 + 16 * 30000,
	                8000 + 8000 + 16000 + 19 * 30000);
	assert_int_equal(nm_pace_room(&pace, now_ms + 30000), 4);
	assert_int_equal(nm_pace_failing_ms(&pace, now_ms), now_ms);
}

static void
test_a_pause_that_is_named_bounds_the_rest(void **state)
{
	static const struct {
		int64_t     asked_ms, rest_ms;
		const char *why;
	} rows[] = {
		{ -1, 30000, "none was named" },
		{ 0, 1000, "at once: a second all the same" },
		{ 1000, 4000, "a second: four" },
		{ 7000, 28000, "seven" },
		{ 20000, 30000, "longer than the longest rest" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_pace pace;
		int64_t now_ms = 0;

		nm_pace_init(&pace, 64);
		for (int n = 0; n < 20; n++, now_ms += 40000)
			nm_pace_trouble(&pace, now_ms, now_ms,
			                rows[i].asked_ms);
		now_ms -= 40000;
		if (nm_pace_room(&pace, now_ms + rows[i].rest_ms - 1) ||
		    !nm_pace_room(&pace, now_ms + rows[i].rest_ms))
			fail_msg("%s", rows[i].why);
	}
}

static void
test_an_outage_ends_at_once_and_is_soon_forgotten(void **state)
{
	struct nm_pace pace;
	int64_t now_ms;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	now_ms = probe(&pace, 0, 12);
	assert_int_equal(nm_pace_room(&pace, now_ms), 0);
	nm_pace_went_well(&pace);
	assert_false(nm_pace_is_outage(&pace));
	assert_int_equal(nm_pace_failing_ms(&pace, now_ms), 0);
	assert_int_equal(nm_pace_room(&pace, now_ms), 2);
	/* By one a reply up to half of what it was, not by one a window. */
	go_well(&pace, 30);
	assert_int_equal(nm_pace_room(&pace, now_ms), 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_to_its_ceiling),
		cmocka_unit_test(test_small_ceilings_hold),
		cmocka_unit_test(test_trouble_halves_once_a_second),
		cmocka_unit_test(test_what_flew_together_is_one_trouble),
		cmocka_unit_test(test_recovers_slowly_then_fully),
		cmocka_unit_test(test_a_hold_is_kept_to_its_end),
		cmocka_unit_test(test_a_hold_has_a_bound),
		cmocka_unit_test(test_what_the_service_has_room_for),
		cmocka_unit_test(test_an_outage_makes_ever_longer_rests),
		cmocka_unit_test(test_a_pause_that_is_named_bounds_the_rest),
		cmocka_unit_test(test_an_outage_ends_at_once_and_is_soon_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
