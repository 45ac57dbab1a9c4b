/*
 * db: one SQLite connection with its statements kept, and a lock around it.
 * Knows SQL calls, not the tables. For the store's own files only.
 *
 * Calling sequence: lock; use, bind…, step…; done; unlock.
 */
#ifndef NM_SERVER_DB_H
#define NM_SERVER_DB_H

#include <pthread.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "base/buf.h"

enum { NM_DB_STATEMENTS_MAX = 48 };

struct nm_db {
	sqlite3        *at;
	pthread_mutex_t lock;
	struct {
		const char   *sql;
		sqlite3_stmt *statement;
	} kept[NM_DB_STATEMENTS_MAX];
};

enum nm_code nm_db_open(struct nm_db *db, const char *path, struct nm_err *err)
	NM_MUST_USE;
void nm_db_close(struct nm_db *db);

/* An error where the file no longer is what its path names: what is read or written
 * then is nobody's. */
enum nm_code nm_db_check_place(struct nm_db *db, struct nm_err *err)
	NM_MUST_USE;

/* Runs statements without results. */
enum nm_code nm_db_run(struct nm_db *db, const char *sql, struct nm_err *err)
	NM_MUST_USE;

/* The statement of a string literal (known by its address), ready to bind. */
enum nm_code nm_db_use(struct nm_db *db, const char *sql,
                       sqlite3_stmt **statement, struct nm_err *err)
	NM_MUST_USE;

void nm_db_bind_text(sqlite3_stmt *statement, int at, const char *text);
void nm_db_bind_int(sqlite3_stmt *statement, int at, int64_t number);

/* NM_OK with *row 1 when a row stands ready, else 0. */
enum nm_code nm_db_step(struct nm_db *db, sqlite3_stmt *statement, int *row,
                        struct nm_err *err) NM_MUST_USE;

/* Steps a statement without rows to its end; *changed (may be NULL) rows. */
enum nm_code nm_db_do(struct nm_db *db, sqlite3_stmt *statement, int *changed,
                      struct nm_err *err) NM_MUST_USE;

/* Lets a statement's locks go; NULL is fine. */
void nm_db_done(sqlite3_stmt *statement);

/* A column as a text in arena; NULL stays NULL. */
const char *nm_db_text(sqlite3_stmt *statement, int column,
                       struct nm_arena *arena);

#endif
