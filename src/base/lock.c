/*
 * lock: a file that one process holds; see file.h.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* It has the lock some moments before it has written that: until then there is nothing,
 * or one that held it before. */
enum { LOOKS = 20, PAUSE_NS = 10000000 };

static long
read_holder(int fd)
{
	char digits[24] = "";
	long pid;

	if (pread(fd, digits, sizeof(digits) - 1, 0) <= 0)
		return 0;
	pid = strtol(digits, NULL, 10);
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno != ESRCH) ? pid : 0;
}

/* 0 when it does not say, or is on another machine. */
static long
holder_of(int fd)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	long pid = read_holder(fd);

	for (int i = 0; !pid && i < LOOKS; i++) {
		nanosleep(&pause, NULL);
		pid = read_holder(fd);
	}
	return pid;
}

static enum nm_code
cannot_lock(struct nm_err *err, const char *path, int why)
{
	return nm_fail(err, NM_IO, why, "cannot lock %s: %s", path,
	               why == ENOENT ? "no such folder" : strerror(why));
}

static enum nm_code
held(int fd, const char *path, struct nm_err *err)
{
	long pid = holder_of(fd);

	if (pid > 0)
		return nm_fail(err, NM_HELD, pid, "%s is held by process %ld",
		               path, pid);
	return nm_fail(err, NM_HELD, 0, "%s is held by another process", path);
}

static bool
write_holder(int fd)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%ld\n", (long)getpid());

	return ftruncate(fd, 0) == 0
	    && pwrite(fd, digits, (size_t)len, 0) == len;
}

enum nm_code
nm_lock_open(struct nm_lock *lock, const char *path, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot_lock(err, path, errno);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? held(fd, path, err)
		                          : cannot_lock(err, path, errno);
		goto done;
	}
	/* Only told in messages: a full disk need not stop the holder. */
	(void)write_holder(fd);
	lock->fd_plus_one = fd + 1;
done:
	if (rc)
		(void)close(fd);
	return rc;
}

void
nm_lock_close(struct nm_lock *lock)
{
	if (!lock || !lock->fd_plus_one)
		return;
	(void)close(lock->fd_plus_one - 1);
	lock->fd_plus_one = 0;
}
