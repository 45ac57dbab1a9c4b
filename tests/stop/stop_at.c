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
 *                        files and not synced is undone, and new names go of which
 *                        no sync of their folder was made
 *
 *   STOP_SIGNAL=2        this signal once, instead of SIGKILL: the program goes on
 *
 * A step is a call of fsync or fdatasync with all writes to files since the one
 * before it. Undone is what write and pwrite did, and what made a name: none that was
 * taken away comes back. Threads write and sync one after another.
 */
/* Else pwrite would be but another name of pwrite64; programs call either. */
#undef _FILE_OFFSET_BITS
/* Else the C library's headers hold a recv of their own, to be put inline. */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct moment {
	char what[16]; /* "" = never */
	long number;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Held from a write's being noted to its end, and while steps are counted. */
static pthread_mutex_t lock;

static struct {
	struct moment end;
	int           log_fd;  /* -1 = none */
	long          steps;   /* synced so far */
	long          replies;
	int           signal;  /* 0 = SIGKILL */
} stop = { .log_fd = -1 };

/* A descriptor of our own for each file that was written. Never closed: that would
 * free SQLite's locks. */
struct kept {
	int   fd;
	dev_t dev;
	ino_t ino;
};

/* How a file was before one write to it that no sync has made to last. */
struct undo {
	struct kept kept;
	off_t  size;
	off_t  at;
	size_t len;
	char  *bytes;
};

/* A new name that may not last. */
struct name {
	char       *path;
	struct kept folder; /* its fd is none */
};

static struct {
	int          wanted;
	struct undo *list;
	size_t       n, room;
	struct kept *files;
	size_t       n_files, files_room;
	struct name *names;
	size_t       n_names, names_room;
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
	const char *signal_number = getenv("STOP_SIGNAL");
	pthread_mutexattr_t kind;

	/* A fork of ours, or a signal's handler, may write too. */
	pthread_mutexattr_init(&kind);
	pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&lock, &kind);
	pthread_mutexattr_destroy(&kind);
	if (at)
		read_moment(at);
	if (signal_number)
		stop.signal = (int)strtol(signal_number, NULL, 10);
	undone.wanted = getenv("STOP_POWER") != NULL;
	if (log)
		stop.log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY |
		                           O_CREAT | O_APPEND | O_CLOEXEC,
		                           0644);
}

static void
find(void *function, const char *name)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
	if (!*(void **)function)
		abort();
	pthread_once(&once, set_up);
}

static int
is_of(const struct kept *kept, const struct stat *info)
{
	return kept->dev == info->st_dev && kept->ino == info->st_ino;
}

/* Room for one more of n. */
static void *
grow(void *list, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return list;
	*room = *room ? 2 * *room : 64;
	list = realloc(list, *room * size);
	if (!list)
		abort();
	return list;
}

/* The program may close its own before the next sync. */
static struct kept
keep_file(int fd, const struct stat *info)
{
	struct kept *kept;

	for (size_t i = 0; i < undone.n_files; i++)
		if (is_of(&undone.files[i], info))
			return undone.files[i];
	undone.files = grow(undone.files, undone.n_files, &undone.files_room,
	                    sizeof(*undone.files));
	kept = &undone.files[undone.n_files++];
	*kept = (struct kept){ fcntl(fd, F_DUPFD_CLOEXEC, 3), info->st_dev,
	                       info->st_ino };
	if (kept->fd < 0)
		abort();
	return *kept;
}

static void
remember(int fd, off_t at, size_t len, const struct stat *info)
{
	struct undo *undo;
	ssize_t got;

	if (!undone.wanted)
		return;
	undone.list = grow(undone.list, undone.n, &undone.room,
	                   sizeof(*undone.list));
	undo = &undone.list[undone.n++];
	*undo = (struct undo){ keep_file(fd, info), info->st_size, at, 0,
	                       malloc(len + 1) };
	if (!undo->bytes)
		abort();
	got = pread(fd, undo->bytes, len, at);
	if (got > 0)
		undo->len = (size_t)got;
}

static void
remember_name(const char *path)
{
	struct name *name;
	struct stat info;
	char *base, *full = realpath(path, NULL);

	if (!full)
		return;
	undone.names = grow(undone.names, undone.n_names, &undone.names_room,
	                    sizeof(*undone.names));
	name = &undone.names[undone.n_names];
	base = strrchr(full, '/') + 1;
	name->path = strdup(full);
	*base = 0;
	if (!name->path || stat(full, &info) != 0)
		abort();
	name->folder = (struct kept){ -1, info.st_dev, info.st_ino };
	undone.n_names++;
	free(full);
}

/* A sync of its folder made it last, or it has another one now. */
static void
forget_names(const struct stat *folder, const char *path)
{
	size_t i, kept = 0;

	for (i = 0; i < undone.n_names; i++) {
		if ((folder && is_of(&undone.names[i].folder, folder)) ||
		    (path && strcmp(undone.names[i].path, path) == 0))
			free(undone.names[i].path);
		else
			undone.names[kept++] = undone.names[i];
	}
	undone.n_names = kept;
}

/* A sync made the file last. */
static void
forget(int fd)
{
	struct stat info;
	size_t i, kept = 0;

	if (!undone.wanted || fstat(fd, &info) != 0)
		return;
	if (S_ISDIR(info.st_mode))
		forget_names(&info, NULL);
	for (i = 0; i < undone.n; i++) {
		if (is_of(&undone.list[i].kept, &info))
			free(undone.list[i].bytes);
		else
			undone.list[kept++] = undone.list[i];
	}
	undone.n = kept;
}

/* A folder takes with it what is in it. */
static void
lose(const char *path)
{
	char aside[PATH_BYTES + 8];

	if (unlink(path) == 0)
		return;
	snprintf(aside, sizeof(aside), "%s.lost", path);
	(void)rename(path, aside);
}

static void
wait_for_the_end(int number)
{
	(void)number;
	for (;;)
		pause();
}

/* A thread that has a file mapped may touch what is cut off: it dies with the others,
 * and not of that. */
static void
undo_all(void)
{
	struct sigaction waits = { .sa_handler = wait_for_the_end };
	ssize_t (*put)(int, const void *, size_t, off_t);

	if (sigaction(SIGBUS, &waits, NULL) != 0)
		abort();
	find(&put, "pwrite");
	while (undone.n) {
		struct undo *undo = &undone.list[--undone.n];
		int fd = undo->kept.fd;

		if (put(fd, undo->bytes, undo->len, undo->at) < 0 ||
		    ftruncate(fd, undo->size) != 0)
			abort();
	}
	while (undone.n_names)
		lose(undone.names[--undone.n_names].path);
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
	if (stop.signal) {
		stop.end.number = -1;
		raise(stop.signal);
		return;
	}
	undo_all();
	raise(SIGKILL);
}

/* Writes to files belong to the step that the next sync ends. Whether it is one:
 * then the lock is held, until its end. */
static int
begin_write(int fd, off_t at, size_t len)
{
	struct stat info;

	if (fd <= 2 || fd == stop.log_fd || fstat(fd, &info) != 0 ||
	    !S_ISREG(info.st_mode))
		return 0;
	pthread_mutex_lock(&lock);
	/* Others may have written while this one waited. */
	if (fstat(fd, &info) != 0)
		abort();
	pass("before", stop.steps + 1);
	remember(fd, at, len, &info);
	return 1;
}

static ssize_t
end_write(int locked, ssize_t wrote)
{
	if (locked)
		pthread_mutex_unlock(&lock);
	return wrote;
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
	pthread_mutex_lock(&lock);
	pass("before", stop.steps + 1);
	if (is_end("within", stop.steps + 1))
		log_step(fd);
	pass("within", stop.steps + 1);
	result = sync(fd);
	forget(fd);
	stop.steps++;
	log_step(fd);
	pass("after", stop.steps);
	pthread_mutex_unlock(&lock);
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
	int locked;

	find(&next, "write");
	locked = begin_write(fd, lseek(fd, 0, SEEK_CUR), len);
	return end_write(locked, next(fd, bytes, len));
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	ssize_t (*next)(int, const void *, size_t, off_t);
	int locked;

	find(&next, "pwrite");
	locked = begin_write(fd, at, len);
	return end_write(locked, next(fd, bytes, len, at));
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	ssize_t (*next)(int, const void *, size_t, off64_t);
	int locked;

	find(&next, "pwrite64");
	locked = begin_write(fd, at, len);
	return end_write(locked, next(fd, bytes, len, at));
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
	pthread_mutex_lock(&lock);
	stop.replies++;
	if (stop.log_fd >= 0 && write(stop.log_fd, "reply\n", 6) < 0)
		abort();
	pass("reply", stop.replies);
	pthread_mutex_unlock(&lock);
	return got;
}

/* ---- names ---- */

static int
is_new(const char *path)
{
	struct stat info;

	return undone.wanted && lstat(path, &info) != 0;
}

static int
open_by(const char *name, const char *path, int flags, mode_t mode)
{
	int (*next)(const char *, int, ...);
	int fd, makes;

	find(&next, name);
	pthread_mutex_lock(&lock);
	makes = (flags & O_CREAT) && is_new(path);
	fd = next(path, flags, mode);
	if (fd >= 0 && makes)
		remember_name(path);
	pthread_mutex_unlock(&lock);
	return fd;
}

/* The mode stands behind, where there is one. */
#define DEFINE_OPEN(name) \
	int \
	name(const char *path, int flags, ...) \
	{ \
		mode_t mode = 0; \
		va_list args; \
		\
		va_start(args, flags); \
		if (flags & O_CREAT || (flags & __O_TMPFILE) == __O_TMPFILE) \
			mode = va_arg(args, mode_t); \
		va_end(args); \
		return open_by(#name, path, flags, mode); \
	}
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int
link(const char *from, const char *to)
{
	int (*next)(const char *, const char *);
	int result;

	find(&next, "link");
	pthread_mutex_lock(&lock);
	result = next(from, to);
	if (result == 0 && undone.wanted)
		remember_name(to);
	pthread_mutex_unlock(&lock);
	return result;
}

/* A sanitizer makes folders before it can bear that the C library is asked. */
int
mkdir(const char *path, mode_t mode)
{
	int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);

	if (result == 0 && undone.wanted) {
		pthread_mutex_lock(&lock);
		remember_name(path);
		pthread_mutex_unlock(&lock);
	}
	return result;
}

/* A folder may come first of all. */
__attribute__((constructor)) static void
begin(void)
{
	pthread_once(&once, set_up);
}

int
rename(const char *from, const char *to)
{
	int (*next)(const char *, const char *);
	char *old;
	int result, makes;

	find(&next, "rename");
	pthread_mutex_lock(&lock);
	makes = is_new(to);
	old = undone.wanted ? realpath(from, NULL) : NULL;
	result = next(from, to);
	if (result == 0 && makes)
		remember_name(to);
	if (result == 0 && old)
		forget_names(NULL, old);
	free(old);
	pthread_mutex_unlock(&lock);
	return result;
}
