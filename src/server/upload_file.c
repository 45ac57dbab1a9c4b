#include "server/upload_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"

enum { PUSH_BYTES = 8 << 20 }; /* the system begins to write out every so often */

struct nm_text
nm_upload_file_base_name(struct nm_text name)
{
	size_t begin = name.len;

	while (begin && name.at[begin - 1] != '/' && name.at[begin - 1] != '\\')
		begin--;
	return (struct nm_text){ name.at + begin, name.len - begin };
}

enum nm_code
nm_upload_file_open(struct nm_upload_file *file, const struct nm_store *store,
                    struct nm_err *err)
{
	char name[33];
	int fd;

	nm_digest_random_hex(name, 32);
	nm_buf_clear(&file->path);
	nm_store_path(store, "tmp", name, &file->path);
	fd = open(nm_buf_string(&file->path),
	          O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	/* The lock tells sweepers of other processes that somebody writes. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		return nm_fail(err, NM_IO, errno, "%s: %s",
		               nm_buf_string(&file->path), strerror(errno));
	file->fd_plus_one = fd + 1;
	return NM_OK;
}

/* Begins writing out early, so that the sync at the end finds little left. */
static void
push_out(struct nm_upload_file *file)
{
	if (file->bytes - file->pushed_bytes < PUSH_BYTES)
		return;
	sync_file_range(file->fd_plus_one - 1, (off_t)file->pushed_bytes,
	                (off_t)(file->bytes - file->pushed_bytes),
	                SYNC_FILE_RANGE_WRITE);
	file->pushed_bytes = file->bytes;
}

enum nm_code
nm_upload_file_add(struct nm_upload_file *file, struct nm_text bytes,
                   struct nm_err *err)
{
	enum nm_code rc = nm_file_write_all(file->fd_plus_one - 1, bytes.at,
	                                    bytes.len, err);

	if (rc)
		return rc;
	file->bytes += bytes.len;
	push_out(file);
	return NM_OK;
}

enum nm_code
nm_upload_file_settle(struct nm_upload_file *file, const struct nm_store *store,
                      const char *id, struct nm_err *err)
{
	struct nm_buf final = {0};
	enum nm_code rc = NM_OK;

	nm_store_file_path(store, id, &final);
	if (fsync(file->fd_plus_one - 1) ||
	    rename(nm_buf_string(&file->path), nm_buf_string(&final)))
		rc = nm_fail(err, NM_IO, errno, "%s: %s", nm_buf_string(&final),
		             strerror(errno));
	if (!rc) {
		nm_buf_clear(&file->path);
		rc = nm_file_sync_folder(nm_buf_string(&final), err);
	}
	nm_buf_release(&final);
	return rc;
}

void
nm_upload_file_close(struct nm_upload_file *file)
{
	if (file->fd_plus_one) {
		if (file->path.len)
			unlink(nm_buf_string(&file->path));
		close(file->fd_plus_one - 1);
	}
	nm_buf_release(&file->path);
	*file = (struct nm_upload_file){0};
}
