/*
 * journal_watch: the share of a program's time that its journal takes. To be
 * preloaded into a program as it is built; stands before SQLite and takes the time
 * of each call that may touch the file: what passed, waiting for the disk included,
 * and what the processor spent, which a busy machine does not change as much.
 *
 *   NM_JOURNAL_WATCH=FILE LD_PRELOAD=libjournal_watch.so PROGRAM...
 *
 * Appends "JOURNAL_MS ALL_MS JOURNAL_CPU_MS ALL_CPU_MS" to FILE at the end. For programs that use SQLite in
 * one thread and for nothing but the journal.
 */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct moment {
	double wall_ms, cpu_ms;
};

static struct {
	struct moment began, entered, within;
	int           depth; /* SQLite calls itself */
} watch;

static double
read_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct moment
read_clocks(void)
{
	return (struct moment){ read_ms(CLOCK_MONOTONIC),
	                        read_ms(CLOCK_PROCESS_CPUTIME_ID) };
}

static void
enter(void)
{
	if (watch.depth++ == 0)
		watch.entered = read_clocks();
}

static void
leave(void)
{
	struct moment now;

	if (--watch.depth)
		return;
	now = read_clocks();
	watch.within.wall_ms += now.wall_ms - watch.entered.wall_ms;
	watch.within.cpu_ms += now.cpu_ms - watch.entered.cpu_ms;
}

__attribute__((constructor)) static void
begin(void)
{
	watch.began = read_clocks();
}

__attribute__((destructor)) static void
end(void)
{
	const char *path = getenv("NM_JOURNAL_WATCH");
	FILE *file = path ? fopen(path, "ae") : NULL;
	struct moment now = read_clocks();

	if (!file)
		return;
	fprintf(file, "%.1f %.1f %.1f %.1f\n", watch.within.wall_ms,
	        now.wall_ms - watch.began.wall_ms, watch.within.cpu_ms,
	        now.cpu_ms);
	fclose(file);
}

/* clang-format off */
/* The same call in the library itself. POSIX lets dlsym name functions so. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define STAND_BEFORE(name, parameters, arguments) \
	int name parameters \
	{ \
		static int (*next) parameters; \
		int rc; \
	\
		if (!next) \
			*(void **)&next = dlsym(RTLD_NEXT, #name); \
		enter(); \
		rc = next arguments; \
		leave(); \
		return rc; \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

STAND_BEFORE(sqlite3_open_v2, (const char *path, sqlite3 **db, int flags,
             const char *vfs), (path, db, flags, vfs))
STAND_BEFORE(sqlite3_close, (sqlite3 *db), (db))
STAND_BEFORE(sqlite3_exec, (sqlite3 *db, const char *sql,
             int (*callback)(void *, int, char **, char **), void *context,
             char **message), (db, sql, callback, context, message))
STAND_BEFORE(sqlite3_prepare_v3, (sqlite3 *db, const char *sql, int len,
             unsigned flags, sqlite3_stmt **s, const char **tail),
             (db, sql, len, flags, s, tail))
STAND_BEFORE(sqlite3_step, (sqlite3_stmt *s), (s))
STAND_BEFORE(sqlite3_finalize, (sqlite3_stmt *s), (s))
