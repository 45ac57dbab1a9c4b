#include "server/store_parts.h"

#include "server/reserve.h"

#define UPLOAD_COLUMNS "id, tenant, filename, purpose, mime_type, file_id," \
	" bytes, created_s, expires_s, file_live_s, state"

enum nm_code
nm_store_upload_add(struct nm_store *store,
                    const struct nm_stored_upload *upload, struct nm_err *err)
{
	struct nm_db *db = &store->writer;
	sqlite3_stmt *st;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_check_place(db, err);
	if (!rc)
		rc = nm_db_use(db, "INSERT INTO upload(" UPLOAD_COLUMNS
		               ") VALUES(?,?,?,?,?,NULL,?,?,?,?,0)", &st, err);
	if (!rc) {
		nm_db_bind_text(st, 1, upload->id);
		nm_db_bind_text(st, 2, upload->tenant);
		nm_db_bind_text(st, 3, upload->filename);
		nm_db_bind_text(st, 4, upload->purpose);
		nm_db_bind_text(st, 5, upload->mime_type);
		nm_db_bind_int(st, 6, upload->bytes);
		nm_db_bind_int(st, 7, upload->created_s);
		nm_db_bind_int(st, 8, upload->expires_s);
		nm_db_bind_int(st, 9, upload->file_live_s);
		rc = nm_db_do(db, st, NULL, err);
	}
	pthread_mutex_unlock(&db->lock);
	return rc;
}

static void
read_upload_row(sqlite3_stmt *st, struct nm_arena *arena, int64_t now_s,
                struct nm_stored_upload *upload)
{
	upload->id = nm_db_text(st, 0, arena);
	upload->tenant = nm_db_text(st, 1, arena);
	upload->filename = nm_db_text(st, 2, arena);
	upload->purpose = nm_db_text(st, 3, arena);
	upload->mime_type = nm_db_text(st, 4, arena);
	upload->file_id = nm_db_text(st, 5, arena);
	upload->bytes = sqlite3_column_int64(st, 6);
	upload->created_s = sqlite3_column_int64(st, 7);
	upload->expires_s = sqlite3_column_int64(st, 8);
	upload->file_live_s = sqlite3_column_int64(st, 9);
	upload->state = (enum nm_upload_state)(sqlite3_column_int(st, 10) & 3);
	if (upload->state == NM_UPLOAD_PENDING && upload->expires_s <= now_s)
		upload->state = NM_UPLOAD_EXPIRED;
}

enum nm_code
nm_store_upload_get(struct nm_store *store, const char *tenant,
                    const char *id, int64_t now_s, struct nm_arena *arena,
                    struct nm_stored_upload *upload, struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_use(db, "SELECT " UPLOAD_COLUMNS " FROM upload"
	               " WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)", &st,
	               err);
	if (!rc) {
		nm_db_bind_text(st, 1, id);
		nm_db_bind_text(st, 2, tenant);
		rc = nm_db_step(db, st, &row, err);
	}
	if (!rc && !row)
		rc = nm_fail(err, NM_ABSENT, 404, "no such upload: %.64s", id);
	if (!rc)
		read_upload_row(st, arena, now_s, upload);
	nm_db_done(st);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

enum nm_code
nm_store_part_add(struct nm_store *store, const struct nm_stored_part *part,
                  struct nm_err *err)
{
	struct nm_db *db = &store->writer;
	sqlite3_stmt *st;
	int changed = 0;
	enum nm_code rc = nm_store_begin(store, err);

	if (rc)
		return rc;
	rc = nm_store_check_room(store, part->tenant, part->bytes, err);
	if (rc)
		goto done;
	rc = nm_db_use(db, "INSERT INTO part(id, upload_id, bytes, created_s)"
	               " SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM upload"
	               " WHERE id = ?2 AND state = 0)", &st, err);
	if (!rc) {
		nm_db_bind_text(st, 1, part->id);
		nm_db_bind_text(st, 2, part->upload_id);
		nm_db_bind_int(st, 3, part->bytes);
		nm_db_bind_int(st, 4, part->created_s);
		rc = nm_db_do(db, st, &changed, err);
	}
	if (!rc && !changed)
		rc = nm_fail(err, NM_HELD, 0, "upload %.64s is not pending",
		             part->upload_id);
done:
	return nm_store_commit_or_undo(store, rc, err);
}

enum nm_code
nm_store_part_get(struct nm_store *store, const char *upload_id,
                  const char *id, struct nm_arena *arena,
                  struct nm_stored_part *part, struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_use(db, "SELECT id, upload_id, bytes, created_s FROM part"
	               " WHERE id = ?1 AND upload_id = ?2", &st, err);
	if (!rc) {
		nm_db_bind_text(st, 1, id);
		nm_db_bind_text(st, 2, upload_id);
		rc = nm_db_step(db, st, &row, err);
	}
	if (!rc && !row)
		rc = nm_fail(err, NM_ABSENT, 404, "no such part: %.64s", id);
	if (!rc) {
		part->tenant = NULL;
		part->id = nm_db_text(st, 0, arena);
		part->upload_id = nm_db_text(st, 1, arena);
		part->bytes = sqlite3_column_int64(st, 2);
		part->created_s = sqlite3_column_int64(st, 3);
	}
	nm_db_done(st);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

static enum nm_code
end_upload(struct nm_db *db, const char *id, enum nm_upload_state state,
           const char *file_id, struct nm_err *err)
{
	sqlite3_stmt *st;
	int changed = 0;
	enum nm_code rc;

	rc = nm_db_use(db, "UPDATE upload SET state = ?2, file_id = ?3"
	               " WHERE id = ?1 AND state = 0", &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, id);
	nm_db_bind_int(st, 2, state);
	nm_db_bind_text(st, 3, file_id);
	rc = nm_db_do(db, st, &changed, err);
	if (!rc && !changed)
		rc = nm_fail(err, NM_HELD, 0, "upload %.64s is not pending", id);
	return rc;
}

/*
 * Rows first, bytes after the commit: bytes without a row are swept later.
 * Appends the ids of what was dropped, a NUL after each.
 */
static enum nm_code
drop_parts(struct nm_db *db, const char *id, struct nm_buf *dropped,
           struct nm_err *err)
{
	sqlite3_stmt *st;
	int row = 0;
	enum nm_code rc;

	rc = nm_db_use(db, "DELETE FROM part WHERE upload_id = ?1 RETURNING id",
	               &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, id);
	while (!(rc = nm_db_step(db, st, &row, err)) && row) {
		nm_buf_add_string(dropped,
		                  (const char *)sqlite3_column_text(st, 0));
		nm_buf_add_byte(dropped, '\0');
	}
	nm_db_done(st);
	return rc;
}

static enum nm_code
end_and_drop(struct nm_store *store, const char *id,
             enum nm_upload_state state, const struct nm_stored_file *file,
             struct nm_err *err)
{
	struct nm_buf dropped = {0};
	enum nm_code rc = nm_store_begin(store, err);

	if (rc)
		goto done;
	if (file)
		rc = nm_store_put_file(&store->writer, file, err);
	if (!rc)
		rc = end_upload(&store->writer, id, state,
		                file ? file->id : NULL, err);
	if (!rc)
		rc = drop_parts(&store->writer, id, &dropped, err);
	rc = nm_store_commit_or_undo(store, rc, err);
	for (size_t at = 0; !rc && at < dropped.len;
	     at += strlen(dropped.at + at) + 1)
		nm_store_unlink(store, dropped.at + at);
done:
	nm_buf_release(&dropped);
	return rc;
}

enum nm_code
nm_store_upload_end(struct nm_store *store, const char *id,
                    enum nm_upload_state state,
                    const struct nm_stored_file *file, struct nm_err *err)
{
	struct nm_err why = {0};
	enum nm_code rc = end_and_drop(store, id, state, file, &why);

	if (rc && nm_reserve_lend(nm_store_folder(store), &why))
		rc = end_and_drop(store, id, state, file, &why);
	nm_reserve_keep(nm_store_folder(store));
	if (rc && err)
		*err = why;
	return rc;
}
