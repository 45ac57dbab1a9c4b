/*
 * schema: the journal's tables, their versions, and every statement's text.
 */
#include "state/sql.h"

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
};

#define RUN_COLUMNS \
	"id, key, mode, state, created_ms, updated_ms, name, model," \
	" endpoint, account, requests, spec, results_path"

#define SHARD_COLUMNS \
	"id, run, attempt, number, first, count, members, bytes, tokens," \
	" tag, state, intent_ms, input_file_id, input_created, batch_id," \
	" status, created, ended, output_file_id, error_file_id," \
	" output_path, error_path, refusals, input_tokens," \
	" output_tokens, note, cached_tokens, reasoning_tokens"

static const char *const statements[N_SQL] = {
	[SQL_RUN_ADD] = "INSERT INTO run (" RUN_COLUMNS ")"
		" VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[SQL_RUN_GET] = "SELECT " RUN_COLUMNS " FROM run WHERE id = ?",
	[SQL_RUN_OPEN] = "SELECT " RUN_COLUMNS " FROM run"
		" WHERE key = ? AND state IN (0, 3)"
		" ORDER BY created_ms DESC, id LIMIT 1",
	[SQL_RUN_DONE] = "SELECT " RUN_COLUMNS " FROM run"
		" WHERE key = ? AND state = 1"
		" ORDER BY created_ms DESC, id LIMIT 1",
	[SQL_RUN_OF_BATCH] = "SELECT " RUN_COLUMNS " FROM run WHERE id ="
		" (SELECT run FROM shard WHERE batch_id = ? LIMIT 1)",
	[SQL_RUN_LIST] = "SELECT " RUN_COLUMNS " FROM run"
		" ORDER BY created_ms DESC, id",
	[SQL_RUN_STATE] = "UPDATE run SET state = ?2, updated_ms = ?4,"
		" results_path = coalesce(?3, results_path) WHERE id = ?1",
	[SQL_RUN_REMOVE] = "DELETE FROM run WHERE id = ?",
	[SQL_SHARD_ADD] = "INSERT INTO shard (" SHARD_COLUMNS ") VALUES"
		" (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[SQL_SHARD_SAVE] = "UPDATE shard SET state = ?2, intent_ms = ?3,"
		" input_file_id = ?4, input_created = ?5, batch_id = ?6,"
		" status = ?7, created = ?8, ended = ?9,"
		" output_file_id = ?10, error_file_id = ?11,"
		" output_path = ?12, error_path = ?13, refusals = ?14,"
		" input_tokens = ?15, output_tokens = ?16, note = ?17,"
		" tag = ?18, cached_tokens = ?19, reasoning_tokens = ?20"
		" WHERE id = ?1",
	[SQL_SHARD_LIST] = "SELECT " SHARD_COLUMNS " FROM shard"
		" WHERE run = ? ORDER BY number",
	[SQL_ANSWER_ADD] = "INSERT OR REPLACE INTO answer"
		" (run, attempt, ordinal, row) VALUES (?,?,?,?)",
	[SQL_ANSWER_LIST] = "SELECT ordinal, attempt, row FROM answer"
		" WHERE run = ? ORDER BY attempt, ordinal",
	[SQL_ANSWER_REMOVE] = "DELETE FROM answer"
		" WHERE run = ? AND attempt = ? AND ordinal = ?",
	[SQL_LIMIT_SET] = "INSERT OR REPLACE INTO learnt"
		" (account, model, kind, value, learnt_ms)"
		" VALUES (?,?,?,?,?)",
	[SQL_LIMIT_GET] = "SELECT value FROM learnt"
		" WHERE account = ? AND model = ? AND kind = ?"
		" AND learnt_ms > ?",
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
};

const char *
nm_schema_statement(enum nm_sql which)
{
	return statements[which];
}

static enum nm_code
read_version(struct nm_journal *journal, int *version, struct nm_err *err)
{
	sqlite3_stmt *s = NULL;
	enum nm_code rc = NM_OK;

	if (sqlite3_prepare_v2(journal->db, "PRAGMA user_version", -1, &s,
	                       NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		rc = nm_sql_fail(journal, "reading its version", err);
	else
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
		return nm_sql_fail(journal, "bringing its schema up", err);
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
	rc = nm_journal_begin(journal, err);
	if (rc)
		return rc;
	/* Again, now that no other process can be at it. */
	rc = read_version(journal, &version, err);
	while (!rc && version < NM_JOURNAL_VERSION)
		rc = step_up(journal, version++, err);
	if (!rc)
		return nm_journal_commit(journal, err);
	nm_journal_rollback(journal);
	return rc;
}
