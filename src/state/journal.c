/*
 * journal: the file itself, and its transactions.
 */
#include "state/journal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "state/seal.h"
#include "state/sql.h"
#include "state/wal.h"

enum { PATIENCE_MS = 10000, TURNS_MS = 3000, TURN_FIRST_MS = 10 };

static enum nm_code
prepare_connection(struct nm_journal *journal, struct nm_err *err)
{
	/* FULL: a commit in WAL mode is otherwise lost with the power. */
	static const char pragmas[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;";

	sqlite3_busy_timeout(journal->db, PATIENCE_MS);
	if (nm_seal_register(journal->db) != SQLITE_OK ||
	    sqlite3_exec(journal->db, pragmas, NULL, NULL, NULL))
		return nm_sql_misfit(journal, "opening the journal", err);
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

/* Once SQLite opens it, what a damaged log had is gone. */
static enum nm_code
check_log(const char *path, struct nm_err *err)
{
	switch (nm_wal_look(path)) {
	case NM_WAL_DAMAGED:
		return nm_fail(err, NM_STATE, SQLITE_CORRUPT,
			"%s-wal: the file is damaged, and steps that were"
			" committed cannot be read any more: move it and"
			" journal.db away (batches are still found by"
			" batch_manager --list, and taken up by --batch-id)",
			path);
	case NM_WAL_GONE:
		return nm_fail(err, NM_STATE, SQLITE_CORRUPT,
			"%s-wal is gone, and steps that were committed stood"
			" there alone: bring it back, or move journal.db-shm"
			" away to go on without them (batches are still found"
			" by batch_manager --list)", path);
	default:
		return NM_OK;
	}
}

static enum nm_code
open_file(struct nm_journal *journal, struct nm_err *err)
{
	const char *path = nm_buf_string(&journal->path);
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	                  SQLITE_OPEN_NOMUTEX;
	mode_t before;
	int result;

	mend_beside(journal);
	if (check_log(path, err))
		return err->code;
	before = umask(077);
	result = sqlite3_open_v2(path, &journal->db, flags, NULL);

	umask(before);
	if (!journal->db)
		nm_die("out of memory");
	if (result == SQLITE_OK)
		return prepare_connection(journal, err);
	/* The reason first: a path may be longer than what is told. */
	return nm_fail(err, NM_IO, result, "cannot open the journal (%s): %s",
	               nm_sql_reason(journal), path);
}

static void
disconnect(struct nm_journal *journal)
{
	size_t i;

	for (i = 0; i < N_SQL; i++) {
		sqlite3_finalize(journal->statements[i]);
		journal->statements[i] = NULL;
	}
	sqlite3_close(journal->db);
	journal->db = NULL;
}

/* Those that would bring an older one up at once keep each other from it, as long as
 * they have it open. */
static enum nm_code
open_in_turn(struct nm_journal *journal, struct nm_err *err)
{
	int64_t end_ms = nm_clock_machine_ms() + TURNS_MS;
	struct nm_err ignored;
	unsigned char chance;
	enum nm_code rc;

	for (;;) {
		rc = open_file(journal, err);
		if (rc != NM_HELD || nm_clock_machine_ms() >= end_ms)
			return rc;
		disconnect(journal);
		sqlite3_randomness(sizeof(chance), &chance);
		if (nm_clock_sleep(NULL, TURN_FIRST_MS + chance, &ignored))
			return rc;
	}
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
	rc = open_in_turn(made, err);
	if (rc) {
		nm_journal_close(made);
		return rc;
	}
	*journal = made;
	return NM_OK;
}

static const char doing[] = "looking for runs";

static enum nm_code
check_table(struct nm_journal *journal, const char *pragma,
            struct nm_err *err)
{
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
		rc = nm_sql_damaged(journal, doing, err,
		                    "it does not agree with itself");
done:
	sqlite3_finalize(s);
	return rc;
}

/* A statement that names one row that its seal does not hold. */
static enum nm_code
check_seals(struct nm_journal *journal, enum nm_sql which, struct nm_err *err)
{
	const char *row;
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, which, &s, err);

	if (!rc)
		rc = nm_sql_step(journal, s, &some, doing, err);
	if (rc || !some)
		return rc;
	row = (const char *)sqlite3_column_text(s, 0);
	rc = nm_sql_damaged(journal, doing, err, "%s is not as it was written",
	                    row ? row : "a row");
	nm_sql_done(s);
	return rc;
}

/* There may be gigabytes of answers: the way to where the next is put is whole. */
static enum nm_code
check_answers(struct nm_journal *journal, struct nm_err *err)
{
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_REACH, &s, err);

	if (!rc)
		rc = nm_sql_step(journal, s, &some, doing, err);
	if (!rc)
		nm_sql_done(s);
	return rc;
}

enum nm_code
nm_journal_check(struct nm_journal *journal, struct nm_err *err)
{
	static const char *const pragmas[] = {
		"PRAGMA integrity_check(sqlite_master)",
		"PRAGMA integrity_check(run)",
		"PRAGMA integrity_check(shard)",
		"PRAGMA integrity_check(learnt)",
		"PRAGMA integrity_check(flight)",
	};
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < sizeof(pragmas) / sizeof(*pragmas); i++)
		rc = check_table(journal, pragmas[i], err);
	if (!rc)
		rc = check_seals(journal, SQL_RUN_BROKEN, err);
	if (!rc)
		rc = check_seals(journal, SQL_SHARD_BROKEN, err);
	return rc ? rc : check_answers(journal, err);
}

void
nm_journal_close(struct nm_journal *journal)
{
	if (!journal)
		return;
	disconnect(journal);
	nm_buf_release(&journal->folder);
	nm_buf_release(&journal->answers_run);
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

	journal->answers = 0;
	return rc ? rc : nm_sql_run(journal, s, "beginning a step", err);
}

enum nm_code
nm_journal_commit(struct nm_journal *journal, struct nm_err *err)
{
	sqlite3_stmt *s = NULL;
	enum nm_code rc = nm_answers_settle(journal, err);

	if (!rc)
		rc = nm_sql_ready(journal, SQL_COMMIT, &s, err);
	if (!rc)
		rc = nm_sql_run(journal, s, "committing a step", err);
	if (rc)
		nm_journal_rollback(journal);
	return rc;
}

void
nm_journal_rollback(struct nm_journal *journal)
{
	journal->answers = 0;
	/* SQLite may have rolled back by itself; then there is nothing to do. */
	if (!sqlite3_get_autocommit(journal->db))
		sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
}
