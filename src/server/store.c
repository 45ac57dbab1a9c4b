#include "server/store_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "server/reserve.h"

/* Bytes without a row may be on their way to one; after this they are not. */
enum { ORPHAN_AGE_S = 3600 };

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

/* A folder of a later program is left alone: it may mean what we cannot know. */
static enum nm_code
make_tables(struct nm_store *store, struct nm_err *err)
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

static enum nm_code
make_folders(struct nm_store *store, const char *state_dir, struct nm_err *err)
{
	static const char *const parts[] = { "files", "tmp", "keys", "work" };
	struct nm_buf path = {0};
	char *real;
	enum nm_code rc;

	rc = nm_folder_make(state_dir, 0700, err);
	if (rc)
		return rc;
	real = realpath(state_dir, NULL);
	if (!real)
		return nm_fail(err, NM_IO, errno, "%s: %s", state_dir,
		               strerror(errno));
	nm_buf_add_string(&store->folder, real);
	free(real);
	for (size_t i = 0; !rc && i < sizeof(parts) / sizeof(parts[0]); i++) {
		nm_buf_clear(&path);
		nm_path_join(&path, nm_store_folder(store), parts[i]);
		rc = nm_folder_make(nm_buf_string(&path), 0700, err);
	}
	nm_buf_release(&path);
	return rc;
}

/* A temporary whose flock is free has no writer any more. */
static void
sweep_temporary(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder, name, 0);
	close(fd);
}

/* What no row speaks for: of files/ the id is the name, of work/ its stem. */
static void
sweep_orphan(struct nm_store *store, int folder, const char *name,
             const char *sql)
{
	struct nm_text id = { name, strcspn(name, ".") };
	struct nm_arena arena = {0};
	sqlite3_stmt *st = NULL;
	struct stat stat;
	int known = 1;

	if (fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW) ||
	    stat.st_mtime > time(NULL) - ORPHAN_AGE_S)
		return;
	if (nm_db_use(&store->reader, sql, &st, NULL))
		return;
	nm_db_bind_text(st, 1, nm_arena_text(&arena, id).at);
	if (nm_db_step(&store->reader, st, &known, NULL) == NM_OK && !known)
		unlinkat(folder, name, 0);
	nm_db_done(st);
	nm_arena_release(&arena);
}

static void
sweep_folder(struct nm_store *store, const char *part)
{
	struct nm_buf path = {0};
	struct dirent *entry;
	DIR *dir;

	nm_path_join(&path, nm_store_folder(store), part);
	dir = opendir(nm_buf_string(&path));
	nm_buf_release(&path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (strcmp(part, "tmp") == 0)
			sweep_temporary(dirfd(dir), entry->d_name);
		else if (strcmp(part, "files") == 0)
			sweep_orphan(store, dirfd(dir), entry->d_name,
			             "SELECT 1 FROM file WHERE id = ?1"
			             " UNION SELECT 1 FROM part WHERE id = ?1");
		else
			sweep_orphan(store, dirfd(dir), entry->d_name,
			             "SELECT 1 FROM batch WHERE id = ?1"
			             " AND state IN " NM_STORE_OPEN_STATES);
	}
	closedir(dir);
}

enum nm_code
nm_store_open(const char *state_dir, struct nm_store **store,
              struct nm_err *err)
{
	struct nm_store *made = calloc(1, sizeof(*made));
	struct nm_buf path = {0};
	int fd;
	enum nm_code rc;

	if (!made)
		abort();
	rc = make_folders(made, state_dir, err);
	if (rc)
		goto done;
	nm_path_join(&path, nm_store_folder(made), "server.db");
	/* SQLite would let others read it; its journal takes after it. Only before
	 * the first opening: a close of ours would end SQLite's locks. */
	fd = open(nm_buf_string(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	rc = nm_db_open(&made->writer, nm_buf_string(&path), err);
	if (!rc)
		rc = make_tables(made, err);
	if (!rc)
		rc = nm_db_open(&made->reader, nm_buf_string(&path), err);
	if (rc)
		goto done;
	sweep_folder(made, "tmp");
	sweep_folder(made, "files");
	sweep_folder(made, "work");
	nm_reserve_keep(nm_store_folder(made));
	*store = made;
	made = NULL;
done:
	nm_store_close(made);
	nm_buf_release(&path);
	return rc ? nm_while(err, "opening the state folder %s", state_dir)
	          : NM_OK;
}

void
nm_store_close(struct nm_store *store)
{
	if (!store)
		return;
	nm_db_close(&store->reader);
	nm_db_close(&store->writer);
	nm_buf_release(&store->folder);
	free(store);
}

void
nm_store_limit(struct nm_store *store, const struct nm_store_limits *limits)
{
	store->limits = *limits;
}

const char *
nm_store_folder(const struct nm_store *store)
{
	return nm_buf_string(&store->folder);
}

void
nm_store_new_id(const char *prefix, char *id)
{
	char hex[33];

	nm_digest_random_hex(hex, 32);
	snprintf(id, NM_ID_MAX, "%s%s", prefix, hex);
}

void
nm_store_path(const struct nm_store *store, const char *part,
              const char *name, struct nm_buf *path)
{
	nm_buf_addf(path, "%s/%s/%s", nm_store_folder(store), part, name);
}

void
nm_store_file_path(const struct nm_store *store, const char *id,
                   struct nm_buf *path)
{
	nm_store_path(store, "files", id, path);
}

void
nm_store_unlink(const struct nm_store *store, const char *id)
{
	struct nm_buf path = {0};

	nm_store_file_path(store, id, &path);
	unlink(nm_buf_string(&path));
	nm_buf_release(&path);
}

enum nm_code
nm_store_begin(struct nm_store *store, struct nm_err *err)
{
	enum nm_code rc;

	pthread_mutex_lock(&store->writer.lock);
	rc = nm_db_run(&store->writer, "BEGIN IMMEDIATE", err);
	if (rc)
		pthread_mutex_unlock(&store->writer.lock);
	return rc;
}

enum nm_code
nm_store_commit_or_undo(struct nm_store *store, enum nm_code rc,
                        struct nm_err *err)
{
	if (!rc)
		rc = nm_db_run(&store->writer, "COMMIT", err);
	/* After some errors SQLite has rolled back by itself. */
	if (rc && !sqlite3_get_autocommit(store->writer.at))
		sqlite3_exec(store->writer.at, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&store->writer.lock);
	return rc;
}

enum nm_code
nm_store_find_place(struct nm_db *db, const char *sql,
                    const struct nm_store_page *page,
                    struct nm_store_place *place, struct nm_err *err)
{
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	if (!page->after) {
		place->created_s = place->seq =
			page->order == NM_NEWEST_FIRST ? INT64_MAX : INT64_MIN;
		return NM_OK;
	}
	rc = nm_db_use(db, sql, &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, page->tenant);
	nm_db_bind_text(st, 2, page->after);
	rc = nm_db_step(db, st, &row, err);
	if (!rc && !row)
		rc = nm_fail(err, NM_ABSENT, 404, "no such id: %.64s",
		             page->after);
	if (!rc) {
		place->created_s = sqlite3_column_int64(st, 0);
		place->seq = sqlite3_column_int64(st, 1);
	}
	nm_db_done(st);
	return rc;
}
