/*
 * file: see file.h; drafts are in draft.c and draft_bytes.c, locks in lock.c.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

enum { READ_BYTES = 64 << 10 };

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
nm_file_open_unnamed(const char *folder, int *fd, struct nm_err *err)
{
	struct nm_buf path = { 0 };
	int new = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	/* Not every file system can. */
	if (new < 0 && (errno == EOPNOTSUPP || errno == EISDIR
	                || errno == EINVAL)) {
		nm_path_join(&path, folder, ".unnamed-XXXXXX");
		new = mkostemp(path.at, O_CLOEXEC);
		if (new >= 0)
			(void)unlink(path.at);
		nm_buf_release(&path);
	}
	if (new < 0)
		return nm_fail(err, NM_IO, errno, "cannot write in %s: %s",
		               folder, strerror(errno));
	*fd = new;
	return NM_OK;
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
	const char *at = bytes;

	while (len) {
		ssize_t put = write(fd, at, len);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			(void)poll(&ready, 1, -1);
		} else if (put < 0 && errno != EINTR) {
			return nm_fail(err, NM_IO, errno, "cannot write: %s",
			               strerror(errno));
		} else if (put > 0) {
			at += put;
			len -= (size_t)put;
		}
	}
	return NM_OK;
}

enum nm_code
nm_file_sync_folder(const char *path_of_a_file_in_it, struct nm_err *err)
{
	const char *path = path_of_a_file_in_it;
	struct nm_text folder = { path, (size_t)(nm_path_base(path) - path) };
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
