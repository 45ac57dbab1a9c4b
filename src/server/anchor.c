#include "server/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

static const char magic[8] = { 'n', 'm', 'c', 'l', 'o', 'c', 'k', '2' };
static const char old_magic[8] = "nmclock";
static const char no_magic[8];

enum { OLD_BYTES = offsetof(struct nm_anchor_file, slots) };

static void
write_slot(struct nm_anchor_slot *slot, const struct nm_moment *moment)
{
	uint64_t bits;

	memcpy(&bits, &moment->speed, sizeof(bits));
	atomic_store(&slot->virtual_ms, moment->virtual_ms);
	atomic_store(&slot->wall_ms, moment->wall_ms);
	atomic_store(&slot->mono_ms, moment->mono_ms);
	atomic_store(&slot->boot, moment->boot);
	atomic_store(&slot->speed_bits, bits);
}

/* A file that is new, or of an earlier version, which knew the wall's time alone. */
static void
begin(struct nm_anchor_file *file, const struct nm_moment *first)
{
	struct nm_moment moment = *first;

	if (memcmp(file->magic, old_magic, sizeof(magic)) == 0) {
		moment = (struct nm_moment){ .virtual_ms = file->old_virtual_ms,
			.wall_ms = file->old_wall_ms };
		memcpy(&moment.speed, &file->old_speed_bits,
		       sizeof(moment.speed));
	}
	write_slot(&file->slots[0], &moment);
	atomic_store(&file->turn, 0);
	atomic_thread_fence(memory_order_seq_cst); /* a death may come between */
	memcpy(file->magic, magic, sizeof(magic));
}

/* Whether a file of so many bytes may be written to. */
static bool
is_ours(int fd, off_t bytes)
{
	char begin[sizeof(magic)];

	if (bytes == 0)
		return true;
	if (bytes != OLD_BYTES && bytes != (off_t)sizeof(struct nm_anchor_file))
		return false;
	return pread(fd, begin, sizeof(begin), 0) == (ssize_t)sizeof(begin) &&
	       (memcmp(begin, magic, sizeof(magic)) == 0 ||
	        memcmp(begin, old_magic, sizeof(magic)) == 0 ||
	        memcmp(begin, no_magic, sizeof(magic)) == 0); /* one that died */
}

static enum nm_code
map(struct nm_anchor *anchor, const char *path,
    const struct nm_moment *first, struct nm_err *err)
{
	size_t bytes = sizeof(struct nm_anchor_file);
	void *at = MAP_FAILED;
	int why;

	if (!is_ours(anchor->fd, lseek(anchor->fd, 0, SEEK_END)))
		return nm_fail(err, NM_STATE, 0, "%s is no clock of this program",
		               path);
	/* Room for it now, or the first write to it would end the process. */
	do
		why = posix_fallocate(anchor->fd, 0, (off_t)bytes);
	while (why == EINTR);
	if (!why)
		at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		          anchor->fd, 0);
	if (!why && at == MAP_FAILED)
		why = errno;
	if (why)
		return nm_fail(err, NM_IO, why, "%s: %s", path, strerror(why));
	anchor->file = at;
	if (memcmp(anchor->file->magic, magic, sizeof(magic)) == 0)
		return NM_OK;
	begin(anchor->file, first);
	/* What is stamped from here on lasts; so must what it was stamped by. */
	nm_anchor_sync(anchor);
	return nm_file_sync_folder(path, err);
}

enum nm_code
nm_anchor_open(struct nm_anchor *anchor, const char *path,
               enum nm_anchor_wish wish, const struct nm_moment *first,
               struct nm_err *err)
{
	int make = wish == NM_ANCHOR_MAKE ? O_CREAT : 0;

	*anchor = (struct nm_anchor){ .fd = open(path, O_RDWR | O_CLOEXEC | make,
	                                         0600) };
	if (anchor->fd < 0 && errno == ENOENT && !make)
		return NM_OK;
	if (anchor->fd < 0 || flock(anchor->fd, LOCK_EX))
		return nm_fail(err, NM_IO, errno, "%s: %s", path,
		               strerror(errno));
	return map(anchor, path, first, err);
}

void
nm_anchor_close(struct nm_anchor *anchor)
{
	if (anchor->file)
		munmap(anchor->file, sizeof(*anchor->file));
	if (anchor->fd >= 0)
		close(anchor->fd);
	*anchor = (struct nm_anchor){ .fd = -1 };
}

void
nm_anchor_lock(struct nm_anchor *anchor)
{
	while (anchor->fd >= 0 && flock(anchor->fd, LOCK_EX) && errno == EINTR)
		continue;
}

bool
nm_anchor_try_lock(struct nm_anchor *anchor)
{
	return flock(anchor->fd, LOCK_EX | LOCK_NB) == 0;
}

void
nm_anchor_unlock(struct nm_anchor *anchor)
{
	if (anchor->fd >= 0)
		flock(anchor->fd, LOCK_UN);
}

void
nm_anchor_sync(struct nm_anchor *anchor)
{
	msync(anchor->file, sizeof(*anchor->file), MS_SYNC);
}

void
nm_anchor_read(const struct nm_anchor *anchor, struct nm_moment *moment)
{
	struct nm_anchor_file *file = anchor->file;
	const struct nm_anchor_slot *slot;
	uint64_t turn, bits;

	do {
		turn = atomic_load(&file->turn);
		slot = &file->slots[turn & 1];
		moment->virtual_ms = atomic_load(&slot->virtual_ms);
		moment->wall_ms = atomic_load(&slot->wall_ms);
		moment->mono_ms = atomic_load(&slot->mono_ms);
		moment->boot = atomic_load(&slot->boot);
		bits = atomic_load(&slot->speed_bits);
	} while (turn != atomic_load(&file->turn));
	memcpy(&moment->speed, &bits, sizeof(bits));
}

void
nm_anchor_write(struct nm_anchor *anchor, const struct nm_moment *moment)
{
	uint64_t turn = atomic_load(&anchor->file->turn) + 1;

	write_slot(&anchor->file->slots[turn & 1], moment);
	atomic_store(&anchor->file->turn, turn);
}
