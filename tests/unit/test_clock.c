/* clock: what time it is, how long things take, and when to stop waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"

#define DAY_MS INT64_C(86400000)

static atomic_int stop;

static void
specs(void **state)
{
	static const struct {
		const char  *spec;
		enum nm_code code;
		double       speed;
		const char  *why;
	} rows[] = {
		{ NULL, NM_OK, 1, "nothing said" },
		{ "", NM_OK, 1, "empty" },
		{ "real", NM_OK, 1, "said" },
		{ "fast=1", NM_OK, 1, "lowest" },
		{ "fast=2.5", NM_OK, 2.5, "a fraction" },
		{ "fast=1000000", NM_OK, 1e6, "highest" },
		{ "fast=1000001", NM_USAGE, 0, "higher" },
		{ "fast=0.5", NM_USAGE, 0, "slower than time" },
		{ "fast=0", NM_USAGE, 0, "stands still" },
		{ "fast=-3", NM_USAGE, 0, "backwards" },
		{ "fast=", NM_USAGE, 0, "no number" },
		{ "fast=10x", NM_USAGE, 0, "rest" },
		{ "fast= 10", NM_USAGE, 0, "space" },
		{ "fast=inf", NM_USAGE, 0, "no digits" },
		{ "fast=0x10", NM_USAGE, 0, "hexadecimal" },
		{ "fast=1e3", NM_USAGE, 0, "exponent" },
		{ "fast=99999999999999999999999", NM_USAGE, 0, "overflow" },
		{ "slow=2", NM_USAGE, 0, "another word" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_clock clock = { .speed = 77 };
		struct nm_err err;
		enum nm_code rc = nm_clock_init(&clock, rows[i].spec, NULL,
		                                &err);

		if (rc != rows[i].code)
			fail_msg("%s: %d", rows[i].why, (int)rc);
		assert_true(clock.speed == (rc ? 77 : rows[i].speed));
	}
}

static void
spans(void **state)
{
	static const struct {
		int64_t     span_ms;
		const char *text;
	} rows[] = {
		{ 0, "0s" }, { -5000, "0s" }, { 999, "0s" }, { 8000, "8s" },
		{ 59999, "59s" }, { 60000, "1m 00s" }, { 200000, "3m 20s" },
		{ 3599999, "59m 59s" }, { 7500000, "2h 05m" },
		{ DAY_MS - 1, "23h 59m" }, { DAY_MS, "1d 00h" },
		{ 3 * DAY_MS + 4 * 3600000, "3d 04h" },
		{ INT64_MAX, "106751991167d 07h" },
	};
	char text[NM_CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nm_clock_span(rows[i].span_ms, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
read_spans(void **state)
{
	static const struct {
		const char *text;
		int64_t     span_ms; /* -1 = NM_USAGE */
		const char *why;
	} rows[] = {
		{ "90", 90000, "bare seconds" },
		{ "90s", 90000, "seconds" },
		{ "15m", 900000, "minutes" },
		{ "24h", DAY_MS, "hours" },
		{ "7d", 7 * DAY_MS, "days" },
		{ "0", 0, "none" },
		{ "", -1, "empty" },
		{ "h", -1, "no number" },
		{ "-5", -1, "negative" },
		{ "0.2", 200, "a fraction of a second" },
		{ "1.5h", 5400000, "a fraction of an hour" },
		{ "0.0019", 1, "cut to whole milliseconds" },
		{ "1.", -1, "nothing after the point" },
		{ ".5", -1, "nothing before the point" },
		{ "1.2.3", -1, "two points" },
		{ "5 m", -1, "space" },
		{ "5min", -1, "longer unit" },
		{ "5w", -1, "unknown unit" },
		{ "5H", -1, "upper case" },
		{ "99999999999999999999d", -1, "overflow" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t span_ms = -1;
		struct nm_err err;
		enum nm_code rc = nm_clock_read_span(rows[i].text, &span_ms,
		                                     &err);

		if (span_ms != rows[i].span_ms
		    || rc != (span_ms < 0 ? NM_USAGE : NM_OK))
			fail_msg("%s: %lld", rows[i].why, (long long)span_ms);
	}
}

static void
dates(void **state)
{
	static const struct {
		int64_t     wall_ms;
		const char *utc, *local, *compact;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z", "1970-01-01 01:30:00",
		  "19700101T000000Z" },
		{ -1, "1969-12-31T23:59:59Z", "1970-01-01 01:29:59",
		  "19691231T235959Z" },
		{ 1774437191999, "2026-03-25T11:13:11Z", "2026-03-25 12:43:11",
		  "20260325T111311Z" },
		{ 951782400000, "2000-02-29T00:00:00Z", "2000-02-29 01:30:00",
		  "20000229T000000Z" },
		{ INT64_MAX, "292278994-08-17T07:12:55Z",
		  "292278994-08-17 08:42:55", "2922789940817T071255Z" },
	};
	char text[NM_CLOCK_TEXT_MAX];

	(void)state;
	assert_int_equal(setenv("TZ", "NMT-1:30", 1), 0);
	tzset();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nm_clock_utc(rows[i].wall_ms, text);
		assert_string_equal(text, rows[i].utc);
		nm_clock_local(rows[i].wall_ms, text);
		assert_string_equal(text, rows[i].local);
		nm_clock_compact(rows[i].wall_ms, text);
		assert_string_equal(text, rows[i].compact);
	}
}

static void
real_pauses(void **state)
{
	static const struct {
		double  speed;
		int64_t pause_ms, real_ms;
	} rows[] = {
		{ 0, 5, 5 }, { 1, 5, 5 }, { 1, 0, 1 }, { 1, -9, 1 },
		{ 1000, 5, 1 }, { 1000, 1001, 2 }, { 2, 9, 5 },
		{ 1e6, DAY_MS, 87 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_clock clock = { .speed = rows[i].speed };

		assert_int_equal(nm_clock_real_ms(&clock, rows[i].pause_ms),
		                 rows[i].real_ms);
	}
	assert_true(nm_clock_real_ms(NULL, INT64_MAX) > DAY_MS * 3650);
}

static void
fast_time_passes(void **state)
{
	struct nm_clock clock;
	struct nm_err err;
	int64_t wall_ms, mono_ms;

	(void)state;
	assert_int_equal(nm_clock_init(&clock, "fast=100000", NULL, &err), 0);
	wall_ms = nm_clock_wall_ms(&clock);
	mono_ms = nm_clock_mono_ms(&clock);
	assert_int_equal(nm_clock_sleep(&clock, 3600000, &err), NM_OK);
	assert_true(nm_clock_wall_ms(&clock) - wall_ms >= 3600000);
	assert_true(nm_clock_mono_ms(&clock) - mono_ms >= 3600000);
	assert_int_equal(nm_clock_sleep(&clock, 0, &err), NM_OK);
	assert_int_equal(nm_clock_sleep(&clock, -1, &err), NM_OK);
}

static void
on_alarm(int number)
{
	(void)number;
	atomic_store(&stop, 1);
}

static void
stops(void **state)
{
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct nm_clock clock;
	struct nm_err err;
	int64_t before_ms;

	(void)state;
	assert_int_equal(nm_clock_init(&clock, "real", &stop, &err), 0);
	assert_int_equal(nm_clock_check(&clock, &err), NM_OK);
	(void)signal(SIGALRM, on_alarm);
	before_ms = nm_clock_mono_ms(&clock);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(nm_clock_sleep(&clock, 60000, &err), NM_INTERRUPTED);
	assert_true(nm_clock_mono_ms(&clock) - before_ms < 10000);
	assert_int_equal(nm_clock_sleep(&clock, 0, &err), NM_INTERRUPTED);
	assert_int_equal(nm_clock_check(&clock, &err), NM_INTERRUPTED);
}

static int64_t
machine_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
on_tick(int number)
{
	(void)number;
}

/* Signals wake it at any moment: whole milliseconds are too coarse to go by. */
static void
sleeps_long_enough(void **state)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	struct nm_err err;

	(void)state;
	(void)signal(SIGALRM, on_tick);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (int i = 0; i < 50; i++) {
		int64_t before_ns = machine_ns(), took_ns;

		assert_int_equal(nm_clock_sleep(NULL, 5, &err), NM_OK);
		took_ns = machine_ns() - before_ns;
		if (took_ns < 5000000)
			fail_msg("%lld ns", (long long)took_ns);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specs),
		cmocka_unit_test(spans),
		cmocka_unit_test(read_spans),
		cmocka_unit_test(dates),
		cmocka_unit_test(real_pauses),
		cmocka_unit_test(fast_time_passes),
		cmocka_unit_test(stops),
		cmocka_unit_test(sleeps_long_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
