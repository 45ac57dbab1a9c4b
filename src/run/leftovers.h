/*
 * leftovers: files in the state folder that nobody comes back for: parts of downloads
 * that were cut, and folders and locks of runs that the journal does not know (their
 * process died before it wrote them, or while they were forgotten).
 * Must not know results, nor the service.
 */
#ifndef NM_RUN_LEFTOVERS_H
#define NM_RUN_LEFTOVERS_H

#include "state/runs.h"

/* What was removed so far. */
struct nm_leftovers {
	uint64_t count; /* files of cut downloads, and runs nobody knows */
	int64_t  bytes; /* that were freed */
};

/*
 * Removes what was not touched since before_ms (wall time) and no process holds.
 * journal NULL: there is none, and no run's folder is touched. What cannot be removed
 * stays.
 */
void nm_leftovers_sweep(const char *state_folder, struct nm_journal *journal,
                        int64_t before_ms, struct nm_leftovers *removed);

/* Removes a run's folder with the files in it; adds their bytes, and no count.
 * Whatever else is in it keeps it there. */
void nm_leftovers_remove_folder(const char *path,
                                struct nm_leftovers *removed);

#endif
