/*
 * file: see file.h.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/path.h"

enum {
	PENDING_BYTES = 128 << 10,
	READ_BYTES = 64 << 10,
	STEM_MAX_BYTES = 200 /* of 255, to leave room for the rest of the name */
};

/* Linux moves at most 2 GiB at once. */
#define STEP_BYTES ((uint64_t)1 << 30)

static const char *
reason(int why)
{
	switch (why) {
	case ENOENT:
		return "no such file";
	case EACCES:
		return "permission denied";
	case EISDIR:
		return "is a folder";
	}
	return strerror(why);
}

/* The folder's name with its last '/', so that it can be opened and added to. */
static struct nm_text
folder_of(const char *path)
{
	return (struct nm_text){ path, (size_t)(nm_path_base(path) - path) };
}

static enum nm_code
cannot_write(struct nm_err *err, const char *path, int why)
{
	return nm_fail(err, NM_IO, why, "cannot write %s: %s", path,
	               why == ENOENT ? "no such folder" : reason(why));
}

/* 0, or errno. */
static int
write_fully(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			(void)poll(&ready, 1, -1);
		} else if (put < 0 && errno != EINTR) {
			return errno;
		} else if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

/* ---- draft ---- */

/* Renaming onto a device or a folder would destroy it, or fail at the very end. */
static enum nm_code
check_target(const char *path, struct nm_err *err)
{
	struct stat info;

	if (stat(path, &info) || S_ISREG(info.st_mode))
		return NM_OK;
	if (S_ISDIR(info.st_mode))
		return cannot_write(err, path, EISDIR);
	return nm_fail(err, NM_IO, 0, "cannot write %s: it is no regular file",
	               path);
}

static void
name_temporary(struct nm_buf *out, const char *path)
{
	struct nm_text folder = folder_of(path);
	const char *base = nm_path_base(path);
	char mark[9];

	nm_digest_random_hex(mark, 8);
	nm_buf_add_text(out, folder);
	nm_buf_addf(out, ".%.*s.%ld-%s.tmp", STEM_MAX_BYTES, base,
	            (long)getpid(), mark);
}

enum nm_code
nm_draft_open(struct nm_draft *draft, const char *path, unsigned mode,
              struct nm_err *err)
{
	struct nm_draft new = { 0 };
	enum nm_code rc;
	int fd;

	if (*nm_path_base(path) == 0)
		return nm_fail(err, NM_IO, 0, "cannot write %s: that names no "
		               "file", *path ? path : "\"\"");
	rc = check_target(path, err);
	if (rc)
		return rc;
	nm_buf_add_string(&new.path, path);
	name_temporary(&new.temporary, path);
	fd = open(new.temporary.at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	          (mode_t)mode);
	if (fd < 0) {
		rc = cannot_write(err, path, errno);
		nm_draft_abandon(&new);
		return rc;
	}
	new.fd_plus_one = fd + 1;
	*draft = new;
	return NM_OK;
}

static void
put(struct nm_draft *draft, const char *bytes, size_t len)
{
	int why;

	if (draft->failed.code || len == 0)
		return;
	why = write_fully(draft->fd_plus_one - 1, bytes, len);
	if (why)
		(void)cannot_write(&draft->failed, draft->path.at, why);
}

static void
put_pending(struct nm_draft *draft)
{
	put(draft, draft->pending.at, draft->pending.len);
	nm_buf_clear(&draft->pending);
}

void
nm_draft_add(struct nm_draft *draft, const void *bytes, size_t len)
{
	draft->bytes += len;
	if (draft->failed.code)
		return;
	if (draft->pending.len + len > PENDING_BYTES)
		put_pending(draft);
	if (len >= PENDING_BYTES)
		put(draft, bytes, len);
	else
		nm_buf_add(&draft->pending, bytes, len);
}

/* Moves on *from and *left; false when another way must be tried for the rest. */
static bool
copy_by_range(int out, int in, off_t *from, uint64_t *left)
{
	while (*left) {
		size_t step = (size_t)(*left < STEP_BYTES ? *left : STEP_BYTES);
		ssize_t got = copy_file_range(in, from, out, NULL, step, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		*left -= (uint64_t)got;
	}
	return true;
}

static bool
copy_by_sendfile(int out, int in, off_t *from, uint64_t *left)
{
	while (*left) {
		size_t step = (size_t)(*left < STEP_BYTES ? *left : STEP_BYTES);
		ssize_t got = sendfile(out, in, from, step);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		*left -= (uint64_t)got;
	}
	return true;
}

static void
copy_by_hand(struct nm_draft *draft, int in, off_t from, uint64_t left)
{
	while (left && !draft->failed.code) {
		size_t step = (size_t)(left < READ_BYTES ? left : READ_BYTES);
		char *room = nm_buf_room(&draft->pending, step);
		ssize_t got = pread(in, room, step, from);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			(void)nm_fail(&draft->failed, NM_IO, got ? errno : 0,
			              "cannot write %s: its source %s",
			              draft->path.at,
			              got ? strerror(errno) : "ends early");
			return;
		}
		nm_buf_took(&draft->pending, (size_t)got);
		put_pending(draft);
		from += got;
		left -= (uint64_t)got;
	}
}

void
nm_draft_add_file(struct nm_draft *draft, int fd, uint64_t from, uint64_t len)
{
	int out = draft->fd_plus_one - 1;
	off_t at = (off_t)from;

	draft->bytes += len;
	put_pending(draft);
	if (draft->failed.code)
		return;
	/* The way by hand comes last, and tells the reason if it fails too. */
	if (copy_by_range(out, fd, &at, &len)
	    || copy_by_sendfile(out, fd, &at, &len))
		return;
	copy_by_hand(draft, fd, at, len);
}

/* 0, or errno. */
static int
close_synced(struct nm_draft *draft)
{
	int fd = draft->fd_plus_one - 1;
	int why = fsync(fd) ? errno : 0;

	draft->fd_plus_one = 0;
	if (close(fd) && !why)
		why = errno;
	return why;
}

enum nm_code
nm_draft_commit(struct nm_draft *draft, struct nm_err *err)
{
	const char *path = draft->path.at;
	enum nm_code rc = NM_OK;
	int why;

	put_pending(draft);
	if (draft->failed.code) {
		rc = draft->failed.code;
		if (err)
			*err = draft->failed;
		goto done;
	}
	why = close_synced(draft);
	if (!why && rename(draft->temporary.at, path))
		why = errno;
	if (why) {
		rc = cannot_write(err, path, why);
		goto done;
	}
	nm_buf_clear(&draft->temporary);
	rc = nm_file_sync_folder(path, err);
done:
	nm_draft_abandon(draft);
	return rc;
}

void
nm_draft_abandon(struct nm_draft *draft)
{
	if (!draft)
		return;
	if (draft->fd_plus_one)
		(void)close(draft->fd_plus_one - 1);
	if (draft->temporary.len)
		(void)unlink(draft->temporary.at);
	nm_buf_release(&draft->path);
	nm_buf_release(&draft->temporary);
	nm_buf_release(&draft->pending);
	*draft = (struct nm_draft){ 0 };
}

/* ---- whole files ---- */

enum nm_code
nm_file_write(const char *path, unsigned mode, struct nm_text content,
              struct nm_err *err)
{
	struct nm_draft draft = { 0 };
	enum nm_code rc = nm_draft_open(&draft, path, mode, err);

	if (rc)
		return rc;
	nm_draft_add(&draft, content.at, content.len);
	return nm_draft_commit(&draft, err);
}

enum nm_code
nm_file_open(const char *path, int *fd, struct nm_err *err)
{
	int new = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int why = new < 0 ? errno : 0;
	struct stat info;

	if (!why && fstat(new, &info))
		why = errno;
	if (!why && S_ISDIR(info.st_mode))
		why = EISDIR;
	if (!why) {
		*fd = new;
		return NM_OK;
	}
	if (new >= 0)
		(void)close(new);
	return nm_fail(err, why == EMFILE || why == ENFILE || why == ENOMEM
	                    || why == EIO ? NM_IO : NM_INPUT,
	               why, "cannot read %s: %s", *path ? path : "\"\"",
	               reason(why));
}

static enum nm_code
too_large(struct nm_err *err, const char *path, size_t most)
{
	return nm_fail(err, NM_LIMIT, 0, "%s is larger than %zu bytes", path,
	               most);
}

/* Reads to the end of the file; the size it tells may be no guide (pipes, /proc). */
static enum nm_code
read_all(int fd, const char *path, struct nm_buf *buf, struct nm_err *err)
{
	size_t max = buf->max ? buf->max : NM_BUF_MAX_BYTES;
	size_t most = max - buf->len;
	struct stat info;
	uint64_t told = fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
	              ? (uint64_t)info.st_size : 0;

	if (told > most)
		return too_large(err, path, most);
	if (told)
		(void)nm_buf_room(buf, (size_t)told);
	for (;;) {
		size_t left = max - buf->len;
		size_t spare = buf->at ? buf->cap - buf->len - 1 : 0;
		size_t step = spare ? spare : READ_BYTES;
		char extra, *room = &extra;
		ssize_t got;

		/* One byte past the ceiling tells "full" from "too large". */
		if (left)
			room = nm_buf_room(buf, step = step < left ? step : left);
		got = read(fd, room, left ? step : 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return nm_fail(err, NM_IO, errno, "cannot read %s: %s",
			               path, strerror(errno));
		if (got == 0)
			return NM_OK;
		if (!left)
			return too_large(err, path, most);
		nm_buf_took(buf, (size_t)got);
	}
}

enum nm_code
nm_file_read(const char *path, struct nm_buf *buf, struct nm_err *err)
{
	size_t before = buf->len;
	enum nm_code rc;
	int fd;

	rc = nm_buf_check(buf, path, err);
	if (rc)
		return rc;
	rc = nm_file_open(path, &fd, err);
	if (rc)
		return rc;
	rc = read_all(fd, path, buf, err);
	(void)close(fd);
	if (rc && buf->at) {
		buf->len = before;
		buf->at[before] = 0;
	}
	return rc;
}

enum nm_code
nm_file_copy(const char *from, const char *to, unsigned mode,
             struct nm_err *err)
{
	struct nm_draft draft = { 0 };
	struct stat info;
	enum nm_code rc;
	int fd;

	rc = nm_file_open(from, &fd, err);
	if (rc)
		return rc;
	if (fstat(fd, &info) || !S_ISREG(info.st_mode)) {
		rc = nm_fail(err, NM_INPUT, 0, "cannot copy %s: it is no "
		             "regular file", from);
		goto done;
	}
	rc = nm_draft_open(&draft, to, mode, err);
	if (rc)
		goto done;
	nm_draft_add_file(&draft, fd, 0, (uint64_t)info.st_size);
	rc = nm_draft_commit(&draft, err);
done:
	(void)close(fd);
	return rc;
}

enum nm_code
nm_file_read_at(int fd, uint64_t from, size_t len, char *out,
                struct nm_err *err)
{
	size_t have = 0;

	while (have < len) {
		uint64_t at = from + have;
		ssize_t got = pread(fd, out + have, len - have, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return nm_fail(err, NM_IO, errno, "cannot read: %s",
			               strerror(errno));
		if (got == 0)
			return nm_fail(err, NM_IO, 0, "a file ends at byte "
			               "%llu, %zu bytes too early",
			               (unsigned long long)at, len - have);
		have += (size_t)got;
	}
	return NM_OK;
}

enum nm_code
nm_file_write_all(int fd, const void *bytes, size_t len, struct nm_err *err)
{
	int why = write_fully(fd, bytes, len);

	if (why)
		return nm_fail(err, NM_IO, why, "cannot write: %s",
		               strerror(why));
	return NM_OK;
}

enum nm_code
nm_file_sync_folder(const char *path_of_a_file_in_it, struct nm_err *err)
{
	struct nm_text folder = folder_of(path_of_a_file_in_it);
	struct nm_buf name = { 0 };
	int fd, why = 0;

	nm_buf_add_text(&name, folder.len ? folder : NM_TEXT("."));
	fd = open(name.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		why = errno;
	if (fd >= 0)
		(void)close(fd);
	/* Some file systems cannot sync a folder, and say so by EINVAL. */
	if (why == EINVAL)
		why = 0;
	if (why)
		(void)nm_fail(err, NM_IO, why, "cannot sync the folder %s: %s",
		              name.at, strerror(why));
	nm_buf_release(&name);
	return why ? NM_IO : NM_OK;
}

/* ---- lock ---- */

/* 0 when the holder has not written it yet. */
static long
holder_of(int fd)
{
	char digits[24] = "";

	if (pread(fd, digits, sizeof(digits) - 1, 0) <= 0)
		return 0;
	return strtol(digits, NULL, 10);
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
		return cannot_write(err, path, errno);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? held(fd, path, err)
		                          : cannot_write(err, path, errno);
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
