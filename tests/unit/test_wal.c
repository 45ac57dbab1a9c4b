/* wal: a log whose bytes were changed on the disk is told from one whose last
 * transaction was cut by the power, and from all that a log has behind its end. */
#include "journal_place.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>

#include "state/wal.h"

enum { HEADER = 32, FRAME = 24 + 4096, LOG, INDEX, N_FILES = 3 };

struct scene {
	char          folder[64];
	char          path[96];
	struct nm_buf kept[N_FILES]; /* as a death left them */
	struct nm_err err;
};

static const char *const ends[N_FILES] = { "", "-wal", "-shm" };
enum { OF_DATABASE, OF_LOG, OF_INDEX };

static void
name(const struct scene *s, int which, char *path, size_t room)
{
	snprintf(path, room, "%s%s", s->path, ends[which]);
}

static void
put(struct scene *s, int which, struct nm_text bytes)
{
	char path[128];

	name(s, which, path, sizeof(path));
	assert_int_equal(nm_file_write(path, 0600, bytes, &s->err), NM_OK);
}

static void
keep(struct scene *s, int which)
{
	char path[128];

	name(s, which, path, sizeof(path));
	nm_buf_clear(&s->kept[which]);
	assert_int_equal(nm_file_read(path, &s->kept[which], &s->err), NM_OK);
}

static void
drop(struct scene *s, int which)
{
	char path[128];

	name(s, which, path, sizeof(path));
	unlink(path);
}

static void
put_all(struct scene *s)
{
	for (int i = 0; i < N_FILES; i++)
		put(s, i, nm_buf_text(&s->kept[i]));
}

/* A process that runs these and is killed, and what it leaves. */
static void
die_after(struct scene *s, const char *sql)
{
	int status = 0;
	sqlite3 *db;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (sqlite3_open(s->path, &db) ||
		    sqlite3_exec(db, "PRAGMA journal_mode = WAL;"
		                 "PRAGMA synchronous = FULL;", NULL, NULL,
		                 NULL) ||
		    sqlite3_exec(db, sql, NULL, NULL, NULL))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	for (int i = 0; i < N_FILES; i++)
		keep(s, i);
}

static int
enter_scene(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	*state = s;
	if (!s)
		return -1;
	snprintf(s->folder, sizeof(s->folder), "/tmp/nm_wal.XXXXXX");
	if (!mkdtemp(s->folder))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/journal.db", s->folder);
	return 0;
}

static int
leave_scene(void **state)
{
	struct scene *s = *state;
	char command[128];

	for (int i = 0; i < N_FILES; i++)
		nm_buf_release(&s->kept[i]);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	free(s);
	return system(command);
}

/* Transactions of one frame, of two, and of many. */
#define TRANSACTIONS \
	"CREATE TABLE t (a, b);" \
	"INSERT INTO t VALUES (1, zeroblob(20));" \
	"BEGIN; CREATE TABLE u (a); INSERT INTO u VALUES (2); COMMIT;" \
	"INSERT INTO t VALUES (3, randomblob(20000));" \
	"INSERT INTO t VALUES (4, 5);"
#define LAST "INSERT INTO t VALUES (6, randomblob(9000));"

static size_t
frames_of(const struct scene *s)
{
	return (s->kept[OF_LOG].len - HEADER) / FRAME;
}

/* The number of frames before the last transaction's first. */
static size_t
frames_before_last(const struct scene *s)
{
	const char *at = s->kept[OF_LOG].at + HEADER;
	size_t n = frames_of(s), last = n - 1;

	while (last > 0 && !memcmp(at + (last - 1) * FRAME + 4, "\0\0\0", 4))
		last--;
	return last;
}

static void
write_byte(const struct scene *s, size_t at, char byte)
{
	char path[128];
	int fd;

	name(s, OF_LOG, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* One byte is another for as long. */
static enum nm_wal_verdict
look_with(const struct scene *s, size_t at, char flip)
{
	char byte = s->kept[OF_LOG].at[at];
	enum nm_wal_verdict verdict;

	write_byte(s, at, (char)(byte ^ flip));
	verdict = nm_wal_look(s->path);
	write_byte(s, at, byte);
	return verdict;
}

/* Every byte of the headers of the log and of its frames, and some of each page. */
static size_t
next_byte(size_t at)
{
	size_t in_frame = at < HEADER ? 0 : (at - HEADER) % FRAME;

	return at + (at < HEADER || in_frame < 24 ? 1 : 509);
}

static void
test_every_frame_is_held(void **state)
{
	struct scene *s = *state;
	size_t at;

	die_after(s, TRANSACTIONS LAST);
	assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	for (at = 0; at < s->kept[OF_LOG].len; at = next_byte(at))
		if (look_with(s, at, 0x10) != NM_WAL_DAMAGED)
			fail_msg("byte %zu of %zu", at, s->kept[OF_LOG].len);
}

/* Without the index's word a last transaction may have been cut by the power. */
static void
test_every_frame_but_the_last_transactions(void **state)
{
	struct scene *s = *state;
	size_t at, end;

	die_after(s, TRANSACTIONS LAST);
	drop(s, OF_INDEX);
	end = HEADER + frames_before_last(s) * FRAME;
	assert_true(end > HEADER + 10 * FRAME && end < s->kept[OF_LOG].len);
	for (at = 0; at < s->kept[OF_LOG].len; at = next_byte(at))
		if (look_with(s, at, 0x10) !=
		    (at < end ? NM_WAL_DAMAGED : NM_WAL_SOUND))
			fail_msg("byte %zu of %zu", at, end);
}

/* The log's end is away: at any byte of the last transaction, or before. */
static void
test_a_cut_log(void **state)
{
	struct scene *s = *state;
	struct nm_buf before = { 0 };
	size_t least, len;

	die_after(s, TRANSACTIONS);
	nm_buf_add_text(&before, nm_buf_text(&s->kept[OF_INDEX]));
	least = s->kept[OF_LOG].len;
	drop(s, OF_INDEX);
	/* The log again, and one transaction more, and the index of before it. */
	die_after(s, LAST);
	assert_true(s->kept[OF_LOG].len > least);
	for (len = least; len < s->kept[OF_LOG].len; len += 997) {
		put(s, OF_LOG, (struct nm_text){ s->kept[OF_LOG].at, len });
		put(s, OF_INDEX, nm_buf_text(&s->kept[OF_INDEX]));
		assert_int_equal(nm_wal_look(s->path), NM_WAL_DAMAGED);
		put(s, OF_INDEX, nm_buf_text(&before));
		assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	}
	put(s, OF_LOG, (struct nm_text){ s->kept[OF_LOG].at, least - 1 });
	assert_int_equal(nm_wal_look(s->path), NM_WAL_DAMAGED);
	nm_buf_release(&before);
}

/* Written over from its beginning, with frames of the older log behind its end. */
static void
test_frames_of_an_older_log(void **state)
{
	struct scene *s = *state;
	size_t at, end = HEADER + 3 * FRAME;

	die_after(s, TRANSACTIONS LAST "PRAGMA wal_checkpoint(RESTART);"
	          "UPDATE t SET a = 7 WHERE a = 1; UPDATE t SET a = 8 WHERE a = 7;"
	          "UPDATE t SET a = 9 WHERE a = 8;");
	assert_true(frames_of(s) > 6);
	for (int with_index = 1; with_index >= 0; with_index--) {
		if (!with_index) {
			drop(s, OF_INDEX);
			end -= FRAME;
		}
		assert_int_equal(look_with(s, HEADER + 5 * FRAME, 0),
		                 NM_WAL_SOUND);
		for (at = 0; at < s->kept[OF_LOG].len; at = next_byte(at))
			if (look_with(s, at, 0x10) !=
			    (at < end ? NM_WAL_DAMAGED : NM_WAL_SOUND))
				fail_msg("byte %zu of %zu", at, end);
	}
}

/* More than memory holds was written to the log, and taken back. */
static void
test_frames_that_were_taken_back(void **state)
{
	struct scene *s = *state;

	die_after(s, TRANSACTIONS "PRAGMA cache_size = 5; BEGIN;"
	          "INSERT INTO t SELECT 1, randomblob(3000) FROM t, t AS x, t AS y,"
	          " t AS z;"
	          "ROLLBACK; UPDATE t SET a = 7 WHERE a = 1;");
	assert_true(frames_of(s) > 40);
	assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	drop(s, OF_INDEX);
	assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	/* In the log a frame too many, which nobody committed. */
	assert_int_equal(look_with(s, s->kept[OF_LOG].len - 9, 1),
	                 NM_WAL_SOUND);
	assert_int_equal(look_with(s, HEADER + 30, 1), NM_WAL_DAMAGED);
}

/* What a process did before it was killed stood in the log alone, or not. */
static void
test_a_log_that_is_gone(void **state)
{
	static const struct {
		const char         *sql;
		enum nm_wal_verdict expected;
	} rows[] = {
		{ TRANSACTIONS LAST, NM_WAL_GONE },
		{ TRANSACTIONS "PRAGMA wal_checkpoint(PASSIVE);", NM_WAL_SOUND },
		{ TRANSACTIONS "PRAGMA wal_checkpoint(PASSIVE);" LAST,
		  NM_WAL_GONE },
		{ TRANSACTIONS "PRAGMA wal_checkpoint(TRUNCATE);", NM_WAL_SOUND },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int which = 0; which < N_FILES; which++)
			drop(s, which);
		die_after(s, rows[i].sql);
		put(s, OF_LOG, nm_text_of("short"));
		assert_int_equal(nm_wal_look(s->path), rows[i].expected);
		put(s, OF_LOG, nm_text_of(""));
		assert_int_equal(nm_wal_look(s->path), rows[i].expected);
		drop(s, OF_LOG);
		assert_int_equal(nm_wal_look(s->path), rows[i].expected);
		/* Of none that was moved away, and of none at all. */
		drop(s, OF_DATABASE);
		assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
		put(s, OF_DATABASE, nm_buf_text(&s->kept[OF_DATABASE]));
		drop(s, OF_INDEX);
		assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	}
}

static void
test_nothing_to_look_at(void **state)
{
	static const char *const logs[] = { "", "short", NULL };
	struct scene *s = *state;
	struct nm_buf zeros = { 0 };

	assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	for (int i = 0; logs[i]; i++) {
		put(s, OF_LOG, nm_text_of(logs[i]));
		assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	}
	for (int i = 0; i < 9 * FRAME; i++)
		nm_buf_add_byte(&zeros, '\0');
	put(s, OF_LOG, nm_buf_text(&zeros));
	put(s, OF_INDEX, nm_buf_text(&zeros));
	assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
	nm_buf_release(&zeros);
}

/* A journal beside such a log is not opened, and nothing of it is changed. */
static void
test_the_journal_is_refused(void **state)
{
	struct scene *s = *state;
	struct nm_journal *journal = NULL;
	struct nm_buf now = { 0 };

	die_after(s, TRANSACTIONS LAST);
	write_byte(s, HEADER + 2 * FRAME, 1);
	assert_int_equal(nm_journal_open(s->folder, &journal, &s->err),
	                 NM_STATE);
	assert_non_null(strstr(s->err.text, "journal.db-wal: the file is "
	                       "damaged"));
	assert_non_null(strstr(s->err.text, "move it and journal.db away"));
	assert_int_equal(nm_file_read(s->path, &now, &s->err), NM_OK);
	assert_true(nm_text_equal(nm_buf_text(&now),
	                          nm_buf_text(&s->kept[OF_DATABASE])));
	nm_buf_release(&now);
	put_all(s);
	drop(s, OF_LOG);
	assert_int_equal(nm_journal_open(s->folder, &journal, &s->err),
	                 NM_STATE);
	assert_non_null(strstr(s->err.text, "journal.db-wal is gone"));
	assert_non_null(strstr(s->err.text, "journal.db-shm away to go on"));
	put_all(s);
	drop(s, OF_DATABASE);
	drop(s, OF_LOG);
	assert_int_equal(nm_journal_open(s->folder, &journal, &s->err), NM_OK);
	nm_journal_close(journal);
}

/* Another process writes, begins the log anew, and makes new ones, while one looks. */
static void
test_a_log_at_work(void **state)
{
	struct scene *s = *state;
	int status = 0, looks = 0;
	pid_t child;

	die_after(s, TRANSACTIONS);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		sqlite3 *db;
		int rc = sqlite3_open(s->path, &db);

		rc |= sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 7", NULL,
		                   NULL, NULL);
		for (int i = 0; i < 3000; i++)
			rc |= sqlite3_exec(db, "UPDATE t SET b = randomblob("
			                   "abs(random()) % 15000) WHERE a < 3",
			                   NULL, NULL, NULL);
		_exit(rc | sqlite3_close(db));
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		assert_int_equal(nm_wal_look(s->path), NM_WAL_SOUND);
		looks++;
	}
	assert_int_equal(status, 0);
	assert_true(looks > 50);
}

int
main(void)
{
#define ROW(test) \
	cmocka_unit_test_setup_teardown(test, enter_scene, leave_scene)
	const struct CMUnitTest tests[] = {
		ROW(test_every_frame_is_held),
		ROW(test_every_frame_but_the_last_transactions),
		ROW(test_a_cut_log),
		ROW(test_frames_of_an_older_log),
		ROW(test_frames_that_were_taken_back),
		ROW(test_a_log_that_is_gone),
		ROW(test_nothing_to_look_at),
		ROW(test_the_journal_is_refused),
		ROW(test_a_log_at_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
