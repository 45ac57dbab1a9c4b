#include "server/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"

enum { POLL_MS = 100 }; /* how late another process's move may be seen */

static const char magic[8] = "nmclock";

/* The shared file, as it is mapped. `turn` is odd while the rest changes. */
struct anchor {
	char             magic[8];
	_Atomic uint64_t turn;
	_Atomic int64_t  virtual_ms;
	_Atomic int64_t  wall_ms;
	_Atomic uint64_t speed_bits; /* of a double */
};

struct nm_vclock {
	struct anchor  *anchor;
	struct anchor   own;     /* when time is the wall's and nothing is shared */
	int             fd;      /* -1 without a file */
	pthread_mutex_t lock;
	pthread_cond_t  moved;
	uint64_t        wakings;
};

static int64_t
clock_ms(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static double
speed_of(uint64_t bits)
{
	double speed;

	memcpy(&speed, &bits, sizeof(speed));
	return speed;
}

/* A consistent reading of the anchor, whoever is changing it. */
static void
read_anchor(struct anchor *anchor, int64_t *virtual_ms, int64_t *wall_ms,
            double *speed)
{
	uint64_t before, after;

	do {
		before = atomic_load(&anchor->turn);
		*virtual_ms = atomic_load(&anchor->virtual_ms);
		*wall_ms = atomic_load(&anchor->wall_ms);
		*speed = speed_of(atomic_load(&anchor->speed_bits));
		after = atomic_load(&anchor->turn);
	} while (before != after || before & 1);
}

/* Writers hold the file's flock, or are alone. A writer that died half way left
 * `turn` odd: the next one makes it even again. */
static void
write_anchor(struct anchor *anchor, int64_t virtual_ms, int64_t wall_ms,
             double speed)
{
	uint64_t bits, turn = atomic_load(&anchor->turn) | 1;

	memcpy(&bits, &speed, sizeof(bits));
	atomic_store(&anchor->turn, turn);
	atomic_store(&anchor->virtual_ms, virtual_ms);
	atomic_store(&anchor->wall_ms, wall_ms);
	atomic_store(&anchor->speed_bits, bits);
	atomic_store(&anchor->turn, turn + 1);
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

/* Maps the shared file; makes it unless time is simply the wall's. */
static enum nm_code
map_anchor(struct nm_vclock *clock, const char *path, double speed,
           struct nm_err *err)
{
	void *at;
	bool fresh;

	clock->fd = open(path, O_RDWR | O_CLOEXEC | (speed == 1 ? 0 : O_CREAT),
	                 0600);
	if (clock->fd < 0 && errno == ENOENT)
		return NM_OK;
	if (clock->fd < 0 || flock(clock->fd, LOCK_EX))
		goto broken;
	fresh = lseek(clock->fd, 0, SEEK_END) == 0;
	if (fresh && ftruncate(clock->fd, sizeof(struct anchor)))
		goto broken;
	if (lseek(clock->fd, 0, SEEK_END) != (off_t)sizeof(struct anchor))
		return nm_fail(err, NM_STATE, 0, "%s is no clock of this program",
		               path);
	at = mmap(NULL, sizeof(struct anchor), PROT_READ | PROT_WRITE,
	          MAP_SHARED, clock->fd, 0);
	if (at == MAP_FAILED)
		goto broken;
	clock->anchor = at;
	if (fresh) {
		write_anchor(clock->anchor, clock_ms(CLOCK_REALTIME),
		             clock_ms(CLOCK_REALTIME), speed);
		memcpy(clock->anchor->magic, magic, sizeof(magic));
	}
	if (memcmp(clock->anchor->magic, magic, sizeof(magic)) != 0)
		return nm_fail(err, NM_STATE, 0, "%s is no clock of this program",
		               path);
	return NM_OK;
broken:
	return nm_fail(err, NM_IO, errno, "%s: %s", path, strerror(errno));
}

/* Time goes on from where the folder's clock stands, at the speed now asked for,
 * and a clock run ahead of the wall stays ahead. */
static void
set_speed(struct nm_vclock *clock, double speed)
{
	int64_t virtual_ms, wall_ms, now = clock_ms(CLOCK_REALTIME);
	double old;

	if (atomic_load(&clock->anchor->turn) & 1)
		atomic_fetch_add(&clock->anchor->turn, 1);
	read_anchor(clock->anchor, &virtual_ms, &wall_ms, &old);
	if (old == speed)
		return;
	virtual_ms += (int64_t)((double)(now - wall_ms) * old);
	if (speed == 1 && virtual_ms < now)
		virtual_ms = now;
	write_anchor(clock->anchor, virtual_ms, now, speed);
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
	made->fd = -1;
	pthread_mutex_init(&made->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&made->moved, &attr);
	pthread_condattr_destroy(&attr);
	nm_path_join(&path, state_dir, "clock");
	rc = map_anchor(made, nm_buf_string(&path), speed, err);
	if (!rc && !made->anchor) {
		made->anchor = &made->own;
		write_anchor(made->anchor, 0, 0, 1);
	}
	if (!rc)
		set_speed(made, speed);
	if (made->fd >= 0)
		flock(made->fd, LOCK_UN);
	nm_buf_release(&path);
	if (rc)
		nm_vclock_close(made);
	else
		*clock = made;
	return rc;
}

void
nm_vclock_close(struct nm_vclock *clock)
{
	if (!clock)
		return;
	if (clock->anchor && clock->anchor != &clock->own)
		munmap(clock->anchor, sizeof(*clock->anchor));
	if (clock->fd >= 0)
		close(clock->fd);
	pthread_cond_destroy(&clock->moved);
	pthread_mutex_destroy(&clock->lock);
	free(clock);
}

int64_t
nm_vclock_now_ms(const struct nm_vclock *clock)
{
	int64_t virtual_ms, wall_ms, passed;
	double speed;

	read_anchor(clock->anchor, &virtual_ms, &wall_ms, &speed);
	passed = clock_ms(CLOCK_REALTIME) - wall_ms;
	if (speed == 1)
		return virtual_ms + passed;
	return virtual_ms + (int64_t)((double)passed * speed);
}

int64_t
nm_vclock_now_s(const struct nm_vclock *clock)
{
	return nm_vclock_now_ms(clock) / 1000;
}

double
nm_vclock_speed(const struct nm_vclock *clock)
{
	return speed_of(atomic_load(&clock->anchor->speed_bits));
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
	int64_t virtual_ms, wall_ms;
	double speed;

	if (clock->fd < 0 || nm_vclock_speed(clock) == 1)
		return nm_fail(err, NM_REFUSED, 0, "real time cannot be moved; "
		               "start with the clock \"step\" or \"fast=N\"");
	flock(clock->fd, LOCK_EX);
	pthread_mutex_lock(&clock->lock);
	read_anchor(clock->anchor, &virtual_ms, &wall_ms, &speed);
	write_anchor(clock->anchor, virtual_ms + by_ms, wall_ms, speed);
	msync(clock->anchor, sizeof(*clock->anchor), MS_SYNC);
	pthread_mutex_unlock(&clock->lock);
	flock(clock->fd, LOCK_UN);
	nm_vclock_wake(clock);
	return NM_OK;
}

/* Real milliseconds until at_ms as things stand, at most left_ms. */
static int64_t
pause_until(const struct nm_vclock *clock, int64_t at_ms, int64_t left_ms)
{
	double speed = nm_vclock_speed(clock);
	double pause;

	if (clock->fd >= 0 && left_ms > POLL_MS)
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
