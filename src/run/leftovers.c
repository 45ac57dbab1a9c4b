/*
 * leftovers: see the header.
 */
#include "run/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

struct broom {
	struct nm_journal   *journal;
	int64_t              before_ms;
	struct nm_leftovers *removed;
};

/* Calls take with the path and the name of each entry of a folder. */
static void
walk(const char *folder,
     void (*take)(struct broom *broom, const char *path, const char *name),
     struct broom *broom)
{
	struct nm_buf path = { 0 };
	struct dirent *entry;
	DIR *open = opendir(folder);

	if (!open)
		return;
	while ((entry = readdir(open))) {
		nm_buf_clear(&path);
		nm_path_join(&path, folder, entry->d_name);
		take(broom, nm_buf_string(&path), entry->d_name);
	}
	closedir(open);
	nm_buf_release(&path);
}

static int
is_old(const struct broom *broom, const struct stat *info)
{
	return (int64_t)info->st_mtime * 1000 < broom->before_ms;
}

static void
remove_file(struct broom *broom, const char *path, const char *name)
{
	struct stat info;

	(void)name;
	if (lstat(path, &info) || !S_ISREG(info.st_mode) || unlink(path))
		return;
	/* Linked into the results it goes on taking room there. */
	if (info.st_nlink == 1)
		broom->removed->bytes += info.st_size;
}

void
nm_leftovers_remove_folder(const char *path, struct nm_leftovers *removed)
{
	struct broom broom = { .removed = removed };

	walk(path, remove_file, &broom);
	(void)rmdir(path);
}

/* A download that is under way holds its part. */
static void
sweep_download(struct broom *broom, const char *path, const char *name)
{
	struct stat info;
	int fd;

	if (lstat(path, &info) || !S_ISREG(info.st_mode) ||
	    !is_old(broom, &info))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		remove_file(broom, path, name);
		broom->removed->count++;
	}
	(void)close(fd);
}

static int
is_run_known(const struct broom *broom, const char *id)
{
	struct nm_arena arena = { 0 };
	struct nm_run_record record;
	struct nm_err ignored;
	enum nm_code rc = nm_runs_get(broom->journal, id, &arena, &record,
	                              &ignored);

	nm_arena_release(&arena);
	return rc != NM_ABSENT;
}

/* Under its lock: the process that is about to write it down holds that. */
static void
sweep_run(struct broom *broom, const char *lock_path, const char *name)
{
	struct nm_text id = nm_path_stem(name);
	struct nm_buf folder = { 0 };
	struct nm_lock lock = { 0 };
	struct nm_err ignored;
	struct stat info;

	if (id.len != NM_RUN_ID_DIGITS || strcmp(name + id.len, ".lock") != 0 ||
	    lstat(lock_path, &info) || !is_old(broom, &info))
		return;
	nm_buf_add(&folder, lock_path, strlen(lock_path) - strlen(".lock"));
	if (!is_run_known(broom, nm_path_base(nm_buf_string(&folder))) &&
	    !nm_lock_open(&lock, lock_path, &ignored)) {
		nm_leftovers_remove_folder(nm_buf_string(&folder),
		                           broom->removed);
		(void)unlink(lock_path);
		broom->removed->count++;
	}
	nm_lock_close(&lock);
	nm_buf_release(&folder);
}

void
nm_leftovers_sweep(const char *state_folder, struct nm_journal *journal,
                   int64_t before_ms, struct nm_leftovers *removed)
{
	struct broom broom = { journal, before_ms, removed };
	struct nm_buf path = { 0 };

	nm_path_join(&path, state_folder, "passing");
	walk(nm_buf_string(&path), sweep_download, &broom);
	(void)rmdir(nm_buf_string(&path));
	nm_buf_clear(&path);
	nm_path_join(&path, state_folder, "runs");
	if (journal)
		walk(nm_buf_string(&path), sweep_run, &broom);
	nm_buf_release(&path);
}
