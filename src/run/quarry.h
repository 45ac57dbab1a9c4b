/*
 * quarry: a file of lines, cut into blocks of whole ones. Knows bytes alone.
 *
 * Calling sequence: open; cut until a block comes empty; close. A zeroed quarry may
 * be closed.
 */
#ifndef NM_RUN_QUARRY_H
#define NM_RUN_QUARRY_H

#include "base/buf.h"

struct nm_quarry {
	const char   *path; /* borrowed */
	int           fd_plus_one;
	uint64_t      bytes; /* of the file, when it was opened */
	size_t        line_max_bytes;
	struct nm_buf carry; /* the begin of a line whose end was not cut yet */
	bool          ended;
};

/* Lines may be as long as line_max_bytes. NM_INPUT when there is no such file. */
enum nm_code nm_quarry_open(struct nm_quarry *quarry, const char *path,
                            size_t line_max_bytes, struct nm_err *err)
	NM_MUST_USE;

/*
 * Fills the empty `block` with the next lines, some 256 kB or one line; it stays
 * empty at the end of the file. Of a longer line comes just more than
 * line_max_bytes, so that a splitter sees that it is one. The last line may lack its
 * end. NM_IO.
 */
enum nm_code nm_quarry_cut(struct nm_quarry *quarry, struct nm_buf *block,
                           struct nm_err *err) NM_MUST_USE;

void nm_quarry_close(struct nm_quarry *quarry);

#endif
