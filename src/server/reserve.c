#include "server/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"

enum { RESERVE_BYTES = 256 << 10 };

void
nm_reserve_keep(const char *folder)
{
	struct nm_buf path = {0};
	int fd;

	nm_path_join(&path, folder, "reserve");
	fd = open(nm_buf_string(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	          0600);
	if (fd >= 0) {
		/* Where the file system cannot, or is full, there is none. */
		if (posix_fallocate(fd, 0, RESERVE_BYTES))
			unlink(nm_buf_string(&path));
		close(fd);
	}
	nm_buf_release(&path);
}

bool
nm_reserve_lend(const char *folder, const struct nm_err *err)
{
	struct nm_buf path = {0};
	bool lent;

	if (err->detail != ENOSPC && err->detail != EDQUOT)
		return false;
	nm_path_join(&path, folder, "reserve");
	lent = unlink(nm_buf_string(&path)) == 0;
	nm_buf_release(&path);
	return lent;
}
