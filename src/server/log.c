#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

enum nm_code
nm_log_open(struct nm_log *log, const char *file, struct nm_err *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return nm_fail(err, NM_IO, errno, "%s: %s", file,
		               strerror(errno));
	log->fd_plus_one = fd + 1;
	return NM_OK;
}

void
nm_log_close(struct nm_log *log)
{
	if (log->fd_plus_one)
		close(log->fd_plus_one - 1);
	log->fd_plus_one = 0;
}

void
nm_log_add(struct nm_log *log, struct nm_text line)
{
	char end = '\n';
	struct iovec parts[] = {
		{ &end, 1 }, { (void *)(uintptr_t)line.at, line.len }
	};
	bool torn;
	ssize_t written;

	if (!log->fd_plus_one)
		return;
	torn = atomic_exchange(&log->torn, false);
	do
		written = writev(log->fd_plus_one - 1, torn ? parts : &parts[1],
		                 torn ? 2 : 1);
	while (written < 0 && errno == EINTR);
	if (written < 0 ? torn : (size_t)written < line.len + torn)
		atomic_store(&log->torn, true);
}
