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
 *   STOP_LOG=FILE        a line for each of them: "step FILE-NAME", "reply"; also for
 *                        a step that it is killed within
 *
 *   STOP_POWER=1         the power goes, not only the process: all that was written to
 *                        files and not synced is undone
 *
 * A step is a call of fsync or fdatasync with all writes to files since the one
 * before it. Undone is what write and pwrite did; names stay as they are.
 */
/* Else pwrite would be but another name of pwrite64; programs call either. */
#undef _FILE_OFFSET_BITS
/* Else the C library's headers hold a recv of their own, to be put inline. */
#undef _FORTIFY_SOURCE

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

/* How a file was before one write to it that no sync has made to last. */
struct undo {
	int    fd;
	dev_t  dev;
	ino_t  ino;
	off_t  size;
	off_t  at;
	size_t len;
	char  *bytes;
};

static struct {
	int          wanted;
	struct undo *list;
	size_t       n, room;
} undone;

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
	undone.wanted = getenv("STOP_POWER") != NULL;
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

static int
is_of(const struct undo *undo, const struct stat *info)
{
	return undo->dev == info->st_dev && undo->ino == info->st_ino;
}

/* No descriptor is kept: closing it would free SQLite's locks. */
static void
remember(int fd, off_t at, size_t len, const struct stat *info)
{
	struct undo *undo;
	ssize_t got;

	if (!undone.wanted)
		return;
	if (undone.n == undone.room) {
		undone.room = undone.room ? 2 * undone.room : 64;
		undone.list = realloc(undone.list,
		                      undone.room * sizeof(*undone.list));
		if (!undone.list)
			abort();
	}
	undo = &undone.list[undone.n++];
	*undo = (struct undo){ fd, info->st_dev, info->st_ino, info->st_size,
	                       at, 0, malloc(len + 1) };
	if (!undo->bytes)
		abort();
	got = pread(fd, undo->bytes, len, at);
	if (got > 0)
		undo->len = (size_t)got;
}

/* A sync made the file last. */
static void
forget(int fd)
{
	struct stat info;
	size_t i, kept = 0;

	if (!undone.n || fstat(fd, &info) != 0)
		return;
	for (i = 0; i < undone.n; i++) {
		if (is_of(&undone.list[i], &info))
			free(undone.list[i].bytes);
		else
			undone.list[kept++] = undone.list[i];
	}
	undone.n = kept;
}

static void
undo_all(void)
{
	ssize_t (*put)(int, const void *, size_t, off_t);

	find(&put, "pwrite");
	while (undone.n) {
		struct undo *undo = &undone.list[--undone.n];
		struct stat info;

		if (fstat(undo->fd, &info) != 0 || !is_of(undo, &info))
			continue;
		if (put(undo->fd, undo->bytes, undo->len, undo->at) < 0 ||
		    ftruncate(undo->fd, undo->size) != 0)
			abort();
	}
}

static int
is_end(const char *what, long number)
{
	return stop.end.number == number && strcmp(stop.end.what, what) == 0;
}

static void
pass(const char *what, long number)
{
	if (!is_end(what, number))
		return;
	undo_all();
	raise(SIGKILL);
}

/* Writes to files belong to the step that the next sync ends. */
static void
note_write(int fd, off_t at, size_t len)
{
	struct stat info;

	if (fd <= 2 || fd == stop.log_fd || fstat(fd, &info) != 0 ||
	    !S_ISREG(info.st_mode))
		return;
	pass("before", stop.steps + 1);
	remember(fd, at, len, &info);
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
	if (is_end("within", stop.steps + 1))
		log_step(fd);
	pass("within", stop.steps + 1);
	result = sync(fd);
	forget(fd);
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
	note_write(fd, lseek(fd, 0, SEEK_CUR), len);
	return next(fd, bytes, len);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	ssize_t (*next)(int, const void *, size_t, off_t);

	find(&next, "pwrite");
	note_write(fd, at, len);
	return next(fd, bytes, len, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	ssize_t (*next)(int, const void *, size_t, off64_t);

	find(&next, "pwrite64");
	note_write(fd, at, len);
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
