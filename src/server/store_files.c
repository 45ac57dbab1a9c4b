#include "server/store_parts.h"

#include <errno.h>

#include "server/reserve.h"

#define FILE_COLUMNS "id, tenant, filename, purpose, bytes, created_s, expires_s"

static void
read_file_row(sqlite3_stmt *st, struct nm_arena *arena,
              struct nm_stored_file *file)
{
	file->id = nm_db_text(st, 0, arena);
	file->tenant = nm_db_text(st, 1, arena);
	file->filename = nm_db_text(st, 2, arena);
	file->purpose = nm_db_text(st, 3, arena);
	file->bytes = sqlite3_column_int64(st, 4);
	file->created_s = sqlite3_column_int64(st, 5);
	file->expires_s = sqlite3_column_int64(st, 6);
}

enum nm_code
nm_store_put_file(struct nm_db *db, const struct nm_stored_file *file,
                  struct nm_err *err)
{
	sqlite3_stmt *st;
	enum nm_code rc;

	rc = nm_db_use(db, "INSERT INTO file(" FILE_COLUMNS
	               ") VALUES(?,?,?,?,?,?,?)", &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, file->id);
	nm_db_bind_text(st, 2, file->tenant);
	nm_db_bind_text(st, 3, file->filename);
	nm_db_bind_text(st, 4, file->purpose);
	nm_db_bind_int(st, 5, file->bytes);
	nm_db_bind_int(st, 6, file->created_s);
	nm_db_bind_int(st, 7, file->expires_s);
	return nm_db_do(db, st, NULL, err);
}

static enum nm_code
sum_bytes(struct nm_db *db, const char *tenant, int64_t *bytes,
          struct nm_err *err)
{
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	rc = nm_db_use(db, "SELECT (SELECT coalesce(sum(bytes), 0) FROM file"
	               " WHERE ?1 IS NULL OR tenant = ?1)"
	               " + (SELECT coalesce(sum(part.bytes), 0) FROM part"
	               " JOIN upload ON upload.id = part.upload_id"
	               " WHERE ?1 IS NULL OR tenant = ?1)", &st, err);
	if (!rc)
		nm_db_bind_text(st, 1, tenant);
	if (!rc)
		rc = nm_db_step(db, st, &row, err);
	if (!rc)
		*bytes = sqlite3_column_int64(st, 0);
	nm_db_done(st);
	return rc;
}

enum nm_code
nm_store_bytes(struct nm_store *store, const char *tenant, int64_t *bytes,
               struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = sum_bytes(db, tenant, bytes, err);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

enum nm_code
nm_store_check_room(struct nm_store *store, const char *tenant, int64_t bytes,
                    struct nm_err *err)
{
	int64_t used = 0;
	enum nm_code rc;

	if (!store->limits.bytes)
		return NM_OK;
	rc = sum_bytes(&store->writer, tenant, &used, err);
	if (!rc && used + bytes > store->limits.bytes)
		rc = nm_fail(err, NM_LIMIT, 0, "no room is left for %lld bytes "
		             "within the quota", (long long)bytes);
	return rc;
}

enum nm_code
nm_store_file_add(struct nm_store *store, const struct nm_stored_file *file,
                  struct nm_err *err)
{
	enum nm_code rc = nm_store_begin(store, err);

	if (rc)
		return rc;
	rc = nm_store_check_room(store, file->tenant, file->bytes, err);
	if (!rc)
		rc = nm_store_put_file(&store->writer, file, err);
	return nm_store_commit_or_undo(store, rc, err);
}

void
nm_store_file_drop(const struct nm_store *store, const char *id,
                   const struct nm_err *err)
{
	if (err->code == NM_LIMIT || err->detail == ENOSPC ||
	    err->detail == EDQUOT)
		nm_store_unlink(store, id);
}

enum nm_code
nm_store_file_get(struct nm_store *store, const char *tenant, const char *id,
                  int64_t now_s, struct nm_arena *arena,
                  struct nm_stored_file *file, struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_use(db, "SELECT " FILE_COLUMNS " FROM file WHERE id = ?1"
	               " AND (?2 IS NULL OR tenant = ?2)"
	               " AND (expires_s = 0 OR expires_s > ?3)", &st, err);
	if (rc)
		goto done;
	nm_db_bind_text(st, 1, id);
	nm_db_bind_text(st, 2, tenant);
	nm_db_bind_int(st, 3, now_s);
	rc = nm_db_step(db, st, &row, err);
	if (!rc && !row)
		rc = nm_fail(err, NM_ABSENT, 404, "no such file: %.64s", id);
	if (!rc)
		read_file_row(st, arena, file);
done:
	nm_db_done(st);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

static enum nm_code
remove_row(struct nm_store *store, const char *tenant, const char *id,
           int64_t now_s, struct nm_err *err)
{
	struct nm_db *db = &store->writer;
	sqlite3_stmt *st;
	int changed = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_check_place(db, err);
	if (!rc)
		rc = nm_db_use(db, "DELETE FROM file WHERE id = ?1"
		               " AND (?2 IS NULL OR tenant = ?2)"
		               " AND (expires_s = 0 OR expires_s > ?3)", &st,
		               err);
	if (rc)
		goto done;
	nm_db_bind_text(st, 1, id);
	nm_db_bind_text(st, 2, tenant);
	nm_db_bind_int(st, 3, now_s);
	rc = nm_db_do(db, st, &changed, err);
	if (!rc && !changed)
		rc = nm_fail(err, NM_ABSENT, 404, "no such file: %.64s", id);
done:
	pthread_mutex_unlock(&db->lock);
	return rc;
}

enum nm_code
nm_store_file_remove(struct nm_store *store, const char *tenant,
                     const char *id, int64_t now_s, struct nm_err *err)
{
	struct nm_err why = {0};
	enum nm_code rc = remove_row(store, tenant, id, now_s, &why);

	if (rc && nm_reserve_lend(nm_store_folder(store), &why))
		rc = remove_row(store, tenant, id, now_s, &why);
	if (!rc)
		nm_store_unlink(store, id);
	nm_reserve_keep(nm_store_folder(store));
	if (rc && err)
		*err = why;
	return rc;
}

/* Runs a DELETE … RETURNING id and removes the bytes of what it names. */
static enum nm_code
sweep(struct nm_store *store, const char *sql, int64_t now_s,
      struct nm_err *err)
{
	struct nm_db *db = &store->writer;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_check_place(db, err);
	if (!rc)
		rc = nm_db_use(db, sql, &st, err);
	if (rc)
		goto done;
	nm_db_bind_int(st, 1, now_s);
	while (!(rc = nm_db_step(db, st, &row, err)) && row)
		nm_store_unlink(store,
		                (const char *)sqlite3_column_text(st, 0));
done:
	nm_db_done(st);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

static enum nm_code
sweep_all(struct nm_store *store, int64_t now_s, struct nm_err *err)
{
	enum nm_code rc;

	rc = sweep(store, "DELETE FROM file WHERE expires_s <> 0"
	           " AND expires_s <= ?1 RETURNING id", now_s, err);
	if (!rc)
		rc = sweep(store, "UPDATE upload SET state = 3"
		           " WHERE state = 0 AND expires_s <= ?1"
		           " RETURNING id", now_s, err);
	if (!rc)
		rc = sweep(store, "DELETE FROM part WHERE upload_id IN"
		           " (SELECT id FROM upload WHERE state <> 0)"
		           " AND ?1 RETURNING id", 1, err);
	return rc;
}

enum nm_code
nm_store_sweep(struct nm_store *store, int64_t now_s, struct nm_err *err)
{
	struct nm_err why = {0};
	enum nm_code rc = sweep_all(store, now_s, &why);

	if (rc && nm_reserve_lend(nm_store_folder(store), &why))
		rc = sweep_all(store, now_s, &why);
	nm_reserve_keep(nm_store_folder(store));
	if (rc && err)
		*err = why;
	return rc;
}

/* The four ways to walk: each uses an index whole, so a page costs its rows. */
static const char *
page_sql(const struct nm_store_page *page)
{
#define PAGE_HEAD "SELECT " FILE_COLUMNS " FROM file WHERE tenant = ?1" \
	" AND (expires_s = 0 OR expires_s > ?2) AND +created_s < ?3"
#define PAGE_DOWN " AND (created_s, seq) < (?4, ?5)" \
	" ORDER BY created_s DESC, seq DESC LIMIT ?6"
#define PAGE_UP " AND (created_s, seq) > (?4, ?5)" \
	" ORDER BY created_s, seq LIMIT ?6"
	static const char *const sql[2][2] = {
		{ PAGE_HEAD PAGE_DOWN, PAGE_HEAD PAGE_UP },
		{ PAGE_HEAD " AND purpose = ?7" PAGE_DOWN,
		  PAGE_HEAD " AND purpose = ?7" PAGE_UP },
	};

	return sql[page->purpose != NULL][page->order == NM_OLDEST_FIRST];
}

static enum nm_code
collect_files(struct nm_db *db, const struct nm_store_page *page,
              struct nm_arena *arena, struct nm_stored_file *files,
              size_t *n, struct nm_err *err)
{
	struct nm_store_place place;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	rc = nm_store_find_place(db, "SELECT created_s, seq FROM file"
	                         " WHERE tenant = ?1 AND id = ?2", page, &place,
	                         err);
	if (!rc)
		rc = nm_db_use(db, page_sql(page), &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, page->tenant);
	nm_db_bind_int(st, 2, page->now_s);
	nm_db_bind_int(st, 3, page->before_s ? page->before_s : INT64_MAX);
	nm_db_bind_int(st, 4, place.created_s);
	nm_db_bind_int(st, 5, place.seq);
	nm_db_bind_int(st, 6, (int64_t)page->limit + 1);
	if (page->purpose)
		nm_db_bind_text(st, 7, page->purpose);
	while (!(rc = nm_db_step(db, st, &row, err)) && row)
		read_file_row(st, arena, &files[(*n)++]);
	nm_db_done(st);
	return rc;
}

enum nm_code
nm_store_files(struct nm_store *store, const struct nm_store_page *page,
               void (*each)(void *ctx, const struct nm_stored_file *file),
               void *ctx, int *more, struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_stored_file *files;
	size_t n = 0;
	enum nm_code rc;

	files = nm_arena_array(&arena, page->limit + 1, sizeof(*files));
	pthread_mutex_lock(&store->reader.lock);
	rc = collect_files(&store->reader, page, &arena, files, &n, err);
	pthread_mutex_unlock(&store->reader.lock);
	for (size_t i = 0; !rc && i < n && i < page->limit; i++)
		each(ctx, &files[i]);
	if (!rc)
		*more = n > page->limit;
	nm_arena_release(&arena);
	return rc;
}
