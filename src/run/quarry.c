/*
 * quarry: see the header.
 */
#include "run/quarry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { CHUNK_BYTES = 256 << 10 };

enum nm_code
nm_quarry_open(struct nm_quarry *quarry, const char *path,
               size_t line_max_bytes, struct nm_err *err)
{
	struct stat info;
	int fd;
	enum nm_code rc = nm_file_open(path, &fd, err);

	if (rc)
		return rc;
	/* Only a hint: it is read once, from its begin to its end. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*quarry = (struct nm_quarry){
		.path = path,
		.fd_plus_one = fd + 1,
		.bytes = fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0,
		.line_max_bytes = line_max_bytes,
	};
	return NM_OK;
}

/* Appends what the file gives next; `ended` is set where it gives no more. */
static enum nm_code
read_on(struct nm_quarry *quarry, struct nm_buf *block, struct nm_err *err)
{
	char *room = nm_buf_room(block, CHUNK_BYTES);
	ssize_t got;

	if (!room)
		return nm_buf_check(block, quarry->path, err);
	do
		got = read(quarry->fd_plus_one - 1, room, CHUNK_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return nm_fail(err, NM_IO, errno, "cannot read %s: %s",
		               quarry->path, strerror(errno));
	nm_buf_took(block, (size_t)got);
	quarry->ended = got == 0;
	return NM_OK;
}

/* The bytes up to the last line's end, that included; none ends before `from`. */
static size_t
whole_lines(const struct nm_buf *block, size_t from)
{
	const char *end = memrchr(block->at + from, '\n', block->len - from);

	return end ? (size_t)(end - block->at) + 1 : 0;
}

static void
keep_rest(struct nm_quarry *quarry, struct nm_buf *block, size_t whole)
{
	nm_buf_add(&quarry->carry, block->at + whole, block->len - whole);
	block->len = whole;
	block->at[whole] = 0;
}

/* Of a line that is too long the rest is read over; its end becomes the block's. */
static enum nm_code
skip_line(struct nm_quarry *quarry, struct nm_buf *block, struct nm_err *err)
{
	size_t kept = quarry->line_max_bytes + 1;
	enum nm_code rc = NM_OK;
	const char *end = NULL;

	while (!rc && !end && !quarry->ended) {
		block->len = kept;
		rc = read_on(quarry, block, err);
		end = memchr(block->at + kept, '\n', block->len - kept);
	}
	if (rc)
		return rc;
	if (end)
		nm_buf_add(&quarry->carry, end + 1,
		           (size_t)(block->at + block->len - end - 1));
	block->len = kept;
	nm_buf_add_byte(block, '\n');
	return NM_OK;
}

enum nm_code
nm_quarry_cut(struct nm_quarry *quarry, struct nm_buf *block,
              struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t whole, seen = 0;

	nm_buf_add_text(block, nm_buf_text(&quarry->carry));
	nm_buf_clear(&quarry->carry);
	while (!quarry->ended) {
		rc = read_on(quarry, block, err);
		if (rc || quarry->ended)
			return rc;
		whole = whole_lines(block, seen);
		seen = block->len;
		if (whole) {
			keep_rest(quarry, block, whole);
			return NM_OK;
		}
		if (block->len > quarry->line_max_bytes)
			return skip_line(quarry, block, err);
	}
	return NM_OK;
}

void
nm_quarry_close(struct nm_quarry *quarry)
{
	if (quarry->fd_plus_one)
		(void)close(quarry->fd_plus_one - 1);
	nm_buf_release(&quarry->carry);
	memset(quarry, 0, sizeof(*quarry));
}
