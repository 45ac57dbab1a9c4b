/* journal: what is damaged, locked or without rights is told, and named. */
#include "journal_place.h"

#include <sqlite3.h>

static void
test_damaged_file_is_told(void **state)
{
	struct place *p = *state;
	struct nm_journal *again = NULL;

	nm_journal_close(p->journal);
	p->journal = NULL;
	assert_int_equal(nm_file_write(p->file, 0600,
		NM_TEXT("this is not a database, and long enough to tell"),
		&p->err), NM_OK);
	assert_int_equal(nm_journal_open(p->folder, &again, &p->err),
	                 NM_STATE);
	assert_non_null(strstr(p->err.text, "damaged"));
	assert_non_null(strstr(p->err.text, p->file));
}

/* Where the bytes stand first in the file, from `from` on; -1 = nowhere. */
static long
find_bytes(struct nm_text file, const char *bytes, size_t from)
{
	const char *at = memmem(file.at + from, file.len - from, bytes,
	                        strlen(bytes));

	return at ? (long)(at - file.at) : -1;
}

/* A byte of a run's key, in its record and in the index: the run would not be found,
 * and be submitted again. */
static void
test_a_damaged_key_is_told(void **state)
{
	struct place *p = *state;
	struct nm_run_record run = some_run("r1", "a-key-of-some-length", 5);
	struct nm_buf file = { 0 };
	int places = 0;
	long at = -1;

	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	assert_int_equal(nm_journal_check(p->journal, &p->err), NM_OK);
	nm_journal_close(p->journal);
	p->journal = NULL;
	assert_int_equal(nm_file_read(p->file, &file, &p->err), NM_OK);
	while ((at = find_bytes(nm_buf_text(&file), run.key,
	                        (size_t)(at + 1))) >= 0) {
		places++;
		file.at[at] ^= 1;
		assert_int_equal(nm_file_write(p->file, 0600,
			nm_buf_text(&file), &p->err), NM_OK);
		file.at[at] ^= 1;
		reopen(p);
		assert_int_equal(nm_journal_check(p->journal, &p->err),
		                 NM_STATE);
		assert_non_null(strstr(p->err.text, "damaged"));
		assert_non_null(strstr(p->err.text, p->file));
		nm_journal_close(p->journal);
		p->journal = NULL;
	}
	assert_int_equal(places, 2);
	nm_buf_release(&file);
}

/* In a process that no rights are given beyond those of a file's mode. */
static int
as_an_ordinary_user(struct place *p, int (*act)(struct place *p))
{
	const uid_t nobody = 65534;
	int status = 0;
	pid_t child;

	nm_journal_close(p->journal);
	p->journal = NULL;
	if (geteuid() == 0) {
		assert_int_equal(chown(p->folder, nobody, nobody), 0);
		assert_int_equal(chown(p->file, nobody, nobody), 0);
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(geteuid() == 0 && (setgid(nobody) || setuid(nobody))
		      ? 99 : act(p));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int
write_before_and_after(struct place *p)
{
	struct nm_run_record run = some_run("r1", "k", 5);

	if (chmod(p->file, 0444))
		return 1;
	if (nm_journal_open(p->folder, &p->journal, &p->err) == NM_OK &&
	    nm_runs_add(p->journal, &run, &p->err) == NM_OK)
		return 2;
	if (!strstr(p->err.text, "may not be written"))
		return 3;
	nm_journal_close(p->journal);
	if (chmod(p->file, 0600))
		return 4;
	if (nm_journal_open(p->folder, &p->journal, &p->err) ||
	    nm_runs_add(p->journal, &run, &p->err))
		return 5;
	nm_journal_close(p->journal);
	return 0;
}

/* What SQLite made beside it meanwhile had its rights, and still has them. */
static void
test_rights_that_were_mended(void **state)
{
	assert_int_equal(as_an_ordinary_user(*state, write_before_and_after),
	                 0);
}

static int
open_without_rights(struct place *p)
{
	if (chmod(p->file, 0))
		return 1;
	if (nm_journal_open(p->folder, &p->journal, &p->err) != NM_IO)
		return 2;
	return strstr(p->err.text, "may not be written") ? 0 : 3;
}

static void
test_no_rights_are_told(void **state)
{
	assert_int_equal(as_an_ordinary_user(*state, open_without_rights), 0);
}

/* Another process is writing, and goes on so for longer than one waits. */
static void
test_locked_file_is_told(void **state)
{
	struct place *p = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(p->file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
	                              NULL), SQLITE_OK);
	assert_int_equal(nm_journal_begin(p->journal, &p->err), NM_HELD);
	assert_non_null(strstr(p->err.text, "another process"));
	/* It goes on as soon as the other one is done. */
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(nm_journal_begin(p->journal, &p->err), NM_OK);
	assert_int_equal(nm_journal_commit(p->journal, &p->err), NM_OK);
	sqlite3_close(other);
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		ROW(test_damaged_file_is_told),
		ROW(test_a_damaged_key_is_told),
		ROW(test_rights_that_were_mended),
		ROW(test_no_rights_are_told),
		ROW(test_locked_file_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
