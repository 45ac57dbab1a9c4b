/* The tables, and what older ones lack. */
#include "server/store_parts.h"

enum { SCHEMA = 2 }; /* the first, below, and what came since */

static const char *const first_schema =
	"CREATE TABLE IF NOT EXISTS setting("
	" name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT OR IGNORE INTO setting VALUES('schema', 1);"
	"CREATE TABLE IF NOT EXISTS file("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,"
	" tenant TEXT NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL,"
	" bytes INTEGER NOT NULL, created_s INTEGER NOT NULL,"
	" expires_s INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS file_time ON file(tenant, created_s, seq);"
	"CREATE INDEX IF NOT EXISTS file_purpose"
	" ON file(tenant, purpose, created_s, seq);"
	"CREATE INDEX IF NOT EXISTS file_end ON file(expires_s)"
	" WHERE expires_s <> 0;"
	"CREATE TABLE IF NOT EXISTS batch("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,"
	" tenant TEXT NOT NULL, endpoint TEXT NOT NULL,"
	" input_file_id TEXT NOT NULL, metadata TEXT,"
	" results_live_s INTEGER NOT NULL, state INTEGER NOT NULL,"
	" at0 INTEGER NOT NULL, at1 INTEGER NOT NULL DEFAULT 0,"
	" at2 INTEGER NOT NULL DEFAULT 0, at3 INTEGER NOT NULL DEFAULT 0,"
	" at4 INTEGER NOT NULL DEFAULT 0, at5 INTEGER NOT NULL DEFAULT 0,"
	" at6 INTEGER NOT NULL DEFAULT 0, at7 INTEGER NOT NULL DEFAULT 0,"
	" expires_s INTEGER NOT NULL, model TEXT, errors TEXT,"
	" output_file_id TEXT, error_file_id TEXT,"
	" total INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0,"
	" failed INTEGER NOT NULL DEFAULT 0,"
	" input_tokens INTEGER NOT NULL DEFAULT 0,"
	" cached_tokens INTEGER NOT NULL DEFAULT 0,"
	" output_tokens INTEGER NOT NULL DEFAULT 0,"
	" reasoning_tokens INTEGER NOT NULL DEFAULT 0,"
	" input_lines INTEGER NOT NULL DEFAULT 0,"
	" input_bytes INTEGER NOT NULL DEFAULT 0,"
	" output_bytes INTEGER NOT NULL DEFAULT 0,"
	" error_bytes INTEGER NOT NULL DEFAULT 0,"
	" prompt_tokens INTEGER NOT NULL DEFAULT 0,"
	" due_ms INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX IF NOT EXISTS batch_time ON batch(tenant, at0, seq);"
	"CREATE INDEX IF NOT EXISTS batch_open ON batch(state, seq)"
	" WHERE state IN (0, 2, 3, 6);"
	"CREATE TABLE IF NOT EXISTS upload("
	" id TEXT PRIMARY KEY, tenant TEXT NOT NULL, filename TEXT NOT NULL,"
	" purpose TEXT NOT NULL, mime_type TEXT NOT NULL, file_id TEXT,"
	" bytes INTEGER NOT NULL, created_s INTEGER NOT NULL,"
	" expires_s INTEGER NOT NULL, file_live_s INTEGER NOT NULL,"
	" state INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS part("
	" id TEXT PRIMARY KEY, upload_id TEXT NOT NULL, bytes INTEGER NOT NULL,"
	" created_s INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS part_upload ON part(upload_id);";

/* [n]: from version n to the next. */
static const char *const migrations[SCHEMA] = {
	[1] = "ALTER TABLE batch ADD COLUMN by_id INTEGER NOT NULL DEFAULT 0;"
		"UPDATE batch SET by_id = 1 WHERE input_lines = 0"
		" AND output_bytes + error_bytes > 0;"
		"UPDATE setting SET value = 2 WHERE name = 'schema'",
};

static enum nm_code
read_schema(struct nm_db *db, int *version, struct nm_err *err)
{
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	*version = 0;
	rc = nm_db_use(db, "SELECT value FROM setting WHERE name = 'schema'",
	               &st, err);
	if (!rc)
		rc = nm_db_step(db, st, &row, err);
	if (!rc && row)
		*version = sqlite3_column_int(st, 0);
	nm_db_done(st);
	return rc;
}

enum nm_code
nm_store_make_tables(struct nm_store *store, struct nm_err *err)
{
	struct nm_db *db = &store->writer;
	int version = 0;
	enum nm_code rc;

	rc = nm_store_begin(store, err);
	if (rc)
		return rc;
	rc = nm_db_run(db, first_schema, err);
	if (!rc)
		rc = read_schema(db, &version, err);
	if (!rc && (version < 1 || version > SCHEMA))
		rc = nm_fail(err, NM_STATE, 0, "server.db is of another version of "
		             "this program");
	for (; !rc && version < SCHEMA; version++)
		rc = nm_db_run(db, migrations[version], err);
	return nm_store_commit_or_undo(store, rc, err);
}
