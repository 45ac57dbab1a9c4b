/*
 * part_file: the bytes of a download that is not whole yet, on the disk, with their
 * digest. Knows files; must not know who sends the bytes, nor what they say.
 *
 * Calling sequence: open, calls of compare, add and empty, place when all is there;
 * close in every case.
 */
#ifndef NM_REMOTE_PART_FILE_H
#define NM_REMOTE_PART_FILE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

struct nm_part_file {
	const char      *target; /* its name when it is whole; borrowed */
	struct nm_buf    path;
	int              fd;     /* -1 = not open */
	uint64_t         bytes;  /* in the file, all of them in the digest */
	struct nm_digest digest;
};

/*
 * Opens <target>.<id>.part, with what an earlier process left in it: by the id a part of
 * another file is never continued. NM_HELD where another process is at it; NM_IO. Close
 * it also after a failure.
 */
enum nm_code nm_part_file_open(struct nm_part_file *part, const char *target,
                               const char *id, struct nm_err *err) NM_MUST_USE;
void nm_part_file_close(struct nm_part_file *part);

/* Adds to its end. NM_IO. */
enum nm_code nm_part_file_add(struct nm_part_file *part, const char *bytes,
                              size_t len, struct nm_err *err) NM_MUST_USE;

/* *same = these bytes stand at `at`; at + len is at most part->bytes. NM_IO. */
enum nm_code nm_part_file_compare(const struct nm_part_file *part, uint64_t at,
                                  const char *bytes, size_t len, int *same,
                                  struct nm_err *err) NM_MUST_USE;

/* Lets nothing of it remain, not for a later process either. NM_IO. */
enum nm_code nm_part_file_empty(struct nm_part_file *part,
                                struct nm_err *err) NM_MUST_USE;

/* Synced and renamed: it is the target. NM_IO. */
enum nm_code nm_part_file_place(const struct nm_part_file *part,
                                struct nm_err *err) NM_MUST_USE;

#endif
