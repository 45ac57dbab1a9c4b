/*
 * folder: a folder that is there under a name that lasts; see file.h.
 */
#include "base/file.h"

#include <errno.h>
#include <sys/stat.h>

/* Else a power cut may take it with all that was synced in it. Where new folders may
 * be made and nothing may be listed, that cannot be had. */
static enum nm_code
name_lasts(const char *folder, struct nm_err *err)
{
	struct nm_err why = {0};
	enum nm_code rc = nm_file_sync_folder(folder, &why);

	return rc && why.detail != EACCES
		? nm_fail(err, rc, why.detail, "%s", why.text) : NM_OK;
}

/* A umask that takes the owner's rights, too, would leave a folder of no use. */
static enum nm_code
keep_owners(const char *folder, unsigned mode, struct nm_err *err)
{
	struct stat info;

	if (stat(folder, &info) == 0 &&
	    ((info.st_mode & S_IRWXU) == (mode & S_IRWXU) ||
	     chmod(folder, (info.st_mode & 07777) | (mode & S_IRWXU)) == 0))
		return NM_OK;
	return nm_fail(err, NM_IO, errno, "cannot make the folder %s: %s",
	               folder, strerror(errno));
}

static enum nm_code
make_one(const char *folder, unsigned mode, struct nm_err *err)
{
	struct stat info;
	enum nm_code rc;
	int why;

	if (mkdir(folder, (mode_t)mode) == 0) {
		rc = keep_owners(folder, mode, err);
		return rc ? rc : name_lasts(folder, err);
	}
	why = errno;
	/* Of one that exists some systems say that it is read-only first. */
	if (stat(folder, &info) == 0) {
		if (S_ISDIR(info.st_mode))
			return NM_OK;
		why = ENOTDIR;
	}
	return nm_fail(err, NM_IO, why, "cannot make the folder %s: %s", folder,
	               why == ENOTDIR ? "something else has its name"
	                              : strerror(why));
}

enum nm_code
nm_folder_make(const char *folder, unsigned mode, struct nm_err *err)
{
	struct nm_buf part = { 0 };
	enum nm_code rc = NM_OK;

	nm_buf_add_string(&part, folder);
	for (size_t i = 1; i < part.len && rc == NM_OK; i++) {
		if (part.at[i] != '/' || part.at[i - 1] == '/')
			continue;
		part.at[i] = 0;
		rc = make_one(part.at, mode, err);
		part.at[i] = '/';
	}
	if (rc == NM_OK)
		rc = make_one(folder, mode, err);
	nm_buf_release(&part);
	return rc;
}
