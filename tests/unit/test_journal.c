/* journal: what was committed is there after a reopen; what is unusable is told. */
#include "journal_place.h"

#include <sqlite3.h>

#include "base/path.h"
#include "state/answers.h"
#include "state/flights.h"
#include "state/limits.h"
#include "state/shards.h"

static struct nm_shard_record
some_shard(const char *run, int64_t number, const char *tag)
{
	return (struct nm_shard_record){
		.run = run, .attempt = 1, .number = number, .first = 0,
		.count = 5, .bytes = 100, .tokens = 10, .tag = tag,
		.input_file_id = "", .batch_id = "", .status = "",
		.output_file_id = "", .error_file_id = "",
		.output_path = "", .error_path = "",
		.input_tokens = -1, .output_tokens = -1,
		.cached_tokens = -1, .reasoning_tokens = -1, .note = "",
	};
}

static void
test_runs_and_shards_survive(void **state)
{
	struct place *p = *state;
	struct nm_run_record run = some_run("r1", "k1", 1000), back;
	struct nm_shard_record shards[2] = {
		some_shard("r1", 1, "tag1"), some_shard("r1", 2, "tag2"),
	};
	struct nm_shard_record *list = NULL;
	size_t n = 0;

	shards[1].members = NM_TEXT("\x00\x05");
	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	assert_int_equal(nm_shards_add(p->journal, shards, 2, &p->err), NM_OK);
	shards[0].state = NM_SHARD_CREATED;
	shards[0].batch_id = "batch_1";
	shards[0].note = "öäü";
	shards[0].input_tokens = 400;
	shards[0].cached_tokens = 300;
	shards[0].output_tokens = 200;
	shards[0].reasoning_tokens = 100;
	assert_int_equal(nm_shards_save(p->journal, &shards[0], &p->err),
	                 NM_OK);
	reopen(p);
	assert_int_equal(nm_runs_of_batch(p->journal, "batch_1", &p->arena,
	                                  &back, &p->err), NM_OK);
	assert_string_equal(back.id, "r1");
	assert_int_equal(back.requests, 5);
	assert_int_equal(nm_shards_list(p->journal, "r1", &p->arena, &list,
	                                &n, &p->err), NM_OK);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].state, NM_SHARD_CREATED);
	assert_string_equal(list[0].note, "öäü");
	assert_int_equal(list[0].input_tokens, 400);
	assert_int_equal(list[0].cached_tokens, 300);
	assert_int_equal(list[0].output_tokens, 200);
	assert_int_equal(list[0].reasoning_tokens, 100);
	assert_int_equal(list[1].cached_tokens, -1);
	assert_int_equal(list[1].reasoning_tokens, -1);
	assert_int_equal(list[1].members.len, 2);
	assert_memory_equal(list[1].members.at, "\x00\x05", 2);
}

static void
test_open_run_is_found_by_key(void **state)
{
	struct place *p = *state;
	struct nm_run_record a = some_run("ra", "same", 1000);
	struct nm_run_record b = some_run("rb", "same", 2000), back;

	assert_int_equal(nm_runs_find_open(p->journal, "same", &p->arena,
	                                   &back, &p->err), NM_ABSENT);
	assert_int_equal(nm_runs_add(p->journal, &a, &p->err), NM_OK);
	assert_int_equal(nm_runs_add(p->journal, &b, &p->err), NM_OK);
	assert_int_equal(nm_runs_find_open(p->journal, "same", &p->arena,
	                                   &back, &p->err), NM_OK);
	assert_string_equal(back.id, "rb");
	assert_int_equal(nm_runs_set_state(p->journal, "rb", NM_RUN_DONE,
	                                   "x.json", 3000, &p->err), NM_OK);
	assert_int_equal(nm_runs_find_open(p->journal, "same", &p->arena,
	                                   &back, &p->err), NM_OK);
	assert_string_equal(back.id, "ra");
	assert_int_equal(nm_runs_find_done(p->journal, "same", &p->arena,
	                                   &back, &p->err), NM_OK);
	assert_string_equal(back.id, "rb");
	/* One with a rest is found as an open one is. */
	assert_int_equal(nm_runs_set_state(p->journal, "rb", NM_RUN_PARTIAL,
	                                   NULL, 4000, &p->err), NM_OK);
	assert_int_equal(nm_runs_find_done(p->journal, "same", &p->arena,
	                                   &back, &p->err), NM_ABSENT);
	assert_int_equal(nm_runs_find_open(p->journal, "same", &p->arena,
	                                   &back, &p->err), NM_OK);
	assert_string_equal(back.id, "rb");
	assert_int_equal(back.state, NM_RUN_PARTIAL);
	assert_string_equal(back.results_path, "x.json");
}

struct seen {
	int     n;
	int64_t last;
};

static enum nm_code
see(void *context, const struct nm_answer_record *answer, struct nm_err *err)
{
	struct seen *seen = context;

	(void)err;
	assert_true(answer->ordinal > seen->last);
	assert_string_equal(answer->row.at, "{}");
	seen->last = answer->ordinal;
	seen->n++;
	return NM_OK;
}

static void
test_answers_share_a_commit(void **state)
{
	struct place *p = *state;
	struct nm_run_record run = some_run("r1", "k1", 1000);
	struct nm_answer_record answer = { .attempt = 1 };
	struct seen seen = { 0, -1 };
	int64_t i;

	answer.row = NM_TEXT("{}");
	answer.row.len = 3; /* with the NUL, for the string compare */
	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	assert_int_equal(nm_journal_begin(p->journal, &p->err), NM_OK);
	for (i = 9; i >= 0; i--) {
		answer.ordinal = i;
		assert_int_equal(nm_answers_keep(p->journal, "r1", &answer,
		                                &p->err), NM_OK);
	}
	assert_int_equal(nm_journal_commit(p->journal, &p->err), NM_OK);
	reopen(p);
	assert_int_equal(nm_answers_walk(p->journal, "r1", see, &seen,
	                                 &p->err), NM_OK);
	assert_int_equal(seen.n, 10);
	/* One that is forgotten, and another that never was. */
	assert_int_equal(nm_answers_forget(p->journal, "r1", 1, 4, &p->err),
	                 NM_OK);
	assert_int_equal(nm_answers_forget(p->journal, "r1", 2, 5, &p->err),
	                 NM_OK);
	seen = (struct seen){ 0, -1 };
	assert_int_equal(nm_answers_walk(p->journal, "r1", see, &seen,
	                                 &p->err), NM_OK);
	assert_int_equal(seen.n, 9);
}

static void
test_removing_a_run_removes_all(void **state)
{
	struct place *p = *state;
	struct nm_run_record run = some_run("r1", "k1", 1000);
	struct nm_shard_record shard = some_shard("r1", 1, "tag1"), *list;
	size_t n = 1;

	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	assert_int_equal(nm_shards_add(p->journal, &shard, 1, &p->err), NM_OK);
	assert_int_equal(nm_runs_remove(p->journal, "r1", &p->err), NM_OK);
	assert_int_equal(nm_shards_list(p->journal, "r1", &p->arena, &list, &n,
	                                &p->err), NM_OK);
	assert_int_equal(n, 0);
}

static void
test_limits(void **state)
{
	struct place *p = *state;
	int64_t value = 0;

	assert_int_equal(nm_limits_get(p->journal, "a", "m", "enqueued_tokens",
	                               3, &value, &p->err), NM_ABSENT);
	assert_int_equal(nm_limits_set(p->journal, "a", "m", "enqueued_tokens",
	                               90000, 1, &p->err), NM_OK);
	assert_int_equal(nm_limits_set(p->journal, "a", "m", "enqueued_tokens",
	                               80000, 2, &p->err), NM_OK);
	assert_int_equal(nm_limits_get(p->journal, "a", "m", "enqueued_tokens",
	                               1 + NM_LIMITS_LAST_MS, &value, &p->err),
	                 NM_OK);
	assert_int_equal(value, 80000);
	/* The account may have grown since. */
	assert_int_equal(nm_limits_get(p->journal, "a", "m", "enqueued_tokens",
	                               2 + NM_LIMITS_LAST_MS, &value, &p->err),
	                 NM_ABSENT);
}

static void
test_newer_version_is_left_alone(void **state)
{
	struct place *p = *state;
	struct nm_journal *again = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL,
	                              NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(nm_journal_open(p->folder, &again, &p->err),
	                 NM_STATE);
	assert_non_null(strstr(p->err.text, "newer nightmail"));
	assert_null(again);
}

static void
test_version_of_nobody_is_left_alone(void **state)
{
	struct place *p = *state;
	struct nm_journal *again = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = -5", NULL,
	                              NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(nm_journal_open(p->folder, &again, &p->err),
	                 NM_STATE);
	assert_non_null(strstr(p->err.text, "is no journal of nightmail's"));
	assert_null(again);
}

static enum nm_code
see_only_answer(void *context, const struct nm_answer_record *answer,
                struct nm_err *err)
{
	int *seen = context;

	(void)err;
	assert_int_equal(answer->ordinal, 7);
	assert_int_equal(answer->attempt, 2);
	assert_memory_equal(answer->row.at, "kept", answer->row.len);
	++*seen;
	return NM_OK;
}

static enum nm_code
see_any(void *context, const struct nm_answer_record *answer,
        struct nm_err *err)
{
	(void)context;
	(void)answer;
	(void)err;
	return NM_OK;
}

/* A version 1 journal, with one shard of one run in it. */
#define VERSION_1 \
	"CREATE TABLE run (" \
	" id TEXT PRIMARY KEY, key TEXT NOT NULL, mode TEXT NOT NULL," \
	" state INTEGER NOT NULL, created_ms INTEGER NOT NULL," \
	" updated_ms INTEGER NOT NULL, name TEXT NOT NULL," \
	" model TEXT NOT NULL, endpoint TEXT NOT NULL," \
	" account TEXT NOT NULL, requests INTEGER NOT NULL," \
	" spec TEXT NOT NULL, results_path TEXT NOT NULL) WITHOUT ROWID;" \
	"CREATE INDEX run_key ON run (key, state);" \
	"CREATE INDEX run_created ON run (created_ms);" \
	"CREATE TABLE shard (" \
	" id INTEGER PRIMARY KEY," \
	" run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE," \
	" attempt INTEGER NOT NULL, number INTEGER NOT NULL," \
	" first INTEGER NOT NULL, count INTEGER NOT NULL, members BLOB," \
	" bytes INTEGER NOT NULL, tokens INTEGER NOT NULL," \
	" tag TEXT NOT NULL UNIQUE, state INTEGER NOT NULL," \
	" intent_ms INTEGER NOT NULL, input_file_id TEXT NOT NULL," \
	" input_created INTEGER NOT NULL, batch_id TEXT NOT NULL," \
	" status TEXT NOT NULL, created INTEGER NOT NULL," \
	" ended INTEGER NOT NULL, output_file_id TEXT NOT NULL," \
	" error_file_id TEXT NOT NULL, output_path TEXT NOT NULL," \
	" error_path TEXT NOT NULL, refusals INTEGER NOT NULL," \
	" input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL," \
	" note TEXT NOT NULL, UNIQUE (run, number));" \
	"CREATE INDEX shard_batch ON shard (batch_id)" \
	" WHERE batch_id <> '';" \
	"CREATE TABLE answer (" \
	" run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE," \
	" attempt INTEGER NOT NULL, ordinal INTEGER NOT NULL," \
	" row BLOB NOT NULL, PRIMARY KEY (run, attempt, ordinal))" \
	" WITHOUT ROWID;" \
	"CREATE TABLE learnt (" \
	" account TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL," \
	" value INTEGER NOT NULL, learnt_ms INTEGER NOT NULL," \
	" PRIMARY KEY (account, model, kind)) WITHOUT ROWID;" \
	"INSERT INTO run VALUES ('r1', 'k', 'batch', 0, 1, 1, 'n', 'm'," \
	" 'e', 'a', 1, '{}', '');" \
	"INSERT INTO shard VALUES (1, 'r1', 1, 1, 0, 5, NULL, 100, 10," \
	" 'tag1', 5, 0, 'file-1', 9, 'batch_1', 'completed', 8, 9," \
	" 'file-2', '', '', '', 0, 30, 6, 'noted');" \
	"PRAGMA user_version = 1;"

/* What version 2 changed: a table of answers with a key beside the rows. */
#define VERSION_2 VERSION_1 \
	"DROP TABLE answer; CREATE TABLE answer (" \
	" run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE," \
	" attempt INTEGER NOT NULL, ordinal INTEGER NOT NULL," \
	" row BLOB NOT NULL, PRIMARY KEY (run, attempt, ordinal));" \
	"PRAGMA user_version = 2;"

/* And version 3. */
#define VERSION_3 VERSION_2 \
	"ALTER TABLE shard ADD COLUMN" \
	" cached_tokens INTEGER NOT NULL DEFAULT -1;" \
	"ALTER TABLE shard ADD COLUMN" \
	" reasoning_tokens INTEGER NOT NULL DEFAULT -1;" \
	"PRAGMA user_version = 3;"

/* What another program does with the file. */
static void
execute(struct place *p, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* In the place of the journal that is there. */
static void
put_older(struct place *p, const char *sql)
{
	nm_journal_close(p->journal);
	p->journal = NULL;
	assert_int_equal(unlink(p->file), 0);
	execute(p, sql);
	assert_int_equal(nm_journal_open(p->folder, &p->journal, &p->err),
	                 NM_OK);
}

static struct nm_shard_record *
only_shard(struct place *p)
{
	struct nm_shard_record *list = NULL;
	size_t n = 0;

	assert_int_equal(nm_shards_list(p->journal, "r1", &p->arena, &list,
	                                &n, &p->err), NM_OK);
	assert_int_equal(n, 1);
	return list;
}

/* Up to version 2 a batch's details were not kept: they are untold, not 0. */
static void
test_older_shards_tell_no_details(void **state)
{
	static const char *const versions[] = { VERSION_1, VERSION_2 };
	struct place *p = *state;
	struct nm_shard_record *shard;

	for (size_t i = 0; i < 2; i++) {
		put_older(p, versions[i]);
		shard = only_shard(p);
		assert_int_equal(shard->input_tokens, 30);
		assert_int_equal(shard->output_tokens, 6);
		assert_int_equal(shard->cached_tokens, -1);
		assert_int_equal(shard->reasoning_tokens, -1);
		assert_string_equal(shard->note, "noted");
		shard->cached_tokens = 20;
		shard->reasoning_tokens = 4;
		assert_int_equal(nm_shards_save(p->journal, shard, &p->err),
		                 NM_OK);
		reopen(p);
		shard = only_shard(p);
		assert_int_equal(shard->cached_tokens, 20);
		assert_int_equal(shard->reasoning_tokens, 4);
	}
}

/* Version 1 kept answers within a tree's keys. */
static void
test_older_answers_are_kept(void **state)
{
	struct place *p = *state;
	int seen = 0;

	put_older(p, VERSION_1
	          "INSERT INTO answer VALUES ('r1', 2, 7, 'kept');");
	assert_int_equal(nm_answers_walk(p->journal, "r1", see_only_answer,
	                                 &seen, &p->err), NM_OK);
	assert_int_equal(seen, 1);
	assert_int_equal(nm_runs_remove(p->journal, "r1", &p->err), NM_OK);
	assert_int_equal(nm_answers_walk(p->journal, "r1", see_only_answer,
	                                 &seen, &p->err), NM_OK);
	assert_int_equal(seen, 1);
}

/* As they are found; from then on they are held to it. */
static void
test_older_rows_are_sealed(void **state)
{
	static const char *const versions[] = { VERSION_1, VERSION_2,
		                                VERSION_3 };
	static const char *const damages[] = {
		"UPDATE run SET key = 'l'", "UPDATE shard SET state = 1",
	};
	struct place *p = *state;
	int seen = 0;

	for (size_t i = 0; i < 6; i++) {
		put_older(p, versions[i / 2]);
		execute(p, damages[i % 2]);
		assert_int_equal(nm_journal_check(p->journal, &p->err),
		                 NM_STATE);
	}
	put_older(p, VERSION_3
	          "INSERT INTO answer VALUES ('r1', 2, 7, 'kept');");
	assert_int_equal(nm_journal_check(p->journal, &p->err), NM_OK);
	assert_int_equal(nm_answers_walk(p->journal, "r1", see_only_answer,
	                                 &seen, &p->err), NM_OK);
	execute(p, "UPDATE answer SET row = 'keqt'");
	assert_int_equal(nm_answers_walk(p->journal, "r1", see_any, NULL,
	                                 &p->err), NM_STATE);
	assert_int_equal(seen, 1);
}

/* Version 4 had none. */
static void
test_flights(void **state)
{
	struct place *p = *state;
	int64_t n = -1;

	put_older(p, VERSION_3);
	execute(p, "DROP TABLE flight; PRAGMA user_version = 4");
	reopen(p);
	assert_int_equal(nm_flights_get(p->journal, "r1", &n, &p->err), NM_OK);
	assert_int_equal(n, 0);
	assert_int_equal(nm_flights_set(p->journal, "r1", 8, &p->err), NM_OK);
	assert_int_equal(nm_flights_set(p->journal, "r1", 64, &p->err), NM_OK);
	reopen(p);
	assert_int_equal(nm_flights_get(p->journal, "r1", &n, &p->err), NM_OK);
	assert_int_equal(n, 64);
	execute(p, "UPDATE flight SET requests = 0");
	assert_int_equal(nm_flights_get(p->journal, "r1", &n, &p->err),
	                 NM_STATE);
	assert_int_equal(n, 64);
	assert_int_equal(nm_runs_remove(p->journal, "r1", &p->err), NM_OK);
	assert_int_equal(nm_flights_get(p->journal, "r1", &n, &p->err), NM_OK);
	assert_int_equal(n, 0);
}

/* A program of before has it open, and goes on to write rows without seals. */
static void
test_an_older_program_is_at_work(void **state)
{
	struct place *p = *state;
	sqlite3 *db;

	nm_journal_close(p->journal);
	p->journal = NULL;
	assert_int_equal(unlink(p->file), 0);
	execute(p, VERSION_3);
	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL;"
	                              "SELECT * FROM run", NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(nm_journal_open(p->folder, &p->journal, &p->err),
	                 NM_HELD);
	assert_non_null(strstr(p->err.text, "another process"));
	assert_int_equal(sqlite3_exec(db, "UPDATE shard SET note = 'late'",
	                              NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(nm_journal_open(p->folder, &p->journal, &p->err),
	                 NM_OK);
	assert_string_equal(only_shard(p)->note, "late");
	/* Several can have it open as ever. */
	execute(p, "CREATE TABLE mode AS SELECT * FROM pragma_journal_mode;"
	           "CREATE TABLE wal (x CHECK (x = 'wal'));"
	           "INSERT INTO wal SELECT * FROM mode");
}

/* Waits for the others at the gate, and opens it. */
static int
open_with_others(struct place *p, int gate)
{
	struct nm_journal *journal = NULL;
	char byte;

	if (read(gate, &byte, 1) != 0 ||
	    nm_journal_open(p->folder, &journal, &p->err))
		return 1;
	nm_journal_close(journal);
	return 0;
}

/* Each has it open, and only one that is alone can bring it up. */
static void
test_several_bring_it_up_at_once(void **state)
{
	enum { N_PROCESSES = 8, ROUNDS = 5 };
	struct place *p = *state;
	int gate[2], status, i, round;

	nm_journal_close(p->journal);
	p->journal = NULL;
	for (round = 0; round < ROUNDS; round++) {
		assert_int_equal(unlink(p->file), 0);
		execute(p, VERSION_3 "PRAGMA journal_mode = WAL;");
		assert_int_equal(pipe(gate), 0);
		for (i = 0; i < N_PROCESSES; i++)
			if (fork() == 0) {
				close(gate[1]);
				_exit(open_with_others(p, gate[0]));
			}
		close(gate[0]);
		close(gate[1]);
		for (i = 0; i < N_PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
	}
}

static void
test_modes(void **state)
{
	struct place *p = *state;
	struct stat st;

	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(p->folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* The owner can always go on: no umask takes that. */
static void
test_modes_whatever_the_umask(void **state)
{
	struct place *p = *state;
	struct nm_journal *other = NULL;
	char folder[96];
	struct stat st;
	mode_t before = umask(0777);

	snprintf(folder, sizeof(folder), "%s/deep/er", p->folder);
	assert_int_equal(nm_journal_open(folder, &other, &p->err), NM_OK);
	umask(before);
	nm_journal_close(other);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		ROW(test_runs_and_shards_survive),
		ROW(test_open_run_is_found_by_key),
		ROW(test_answers_share_a_commit),
		ROW(test_removing_a_run_removes_all),
		ROW(test_limits),
		ROW(test_newer_version_is_left_alone),
		ROW(test_version_of_nobody_is_left_alone),
		ROW(test_older_shards_tell_no_details),
		ROW(test_older_answers_are_kept),
		ROW(test_older_rows_are_sealed),
		ROW(test_flights),
		ROW(test_an_older_program_is_at_work),
		ROW(test_several_bring_it_up_at_once),
		ROW(test_modes),
		ROW(test_modes_whatever_the_umask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
