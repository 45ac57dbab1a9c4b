/*
 * journal: the file itself, its transactions, and the room's SQLite words.
 */
#include "state/journal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "state/sql.h"

enum { PATIENCE_MS = 10000 };

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

enum nm_code
nm_sql_fail(struct nm_journal *journal, const char *doing, struct nm_err *err)
{
	int code = sqlite3_extended_errcode(journal->db);
	const char *help = advice(refine(journal, code & 0xff));

	return nm_fail(err, code_of(code), code, "%s: %s, while %s",
	               nm_buf_string(&journal->path),
	               help ? help : sqlite3_errmsg(journal->db), doing);
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
		return nm_sql_fail(journal, "preparing a statement", err);
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

static enum nm_code
prepare_connection(struct nm_journal *journal, struct nm_err *err)
{
	/* FULL: a commit in WAL mode is otherwise lost with the power. */
	static const char pragmas[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

	sqlite3_busy_timeout(journal->db, PATIENCE_MS);
	if (sqlite3_exec(journal->db, pragmas, NULL, NULL, NULL))
		return nm_sql_fail(journal, "opening the journal", err);
	return nm_schema_migrate(journal, err);
}

/* What SQLite makes beside the journal has its mode, and keeps that of a time when it
 * might not be written. */
static void
mend_beside(const struct nm_journal *journal)
{
	static const char *const ends[] = { "-shm", "-wal" };
	struct nm_buf path = { 0 };
	struct stat info;
	size_t i;

	if (access(nm_buf_string(&journal->path), W_OK) ||
	    stat(nm_buf_string(&journal->path), &info))
		return;
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		nm_buf_clear(&path);
		nm_buf_addf(&path, "%s%s", nm_buf_string(&journal->path),
		            ends[i]);
		/* Where it cannot be mended, SQLite says what follows. */
		if (access(nm_buf_string(&path), W_OK) && errno == EACCES)
			(void)chmod(nm_buf_string(&path),
			            info.st_mode & 0777);
	}
	nm_buf_release(&path);
}

static enum nm_code
open_file(struct nm_journal *journal, struct nm_err *err)
{
	const char *path = nm_buf_string(&journal->path);
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	                  SQLITE_OPEN_NOMUTEX;
	const char *help;
	mode_t before;
	int result;

	mend_beside(journal);
	before = umask(077);
	result = sqlite3_open_v2(path, &journal->db, flags, NULL);

	umask(before);
	if (!journal->db)
		nm_die("out of memory");
	if (result == SQLITE_OK)
		return prepare_connection(journal, err);
	help = advice(refine(journal, result & 0xff));
	/* The reason first: a path may be longer than what is told. */
	return nm_fail(err, NM_IO, result, "cannot open the journal (%s): %s",
	               help ? help : sqlite3_errmsg(journal->db), path);
}

enum nm_code
nm_journal_open(const char *folder, struct nm_journal **journal,
                struct nm_err *err)
{
	struct nm_journal *made;
	enum nm_code rc;

	rc = nm_folder_make(folder, 0700, err);
	if (rc)
		return rc;
	made = calloc(1, sizeof(*made));
	if (!made)
		abort();
	/* SQLite takes a name that begins so for a URI. */
	if (strncmp(folder, "file:", strlen("file:")) == 0)
		nm_buf_add_string(&made->folder, "./");
	nm_buf_add_string(&made->folder, folder);
	nm_path_join(&made->path, nm_buf_string(&made->folder), "journal.db");
	rc = open_file(made, err);
	if (rc) {
		nm_journal_close(made);
		return rc;
	}
	*journal = made;
	return NM_OK;
}

static enum nm_code
check_table(struct nm_journal *journal, const char *pragma,
            struct nm_err *err)
{
	static const char doing[] = "looking for the run";
	sqlite3_stmt *s = NULL;
	enum nm_code rc = NM_OK;
	const char *found;

	if (sqlite3_prepare_v2(journal->db, pragma, -1, &s, NULL) != SQLITE_OK
	    || sqlite3_step(s) != SQLITE_ROW) {
		rc = nm_sql_fail(journal, doing, err);
		goto done;
	}
	found = (const char *)sqlite3_column_text(s, 0);
	if (!found || strcmp(found, "ok") != 0)
		rc = nm_fail(err, NM_STATE, SQLITE_CORRUPT, "%s: %s, while %s",
		             nm_buf_string(&journal->path),
		             advice(SQLITE_CORRUPT), doing);
done:
	sqlite3_finalize(s);
	return rc;
}

enum nm_code
nm_journal_check(struct nm_journal *journal, struct nm_err *err)
{
	enum nm_code rc = check_table(journal, "PRAGMA integrity_check(run)",
	                              err);

	return rc ? rc : check_table(journal, "PRAGMA integrity_check(shard)",
	                             err);
}

void
nm_journal_close(struct nm_journal *journal)
{
	size_t i;

	if (!journal)
		return;
	for (i = 0; i < N_SQL; i++)
		sqlite3_finalize(journal->statements[i]);
	sqlite3_close(journal->db);
	nm_buf_release(&journal->folder);
	nm_buf_release(&journal->path);
	free(journal);
}

void
nm_journal_add_run_folder(const struct nm_journal *journal, const char *run,
                          struct nm_buf *out)
{
	nm_path_join(out, nm_buf_string(&journal->folder), "runs");
	nm_buf_addf(out, "/%s", run);
}

enum nm_code
nm_journal_begin(struct nm_journal *journal, struct nm_err *err)
{
	sqlite3_stmt *s = NULL;
	enum nm_code rc = nm_sql_ready(journal, SQL_BEGIN, &s, err);

	return rc ? rc : nm_sql_run(journal, s, "beginning a step", err);
}

enum nm_code
nm_journal_commit(struct nm_journal *journal, struct nm_err *err)
{
	sqlite3_stmt *s = NULL;
	enum nm_code rc = nm_sql_ready(journal, SQL_COMMIT, &s, err);

	if (!rc)
		rc = nm_sql_run(journal, s, "committing a step", err);
	if (rc)
		nm_journal_rollback(journal);
	return rc;
}

void
nm_journal_rollback(struct nm_journal *journal)
{
	/* SQLite may have rolled back by itself; then there is nothing to do. */
	if (!sqlite3_get_autocommit(journal->db))
		sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
}
