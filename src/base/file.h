/*
 * file: whole or not at all; read in pieces; locked by one process.
 * Knows bytes, not their meaning.
 */
#ifndef NM_BASE_FILE_H
#define NM_BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/*
 * draft: a file being written without a name, or, where the system has no such
 * files, under a temporary one beside its final one.
 *
 * Calling sequence: open, add…, then commit (flush, sync, rename, sync the
 * folder) or abandon. A failed add is remembered and told by commit.
 * A zeroed draft may be abandoned. A link is followed; a file of one's own that is
 * there already keeps its mode.
 */
struct nm_draft {
	int           fd_plus_one; /* 0 = not open */
	struct nm_buf path;        /* the final name */
	struct nm_buf temporary;   /* the name while it is written; "" = none */
	struct nm_buf pending;     /* bytes not yet handed to the system */
	uint64_t      bytes;       /* added so far */
	uint64_t      handed;      /* of these to the system */
	uint64_t      begun;       /* of these to the disk, if it took the hint */
	struct nm_err failed;      /* the first write that failed */
};

enum nm_code nm_draft_open(struct nm_draft *draft, const char *path,
                           unsigned mode, struct nm_err *err) NM_MUST_USE;
void nm_draft_add(struct nm_draft *draft, const void *bytes, size_t len);
/* Puts other bytes where some were added that were as many. */
void nm_draft_put_at(struct nm_draft *draft, uint64_t at, const void *bytes,
                     size_t len);
/* Takes back all that was added. */
void nm_draft_restart(struct nm_draft *draft);
/* Hands to the system what it has not got yet. False when it refused any. */
bool nm_draft_flush(struct nm_draft *draft);
/* A flush again, for whoever has made room: what the system refused of the last add
 * is not lost, if nothing was added since. */
bool nm_draft_retry(struct nm_draft *draft);
/* Appends `len` bytes of an open file from `from` on, without a copy in memory
 * where the system can. */
void nm_draft_add_file(struct nm_draft *draft, int fd, uint64_t from,
                       uint64_t len);
/*
 * Gives an empty draft what the other one holds so far, in the same place on the disk
 * until one of them is written to: `to` is for commit then, and takes no more. False,
 * and nothing is changed, where the file system cannot; two empty drafts try that.
 */
bool nm_draft_clone(struct nm_draft *to, struct nm_draft *from) NM_MUST_USE;
enum nm_code nm_draft_commit(struct nm_draft *draft, struct nm_err *err)
	NM_MUST_USE;
void nm_draft_abandon(struct nm_draft *draft);

/* Writes a whole small file by a draft. */
enum nm_code nm_file_write(const char *path, unsigned mode,
                           struct nm_text content, struct nm_err *err)
	NM_MUST_USE;

/* Appends a whole file to buf. NM_LIMIT when it is larger than buf's ceiling,
 * NM_INPUT when there is none or it is a folder, NM_IO when reading fails. */
enum nm_code nm_file_read(const char *path, struct nm_buf *buf,
                          struct nm_err *err) NM_MUST_USE;

/* Copies a file by a draft; in the kernel where it can. */
enum nm_code nm_file_copy(const char *from, const char *to, unsigned mode,
                          struct nm_err *err) NM_MUST_USE;

/* Opens for reading (*fd). NM_INPUT with a plain reason when it cannot be. */
enum nm_code nm_file_open(const char *path, int *fd, struct nm_err *err)
	NM_MUST_USE;

/* A file without a name in the folder, to write and read; gone when closed,
 * whatever happens. */
enum nm_code nm_file_open_unnamed(const char *folder, int *fd,
                                  struct nm_err *err) NM_MUST_USE;

/* Reads exactly `len` bytes at `from`. NM_IO when it cannot or they end. */
enum nm_code nm_file_read_at(int fd, uint64_t from, size_t len, char *out,
                             struct nm_err *err) NM_MUST_USE;

/* Writes all of it at the file's position. */
enum nm_code nm_file_write_all(int fd, const void *bytes, size_t len,
                               struct nm_err *err) NM_MUST_USE;

/* Makes a folder and its parents with this mode, of which a umask takes nothing from
 * the owner, each under a name that lasts; one that exists is fine. NM_IO. */
enum nm_code nm_folder_make(const char *folder, unsigned mode,
                            struct nm_err *err) NM_MUST_USE;

/* Makes the folder's own entries durable. */
enum nm_code nm_file_sync_folder(const char *path_of_a_file_in_it,
                                 struct nm_err *err) NM_MUST_USE;

/*
 * lock: held by one process, freed by the system when it ends, however it ends.
 * The file holds the holder's process id for messages and is never removed.
 * open: NM_HELD at once when another process has it (detail = its id).
 */
struct nm_lock {
	int fd_plus_one; /* 0 = not held */
};

enum nm_code nm_lock_open(struct nm_lock *lock, const char *path,
                          struct nm_err *err) NM_MUST_USE;
void nm_lock_close(struct nm_lock *lock);

#endif
