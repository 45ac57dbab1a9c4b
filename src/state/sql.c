/*
 * sql: see the header.
 */
#include "state/sql.h"

#include <errno.h>
#include <unistd.h>

static enum nm_code
code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return NM_HELD;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_NOMEM:
		return NM_IO;
	default:
		return NM_STATE;
	}
}

static int
is_forbidden(const struct nm_buf *path)
{
	return access(nm_buf_string(path), W_OK) &&
	       (errno == EACCES || errno == EROFS);
}

/* Of files beside the journal, SQLite only says that they failed. */
static int
refine(const struct nm_journal *journal, int code)
{
	int why = sqlite3_system_errno(journal->db);

	if (code == SQLITE_IOERR && (why == ENOSPC || why == EDQUOT))
		return SQLITE_FULL;
	if (code == SQLITE_CANTOPEN && (is_forbidden(&journal->folder) ||
	                                is_forbidden(&journal->path)))
		return SQLITE_READONLY;
	return code;
}

static const char *
advice(int primary_code)
{
	switch (primary_code) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another process keeps it locked: try again when that"
		       " one is done";
	case SQLITE_FULL:
		return "the disk is full: make room and run the same command"
		       " again";
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "it may not be written: mend its rights, or name"
		       " another folder by NIGHTMAIL_STATE";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "the file is damaged: move it away (batches are still"
		       " found by batch_manager --list)";
	default:
		return NULL;
	}
}

const char *
nm_sql_reason(const struct nm_journal *journal)
{
	int code = sqlite3_extended_errcode(journal->db);
	const char *help = advice(refine(journal, code & 0xff));

	return help ? help : sqlite3_errmsg(journal->db);
}

enum nm_code
nm_sql_fail(struct nm_journal *journal, const char *doing, struct nm_err *err)
{
	int code = sqlite3_extended_errcode(journal->db);

	return nm_fail(err, code_of(code), code, "%s: %s, while %s",
	               nm_buf_string(&journal->path), nm_sql_reason(journal),
	               doing);
}

enum nm_code
nm_sql_damaged(struct nm_journal *journal, const char *doing,
               struct nm_err *err, const char *format, ...)
{
	struct nm_buf what = { 0 };
	va_list args;
	enum nm_code rc;

	va_start(args, format);
	nm_buf_addv(&what, format, args);
	va_end(args);
	rc = nm_fail(err, NM_STATE, SQLITE_CORRUPT, "%s: %s, while %s: %s",
	             nm_buf_string(&journal->path), advice(SQLITE_CORRUPT),
	             doing, nm_buf_string(&what));
	nm_buf_release(&what);
	return rc;
}

enum nm_code
nm_sql_enter(struct nm_journal *journal, int *own, struct nm_err *err)
{
	*own = sqlite3_get_autocommit(journal->db);
	return *own ? nm_journal_begin(journal, err) : NM_OK;
}

enum nm_code
nm_sql_leave(struct nm_journal *journal, int own, enum nm_code rc,
             struct nm_err *err)
{
	if (!own)
		return rc;
	if (!rc)
		return nm_journal_commit(journal, err);
	nm_journal_rollback(journal);
	return rc;
}

enum nm_code
nm_sql_misfit(struct nm_journal *journal, const char *doing,
              struct nm_err *err)
{
	if (sqlite3_errcode(journal->db) == SQLITE_ERROR)
		return nm_sql_damaged(journal, doing, err, "%s",
		                      sqlite3_errmsg(journal->db));
	return nm_sql_fail(journal, doing, err);
}

enum nm_code
nm_sql_ready(struct nm_journal *journal, enum nm_sql which,
             sqlite3_stmt **statement, struct nm_err *err)
{
	sqlite3_stmt **kept = &journal->statements[which];

	if (!*kept && sqlite3_prepare_v3(journal->db,
	                                 nm_schema_statement(which), -1,
	                                 SQLITE_PREPARE_PERSISTENT, kept,
	                                 NULL) != SQLITE_OK)
		return nm_sql_misfit(journal, "preparing a statement", err);
	*statement = *kept;
	return NM_OK;
}

void
nm_sql_bind_text(sqlite3_stmt *s, int column, const char *text)
{
	sqlite3_bind_text(s, column, text, -1, SQLITE_STATIC);
}

void
nm_sql_bind_blob(sqlite3_stmt *s, int column, struct nm_text bytes)
{
	if (bytes.len)
		sqlite3_bind_blob64(s, column, bytes.at, bytes.len,
		                    SQLITE_STATIC);
	else
		sqlite3_bind_null(s, column);
}

enum nm_code
nm_sql_step(struct nm_journal *journal, sqlite3_stmt *s, int *some,
            const char *doing, struct nm_err *err)
{
	int result = sqlite3_step(s);
	enum nm_code rc = NM_OK;

	*some = result == SQLITE_ROW;
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		rc = nm_sql_fail(journal, doing, err);
	if (result != SQLITE_ROW)
		nm_sql_done(s);
	return rc;
}

enum nm_code
nm_sql_run(struct nm_journal *journal, sqlite3_stmt *s, const char *doing,
           struct nm_err *err)
{
	int some;

	return nm_sql_step(journal, s, &some, doing, err);
}

void
nm_sql_done(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

struct nm_text
nm_sql_bytes(sqlite3_stmt *s, int column, struct nm_arena *arena)
{
	struct nm_text lent;

	lent.at = sqlite3_column_blob(s, column);
	lent.len = (size_t)sqlite3_column_bytes(s, column);
	return nm_arena_text(arena, lent);
}

const char *
nm_sql_string(sqlite3_stmt *s, int column, struct nm_arena *arena)
{
	return nm_sql_bytes(s, column, arena).at;
}
