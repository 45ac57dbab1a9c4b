#include "server/db.h"

#include <errno.h>

static enum nm_code
fail(struct nm_db *db, struct nm_err *err)
{
	int code = db->at ? sqlite3_extended_errcode(db->at) : SQLITE_NOMEM;
	const char *text = db->at ? sqlite3_errmsg(db->at) : "out of memory";

	switch (code & 0xff) {
	case SQLITE_FULL:
		return nm_fail(err, NM_IO, ENOSPC, "server.db: the disk is full");
	case SQLITE_IOERR:
		return nm_fail(err, NM_IO, sqlite3_system_errno(db->at),
		               "server.db: %s", text);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return nm_fail(err, NM_IO, EACCES, "server.db: %s", text);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		/* NM_HELD is what rows say that have moved on. */
		return nm_fail(err, NM_IO, EBUSY,
		               "server.db is held by another process");
	default:
		return nm_fail(err, NM_STATE, code, "server.db: %s", text);
	}
}

enum nm_code
nm_db_open(struct nm_db *db, const char *path, struct nm_err *err)
{
	enum nm_code rc;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX;

	memset(db, 0, sizeof(*db));
	pthread_mutex_init(&db->lock, NULL);
	if (sqlite3_open_v2(path, &db->at, flags, NULL) != SQLITE_OK)
		return fail(db, err);
	sqlite3_extended_result_codes(db->at, 1);
	sqlite3_busy_timeout(db->at, 15000);
	rc = nm_db_run(db, "PRAGMA journal_mode=WAL", err);
	if (!rc)
		rc = nm_db_run(db, "PRAGMA synchronous=FULL", err);
	return rc;
}

void
nm_db_close(struct nm_db *db)
{
	for (size_t i = 0; i < NM_DB_STATEMENTS_MAX; i++)
		sqlite3_finalize(db->kept[i].statement);
	if (db->at) {
		sqlite3_close(db->at);
		pthread_mutex_destroy(&db->lock);
	}
	memset(db, 0, sizeof(*db));
}

enum nm_code
nm_db_check_place(struct nm_db *db, struct nm_err *err)
{
	int moved = 0;

	if (sqlite3_file_control(db->at, "main", SQLITE_FCNTL_HAS_MOVED,
	                         &moved) == SQLITE_OK && moved)
		return nm_fail(err, NM_STATE, 0,
		               "server.db has been moved away or removed");
	return NM_OK;
}

enum nm_code
nm_db_run(struct nm_db *db, const char *sql, struct nm_err *err)
{
	if (sqlite3_exec(db->at, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, err);
	return NM_OK;
}

enum nm_code
nm_db_use(struct nm_db *db, const char *sql, sqlite3_stmt **statement,
          struct nm_err *err)
{
	size_t i = 0;

	while (i < NM_DB_STATEMENTS_MAX && db->kept[i].sql &&
	       db->kept[i].sql != sql)
		i++;
	if (i == NM_DB_STATEMENTS_MAX)
		return nm_fail(err, NM_STATE, 0,
		               "server.db: too many kinds of statements");
	if (!db->kept[i].statement &&
	    sqlite3_prepare_v3(db->at, sql, -1, SQLITE_PREPARE_PERSISTENT,
	                       &db->kept[i].statement, NULL) != SQLITE_OK)
		return fail(db, err);
	db->kept[i].sql = sql;
	*statement = db->kept[i].statement;
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
	return NM_OK;
}

void
nm_db_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

void
nm_db_bind_int(sqlite3_stmt *statement, int at, int64_t number)
{
	sqlite3_bind_int64(statement, at, number);
}

enum nm_code
nm_db_step(struct nm_db *db, sqlite3_stmt *statement, int *row,
           struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		*row = 1;
		break;
	case SQLITE_DONE:
		*row = 0;
		break;
	default:
		rc = fail(db, err);
	}
	return rc;
}

enum nm_code
nm_db_do(struct nm_db *db, sqlite3_stmt *statement, int *changed,
         struct nm_err *err)
{
	int row = 1;
	enum nm_code rc = NM_OK;

	while (!rc && row)
		rc = nm_db_step(db, statement, &row, err);
	if (!rc && changed)
		*changed = sqlite3_changes(db->at);
	nm_db_done(statement);
	return rc;
}

void
nm_db_done(sqlite3_stmt *statement)
{
	if (statement)
		sqlite3_reset(statement);
}

const char *
nm_db_text(sqlite3_stmt *statement, int column, struct nm_arena *arena)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? nm_arena_string(arena, text) : NULL;
}
