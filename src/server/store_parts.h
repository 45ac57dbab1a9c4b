/*
 * store_parts: what the store's own files share. For them only.
 */
#ifndef NM_SERVER_STORE_PARTS_H
#define NM_SERVER_STORE_PARTS_H

#include <assert.h>

#include "server/db.h"
#include "server/store.h"

/* States of batches that are not final, for SQL. */
#define NM_STORE_OPEN_STATES "(0, 2, 3, 6)"

/* The books as an array, in the columns' order. */
enum { NM_STORE_BOOKS = 14 };
static_assert(sizeof(struct nm_batch_books) == NM_STORE_BOOKS * sizeof(int64_t),
              "the books and their columns go together");

/* Readers never wait for a commit's sync: they have a connection of their own. */
struct nm_store {
	struct nm_db  reader;
	struct nm_db  writer;
	struct nm_buf folder;
	struct nm_store_limits limits;
};

/* Makes what the writer's connection lacks of the tables. NM_STATE for a folder of a
 * later program, which is left alone: it may mean what we cannot know. */
enum nm_code nm_store_make_tables(struct nm_store *store, struct nm_err *err)
	NM_MUST_USE;

/* NM_LIMIT where so many bytes more would pass the tenant's quota. Within the writer's
 * transaction, so that what is added next is within it. */
enum nm_code nm_store_check_room(struct nm_store *store, const char *tenant,
                                 int64_t bytes, struct nm_err *err)
	NM_MUST_USE;

/* Adds a file's row within the writer's transaction or on its own. */
enum nm_code nm_store_put_file(struct nm_db *db,
                               const struct nm_stored_file *file,
                               struct nm_err *err) NM_MUST_USE;

/* Opens the writer's transaction; commit_or_undo ends it by rc and unlocks. */
enum nm_code nm_store_begin(struct nm_store *store, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_store_commit_or_undo(struct nm_store *store, enum nm_code rc,
                                     struct nm_err *err) NM_MUST_USE;

/* Removes the bytes of a file or part. */
void nm_store_unlink(const struct nm_store *store, const char *id);

/*
 * The place in a list that an id stands for: (created_s, seq). NM_ABSENT when
 * `sql` (tenant, id) finds none. after NULL: before the first of the order.
 */
struct nm_store_place {
	int64_t created_s, seq;
};
enum nm_code nm_store_find_place(struct nm_db *db, const char *sql,
                                 const struct nm_store_page *page,
                                 struct nm_store_place *place,
                                 struct nm_err *err) NM_MUST_USE;

#endif
