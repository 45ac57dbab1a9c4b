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
	SQL_RUN_STATE, SQL_RUN_ANSWERS, SQL_RUN_BROKEN, SQL_RUN_REMOVE,
	SQL_SHARD_ADD, SQL_SHARD_SAVE, SQL_SHARD_LIST, SQL_SHARD_BROKEN,
	SQL_ANSWER_ADD, SQL_ANSWER_NEW_SEAL, SQL_ANSWER_LIST,
	SQL_ANSWER_SEAL, SQL_ANSWER_REACH, SQL_ANSWER_REMOVE,
	SQL_LIMIT_SET, SQL_LIMIT_GET, SQL_FLIGHT_SET, SQL_FLIGHT_GET,
	SQL_BEGIN, SQL_COMMIT,
	N_SQL
};

struct nm_journal {
	sqlite3      *db;
	sqlite3_stmt *statements[N_SQL];
	struct nm_buf folder;
	struct nm_buf path;
	/* What the step under way adds to `answers` of this run, until its commit. */
	struct nm_buf answers_run;
	uint64_t      answers;
};

/* The texts of the statements, by enum nm_sql; and the schema. */
const char *nm_schema_statement(enum nm_sql which);
enum nm_code nm_schema_migrate(struct nm_journal *journal,
                               struct nm_err *err) NM_MUST_USE;

/* What to do about SQLite's last error, else what it says. Lent until the next. */
const char *nm_sql_reason(const struct nm_journal *journal);

/* Maps SQLite's last error to a code and one line. */
enum nm_code nm_sql_fail(struct nm_journal *journal, const char *doing,
                         struct nm_err *err);

/* As nm_sql_fail, of what SQLite reads without a word though it is not what was
 * written: "run 4f… is not as it was written". */
enum nm_code nm_sql_damaged(struct nm_journal *journal, const char *doing,
                            struct nm_err *err, const char *format, ...)
	NM_PRINTF(4, 5);

/* As nm_sql_fail, where SQLite does not understand what fits every journal of its
 * version: then this one is damaged. */
enum nm_code nm_sql_misfit(struct nm_journal *journal, const char *doing,
                           struct nm_err *err);

/*
 * Around writes that are one durable step: of the caller's where one was begun, else
 * of their own (*own). leave passes rc on, where there is an error.
 */
enum nm_code nm_sql_enter(struct nm_journal *journal, int *own,
                          struct nm_err *err) NM_MUST_USE;
enum nm_code nm_sql_leave(struct nm_journal *journal, int own, enum nm_code rc,
                          struct nm_err *err) NM_MUST_USE;

/* Writes down what the step adds to `answers`; its commit does so. */
enum nm_code nm_answers_settle(struct nm_journal *journal, struct nm_err *err)
	NM_MUST_USE;

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
