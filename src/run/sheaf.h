/*
 * sheaf: many files that are read again and again, few of them open at a time.
 * Knows names and descriptors, not what is in the files.
 *
 * Calling sequence: add for each file; open before each read; release. A zeroed
 * sheaf is empty.
 */
#ifndef NM_RUN_SHEAF_H
#define NM_RUN_SHEAF_H

#include <sys/types.h>

#include "base/arena.h"

/* Files numbered from 0, and open at a time. */
enum { NM_SHEAF_FILES_MAX = 1 << 16, NM_SHEAF_OPEN_MAX = 32 };

struct nm_sheaf_file;

struct nm_sheaf {
	struct nm_sheaf_file *files;
	size_t                n_files, room;
	struct {
		int      fd_plus_one; /* 0 = free */
		size_t   file;
		uint64_t used;        /* when last, by `uses` */
	}                     open[NM_SHEAF_OPEN_MAX];
	uint64_t              uses;
	struct nm_arena       arena;
};

/* Opens a file; its number is n_files - 1 then. NM_LIMIT when there are as many as
 * can be, or it has 2^40 bytes; NM_INPUT when it cannot be opened. */
enum nm_code nm_sheaf_add(struct nm_sheaf *sheaf, const char *path,
                          struct nm_err *err) NM_MUST_USE;

/*
 * The file open for reading; *fd is lent until the next call, and at no particular
 * position unless the file was just added. NM_IO when another file has its name by
 * now, or it cannot be opened any more.
 */
enum nm_code nm_sheaf_open(struct nm_sheaf *sheaf, size_t file, int *fd,
                           struct nm_err *err) NM_MUST_USE;

const char *nm_sheaf_path(const struct nm_sheaf *sheaf, size_t file);

void nm_sheaf_release(struct nm_sheaf *sheaf);

#endif
