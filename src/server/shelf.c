#include "server/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "server/shuffle.h"

void
nm_shelf_path(const struct nm_store *store, const char *batch_id,
              enum nm_shelf_side side, struct nm_buf *path)
{
	struct nm_buf name = {0};

	nm_buf_addf(&name, "%s.%s", batch_id,
	            side == NM_SHELF_OUTPUT ? "output" : "error");
	nm_store_path(store, "work", nm_buf_string(&name), path);
	nm_buf_release(&name);
}

static enum nm_code
cannot(struct nm_err *err, const char *verb, const char *path)
{
	return nm_fail(err, NM_IO, errno, "%s: cannot %s: %s", path, verb,
	               strerror(errno));
}

static enum nm_code
open_side(struct nm_shelf *shelf, enum nm_shelf_side side, uint64_t bytes,
          struct nm_err *err)
{
	struct nm_buf path = {0};
	enum nm_code rc = NM_OK;
	struct stat st;
	int fd;

	nm_shelf_path(shelf->store, shelf->id, side, &path);
	fd = open(nm_buf_string(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = cannot(err, "open", nm_buf_string(&path));
		goto done;
	}
	shelf->fd_plus_one[side] = fd + 1;
	shelf->bytes[side] = bytes;
	if (fstat(fd, &st))
		rc = cannot(err, "look at", nm_buf_string(&path));
	else if ((uint64_t)st.st_size < bytes)
		rc = nm_fail(err, NM_STATE, 0, "%s is shorter than the books say",
		             nm_buf_string(&path));
	else if ((uint64_t)st.st_size > bytes && ftruncate(fd, (off_t)bytes))
		rc = cannot(err, "cut", nm_buf_string(&path));
done:
	nm_buf_release(&path);
	return rc;
}

enum nm_code
nm_shelf_open(struct nm_shelf *shelf, struct nm_store *store, const char *id,
              const uint64_t bytes[NM_SHELF_SIDES], struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	nm_shelf_close(shelf);
	shelf->store = store;
	snprintf(shelf->id, sizeof(shelf->id), "%s", id);
	for (int side = 0; side < NM_SHELF_SIDES && !rc; side++)
		rc = open_side(shelf, (enum nm_shelf_side)side, bytes[side], err);
	if (rc)
		nm_shelf_close(shelf);
	return rc;
}

static enum nm_code
write_at(int fd, struct nm_text text, uint64_t place, struct nm_err *err)
{
	ssize_t wrote;

	while (text.len) {
		wrote = pwrite(fd, text.at, text.len, (off_t)place);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return nm_fail(err, NM_IO, errno,
				"cannot write results: %s", strerror(errno));
		text.at += wrote;
		text.len -= (size_t)wrote;
		place += (uint64_t)wrote;
	}
	return NM_OK;
}

enum nm_code
nm_shelf_flush(struct nm_shelf *shelf, struct nm_err *err)
{
	enum nm_code rc;

	for (int side = 0; side < NM_SHELF_SIDES; side++) {
		struct nm_buf *pending = &shelf->pending[side];

		if (pending->len == 0)
			continue;
		rc = write_at(shelf->fd_plus_one[side] - 1, nm_buf_text(pending),
		              shelf->bytes[side], err);
		if (rc)
			return rc;
		shelf->bytes[side] += pending->len;
		nm_buf_clear(pending);
	}
	return NM_OK;
}

enum nm_code
nm_shelf_sync(struct nm_shelf *shelf, struct nm_err *err)
{
	for (int side = 0; side < NM_SHELF_SIDES; side++)
		if (shelf->fd_plus_one[side] &&
		    fdatasync(shelf->fd_plus_one[side] - 1))
			return nm_fail(err, NM_IO, errno,
				"cannot make results durable: %s",
				strerror(errno));
	return NM_OK;
}

void
nm_shelf_close(struct nm_shelf *shelf)
{
	for (int side = 0; side < NM_SHELF_SIDES; side++) {
		if (shelf->fd_plus_one[side])
			close(shelf->fd_plus_one[side] - 1);
		shelf->fd_plus_one[side] = 0;
		nm_buf_clear(&shelf->pending[side]);
	}
}

void
nm_shelf_release(struct nm_shelf *shelf)
{
	nm_shelf_close(shelf);
	for (int side = 0; side < NM_SHELF_SIDES; side++)
		nm_buf_release(&shelf->pending[side]);
}

void
nm_shelf_file_id(const char *batch_id, enum nm_shelf_side side, char *id)
{
	struct nm_buf name = {0};
	char hex[NM_DIGEST_HEX_MAX];

	/* Whoever knows the batch's id may see its results; nobody else can
	 * guess the one or the other. */
	nm_buf_addf(&name, "%d %s", (int)side, batch_id);
	nm_digest_hex(NM_SHA256, name.at, name.len, hex);
	snprintf(id, NM_ID_MAX, "file-%.32s", hex);
	nm_buf_release(&name);
}

/* ---- publishing ---- */

enum nm_code
nm_shelf_publish(struct nm_store *store, const char *batch_id,
                 enum nm_shelf_side side, const uint64_t *seed,
                 struct nm_err *err)
{
	struct nm_buf from = {0}, to = {0};
	char id[NM_ID_MAX];
	enum nm_code rc = NM_OK;
	int fd = -1;

	nm_shelf_path(store, batch_id, side, &from);
	nm_shelf_file_id(batch_id, side, id);
	nm_store_file_path(store, id, &to);
	fd = open(nm_buf_string(&from), O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = cannot(err, "open", nm_buf_string(&from));
	} else if (fdatasync(fd)) {
		rc = cannot(err, "sync", nm_buf_string(&from));
	} else if (seed) {
		rc = nm_shuffle_lines(fd, nm_buf_string(&to), *seed, err);
	} else {
		/* The same file under a second name: nothing is copied, and a
		 * death between here and the store's row leaves work/ whole. */
		(void)unlink(nm_buf_string(&to));
		if (link(nm_buf_string(&from), nm_buf_string(&to)))
			rc = cannot(err, "make", nm_buf_string(&to));
		else
			rc = nm_file_sync_folder(nm_buf_string(&to), err);
	}
	if (fd >= 0)
		close(fd);
	nm_buf_release(&from);
	nm_buf_release(&to);
	return rc;
}

/* ---- before the first row ---- */

static void
held_path(const struct nm_store *store, const char *batch_id,
          struct nm_buf *path)
{
	nm_store_path(store, "work", batch_id, path);
	nm_buf_add_string(path, ".input");
}

void
nm_shelf_input_path(const struct nm_store *store, const char *batch_id,
                    const char *file_id, struct nm_buf *path)
{
	struct nm_buf held = {0};

	held_path(store, batch_id, &held);
	if (access(nm_buf_string(&held), F_OK) == 0 || errno != ENOENT)
		nm_buf_add_text(path, nm_buf_text(&held));
	else
		nm_store_file_path(store, file_id, path);
	nm_buf_release(&held);
}

static enum nm_code
hold_input(struct nm_store *store, const char *batch_id, const char *file_id,
           struct nm_err *err)
{
	struct nm_buf from = {0}, to = {0};
	enum nm_code rc = NM_OK;

	nm_store_file_path(store, file_id, &from);
	held_path(store, batch_id, &to);
	if (link(nm_buf_string(&from), nm_buf_string(&to)) && errno != EEXIST)
		rc = errno == ENOENT ? nm_fail(err, NM_INPUT, ENOENT, "%s is gone",
		                               nm_buf_string(&from))
		                     : cannot(err, "keep", nm_buf_string(&from));
	nm_buf_release(&from);
	nm_buf_release(&to);
	return rc;
}

static enum nm_code
make_side(const char *path, struct nm_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return cannot(err, "make", path);
	close(fd);
	return NM_OK;
}

enum nm_code
nm_shelf_set_up(struct nm_store *store, const char *batch_id,
                const char *file_id, struct nm_err *err)
{
	struct nm_buf path = {0};
	enum nm_code rc = hold_input(store, batch_id, file_id, err);

	for (int side = 0; side < NM_SHELF_SIDES && !rc; side++) {
		nm_buf_clear(&path);
		nm_shelf_path(store, batch_id, (enum nm_shelf_side)side, &path);
		rc = make_side(nm_buf_string(&path), err);
	}
	if (!rc)
		rc = nm_file_sync_folder(nm_buf_string(&path), err);
	nm_buf_release(&path);
	return rc;
}

void
nm_shelf_clear(struct nm_store *store, const char *batch_id)
{
	struct nm_buf path = {0};

	held_path(store, batch_id, &path);
	(void)unlink(nm_buf_string(&path));
	for (int side = 0; side < NM_SHELF_SIDES; side++) {
		nm_buf_clear(&path);
		nm_shelf_path(store, batch_id, (enum nm_shelf_side)side, &path);
		(void)unlink(nm_buf_string(&path));
	}
	nm_buf_release(&path);
}
