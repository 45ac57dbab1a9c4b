/*
 * draft_bytes: how a draft gets its bytes: gathered, handed to the system in large
 * pieces, or copied there without a way through memory; see file.h. Its names are in
 * draft.c.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

enum {
	PENDING_BYTES = 128 << 10,
	READ_BYTES = 64 << 10
};

/* As much is copied at once, and as much is written before the disk is told to
 * begin: then little is left to wait for at the end. */
#define STEP_BYTES ((uint64_t)4 << 20)

/* The disk is told to begin with what was written since the last time, if that is
 * much; only a hint. */
static void
begin_writing(struct nm_draft *draft, size_t more)
{
	draft->handed += more;
	if (draft->handed - draft->begun < STEP_BYTES)
		return;
	(void)sync_file_range(draft->fd_plus_one - 1, (off_t)draft->begun,
	                      (off_t)(draft->handed - draft->begun),
	                      SYNC_FILE_RANGE_WRITE);
	draft->begun = draft->handed;
}

/* Bytes of `len` that the system took before it refused the rest. */
static size_t
took_of(const struct nm_draft *draft, size_t len)
{
	off_t at = lseek(draft->fd_plus_one - 1, 0, SEEK_CUR);
	uint64_t took = at < 0 || (uint64_t)at < draft->handed
	              ? 0 : (uint64_t)at - draft->handed;

	return took < len ? (size_t)took : len;
}

static void
fail(struct nm_draft *draft, int why)
{
	(void)nm_fail(&draft->failed, NM_IO, why, "cannot write %s: %s",
	              draft->path.at, strerror(why));
}

/* Returns how many the system took: all, or `failed` tells why not. */
static size_t
put(struct nm_draft *draft, const char *bytes, size_t len)
{
	int fd = draft->fd_plus_one - 1;

	if (draft->failed.code)
		return 0;
	if (nm_file_write_all(fd, bytes, len, &draft->failed)) {
		fail(draft, (int)draft->failed.detail);
		len = took_of(draft, len);
	}
	begin_writing(draft, len);
	return len;
}

static void
put_pending(struct nm_draft *draft)
{
	nm_buf_drop(&draft->pending,
	            put(draft, draft->pending.at, draft->pending.len));
}

void
nm_draft_add(struct nm_draft *draft, const void *bytes, size_t len)
{
	size_t took = 0;

	draft->bytes += len;
	if (draft->failed.code)
		return;
	if (draft->pending.len + len > PENDING_BYTES)
		put_pending(draft);
	if (len >= PENDING_BYTES)
		took = put(draft, bytes, len);
	nm_buf_add(&draft->pending, (const char *)bytes + took, len - took);
}

void
nm_draft_put_at(struct nm_draft *draft, uint64_t at, const void *bytes,
                size_t len)
{
	const char *from = bytes;
	ssize_t put_now;

	put_pending(draft);
	while (len && !draft->failed.code) {
		put_now = pwrite(draft->fd_plus_one - 1, from, len, (off_t)at);
		if (put_now < 0 && errno == EINTR)
			continue;
		if (put_now <= 0) {
			fail(draft, put_now ? errno : ENOSPC);
			return;
		}
		from += put_now;
		at += (uint64_t)put_now;
		len -= (size_t)put_now;
	}
}

void
nm_draft_restart(struct nm_draft *draft)
{
	int fd = draft->fd_plus_one - 1;

	nm_buf_clear(&draft->pending);
	if (draft->failed.code)
		return;
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		fail(draft, errno);
	draft->bytes = draft->handed = draft->begun = 0;
}

bool
nm_draft_flush(struct nm_draft *draft)
{
	put_pending(draft);
	return !draft->failed.code;
}

bool
nm_draft_retry(struct nm_draft *draft)
{
	draft->failed = (struct nm_err){ 0 };
	return nm_draft_flush(draft);
}

/* Moves on *from and *left; false when another way must be tried for the rest. */
static bool
copy_by_range(struct nm_draft *draft, int in, off_t *from, uint64_t *left)
{
	int out = draft->fd_plus_one - 1;

	while (*left) {
		size_t step = (size_t)(*left < STEP_BYTES ? *left : STEP_BYTES);
		ssize_t got = copy_file_range(in, from, out, NULL, step, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		*left -= (uint64_t)got;
		begin_writing(draft, (size_t)got);
	}
	return true;
}

static bool
copy_by_sendfile(struct nm_draft *draft, int in, off_t *from, uint64_t *left)
{
	int out = draft->fd_plus_one - 1;

	while (*left) {
		size_t step = (size_t)(*left < STEP_BYTES ? *left : STEP_BYTES);
		ssize_t got = sendfile(out, in, from, step);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		*left -= (uint64_t)got;
		begin_writing(draft, (size_t)got);
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
	off_t at = (off_t)from;

	draft->bytes += len;
	put_pending(draft);
	if (draft->failed.code)
		return;
	/* The way by hand comes last, and tells the reason if it fails too. */
	if (copy_by_range(draft, fd, &at, &len)
	    || copy_by_sendfile(draft, fd, &at, &len))
		return;
	copy_by_hand(draft, fd, at, len);
}

bool
nm_draft_clone(struct nm_draft *to, struct nm_draft *from)
{
	put_pending(from);
	if (from->failed.code || to->bytes
	    || ioctl(to->fd_plus_one - 1, FICLONE, from->fd_plus_one - 1))
		return false;
	to->bytes = from->bytes;
	return true;
}
