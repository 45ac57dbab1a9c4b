/*
 * pair: two files of one text that are written side by side, for what was written but
 * now need not be read again to be copied: that of a run, and that at the known path.
 * Where the file system can clone a file, the second is a clone of the first. Knows no
 * rows.
 *
 * Calling sequence: open; add, take, restart; put_at_front; commit_run; commit_known;
 * release. A failed write is remembered, and told by commit_run; where it is that of
 * the known path alone, by known_failed.
 */
#ifndef NM_REPORT_PAIR_H
#define NM_REPORT_PAIR_H

#include "base/crew.h"
#include "base/file.h"

struct nm_pair {
	struct nm_draft run, known;
	const char     *known_path;
	bool            clones;       /* known is made of run at the end */
	struct nm_err   known_failed; /* it alone could not be written */
	struct nm_crew *porter;       /* has the drafts while it carries; NULL = none */
};

/* The paths outlive it; it stays where it is, once something was taken. NM_IO when the
 * run's file cannot be made. */
enum nm_code nm_pair_open(struct nm_pair *pair, const char *run_path,
                          const char *known_path, struct nm_err *err)
	NM_MUST_USE;

void nm_pair_add(struct nm_pair *pair, struct nm_text text);

/* Adds beside the caller, who gets another buffer for it, empty. */
void nm_pair_take(struct nm_pair *pair, struct nm_buf *text);

/* Puts it where as many bytes stand that were added first. */
void nm_pair_put_at_front(struct nm_pair *pair, struct nm_text text);

/* Takes back all that was added. */
void nm_pair_restart(struct nm_pair *pair);

enum nm_code nm_pair_commit_run(struct nm_pair *pair, struct nm_err *err)
	NM_MUST_USE;

/* After the run's, unless known_failed tells why not. */
enum nm_code nm_pair_commit_known(struct nm_pair *pair, struct nm_err *err)
	NM_MUST_USE;

/* A zeroed one may be released. */
void nm_pair_release(struct nm_pair *pair);

#endif
