/*
 * sheaf: see the header.
 */
#include "run/sheaf.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const int64_t BYTES_END = INT64_C(1) << 40;

/* Invariant: open_plus_one is 0, or the place in `open` that holds this file. */
struct nm_sheaf_file {
	const char *path;
	dev_t       device;
	ino_t       inode;
	int         open_plus_one;
};

/* Closes the file that was not used for longest; its place, or -1: none is open. */
static int
close_oldest(struct nm_sheaf *sheaf)
{
	int i, oldest = -1;

	for (i = 0; i < NM_SHEAF_OPEN_MAX; i++)
		if (sheaf->open[i].fd_plus_one &&
		    (oldest < 0 ||
		     sheaf->open[i].used < sheaf->open[oldest].used))
			oldest = i;
	if (oldest < 0)
		return -1;
	(void)close(sheaf->open[oldest].fd_plus_one - 1);
	sheaf->open[oldest].fd_plus_one = 0;
	sheaf->files[sheaf->open[oldest].file].open_plus_one = 0;
	return oldest;
}

/* Where the process may have fewer open than the sheaf, the sheaf makes do. */
static enum nm_code
open_file(struct nm_sheaf *sheaf, const char *path, int *fd,
          struct nm_err *err)
{
	enum nm_code rc;

	do
		rc = nm_file_open(path, fd, err);
	while (rc && err->detail == EMFILE && close_oldest(sheaf) >= 0);
	return rc;
}

static void
put_in_place(struct nm_sheaf *sheaf, size_t file, int fd)
{
	int place = 0;

	while (place < NM_SHEAF_OPEN_MAX && sheaf->open[place].fd_plus_one)
		place++;
	if (place == NM_SHEAF_OPEN_MAX)
		place = close_oldest(sheaf);
	sheaf->open[place].fd_plus_one = fd + 1;
	sheaf->open[place].file = file;
	sheaf->open[place].used = ++sheaf->uses;
	sheaf->files[file].open_plus_one = place + 1;
}

enum nm_code
nm_sheaf_add(struct nm_sheaf *sheaf, const char *path, struct nm_err *err)
{
	struct stat info;
	enum nm_code rc;
	int fd;

	if (sheaf->n_files == NM_SHEAF_FILES_MAX)
		return nm_fail(err, NM_LIMIT, 0, "%s is one file more than"
		               " the %d that can be joined", path,
		               NM_SHEAF_FILES_MAX);
	rc = open_file(sheaf, path, &fd, err);
	if (rc)
		return rc;
	if (fstat(fd, &info) || info.st_size >= BYTES_END) {
		(void)close(fd);
		return nm_fail(err, NM_LIMIT, 0, "%s has a terabyte or more",
		               path);
	}
	if (sheaf->n_files == sheaf->room) {
		sheaf->room = sheaf->room ? 2 * sheaf->room : 16;
		sheaf->files = realloc(sheaf->files,
		                       sheaf->room * sizeof(*sheaf->files));
		if (!sheaf->files)
			nm_die("out of memory");
	}
	sheaf->files[sheaf->n_files] = (struct nm_sheaf_file){
		.path = nm_arena_string(&sheaf->arena, path),
		.device = info.st_dev, .inode = info.st_ino,
	};
	put_in_place(sheaf, sheaf->n_files++, fd);
	return NM_OK;
}

static enum nm_code
open_again(struct nm_sheaf *sheaf, size_t which, struct nm_err *err)
{
	const struct nm_sheaf_file *file = &sheaf->files[which];
	enum nm_code rc;
	struct stat info;
	int fd;

	rc = open_file(sheaf, file->path, &fd, err);
	if (rc) {
		err->code = NM_IO;
		return nm_while(err, "reading it again");
	}
	if (fstat(fd, &info) || info.st_dev != file->device ||
	    info.st_ino != file->inode) {
		(void)close(fd);
		return nm_fail(err, NM_IO, 0, "%s became another file while it"
		               " was read", file->path);
	}
	put_in_place(sheaf, which, fd);
	return NM_OK;
}

enum nm_code
nm_sheaf_open(struct nm_sheaf *sheaf, size_t file, int *fd,
              struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	int place;

	if (!sheaf->files[file].open_plus_one)
		rc = open_again(sheaf, file, err);
	if (rc)
		return rc;
	place = sheaf->files[file].open_plus_one - 1;
	sheaf->open[place].used = ++sheaf->uses;
	*fd = sheaf->open[place].fd_plus_one - 1;
	return NM_OK;
}

const char *
nm_sheaf_path(const struct nm_sheaf *sheaf, size_t file)
{
	return sheaf->files[file].path;
}

void
nm_sheaf_release(struct nm_sheaf *sheaf)
{
	int i;

	for (i = 0; i < NM_SHEAF_OPEN_MAX; i++)
		if (sheaf->open[i].fd_plus_one)
			(void)close(sheaf->open[i].fd_plus_one - 1);
	free(sheaf->files);
	nm_arena_release(&sheaf->arena);
	memset(sheaf, 0, sizeof(*sheaf));
}
