/*
 * draft: a file written whole or not at all; see file.h. How it has no name, and gets
 * the one that is meant; how its bytes come into it is in draft_bytes.c.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/path.h"

enum {
	STEM_MAX_BYTES = 200 /* of 255, to leave room for the rest of the name */
};

#define OWN_FILES "/proc/self/fd"

static enum nm_code
cannot_write(struct nm_err *err, const char *path, int why)
{
	return nm_fail(err, NM_IO, why, "cannot write %s: %s", path,
	               why == ENOENT ? "no such folder"
	               : why == EACCES ? "permission denied"
	               : why == ELOOP ? "its links lead round in a circle"
	               : why == EISDIR ? "is a folder" : strerror(why));
}

/*
 * Renaming onto a device or a folder would destroy it, or fail at the very end; onto
 * a link it would leave what the link names as it was. *mode is what the file has
 * that is there, -1 where none of one's own is.
 */
static enum nm_code
find_target(const char *path, struct nm_buf *target, int *mode,
            struct nm_err *err)
{
	struct stat info;
	int why = stat(path, &info) ? errno : 0;

	*mode = -1;
	if (why == ELOOP)
		return cannot_write(err, path, why);
	/* A link that the system does not follow is not followed here either. */
	if (!why || why == ENOENT)
		nm_path_follow(target, path);
	else
		nm_buf_add_string(target, path);
	if (!why && info.st_uid == geteuid())
		*mode = info.st_mode & 0777;
	if (why || S_ISREG(info.st_mode))
		return NM_OK;
	if (S_ISDIR(info.st_mode))
		return cannot_write(err, path, EISDIR);
	return nm_fail(err, NM_IO, 0, "cannot write %s: it is no regular file",
	               path);
}

static void
name_temporary(struct nm_buf *out, const char *path)
{
	const char *base = nm_path_base(path);
	char mark[9];

	nm_digest_random_hex(mark, 8);
	nm_buf_add(out, path, (size_t)(base - path));
	nm_buf_addf(out, ".%.*s.%ld-%s.tmp", STEM_MAX_BYTES, base,
	            (long)getpid(), mark);
}

/*
 * A file without a name, which it gets when it is whole: a process that dies leaves
 * nothing behind. -1 where that cannot be, and errno is 0 where a name might help.
 */
static int
open_unnamed(const char *path, unsigned mode)
{
	size_t folder = (size_t)(nm_path_base(path) - path);
	struct nm_buf name = { 0 };
	int fd;

	if (access(OWN_FILES, X_OK)) {
		errno = 0;
		return -1;
	}
	nm_buf_add(&name, path, folder);
	fd = open(folder ? name.at : ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
	          (mode_t)mode);
	nm_buf_release(&name);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR
	               || errno == EINVAL))
		errno = 0;
	return fd;
}

static int
open_named(struct nm_buf *name, const char *path, mode_t mode)
{
	name_temporary(name, path);
	return open(name->at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

enum nm_code
nm_draft_open(struct nm_draft *draft, const char *path, unsigned mode,
              struct nm_err *err)
{
	struct nm_draft new = { 0 };
	int fd, mode_there;
	enum nm_code rc;

	if (*nm_path_base(path) == 0)
		return nm_fail(err, NM_IO, 0, "cannot write %s: that names no "
		               "file", *path ? path : "\"\"");
	rc = find_target(path, &new.path, &mode_there, err);
	if (rc)
		goto done;
	fd = open_unnamed(new.path.at, mode);
	if (fd < 0 && !errno)
		fd = open_named(&new.temporary, new.path.at, (mode_t)mode);
	if (fd < 0) {
		rc = cannot_write(err, path, errno);
		goto done;
	}
	if (mode_there >= 0)
		(void)fchmod(fd, (mode_t)mode_there);
	new.fd_plus_one = fd + 1;
	*draft = new;
done:
	if (rc) {
		nm_buf_release(&new.path);
		nm_buf_release(&new.temporary);
	}
	return rc;
}

/* Ends `from`, whose file `to` has instead. */
static void
replace_file(struct nm_draft *to, struct nm_draft *from)
{
	(void)close(to->fd_plus_one - 1);
	nm_buf_release(&to->temporary);
	to->fd_plus_one = from->fd_plus_one;
	to->temporary = from->temporary;
	from->fd_plus_one = 0;
	from->temporary = (struct nm_buf){ 0 };
	nm_draft_abandon(from);
}

/* What can get no name after all (not every system that has such files lets them
 * become others) is copied to what has one. 0, or errno. */
static int
copy_to_named(struct nm_draft *draft)
{
	int from = draft->fd_plus_one - 1, fd, why;
	struct nm_draft named = { 0 };
	struct stat info;

	if (fstat(from, &info))
		return errno;
	fd = open_named(&named.temporary, draft->path.at, info.st_mode & 0777);
	why = fd < 0 ? errno : 0;
	if (why) {
		nm_buf_release(&named.temporary);
		return why;
	}
	/* Of a file of one's own that was there: no umask takes from it. */
	(void)fchmod(fd, info.st_mode & 0777);
	named.fd_plus_one = fd + 1;
	nm_buf_add_string(&named.path, draft->path.at);
	nm_draft_add_file(&named, from, 0, (uint64_t)info.st_size);
	if (named.failed.code)
		why = named.failed.detail ? (int)named.failed.detail : EIO;
	else if (fsync(fd))
		why = errno;
	if (why)
		nm_draft_abandon(&named);
	else
		replace_file(draft, &named);
	return why;
}

/* A name for what has none; 0, or errno. */
static int
name_it(struct nm_draft *draft)
{
	char own[sizeof(OWN_FILES) + 16];

	if (draft->temporary.len)
		return 0;
	name_temporary(&draft->temporary, draft->path.at);
	(void)snprintf(own, sizeof(own), OWN_FILES "/%d",
	               draft->fd_plus_one - 1);
	if (linkat(AT_FDCWD, own, AT_FDCWD, draft->temporary.at,
	           AT_SYMLINK_FOLLOW) == 0)
		return 0;
	nm_buf_clear(&draft->temporary);
	return copy_to_named(draft);
}

/* 0, or errno. */
static int
close_synced(struct nm_draft *draft)
{
	int why = fsync(draft->fd_plus_one - 1) ? errno : 0;
	int fd;

	if (!why)
		why = name_it(draft);
	fd = draft->fd_plus_one - 1;
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

	if (!nm_draft_flush(draft)) {
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
