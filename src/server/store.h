/*
 * store: what the server knows of files, uploads and batches, in one SQLite file
 * (WAL) and plain files of one state folder. The only <sqlite3.h> of the server.
 * Several processes use one folder at once; every call is short and thread-safe.
 * Must not know HTTP, JSON shapes or how a batch is run.
 *
 * The folder:  server.db   the tables            worker.lock   see worker
 *              files/ID    a file's bytes        keys/         answer keys
 *              tmp/        being written; each is flocked by its writer, so that
 *                          what a dead process left is known and swept
 *              work/ID.*   the worker's own: rows answered so far
 *              clock       see clock             reserve       see reserve
 *
 * Who writes: files and uploads the HTTP side; a batch's row is made and set to
 * `cancelling` by the HTTP side; all its other changes are the worker's, who alone
 * (by the lock) works. Reads are anybody's. Times are virtual; _s are seconds.
 *
 * Calling sequence: open, once a process; calls of any thread; close, after the last.
 * A file: write under tmp/, sync, rename to file_path, sync the folder, and then the
 * row: file_add, upload_end or batch_finish. A batch: batch_add; moves from state to
 * state, with keep between them; batch_finish, or a move to failed. An upload:
 * upload_add, part_add…, upload_end.
 */
#ifndef NM_SERVER_STORE_H
#define NM_SERVER_STORE_H

#include "base/arena.h"
#include "base/buf.h"

struct nm_store;

enum { NM_ID_MAX = 64 }; /* bytes of any id, its NUL too */

/* Makes the folder, its parts and the tables; sweeps what dead writers left. */
enum nm_code nm_store_open(const char *state_dir, struct nm_store **store,
                           struct nm_err *err) NM_MUST_USE;
void nm_store_close(struct nm_store *store);

/* An error where the state folder has been moved away or removed meanwhile; then
 * nothing is written either. */
enum nm_code nm_store_check(struct nm_store *store, struct nm_err *err)
	NM_MUST_USE;

/* The state folder, absolute; lent for the store's life. */
const char *nm_store_folder(const struct nm_store *store);

/* "prefix" and unguessable letters into id (NM_ID_MAX bytes): "batch_" gives
 * batch_ and 32 hex digits. */
void nm_store_new_id(const char *prefix, char *id);

/* ---- files ---- */

/* Whose a thing is: "" without keys. Others' things are absent to a tenant. */
struct nm_stored_file {
	const char *id;
	const char *tenant;
	const char *filename;
	const char *purpose;    /* also batch_output */
	int64_t     bytes;
	int64_t     created_s;
	int64_t     expires_s;  /* 0 = never */
};

/* Where a file's bytes are (whether or not there are any), appended to path. */
void nm_store_file_path(const struct nm_store *store, const char *id,
                        struct nm_buf *path);

/* A name under work/ or tmp/ or keys/, appended to path. */
void nm_store_path(const struct nm_store *store, const char *part,
                   const char *name, struct nm_buf *path);

/* Of one tenant; 0 = no limit. */
struct nm_store_limits {
	int64_t bytes;        /* of files and parts, when one is added; not of results */
	int64_t open_batches; /* not final at once */
};

/* Before the first is added. */
void nm_store_limit(struct nm_store *store,
                    const struct nm_store_limits *limits);

/* The row of a file whose bytes stand, synced, at its path already. NM_LIMIT beyond the
 * quota. Where it fails: nm_store_file_drop. */
enum nm_code nm_store_file_add(struct nm_store *store,
                               const struct nm_stored_file *file,
                               struct nm_err *err) NM_MUST_USE;

/* Takes away bytes whose row could not be added, by err: on a full disk or beyond the
 * quota, where it is certain that there is none. Others go when the store is opened
 * anew. */
void nm_store_file_drop(const struct nm_store *store, const char *id,
                        const struct nm_err *err);

/*
 * Texts go in arena. NM_ABSENT when there is none, it is another tenant's, or it
 * has expired at now_s. tenant NULL: anybody's (the worker).
 */
enum nm_code nm_store_file_get(struct nm_store *store, const char *tenant,
                               const char *id, int64_t now_s,
                               struct nm_arena *arena,
                               struct nm_stored_file *file,
                               struct nm_err *err) NM_MUST_USE;

/* Removes row and bytes; who has the bytes open reads on. NM_ABSENT as get. */
enum nm_code nm_store_file_remove(struct nm_store *store, const char *tenant,
                                  const char *id, int64_t now_s,
                                  struct nm_err *err) NM_MUST_USE;

/* Sum of the tenant's files' and parts' bytes; NULL: everybody's. */
enum nm_code nm_store_bytes(struct nm_store *store, const char *tenant,
                            int64_t *bytes, struct nm_err *err) NM_MUST_USE;

/* Removes files and uploads expired at now_s with their bytes. Any process. */
enum nm_code nm_store_sweep(struct nm_store *store, int64_t now_s,
                            struct nm_err *err) NM_MUST_USE;

/* ---- lists, of files and of batches ---- */

enum nm_store_order { NM_NEWEST_FIRST, NM_OLDEST_FIRST };

/* Ordered by creation, then insertion. */
struct nm_store_page {
	const char         *tenant;
	const char         *after;   /* id; NULL = from the start */
	const char         *purpose; /* files only; NULL = any */
	enum nm_store_order order;
	size_t              limit;
	int64_t             now_s;
	int64_t             before_s; /* only what was created before; 0 = all */
};

/*
 * Lends page.limit rows at most, one call of each() a row; *more tells of
 * further ones. NM_ABSENT when `after` is unknown. The store is not locked while
 * each() runs, and each()'s texts live until it returns.
 */
enum nm_code nm_store_files(struct nm_store *store,
                            const struct nm_store_page *page,
                            void (*each)(void *ctx,
                                         const struct nm_stored_file *file),
                            void *ctx, int *more, struct nm_err *err)
	NM_MUST_USE;

/* ---- batches ---- */

enum nm_batch_state {
	NM_BATCH_VALIDATING, NM_BATCH_FAILED, NM_BATCH_IN_PROGRESS,
	NM_BATCH_FINALIZING, NM_BATCH_COMPLETED, NM_BATCH_EXPIRED,
	NM_BATCH_CANCELLING, NM_BATCH_CANCELLED
};
enum { NM_BATCH_STATES = 8 };

/* "validating" … */
const char *nm_batch_state_name(enum nm_batch_state state);
/* failed, completed, expired, cancelled */
bool nm_batch_state_is_final(enum nm_batch_state state);

/*
 * The worker's books on one batch; public are counts and usage. What the rest
 * means is the worker's; all zero and NULL in a new batch.
 */
struct nm_batch_books {
	int64_t total, completed, failed;        /* request_counts */
	int64_t input_tokens, cached_tokens, output_tokens, reasoning_tokens;
	int64_t input_lines, input_bytes;        /* of the input taken so far */
	int64_t output_bytes, error_bytes;       /* durable in work/ so far */
	int64_t prompt_tokens;                   /* enqueued, by the check's guess */
	int64_t due_ms;                          /* next act not before; 0 = now */
	int64_t by_id;   /* 1: the rows done are known by their ids alone, since
	                    answers came in any order; 0: they are input_lines */
};

struct nm_stored_batch {
	const char *id;
	const char *tenant;
	const char *endpoint;
	const char *input_file_id;
	const char *metadata;       /* JSON object, or NULL */
	int64_t     results_live_s; /* output_expires_after; 0 = 30 days */
	enum nm_batch_state state;
	int64_t     at_s[NM_BATCH_STATES]; /* when a state began; 0 = not yet;
	                               at_s[NM_BATCH_VALIDATING] is created_at */
	int64_t     expires_s;      /* created_at + window */
	const char *model;          /* NULL until known */
	const char *errors;         /* {"object":"list",…} as JSON, or NULL */
	const char *output_file_id; /* NULL = none */
	const char *error_file_id;
	struct nm_batch_books books;
};

/* How many a tenant may add from since_s on. Zeroed: any number. */
struct nm_store_pace {
	int64_t most;
	int64_t since_s;
};

/* NM_HELD where the tenant has added as many as the pace allows, NM_LIMIT where it
 * has as many open ones as it may. */
enum nm_code nm_store_batch_add(struct nm_store *store,
                                const struct nm_stored_batch *batch,
                                const struct nm_store_pace *pace,
                                struct nm_err *err) NM_MUST_USE;

/* As nm_store_file_get. */
enum nm_code nm_store_batch_get(struct nm_store *store, const char *tenant,
                                const char *id, struct nm_arena *arena,
                                struct nm_stored_batch *batch,
                                struct nm_err *err) NM_MUST_USE;

/* As nm_store_files. */
enum nm_code nm_store_batches(struct nm_store *store,
                              const struct nm_store_page *page,
                              void (*each)(void *ctx,
                                           const struct nm_stored_batch *batch),
                              void *ctx, int *more, struct nm_err *err)
	NM_MUST_USE;

struct nm_open_batch {
	const char         *id;
	enum nm_batch_state state;
};

/* All batches not final, oldest first, in arena: the worker's list. */
enum nm_code nm_store_batches_open(struct nm_store *store,
                                   struct nm_arena *arena,
                                   const struct nm_open_batch **batches,
                                   size_t *n_batches, struct nm_err *err)
	NM_MUST_USE;

/*
 * Moves a batch from one state to another and stamps at_s[to] = now_s. Also
 * stores books, model and errors where not NULL. NM_HELD when its state is not
 * `from`, which *now (may be NULL) then tells: it was cancelled, say.
 */
struct nm_batch_move {
	enum nm_batch_state from, to;
	int64_t             now_s;
	const struct nm_batch_books *books;
	const char         *model;
	const char         *errors;
};
enum nm_code nm_store_batch_move(struct nm_store *store, const char *id,
                                 const struct nm_batch_move *move,
                                 enum nm_batch_state *now, struct nm_err *err)
	NM_MUST_USE;

/* Stores the books alone; *now tells the state: the worker learns of a cancel. */
enum nm_code nm_store_batch_keep(struct nm_store *store, const char *id,
                                 const struct nm_batch_books *books,
                                 enum nm_batch_state *now, struct nm_err *err)
	NM_MUST_USE;

/*
 * The end with results, in one transaction: moves as above and adds the files
 * (NULL = none), whose bytes stand at their paths already.
 */
enum nm_code nm_store_batch_finish(struct nm_store *store, const char *id,
                                   const struct nm_batch_move *move,
                                   const struct nm_stored_file *output,
                                   const struct nm_stored_file *errors,
                                   struct nm_err *err) NM_MUST_USE;

/* The tenant's batches created at or after since_s, and those not final. tenant
 * NULL: none, and everybody's. */
enum nm_code nm_store_batch_count(struct nm_store *store, const char *tenant,
                                  int64_t since_s, int64_t *created,
                                  int64_t *open, struct nm_err *err)
	NM_MUST_USE;

/* Enqueued tokens and requests (books) of the tenant's batches not final. */
enum nm_code nm_store_enqueued(struct nm_store *store, const char *tenant,
                               const char *model, int64_t *tokens,
                               int64_t *requests, struct nm_err *err)
	NM_MUST_USE;

/* ---- uploads in parts ---- */

enum nm_upload_state {
	NM_UPLOAD_PENDING, NM_UPLOAD_COMPLETED, NM_UPLOAD_CANCELLED,
	NM_UPLOAD_EXPIRED
};

struct nm_stored_upload {
	const char *id, *tenant, *filename, *purpose, *mime_type;
	const char *file_id;      /* once completed, else NULL */
	int64_t     bytes;        /* announced */
	int64_t     created_s, expires_s;
	int64_t     file_live_s;  /* expires_after; 0 = by purpose */
	enum nm_upload_state state;
};

struct nm_stored_part {
	const char *id, *upload_id;
	const char *tenant;       /* of the upload; when it is added */
	int64_t     bytes, created_s;
};

enum nm_code nm_store_upload_add(struct nm_store *store,
                                 const struct nm_stored_upload *upload,
                                 struct nm_err *err) NM_MUST_USE;
enum nm_code nm_store_upload_get(struct nm_store *store, const char *tenant,
                                 const char *id, int64_t now_s,
                                 struct nm_arena *arena,
                                 struct nm_stored_upload *upload,
                                 struct nm_err *err) NM_MUST_USE;
/* A part's bytes stand at nm_store_file_path(part id); as with a file. */
enum nm_code nm_store_part_add(struct nm_store *store,
                               const struct nm_stored_part *part,
                               struct nm_err *err) NM_MUST_USE;
enum nm_code nm_store_part_get(struct nm_store *store, const char *upload_id,
                               const char *id, struct nm_arena *arena,
                               struct nm_stored_part *part,
                               struct nm_err *err) NM_MUST_USE;
/* pending -> completed (with the file, whose bytes stand) or cancelled; drops
 * the parts. NM_HELD when it was not pending. */
enum nm_code nm_store_upload_end(struct nm_store *store, const char *id,
                                 enum nm_upload_state state,
                                 const struct nm_stored_file *file,
                                 struct nm_err *err) NM_MUST_USE;

#endif
