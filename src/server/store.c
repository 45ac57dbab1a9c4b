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
		rc = nm_store_make_tables(made, err);
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
nm_store_check(struct nm_store *store, struct nm_err *err)
{
	enum nm_code rc;

	pthread_mutex_lock(&store->reader.lock);
	rc = nm_db_check_place(&store->reader, err);
	pthread_mutex_unlock(&store->reader.lock);
	return rc;
}

enum nm_code
nm_store_begin(struct nm_store *store, struct nm_err *err)
{
	enum nm_code rc;

	pthread_mutex_lock(&store->writer.lock);
	rc = nm_db_check_place(&store->writer, err);
	if (!rc)
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
