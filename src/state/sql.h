/*
 * sql: the room's own short words for SQLite. Included by this room's sources only.
 * A statement is prepared once a journal, kept, and reset by nm_sql_done.
 */
#ifndef NM_STATE_SQL_H
#define NM_STATE_SQL_H

#include <sqlite3.h>

#include "state/journal.h"

enum nm_sql {
	SQL_RUN_ADD, SQL_RUN_GET, SQL_RUN_OPEN, SQL_RUN_DONE, SQL_RUN_OF_BATCH,
	SQL_RUN_LIST,
	SQL_RUN_STATE, SQL_RUN_REMOVE,
	SQL_SHARD_ADD, SQL_SHARD_SAVE, SQL_SHARD_LIST,
	SQL_ANSWER_ADD, SQL_ANSWER_LIST, SQL_ANSWER_REMOVE,
	SQL_LIMIT_SET, SQL_LIMIT_GET,
	SQL_BEGIN, SQL_COMMIT,
	N_SQL
};

struct nm_journal {
	sqlite3      *db;
	sqlite3_stmt *statements[N_SQL];
	struct nm_buf folder;
	struct nm_buf path;
};

/* The texts of the statements, by enum nm_sql; and the schema. */
const char *nm_schema_statement(enum nm_sql which);
enum nm_code nm_schema_migrate(struct nm_journal *journal,
                               struct nm_err *err) NM_MUST_USE;

/* Maps SQLite's last error to a code and one line. */
enum nm_code nm_sql_fail(struct nm_journal *journal, const char *doing,
                         struct nm_err *err);

/* A prepared, unbound statement. */
enum nm_code nm_sql_ready(struct nm_journal *journal, enum nm_sql which,
                          sqlite3_stmt **statement, struct nm_err *err)
	NM_MUST_USE;

void nm_sql_bind_text(sqlite3_stmt *s, int column, const char *text);
void nm_sql_bind_blob(sqlite3_stmt *s, int column, struct nm_text bytes);

/* Runs a statement that yields no rows. */
enum nm_code nm_sql_run(struct nm_journal *journal, sqlite3_stmt *s,
                        const char *doing, struct nm_err *err) NM_MUST_USE;

/* *some = a row is there. Reset by nm_sql_done when enough was read. */
enum nm_code nm_sql_step(struct nm_journal *journal, sqlite3_stmt *s,
                         int *some, const char *doing, struct nm_err *err)
	NM_MUST_USE;
void nm_sql_done(sqlite3_stmt *s);

/* Copies of a column in the arena; never NULL. */
const char *nm_sql_string(sqlite3_stmt *s, int column, struct nm_arena *arena);
struct nm_text nm_sql_bytes(sqlite3_stmt *s, int column,
                            struct nm_arena *arena);

#endif
