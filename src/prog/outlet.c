/*
 * outlet: see the header.
 */
#include "prog/outlet.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

enum { CHUNK_BYTES = 64 << 10, MODE = 0644 };

static bool
is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

void
nm_outlet_name(struct nm_outlet *outlet, const char *path)
{
	struct stat named, standard;

	nm_buf_add_string(&outlet->path, path);
	/* Such as /dev/stdout; and a file that the shell has opened already cannot
	 * be replaced under it. */
	outlet->standard = strcmp(path, "-") == 0 ||
		(!stat(path, &named) && !fstat(STDOUT_FILENO, &standard) &&
		 is_same(&named, &standard));
}

bool
nm_outlet_is(const struct nm_outlet *outlet, const char *path)
{
	struct stat own, other;

	return path && !outlet->standard &&
		!stat(nm_buf_string(&outlet->path), &own) &&
		!stat(path, &other) && is_same(&own, &other);
}

enum nm_code
nm_outlet_open(const struct nm_outlet *outlet, const char *folder,
               struct nm_draft *draft, struct nm_err *err)
{
	struct nm_buf path = {0};
	enum nm_code rc;

	if (!outlet->standard)
		return nm_draft_open(draft, outlet->path.at, MODE, err);
	nm_path_join(&path, folder, "output");
	rc = nm_draft_open(draft, nm_buf_string(&path), 0600, err);
	nm_buf_release(&path);
	return rc;
}

/* What standard output did not take is told when it is closed. */
static enum nm_code
pour(struct nm_draft *draft, struct nm_err *err)
{
	char chunk[CHUNK_BYTES];
	off_t at = 0;
	ssize_t len = 0;

	if (!nm_draft_flush(draft)) {
		*err = draft->failed;
		return err->code;
	}
	while (!ferror(stdout) &&
	       (len = pread(draft->fd_plus_one - 1, chunk, sizeof(chunk),
	                    at)) > 0) {
		(void)fwrite(chunk, 1, (size_t)len, stdout);
		at += len;
	}
	if (len < 0)
		return nm_fail(err, NM_IO, errno, "cannot read what is to be "
		               "written: %s", strerror(errno));
	return NM_OK;
}

enum nm_code
nm_outlet_close(const struct nm_outlet *outlet, struct nm_draft *draft,
                struct nm_err *err)
{
	enum nm_code rc;

	if (!outlet->standard)
		return nm_draft_commit(draft, err);
	rc = pour(draft, err);
	nm_draft_abandon(draft);
	return rc;
}

void
nm_outlet_release(struct nm_outlet *outlet)
{
	nm_buf_release(&outlet->path);
}
