/*
 * clock_jump: loaded before a program (LD_PRELOAD), lets the wall clock jump by up to
 * thirty days, forth and back, at every third look at it. The clock that only ever
 * runs on stays as it is: that it does is the kernel's word. Knows the C library's
 * calls; must not know the program.
 *
 *   CLOCK_JUMPS=FILE   a byte for each jump
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS = 3, SPAN_S = 30 * 24 * 3600 };

static int64_t
offset_s(void)
{
	static uint64_t looks, mixed = 1;
	const char *path = getenv("CLOCK_JUMPS");
	int fd;

	if (looks++ % LOOKS == 0) {
		mixed = mixed * 6364136223846793005u + 1442695040888963407u;
		fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)
		          : -1;
		if (fd >= 0 && write(fd, ".", 1) == 1)
			close(fd);
	}
	return (int64_t)(mixed >> 33) % (2 * SPAN_S) - SPAN_S;
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	int status = (int)syscall(SYS_clock_gettime, id, now);

	if (!status && id == CLOCK_REALTIME)
		now->tv_sec += offset_s();
	return status;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *out, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}
