/*
 * schema: the journal's tables, their versions, and every statement's text.
 */
#include "state/sql.h"

#define RUN_COLUMNS \
	"id, key, mode, state, created_ms, updated_ms, name, model," \
	" endpoint, account, requests, spec, results_path"

#define SHARD_COLUMNS \
	"id, run, attempt, number, first, count, members, bytes, tokens," \
	" tag, state, intent_ms, input_file_id, input_created, batch_id," \
	" status, created, ended, output_file_id, error_file_id," \
	" output_path, error_path, refusals, input_tokens," \
	" output_tokens, note, cached_tokens, reasoning_tokens"

/*
 * What a row as it stands has for a seal; an answer's counts in its run's `answers`.
 * A version that has other columns seals all rows anew, and the step to version 4 then
 * has to name the columns that there were.
 */
#define RUN_SEAL "seal('run', " RUN_COLUMNS ")"
#define SHARD_SEAL "seal('shard', " SHARD_COLUMNS ")"
#define LEARNT_SEAL "seal('learnt', account, model, kind, value, learnt_ms)"
#define FLIGHT_SEAL "seal('flight', run, requests)"
#define ANSWER_SEAL "seal('answer', answer.run, attempt, ordinal, row)"

/* Index i holds the steps from version i to i + 1. */
static const char *const migrations[NM_JOURNAL_VERSION] = {
	"CREATE TABLE run ("
	" id TEXT PRIMARY KEY, key TEXT NOT NULL, mode TEXT NOT NULL,"
	" state INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" updated_ms INTEGER NOT NULL, name TEXT NOT NULL,"
	" model TEXT NOT NULL, endpoint TEXT NOT NULL,"
	" account TEXT NOT NULL, requests INTEGER NOT NULL,"
	" spec TEXT NOT NULL, results_path TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX run_key ON run (key, state);"
	"CREATE INDEX run_created ON run (created_ms);"
	"CREATE TABLE shard ("
	" id INTEGER PRIMARY KEY,"
	" run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
	" attempt INTEGER NOT NULL, number INTEGER NOT NULL,"
	" first INTEGER NOT NULL, count INTEGER NOT NULL, members BLOB,"
	" bytes INTEGER NOT NULL, tokens INTEGER NOT NULL,"
	" tag TEXT NOT NULL UNIQUE, state INTEGER NOT NULL,"
	" intent_ms INTEGER NOT NULL, input_file_id TEXT NOT NULL,"
	" input_created INTEGER NOT NULL, batch_id TEXT NOT NULL,"
	" status TEXT NOT NULL, created INTEGER NOT NULL,"
	" ended INTEGER NOT NULL, output_file_id TEXT NOT NULL,"
	" error_file_id TEXT NOT NULL, output_path TEXT NOT NULL,"
	" error_path TEXT NOT NULL, refusals INTEGER NOT NULL,"
	" input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,"
	" note TEXT NOT NULL, UNIQUE (run, number));"
	"CREATE INDEX shard_batch ON shard (batch_id) WHERE batch_id <> '';"
	"CREATE TABLE answer ("
	" run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
	" attempt INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
	" row BLOB NOT NULL, PRIMARY KEY (run, attempt, ordinal))"
	" WITHOUT ROWID;"
	"CREATE TABLE learnt ("
	" account TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL,"
	" value INTEGER NOT NULL, learnt_ms INTEGER NOT NULL,"
	" PRIMARY KEY (account, model, kind)) WITHOUT ROWID;",

	/* A row is a quarter of a page: as a tree's key it makes the tree deep,
	 * and each insertion touches many pages. */
	"ALTER TABLE answer RENAME TO answer_1;"
	"CREATE TABLE answer ("
	" run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
	" attempt INTEGER NOT NULL, ordinal INTEGER NOT NULL,"
	" row BLOB NOT NULL, PRIMARY KEY (run, attempt, ordinal));"
	"INSERT INTO answer SELECT run, attempt, ordinal, row FROM answer_1;"
	"DROP TABLE answer_1;",

	/* What batches told before was not kept. */
	"ALTER TABLE shard ADD COLUMN"
	" cached_tokens INTEGER NOT NULL DEFAULT -1;"
	"ALTER TABLE shard ADD COLUMN"
	" reasoning_tokens INTEGER NOT NULL DEFAULT -1;",

	/* What is there is taken for what was written. */
	"ALTER TABLE run ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE run ADD COLUMN answers INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE shard ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE learnt ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;"
	"UPDATE run SET seal = " RUN_SEAL ", answers ="
	" (SELECT seals(" ANSWER_SEAL ") FROM answer"
	" WHERE answer.run = run.id);"
	"UPDATE shard SET seal = " SHARD_SEAL ";"
	"UPDATE learnt SET seal = " LEARNT_SEAL ";",

	"CREATE TABLE flight ("
	" run TEXT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,"
	" requests INTEGER NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;",
};

#define RUN_READ RUN_COLUMNS ", seal IS " RUN_SEAL

/* Adds a seal to a run's sum, or takes it out: exclusive or, which SQLite has not. */
#define WITH_SEAL "(answers | ?2) - (answers & ?2)"

static const char *const statements[N_SQL] = {
	[SQL_RUN_ADD] = "INSERT INTO run (" RUN_COLUMNS ", seal) VALUES"
		" (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
		" seal('run', ?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13))",
	[SQL_RUN_GET] = "SELECT " RUN_READ " FROM run WHERE id = ?",
	[SQL_RUN_OPEN] = "SELECT " RUN_READ " FROM run"
		" WHERE key = ? AND state IN (0, 3)"
		" ORDER BY created_ms DESC, id LIMIT 1",
	[SQL_RUN_DONE] = "SELECT " RUN_READ " FROM run"
		" WHERE key = ? AND state = 1"
		" ORDER BY created_ms DESC, id LIMIT 1",
	[SQL_RUN_OF_BATCH] = "SELECT " RUN_READ " FROM run WHERE id ="
		" (SELECT run FROM shard WHERE batch_id = ? LIMIT 1)",
	[SQL_RUN_LIST] = "SELECT " RUN_READ " FROM run"
		" ORDER BY created_ms DESC, id",
	[SQL_RUN_STATE] = "UPDATE run SET state = ?2, updated_ms = ?4,"
		" results_path = coalesce(?3, results_path),"
		" seal = seal('run', id, key, mode, ?2, created_ms, ?4, name,"
		" model, endpoint, account, requests, spec,"
		" coalesce(?3, results_path))"
		" WHERE id = ?1 AND seal IS " RUN_SEAL,
	[SQL_RUN_ANSWERS] = "UPDATE run SET answers = " WITH_SEAL
		" WHERE id = ?1",
	[SQL_RUN_BROKEN] = "SELECT 'the run ' || id FROM run NOT INDEXED"
		" WHERE seal IS NOT " RUN_SEAL " LIMIT 1",
	[SQL_RUN_REMOVE] = "DELETE FROM run WHERE id = ?",
	[SQL_SHARD_ADD] = "INSERT INTO shard (" SHARD_COLUMNS ", seal)"
		" SELECT n, ?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
		" ?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,"
		" seal('shard', n, ?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
		" ?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28)"
		" FROM (SELECT coalesce(max(id), 0) + 1 AS n FROM shard)",
	[SQL_SHARD_SAVE] = "UPDATE shard SET state = ?2, intent_ms = ?3,"
		" input_file_id = ?4, input_created = ?5, batch_id = ?6,"
		" status = ?7, created = ?8, ended = ?9,"
		" output_file_id = ?10, error_file_id = ?11,"
		" output_path = ?12, error_path = ?13, refusals = ?14,"
		" input_tokens = ?15, output_tokens = ?16, note = ?17,"
		" tag = ?18, cached_tokens = ?19, reasoning_tokens = ?20,"
		" seal = seal('shard', id, run, attempt, number, first, count,"
		" members, bytes, tokens, ?18, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?19, ?20)"
		" WHERE id = ?1 AND seal IS " SHARD_SEAL,
	[SQL_SHARD_LIST] = "SELECT " SHARD_COLUMNS ", seal IS " SHARD_SEAL
		" FROM shard WHERE run = ? ORDER BY number",
	[SQL_SHARD_BROKEN] = "SELECT 'shard ' || number || ' of run ' || run"
		" FROM shard NOT INDEXED"
		" WHERE seal IS NOT " SHARD_SEAL " LIMIT 1",
	[SQL_ANSWER_ADD] = "INSERT INTO answer"
		" (run, attempt, ordinal, row) VALUES (?1,?2,?3,?4)"
		" ON CONFLICT (run, attempt, ordinal) DO NOTHING",
	[SQL_ANSWER_NEW_SEAL] = "SELECT seal('answer', ?1,?2,?3,?4)",
	/* One row without an answer where there is none. */
	[SQL_ANSWER_LIST] = "SELECT ordinal, attempt, row, " ANSWER_SEAL ","
		" answers FROM run LEFT JOIN answer ON answer.run = run.id"
		" WHERE run.id = ? ORDER BY attempt, ordinal",
	[SQL_ANSWER_SEAL] = "SELECT " ANSWER_SEAL " FROM answer"
		" WHERE run = ? AND attempt = ? AND ordinal = ?",
	[SQL_ANSWER_REACH] = "SELECT (SELECT max(rowid) FROM answer),"
		" (SELECT max(run) FROM answer)",
	[SQL_ANSWER_REMOVE] = "DELETE FROM answer"
		" WHERE run = ? AND attempt = ? AND ordinal = ?",
	[SQL_LIMIT_SET] = "INSERT OR REPLACE INTO learnt"
		" (account, model, kind, value, learnt_ms, seal)"
		" VALUES (?1,?2,?3,?4,?5, seal('learnt', ?1,?2,?3,?4,?5))",
	[SQL_LIMIT_GET] = "SELECT value, seal IS " LEARNT_SEAL " FROM learnt"
		" WHERE account = ? AND model = ? AND kind = ?"
		" AND learnt_ms > ?",
	[SQL_FLIGHT_SET] = "INSERT OR REPLACE INTO flight"
		" (run, requests, seal)"
		" VALUES (?1, ?2, seal('flight', ?1, ?2))",
	[SQL_FLIGHT_GET] = "SELECT requests, seal IS " FLIGHT_SEAL
		" FROM flight WHERE run = ?",
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
};

const char *
nm_schema_statement(enum nm_sql which)
{
	return statements[which];
}

static const char doing[] = "bringing its schema up";

/* The first value that a statement of the kind yields. */
static enum nm_code
ask(struct nm_journal *journal, const char *pragma, sqlite3_stmt **s,
    struct nm_err *err)
{
	*s = NULL;
	if (sqlite3_prepare_v2(journal->db, pragma, -1, s, NULL) ==
	    SQLITE_OK && sqlite3_step(*s) == SQLITE_ROW)
		return NM_OK;
	return nm_sql_fail(journal, "reading its version", err);
}

static enum nm_code
read_version(struct nm_journal *journal, int *version, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = ask(journal, "PRAGMA user_version", &s, err);

	if (!rc)
		*version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return rc;
}

static enum nm_code
step_up(struct nm_journal *journal, int from, struct nm_err *err)
{
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", from + 1);
	if (sqlite3_exec(journal->db, migrations[from], NULL, NULL, NULL) ||
	    sqlite3_exec(journal->db, pragma, NULL, NULL, NULL))
		return nm_sql_misfit(journal, doing, err);
	return NM_OK;
}

static enum nm_code
refuse_newer(struct nm_journal *journal, int version, struct nm_err *err)
{
	return nm_fail(err, NM_STATE, version,
		"%s was written by a newer nightmail (journal version %d,"
		" this program knows %d): use that one, or another state"
		" folder by NIGHTMAIL_STATE",
		nm_buf_string(&journal->path), version, NM_JOURNAL_VERSION);
}

/*
 * As a transaction's begin, when no other process has the file open; none can open it
 * until the commit. A program of an older version that is at work goes on to write rows
 * as it knows them: without the seals of a newer one.
 */
static enum nm_code
begin_alone(struct nm_journal *journal, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc;
	const char *mode;

	/* Only the last one out may take the log away, and only before it begins
	 * can another come in, who makes a new one. */
	if (sqlite3_exec(journal->db,
	                 "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE", NULL,
	                 NULL, NULL))
		return nm_sql_fail(journal, doing, err);
	rc = ask(journal, "PRAGMA journal_mode", &s, err);
	if (!rc) {
		mode = (const char *)sqlite3_column_text(s, 0);
		if (!mode || strcmp(mode, "delete") != 0)
			rc = nm_fail(err, NM_HELD, SQLITE_BUSY, "%s: another"
			             " process has it open: try again when that"
			             " one is done, while %s",
			             nm_buf_string(&journal->path), doing);
	}
	sqlite3_finalize(s);
	if (rc)
		nm_journal_rollback(journal);
	return rc;
}

static enum nm_code
step_all(struct nm_journal *journal, int version, struct nm_err *err)
{
	enum nm_code rc = version ? begin_alone(journal, err)
	                          : nm_journal_begin(journal, err);

	/* The other one may have been about the same. */
	if (rc == NM_HELD && !read_version(journal, &version, err) &&
	    version == NM_JOURNAL_VERSION)
		return NM_OK;
	if (rc)
		return rc;
	/* Again, now that no other process can be at it. */
	rc = read_version(journal, &version, err);
	while (!rc && version < NM_JOURNAL_VERSION)
		rc = step_up(journal, version++, err);
	if (rc) {
		nm_journal_rollback(journal);
		return rc;
	}
	rc = nm_journal_commit(journal, err);
	if (!rc && sqlite3_exec(journal->db, "PRAGMA journal_mode = WAL", NULL,
	                        NULL, NULL))
		rc = nm_sql_fail(journal, doing, err);
	return rc;
}

enum nm_code
nm_schema_migrate(struct nm_journal *journal, struct nm_err *err)
{
	int version = 0;
	enum nm_code rc;

	rc = read_version(journal, &version, err);
	if (rc || version == NM_JOURNAL_VERSION)
		return rc;
	if (version > NM_JOURNAL_VERSION)
		return refuse_newer(journal, version, err);
	if (version < 0)
		return nm_fail(err, NM_STATE, version,
			"%s is no journal of nightmail's: move it away, or name"
			" another state folder by NIGHTMAIL_STATE",
			nm_buf_string(&journal->path));
	return step_all(journal, version, err);
}
