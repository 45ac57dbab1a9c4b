#include "server/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "server/anchor.h"

enum {
	POLL_MS = 100,   /* how late another process's move may be seen */
	RENEW_MS = 10000 /* what a machine's end may cost of a clock set back */
};

struct nm_vclock {
	struct nm_anchor anchor; /* no file: time is the wall's */
	uint64_t         boot;
	pthread_mutex_t  lock;   /* taken before the anchor's */
	pthread_cond_t   moved;
	uint64_t         wakings;
};

static int64_t
clock_ms(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What tells this run of the machine from those before; 0 = nothing does. */
static uint64_t
read_boot(void)
{
	char text[17] = "";
	size_t len = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char c;

	if (fd < 0)
		return 0;
	while (len + 1 < sizeof(text) && read(fd, &c, 1) == 1)
		if (c != '-')
			text[len++] = c;
	close(fd);
	return strtoull(text, NULL, 16);
}

/* Now, by the clocks of the machine. */
static struct nm_moment
look(const struct nm_vclock *clock)
{
	return (struct nm_moment){ .wall_ms = clock_ms(CLOCK_REALTIME),
		.mono_ms = clock_ms(CLOCK_MONOTONIC), .boot = clock->boot };
}

/* Virtual milliseconds from then to now. Time of its own runs on by the clock that
 * does; the wall's is the wall's, also where it is set. */
static double
passed(const struct nm_moment *then, const struct nm_moment *now)
{
	if (then->speed == 1)
		return (double)(now->wall_ms - then->wall_ms);
	return (double)(now->mono_ms - then->mono_ms) * then->speed;
}

static enum nm_code
read_spec(const char *spec, double *speed, struct nm_err *err)
{
	char *end;
	double factor;

	if (!spec || !*spec || strcmp(spec, "real") == 0) {
		*speed = 1;
		return NM_OK;
	}
	if (strcmp(spec, "step") == 0) {
		*speed = 0;
		return NM_OK;
	}
	if (strncmp(spec, "fast=", 5) == 0) {
		errno = 0;
		factor = strtod(spec + 5, &end);
		if (end != spec + 5 && !*end && !errno && factor >= 1 &&
		    factor <= 1e6) {
			*speed = factor;
			return NM_OK;
		}
	}
	return nm_fail(err, NM_USAGE, 0, "clock \"%s\" is none of real, step and "
	               "fast=N with N from 1 to 1000000", spec);
}

static bool
is_of_this_boot(const struct nm_vclock *clock, const struct nm_moment *then)
{
	return then->boot && then->boot == clock->boot;
}

/* The same, where `then` may be of an earlier run of the machine: the wall tells what
 * passed meanwhile, unless it was set back. */
static double
passed_over(const struct nm_vclock *clock, const struct nm_moment *then,
            const struct nm_moment *now)
{
	double by_wall = (double)(now->wall_ms - then->wall_ms) * then->speed;

	if (then->speed == 1 || is_of_this_boot(clock, then))
		return passed(then, now);
	return by_wall > 0 ? by_wall : 0;
}

/* Time goes on from where the folder's clock stands, at the speed now asked for,
 * and a clock run ahead of the wall stays ahead. */
static void
set_speed(struct nm_vclock *clock, double speed)
{
	struct nm_moment then, now = look(clock);

	nm_anchor_read(&clock->anchor, &then);
	if (then.speed == speed && (speed == 1 || is_of_this_boot(clock, &then)))
		return;
	now.virtual_ms = then.virtual_ms +
		(int64_t)ceil(passed_over(clock, &then, &now));
	if (speed == 1 && now.virtual_ms < now.wall_ms)
		now.virtual_ms = now.wall_ms;
	now.speed = speed;
	nm_anchor_write(&clock->anchor, &now);
}

static enum nm_code
open_anchor(struct nm_vclock *clock, const char *path, double speed,
            struct nm_err *err)
{
	struct nm_moment first = look(clock);
	enum nm_code rc;

	first.virtual_ms = first.wall_ms;
	first.speed = speed;
	rc = nm_anchor_open(&clock->anchor, path, speed == 1
	                    ? NM_ANCHOR_IF_THERE : NM_ANCHOR_MAKE, &first, err);
	if (!rc && clock->anchor.file)
		set_speed(clock, speed);
	nm_anchor_unlock(&clock->anchor);
	return rc;
}

enum nm_code
nm_vclock_open(const char *spec, const char *state_dir,
               struct nm_vclock **clock, struct nm_err *err)
{
	struct nm_vclock *made;
	struct nm_buf path = {0};
	pthread_condattr_t attr;
	double speed = 1;
	enum nm_code rc;

	rc = read_spec(spec, &speed, err);
	if (rc)
		return rc;
	made = calloc(1, sizeof(*made));
	if (!made)
		abort();
	made->boot = read_boot();
	pthread_mutex_init(&made->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&made->moved, &attr);
	pthread_condattr_destroy(&attr);
	nm_path_join(&path, state_dir, "clock");
	rc = open_anchor(made, nm_buf_string(&path), speed, err);
	nm_buf_release(&path);
	if (rc)
		nm_vclock_close(made);
	else
		*clock = made;
	return rc;
}

/* Begins anew from now on, put forward by so much. Nobody who looks meanwhile sees
 * time go back: what is no whole millisecond is given. Under both locks. */
static void
renew(struct nm_vclock *clock, int64_t by_ms)
{
	struct nm_moment then, now = look(clock);

	nm_anchor_read(&clock->anchor, &then);
	now.virtual_ms = then.virtual_ms + by_ms +
		(int64_t)ceil(passed(&then, &now));
	now.speed = then.speed;
	nm_anchor_write(&clock->anchor, &now);
}

/* Has the file know how far time that runs fast has come, if it learnt it that long
 * ago: the rest is lost where the machine ends and its wall clock is set back. Under
 * the clock's lock. */
static void
renew_after(struct nm_vclock *clock, int64_t after_ms)
{
	struct nm_moment then, now = look(clock);

	if (!clock->anchor.file)
		return;
	nm_anchor_read(&clock->anchor, &then);
	if (then.speed == 1 || then.speed == 0 ||
	    now.mono_ms - then.mono_ms < after_ms ||
	    !nm_anchor_try_lock(&clock->anchor)) /* another has it known then */
		return;
	renew(clock, 0);
	nm_anchor_unlock(&clock->anchor);
}

void
nm_vclock_close(struct nm_vclock *clock)
{
	if (!clock)
		return;
	renew_after(clock, 0);
	nm_anchor_close(&clock->anchor);
	pthread_cond_destroy(&clock->moved);
	pthread_mutex_destroy(&clock->lock);
	free(clock);
}

int64_t
nm_vclock_now_ms(const struct nm_vclock *clock)
{
	struct nm_moment then, now;

	if (!clock->anchor.file)
		return clock_ms(CLOCK_REALTIME);
	nm_anchor_read(&clock->anchor, &then); /* first: it is not later than now */
	now = look(clock);
	return then.virtual_ms + (int64_t)passed(&then, &now);
}

int64_t
nm_vclock_now_s(const struct nm_vclock *clock)
{
	return nm_vclock_now_ms(clock) / 1000;
}

double
nm_vclock_speed(const struct nm_vclock *clock)
{
	struct nm_moment then;

	if (!clock->anchor.file)
		return 1;
	nm_anchor_read(&clock->anchor, &then);
	return then.speed;
}

const char *
nm_vclock_mode(const struct nm_vclock *clock)
{
	double speed = nm_vclock_speed(clock);

	return speed == 0 ? "step" : speed == 1 ? "real" : "fast";
}

enum nm_code
nm_vclock_move(struct nm_vclock *clock, int64_t by_ms, struct nm_err *err)
{
	if (nm_vclock_speed(clock) == 1)
		return nm_fail(err, NM_REFUSED, 0, "real time cannot be moved; "
		               "start with the clock \"step\" or \"fast=N\"");
	pthread_mutex_lock(&clock->lock);
	nm_anchor_lock(&clock->anchor);
	renew(clock, by_ms);
	nm_anchor_sync(&clock->anchor);
	nm_anchor_unlock(&clock->anchor);
	pthread_mutex_unlock(&clock->lock);
	nm_vclock_wake(clock);
	return NM_OK;
}

/* Real milliseconds until at_ms as things stand, at most left_ms. */
static int64_t
pause_until(const struct nm_vclock *clock, int64_t at_ms, int64_t left_ms)
{
	double speed = nm_vclock_speed(clock);
	double pause;

	if (clock->anchor.file && left_ms > POLL_MS)
		left_ms = POLL_MS;
	if (speed == 0 || at_ms == INT64_MAX)
		return left_ms;
	pause = (double)(at_ms - nm_vclock_now_ms(clock)) / speed + 1;
	return pause < (double)left_ms ? (int64_t)pause : left_ms;
}

void
nm_vclock_wait(struct nm_vclock *clock, int64_t at_ms, int64_t real_max_ms,
               uint64_t *seen)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), end = now + real_max_ms, until;
	struct timespec when;

	pthread_mutex_lock(&clock->lock);
	renew_after(clock, RENEW_MS);
	while (*seen == clock->wakings && now < end &&
	       nm_vclock_now_ms(clock) < at_ms) {
		until = now + pause_until(clock, at_ms, end - now);
		when.tv_sec = (time_t)(until / 1000);
		when.tv_nsec = (long)(until % 1000) * 1000000;
		pthread_cond_timedwait(&clock->moved, &clock->lock, &when);
		now = clock_ms(CLOCK_MONOTONIC);
	}
	*seen = clock->wakings;
	pthread_mutex_unlock(&clock->lock);
}

void
nm_vclock_wake(struct nm_vclock *clock)
{
	pthread_mutex_lock(&clock->lock);
	clock->wakings++;
	pthread_cond_broadcast(&clock->moved);
	pthread_mutex_unlock(&clock->lock);
}
