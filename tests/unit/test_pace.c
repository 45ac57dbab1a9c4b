/* pace: grows, is halved once a second, holds, and recovers. */
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
	nm_pace_trouble(&pace, 0);
	assert_int_equal(nm_pace_room(&pace, 0), 1);
}

static void
test_trouble_halves_once_a_second(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	nm_pace_trouble(&pace, 5000);
	nm_pace_trouble(&pace, 5100);
	nm_pace_trouble(&pace, 5999);
	assert_int_equal(nm_pace_room(&pace, 5999), 32);
	nm_pace_trouble(&pace, 6000);
	assert_int_equal(nm_pace_room(&pace, 6000), 16);
}

static void
test_recovers_slowly_then_fully(void **state)
{
	struct nm_pace pace;

	(void)state;
	nm_pace_init(&pace, 64);
	go_well(&pace, 100);
	nm_pace_trouble(&pace, 0);
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
	nm_pace_hold(&pace, 2000);
	nm_pace_hold(&pace, 1000);
	assert_int_equal(nm_pace_room(&pace, 1999), 0);
	assert_int_equal(nm_pace_room(&pace, 2000), 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_to_its_ceiling),
		cmocka_unit_test(test_small_ceilings_hold),
		cmocka_unit_test(test_trouble_halves_once_a_second),
		cmocka_unit_test(test_recovers_slowly_then_fully),
		cmocka_unit_test(test_a_hold_is_kept_to_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
