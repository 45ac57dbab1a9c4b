/*
 * clock: see clock.h.
 */
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS_NS INT64_C(1000000)
#define SLICE_NS (40 * MS_NS)

#define SPEED_MAX 1e6
#define PAUSE_MAX_MS (INT64_MAX / 1000000 / 4)

static int64_t
machine_ns(clockid_t which)
{
	struct timespec now;

	(void)clock_gettime(which, &now);
	return (int64_t)now.tv_sec * MS_NS * 1000 + now.tv_nsec;
}

static int64_t
machine_ms(clockid_t which)
{
	return machine_ns(which) / MS_NS;
}

static double
speed_of(const struct nm_clock *clock)
{
	return clock && clock->speed > 0 ? clock->speed : 1;
}

static bool
is_real(const struct nm_clock *clock)
{
	double speed = speed_of(clock);

	return !(speed < 1) && !(speed > 1);
}

/* This clock's milliseconds since its origin. */
static int64_t
elapsed_ms(const struct nm_clock *clock)
{
	int64_t real_ns = machine_ns(CLOCK_MONOTONIC) -
	                  clock->origin_mono_ms * MS_NS;

	return (int64_t)((double)real_ns / MS_NS * speed_of(clock));
}

/* Digits with an optional fraction; "inf", "0x1" and spaces are no speeds. */
static bool
read_speed(const char *text, double *speed)
{
	uint64_t whole = 0;
	double part = 0, unit = 0.1;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9' && whole <= 10000000; text++)
		whole = whole * 10 + (uint64_t)(*text - '0');
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
			part += unit * (*text - '0');
	}
	*speed = (double)whole + part;
	return *text == 0 && *speed >= 1 && *speed <= SPEED_MAX;
}

enum nm_code
nm_clock_init(struct nm_clock *clock, const char *spec,
              const atomic_int *stop, struct nm_err *err)
{
	double speed = 1;

	if (spec && *spec && strcmp(spec, "real") != 0
	    && (strncmp(spec, "fast=", 5) != 0 || !read_speed(spec + 5, &speed)))
		return nm_fail(err, NM_USAGE, 0, "no such clock: \"%s\" (known "
		               "are real and fast=N, N from 1 to 1000000)",
		               spec);
	*clock = (struct nm_clock){ .speed = speed, .stop = stop };
	if (!is_real(clock)) {
		clock->origin_ms = machine_ms(CLOCK_REALTIME);
		clock->origin_mono_ms = machine_ms(CLOCK_MONOTONIC);
	}
	return NM_OK;
}

int64_t
nm_clock_wall_ms(const struct nm_clock *clock)
{
	if (is_real(clock))
		return machine_ms(CLOCK_REALTIME);
	return clock->origin_ms + elapsed_ms(clock);
}

int64_t
nm_clock_mono_ms(const struct nm_clock *clock)
{
	if (is_real(clock))
		return machine_ms(CLOCK_MONOTONIC);
	return clock->origin_mono_ms + elapsed_ms(clock);
}

int64_t
nm_clock_machine_ms(void)
{
	return machine_ms(CLOCK_MONOTONIC);
}

int64_t
nm_clock_real_ms(const struct nm_clock *clock, int64_t pause_ms)
{
	double real_ms;

	if (pause_ms <= 1)
		return 1;
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	if (is_real(clock))
		return pause_ms;
	real_ms = ceil((double)pause_ms / speed_of(clock));
	return real_ms < 1 ? 1 : (int64_t)real_ms;
}

enum nm_code
nm_clock_sleep(const struct nm_clock *clock, int64_t pause_ms,
               struct nm_err *err)
{
	int64_t left_ns = MS_NS *
		(pause_ms > 0 ? nm_clock_real_ms(clock, pause_ms) : 0);
	int64_t end_ns = machine_ns(CLOCK_MONOTONIC) + left_ns;
	enum nm_code rc = nm_clock_check(clock, err);

	while (rc == NM_OK && left_ns > 0) {
		struct timespec step = {
			0, (long)(left_ns > SLICE_NS ? SLICE_NS : left_ns)
		};

		/* A signal ends it early; the flag is looked at either way. */
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &step, NULL);
		left_ns = end_ns - machine_ns(CLOCK_MONOTONIC);
		rc = nm_clock_check(clock, err);
	}
	return rc;
}

enum nm_code
nm_clock_check(const struct nm_clock *clock, struct nm_err *err)
{
	if (clock && clock->stop && atomic_load(clock->stop))
		return nm_fail(err, NM_INTERRUPTED, 0, "interrupted");
	return NM_OK;
}

static time_t
seconds_of(int64_t wall_ms)
{
	return (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
}

static void
write_time(const struct tm *parts, const char *format, char *out)
{
	if (!parts || strftime(out, NM_CLOCK_TEXT_MAX, format, parts) == 0)
		(void)snprintf(out, NM_CLOCK_TEXT_MAX, "unknown");
}

void
nm_clock_utc(int64_t wall_ms, char *out)
{
	time_t seconds = seconds_of(wall_ms);
	struct tm parts;

	write_time(gmtime_r(&seconds, &parts), "%Y-%m-%dT%H:%M:%SZ", out);
}

void
nm_clock_local(int64_t wall_ms, char *out)
{
	time_t seconds = seconds_of(wall_ms);
	struct tm parts;

	write_time(localtime_r(&seconds, &parts), "%Y-%m-%d %H:%M:%S", out);
}

void
nm_clock_compact(int64_t wall_ms, char *out)
{
	time_t seconds = seconds_of(wall_ms);
	struct tm parts;

	write_time(gmtime_r(&seconds, &parts), "%Y%m%dT%H%M%SZ", out);
}

void
nm_clock_span(int64_t span_ms, char *out)
{
	int64_t s = span_ms > 0 ? span_ms / 1000 : 0;
	size_t size = NM_CLOCK_TEXT_MAX;

	if (s < 60)
		(void)snprintf(out, size, "%" PRId64 "s", s);
	else if (s < 3600)
		(void)snprintf(out, size, "%" PRId64 "m %02ds", s / 60,
		               (int)(s % 60));
	else if (s < 86400)
		(void)snprintf(out, size, "%" PRId64 "h %02dm", s / 3600,
		               (int)(s / 60 % 60));
	else
		(void)snprintf(out, size, "%" PRId64 "d %02dh", s / 86400,
		               (int)(s / 3600 % 24));
}

static int64_t
unit_ms(const char *text)
{
	if (*text && text[1])
		return 0;
	switch (*text) {
	case 0:
	case 's':
		return 1000;
	case 'm':
		return 60 * 1000;
	case 'h':
		return 3600 * 1000;
	case 'd':
		return 86400 * 1000;
	}
	return 0;
}

enum nm_code
nm_clock_read_span(const char *text, int64_t *span_ms, struct nm_err *err)
{
	const char *at = text;
	int64_t count = 0, thousandths = 0, place, unit;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (count > PAUSE_MAX_MS / 86400000)
			return nm_fail(err, NM_USAGE, 0,
			               "\"%s\" is too long a time", text);
		count = count * 10 + (*at - '0');
	}
	if (at > text && *at == '.' && at[1] >= '0' && at[1] <= '9')
		for (at++, place = 100; *at >= '0' && *at <= '9'; at++) {
			thousandths += place * (*at - '0');
			place /= 10;
		}
	unit = at == text ? 0 : unit_ms(at);
	if (!unit)
		return nm_fail(err, NM_USAGE, 0, "\"%s\" is no length of time "
		               "(write 90, 90s, 15m, 24h or 7d)", text);
	*span_ms = count * unit + thousandths * unit / 1000;
	return NM_OK;
}
