/* pouch: no answer that came is lost, whatever the journal takes, and when. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/pouch.h"
#include "state/answers.h"

/* The journal as the run has it, and as another process sees it. */
struct scene {
	char               folder[64];
	struct nm_journal *other;
	struct nm_run      run;
	struct nm_pouch    pouch;
};

static void
add_run(struct scene *s, const char *id)
{
	struct nm_run_record run = {
		.id = id, .key = "k", .mode = "direct", .name = "n",
		.model = "m", .endpoint = "e", .account = "a", .spec = "{}",
		.results_path = "",
	};
	struct nm_err err = { 0 };

	if (nm_runs_add(s->run.journal, &run, &err))
		fail_msg("%s", err.text);
}

static int
enter(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct nm_err err;

	if (!s)
		abort();
	*state = s;
	snprintf(s->folder, sizeof(s->folder), "/tmp/nm_pouch.XXXXXX");
	if (!mkdtemp(s->folder) ||
	    nm_journal_open(s->folder, &s->run.journal, &err) ||
	    nm_journal_open(s->folder, &s->other, &err))
		return -1;
	s->run.record.id = "r";
	return 0;
}

static int
leave(void **state)
{
	struct scene *s = *state;
	char command[96];

	nm_pouch_release(&s->pouch);
	nm_journal_close(s->run.journal);
	nm_journal_close(s->other);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	free(s);
	return system(command);
}

/* The text is another one as soon as it was added. */
static void
add(struct scene *s, int64_t attempt, int64_t ordinal, const char *row)
{
	char lent[64];

	snprintf(lent, sizeof(lent), "%s", row);
	nm_pouch_add(&s->pouch, &s->run, attempt, ordinal, nm_text_of(lent));
	memset(lent, 'x', sizeof(lent));
}

static enum nm_code
append(void *context, const struct nm_answer_record *answer,
       struct nm_err *err)
{
	(void)err;
	nm_buf_addf(context, "%d/%d %.*s;", (int)answer->attempt,
	            (int)answer->ordinal, NM_TEXT_ARGS(answer->row));
	return NM_OK;
}

/* What is durable, as another process has it. */
static void
expect_kept(struct scene *s, const char *wanted)
{
	struct nm_buf got = { 0 };
	struct nm_err err;

	assert_int_equal(nm_answers_walk(s->other, "r", append, &got, &err),
	                 NM_OK);
	if (strcmp(nm_buf_string(&got), wanted) != 0)
		fail_msg("\"%s\", not \"%s\"", nm_buf_string(&got), wanted);
	nm_buf_release(&got);
}

static void
expect_commit(struct scene *s)
{
	struct nm_err err = { 0 };

	if (nm_pouch_commit(&s->pouch, &s->run, &err))
		fail_msg("%s", err.text);
	assert_int_equal(s->pouch.count, 0);
}

static void
committing(void **state)
{
	struct scene *s = *state;
	struct nm_err err;

	add_run(s, "r");
	/* Nothing to commit: whoever else writes is not waited for. */
	assert_int_equal(nm_journal_begin(s->other, &err), NM_OK);
	expect_commit(s);
	nm_journal_rollback(s->other);
	add(s, 1, 0, "a");
	add(s, 2, 0, "again");
	add(s, 1, 1, "b");
	assert_int_equal(s->pouch.count, 3);
	expect_kept(s, "");
	expect_commit(s);
	expect_kept(s, "1/0 a;1/1 b;2/0 again;");
	add(s, 1, 1, "better");
	expect_commit(s);
	expect_kept(s, "1/0 a;1/1 better;2/0 again;");
}

/* The journal refuses a row while the run is none of its own. */
static void
refused_while_adding(void **state)
{
	struct scene *s = *state;
	struct nm_err err = { 0 };

	add(s, 1, 0, "a");
	add(s, 1, 1, "b");
	assert_int_equal(nm_pouch_commit(&s->pouch, &s->run, &err), NM_STATE);
	assert_non_null(strstr(err.text, "while keeping an answer"));
	assert_int_equal(s->pouch.count, 2);
	add(s, 1, 2, "c");
	assert_int_equal(s->pouch.count, 3);
	/* No transaction was left behind: others write. */
	add_run(s, "r");
	expect_kept(s, "");
	expect_commit(s);
	expect_kept(s, "1/0 a;1/1 b;1/2 c;");
}

/* A step of another kind is being written: it is left as it is. */
static void
added_within_another_step(void **state)
{
	struct scene *s = *state;
	struct nm_arena arena = { 0 };
	struct nm_run_record run;
	struct nm_err err;

	add_run(s, "r");
	assert_int_equal(nm_journal_begin(s->run.journal, &err), NM_OK);
	add_run(s, "q");
	add(s, 1, 0, "a");
	add(s, 1, 1, "b");
	assert_int_equal(nm_pouch_commit(&s->pouch, &s->run, &err), NM_STATE);
	assert_int_equal(nm_journal_commit(s->run.journal, &err), NM_OK);
	assert_int_equal(nm_runs_get(s->other, "q", &arena, &run, &err),
	                 NM_OK);
	expect_kept(s, "");
	expect_commit(s);
	expect_kept(s, "1/0 a;1/1 b;");
	nm_arena_release(&arena);
}

/* No file grows past what the journal's log has now, as on a full disk. */
static void
fill_disk(struct scene *s, struct rlimit *before)
{
	struct rlimit full;
	struct stat info;
	char path[96];

	snprintf(path, sizeof(path), "%s/journal.db-wal", s->folder);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
	full = *before;
	full.rlim_cur = (rlim_t)info.st_size;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
}

static void
make_room(const struct rlimit *before)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, before), 0);
}

static void
full_at_commit(void **state)
{
	struct scene *s = *state;
	struct nm_err err = { 0 };
	struct rlimit before;

	add_run(s, "r");
	add(s, 1, 0, "a");
	expect_commit(s);
	fill_disk(s, &before);
	add(s, 1, 1, "b");
	add(s, 1, 2, "c");
	for (int round = 0; round < 2; round++) {
		assert_int_equal(nm_pouch_commit(&s->pouch, &s->run, &err),
		                 NM_IO);
		assert_int_equal(s->pouch.count, 2 + round);
		add(s, 1, 3 + round, "d");
	}
	make_room(&before);
	expect_kept(s, "1/0 a;");
	expect_commit(s);
	expect_kept(s, "1/0 a;1/1 b;1/2 c;1/3 d;1/4 d;");
}

static enum nm_code
count_same(void *context, const struct nm_answer_record *answer,
           struct nm_err *err)
{
	int64_t *count = context;

	(void)err;
	*count += answer->ordinal == *count &&
	          answer->row.len == 10000 && answer->row.at[9999] == 'r';
	return NM_OK;
}

/* So many that the journal's memory is full before they are committed. */
static void
full_while_adding(void **state)
{
	enum { ROWS = 1000, ROW_BYTES = 10000 };
	struct scene *s = *state;
	struct nm_err err = { 0 };
	struct rlimit before;
	int64_t count = 0;
	char *row = malloc(ROW_BYTES);

	if (!row)
		abort();
	memset(row, 'r', ROW_BYTES);
	add_run(s, "r");
	fill_disk(s, &before);
	for (int64_t i = 0; i < ROWS; i++)
		nm_pouch_add(&s->pouch, &s->run, 1, i,
		             (struct nm_text){ row, ROW_BYTES });
	memset(row, 'x', ROW_BYTES);
	assert_int_equal(nm_pouch_commit(&s->pouch, &s->run, &err), NM_IO);
	make_room(&before);
	assert_int_equal(s->pouch.count, ROWS);
	expect_kept(s, "");
	expect_commit(s);
	assert_int_equal(nm_answers_walk(s->other, "r", count_same, &count,
	                                 &err), NM_OK);
	assert_int_equal(count, ROWS);
	free(row);
}

#define ENTERED(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENTERED(committing),
		ENTERED(refused_while_adding),
		ENTERED(added_within_another_step),
		ENTERED(full_at_commit),
		ENTERED(full_while_adding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
