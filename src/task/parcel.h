/*
 * parcel: one request file's run, from the file to its last reply.
 * What a task is for questions; nothing is scored here.
 *
 * Calling sequence: open, resume or take_up, finish; release in every case.
 */
#ifndef NM_TASK_PARCEL_H
#define NM_TASK_PARCEL_H

#include "run/attempts.h"
#include "run/request_file.h"

/* Zeroed is empty and may be released. */
struct nm_parcel {
	struct nm_request_file *file;
	struct nm_run           run;
	int64_t                 left;     /* that more attempts may bring */
	int64_t                 attempts; /* made so far */
	struct nm_arena         arena;
};

struct nm_parcel_wish {
	const char      *path;
	const char      *digest; /* that the file has to have; NULL = any */
	enum nm_run_take take;
	int64_t          done_since_ms; /* as a run's wish has it */
};

/* Opens the file and makes its run durable, or takes up the unfinished one that is
 * the same. Nothing is sent. What tools lend outlives the parcel. NM_INPUT where the
 * digest is another; errors of nm_request_file_open and nm_run_open. */
enum nm_code nm_parcel_open(struct nm_parcel *parcel,
                            const struct nm_run_tools *tools,
                            const struct nm_parcel_wish *wish,
                            struct nm_err *err) NM_MUST_USE;

/* When the unfinished run of an open file was begun (wall time); NM_ABSENT where there
 * is none. Records and locks nothing. */
enum nm_code nm_parcel_find_begun(const struct nm_run_tools *tools,
                                  struct nm_request_file *file,
                                  const char *path, int64_t *began_ms,
                                  struct nm_err *err) NM_MUST_USE;

/* NM_USAGE where the requests of an open file are under way by another file's name, as
 * nm_parcel_open has it unless it begins afresh. */
enum nm_code nm_parcel_check(const struct nm_run_tools *tools,
                             struct nm_request_file *file, const char *path,
                             struct nm_err *err) NM_MUST_USE;

/* Takes up the run of that id. NM_ABSENT when the journal knows none, or it is no
 * request file's; NM_INPUT when the file is gone or has changed. */
enum nm_code nm_parcel_resume(struct nm_parcel *parcel,
                              const struct nm_run_tools *tools,
                              const char *run, struct nm_err *err)
	NM_MUST_USE;

/* The same of the run of a batch. */
enum nm_code nm_parcel_take_up(struct nm_parcel *parcel,
                               const struct nm_run_tools *tools,
                               const char *batch_id, struct nm_err *err)
	NM_MUST_USE;

/*
 * Submits, waits, fetches, and sends again what the service failed, attempt after
 * attempt; then marks the run as done. Errors of nm_via_batch_finish, but
 * NM_UNREACHABLE for a batch that the service no longer has. All that was done is kept.
 */
enum nm_code nm_parcel_finish(struct nm_parcel *parcel, struct nm_err *err)
	NM_MUST_USE;

/* Where the request file of a run is, as it was sent; NULL when it is gone or has
 * changed, or the run was made from questions. In the arena. */
const char *nm_parcel_find_file(const struct nm_run_record *record,
                                struct nm_arena *arena);

void nm_parcel_release(struct nm_parcel *parcel);

#endif
