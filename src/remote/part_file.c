/*
 * part_file: see the header.
 */
#include "remote/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

enum { HASH_BYTES = 64 << 10, COMPARE_BYTES = 4096 };

static void
restart_digest(struct nm_part_file *part)
{
	nm_digest_release(&part->digest);
	nm_digest_init(&part->digest, NM_SHA256);
}

/* Takes what an earlier process left into the digest. */
static enum nm_code
hash(struct nm_part_file *part, struct nm_err *err)
{
	static const size_t step = HASH_BYTES;
	char piece[HASH_BYTES];
	enum nm_code rc = NM_OK;

	for (uint64_t at = 0; at < part->bytes && !rc;) {
		size_t len = part->bytes - at < step
			? (size_t)(part->bytes - at) : step;

		rc = nm_file_read_at(part->fd, at, len, piece, err);
		if (!rc)
			nm_digest_add(&part->digest, piece, len);
		at += len;
	}
	return rc;
}

static enum nm_code
fail(const struct nm_part_file *part, int why, struct nm_err *err)
{
	return nm_fail(err, NM_IO, why, "cannot write %s: %s",
	               nm_buf_string(&part->path), strerror(why));
}

enum nm_code
nm_part_file_open(struct nm_part_file *part, const char *target,
                  const char *id, struct nm_err *err)
{
	struct stat stat;

	*part = (struct nm_part_file){ .target = target, .fd = -1 };
	nm_buf_addf(&part->path, "%s.", target);
	nm_path_add_safe(&part->path, nm_text_of(id));
	nm_buf_add_string(&part->path, ".part");
	part->fd = open(nm_buf_string(&part->path),
	                O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (part->fd < 0 || fstat(part->fd, &stat))
		return fail(part, errno, err);
	if (flock(part->fd, LOCK_EX | LOCK_NB))
		return nm_fail(err, NM_HELD, 0,
		               "%s is being downloaded by another process",
		               target);
	part->bytes = (uint64_t)stat.st_size;
	restart_digest(part);
	if (lseek(part->fd, 0, SEEK_END) < 0)
		return fail(part, errno, err);
	return hash(part, err);
}

void
nm_part_file_close(struct nm_part_file *part)
{
	if (part->fd >= 0)
		close(part->fd);
	nm_digest_release(&part->digest);
	nm_buf_release(&part->path);
}

enum nm_code
nm_part_file_add(struct nm_part_file *part, const char *bytes, size_t len,
                 struct nm_err *err)
{
	if (nm_file_write_all(part->fd, bytes, len, err))
		return fail(part, (int)err->detail, err);
	nm_digest_add(&part->digest, bytes, len);
	part->bytes += len;
	return NM_OK;
}

enum nm_code
nm_part_file_compare(const struct nm_part_file *part, uint64_t at,
                     const char *bytes, size_t len, int *same,
                     struct nm_err *err)
{
	char kept[COMPARE_BYTES];
	enum nm_code rc = NM_OK;

	*same = 1;
	for (size_t done = 0, step; !rc && *same && done < len; done += step) {
		step = len - done < sizeof(kept) ? len - done : sizeof(kept);
		rc = nm_file_read_at(part->fd, at + done, step, kept, err);
		*same = rc || memcmp(bytes + done, kept, step) == 0;
	}
	return rc;
}

enum nm_code
nm_part_file_empty(struct nm_part_file *part, struct nm_err *err)
{
	if (ftruncate(part->fd, 0) || lseek(part->fd, 0, SEEK_SET) < 0)
		return fail(part, errno, err);
	part->bytes = 0;
	restart_digest(part);
	return NM_OK;
}

enum nm_code
nm_part_file_place(const struct nm_part_file *part, struct nm_err *err)
{
	if (fsync(part->fd) ||
	    rename(nm_buf_string(&part->path), part->target))
		return nm_fail(err, NM_IO, errno, "cannot write %s: %s",
		               part->target, strerror(errno));
	return nm_file_sync_folder(part->target, err);
}
