/*
 * stop_at: loaded before a program (LD_PRELOAD), ends it by SIGKILL at a chosen
 * moment, as a power cut's little brother would. Knows the C library's calls;
 * must not know the program.
 *
 *   STOP_AT="before N"   the N-th durable step has not begun: none of its bytes
 *                        is written
 *   STOP_AT="within N"   it is written, and not synced
 *   STOP_AT="after N"    it is synced; nothing was done since
 *   STOP_AT="reply N"    the N-th reply is there, and was not read: the service
 *                        acted, and nobody here knows
 *   STOP_LOG=FILE        a line for each of them: "step FILE-NAME", "reply"
 *
 * A step is a call of fsync or fdatasync with all writes to files since the one
 * before it. What was written stays written, since only the process dies.
 */
/* Else pwrite would be but another name of pwrite64; programs call either. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct moment {
	char what[16]; /* "" = never */
	long number;
};

static struct {
	int           ready;
	struct moment end;
	int           log_fd;  /* -1 = none */
	long          steps;   /* synced so far */
	long          replies;
} stop = { .log_fd = -1 };

static void
read_moment(const char *at)
{
	size_t len = strcspn(at, " ");
	char *end;

	if (len >= sizeof(stop.end.what) || !at[len])
		abort();
	memcpy(stop.end.what, at, len);
	stop.end.number = strtol(at + len, &end, 10);
	if (*end)
		abort();
}

static void
set_up(void)
{
	const char *at = getenv("STOP_AT"), *log = getenv("STOP_LOG");

	if (stop.ready)
		return;
	stop.ready = 1;
	if (at)
		read_moment(at);
	if (log)
		stop.log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND |
		                   O_CLOEXEC, 0644);
}

static void
find(void *function, const char *name)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
	if (!*(void **)function)
		abort();
	set_up();
}

static void
pass(const char *what, long number)
{
	if (stop.end.number == number && strcmp(stop.end.what, what) == 0)
		raise(SIGKILL);
}

/* Writes to files belong to the step that the next sync ends. */
static void
note_write(int fd)
{
	struct stat info;

	if (fd > 2 && fd != stop.log_fd && fstat(fd, &info) == 0 &&
	    S_ISREG(info.st_mode))
		pass("before", stop.steps + 1);
}

static void
log_step(int fd)
{
	char link[64], path[PATH_BYTES] = "step ";
	ssize_t len;

	if (stop.log_fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path + 5, sizeof(path) - 6);
	path[len < 0 ? 5 : 5 + len] = '\n';
	if (write(stop.log_fd, path, len < 0 ? 6 : 6 + (size_t)len) < 0)
		abort();
}

static int
sync_by(const char *name, int fd)
{
	int (*sync)(int);
	int result;

	find(&sync, name);
	pass("before", stop.steps + 1);
	pass("within", stop.steps + 1);
	result = sync(fd);
	stop.steps++;
	log_step(fd);
	pass("after", stop.steps);
	return result;
}

int
fsync(int fd)
{
	return sync_by("fsync", fd);
}

int
fdatasync(int fd)
{
	return sync_by("fdatasync", fd);
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	ssize_t (*next)(int, const void *, size_t);

	find(&next, "write");
	note_write(fd);
	return next(fd, bytes, len);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	ssize_t (*next)(int, const void *, size_t, off_t);

	find(&next, "pwrite");
	note_write(fd);
	return next(fd, bytes, len, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	ssize_t (*next)(int, const void *, size_t, off64_t);

	find(&next, "pwrite64");
	note_write(fd);
	return next(fd, bytes, len, at);
}

ssize_t
recv(int fd, void *bytes, size_t len, int flags)
{
	ssize_t (*next)(int, void *, size_t, int);
	ssize_t got;

	find(&next, "recv");
	got = next(fd, bytes, len, flags);
	if (flags & MSG_PEEK || got < 9 || memcmp(bytes, "HTTP/1.1 ", 9) != 0)
		return got;
	stop.replies++;
	if (stop.log_fd >= 0 && write(stop.log_fd, "reply\n", 6) < 0)
		abort();
	pass("reply", stop.replies);
	return got;
}
