/*
 * shelf: a batch's results while they grow, and how they become files.
 * Two files under work/, ID.output and ID.error, to which whole lines are
 * appended; what lies past the books' byte counts is cut off when a batch is
 * taken up again. Knows bytes and lines' places; must not know what they say.
 *
 * Calling sequence: set up; open; append to pending, flush, sync, and then the books
 * may say so; close. When all rows have their lines: publish both sides, and clear.
 */
#ifndef NM_SERVER_SHELF_H
#define NM_SERVER_SHELF_H

#include "server/store.h"

enum nm_shelf_side { NM_SHELF_OUTPUT, NM_SHELF_ERROR };
enum { NM_SHELF_SIDES = 2 };

/* Lines not yet written, and where they will stand. */
struct nm_shelf {
	struct nm_store *store;
	char             id[NM_ID_MAX];
	int              fd_plus_one[NM_SHELF_SIDES];
	uint64_t         bytes[NM_SHELF_SIDES]; /* written so far */
	struct nm_buf    pending[NM_SHELF_SIDES];
};

/*
 * Opens at bytes[] (of the books): what is longer is cut. NM_STATE when a file is
 * shorter than its books say: power was lost, and its lines with it.
 */
enum nm_code nm_shelf_open(struct nm_shelf *shelf, struct nm_store *store,
                           const char *id,
                           const uint64_t bytes[NM_SHELF_SIDES],
                           struct nm_err *err) NM_MUST_USE;

/* Writes what is pending. On error nothing counts as written, and it may be
 * tried again. */
enum nm_code nm_shelf_flush(struct nm_shelf *shelf, struct nm_err *err)
	NM_MUST_USE;

/* Makes what was written durable. */
enum nm_code nm_shelf_sync(struct nm_shelf *shelf, struct nm_err *err)
	NM_MUST_USE;

/* Forgets what is pending, and closes; the memory is kept until release. */
void nm_shelf_close(struct nm_shelf *shelf);
void nm_shelf_release(struct nm_shelf *shelf);

/* The id that a side's file has once published: told by the batch's id, so that
 * publishing twice gives the same. Into id (NM_ID_MAX). */
void nm_shelf_file_id(const char *batch_id, enum nm_shelf_side side, char *id);

/*
 * Makes a side a file of the store's, under its id, synced; may be repeated.
 * shuffled: its lines in an order drawn from *seed (NULL = as they stand).
 */
enum nm_code nm_shelf_publish(struct nm_store *store, const char *batch_id,
                              enum nm_shelf_side side, const uint64_t *seed,
                              struct nm_err *err) NM_MUST_USE;

/* Where a side grows, appended to path. */
void nm_shelf_path(const struct nm_store *store, const char *batch_id,
                   enum nm_shelf_side side, struct nm_buf *path);

/*
 * Before a batch's first row: its input is kept under work/ as well, so that it
 * outlives its deletion or its expiry for as long as the batch needs it, and both
 * sides are there, empty; all three under names that last. May be repeated until the
 * first row. NM_INPUT when the input is not there.
 */
enum nm_code nm_shelf_set_up(struct nm_store *store, const char *batch_id,
                             const char *file_id, struct nm_err *err)
	NM_MUST_USE;

/* Where the input is to be read: where it is held, else among the files. Appended
 * to path. */
void nm_shelf_input_path(const struct nm_store *store, const char *batch_id,
                         const char *file_id, struct nm_buf *path);

/* Removes what is under work/ for the batch. */
void nm_shelf_clear(struct nm_store *store, const char *batch_id);

#endif
