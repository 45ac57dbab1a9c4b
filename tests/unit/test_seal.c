/* seal: a row of the journal whose bytes were changed on the disk is told, wherever it is
 * read, and its journal before anything is looked for in it. */
#include "journal_place.h"

#include <endian.h>
#include <sqlite3.h>

#include "state/answers.h"
#include "state/limits.h"
#include "state/shards.h"

/* No two values in it are alike, so that each is found in the file. */
static struct nm_run_record
marked_run(void)
{
	return (struct nm_run_record){
		.id = "0123456789ab", .key = "the-key-of-the-run",
		.mode = "mode-of-run", .state = (enum nm_run_state)0x5a010203,
		.created_ms = 0x5b0000000001, .updated_ms = 0x5b0000000002,
		.name = "name-of-run", .model = "model-of-run",
		.endpoint = "endpoint-of-run", .account = "account-of-run",
		.requests = 0x5b0000000003, .spec = "{\"spec\":\"of-run\"}",
		.results_path = "results-of-run",
	};
}

static struct nm_shard_record
marked_shard(void)
{
	return (struct nm_shard_record){
		.run = "0123456789ab", .attempt = 0x5c0000000001,
		.number = 0x5c0000000002, .first = 0x5c0000000003,
		.count = 0x5c0000000004, .members = NM_TEXT("\x01members\x00"),
		.bytes = 0x5c0000000005, .tokens = 0x5c0000000006,
		.tag = "tag-of-shard", .state = (enum nm_shard_state)0x5c010203,
		.intent_ms = 0x5c0000000007, .input_file_id = "input-file-id",
		.input_created = 0x5c0000000008, .batch_id = "batch-of-shard",
		.status = "status-of-shard", .created = 0x5c0000000009,
		.ended = 0x5c000000000a, .output_file_id = "output-file-id",
		.error_file_id = "error-file-id", .output_path = "output-path",
		.error_path = "error-path", .refusals = 0x5c000000000b,
		.input_tokens = 0x5c000000000c, .cached_tokens = 0x5c000000000d,
		.output_tokens = 0x5c000000000e,
		.reasoning_tokens = 0x5c000000000f, .note = "note-of-shard",
	};
}

static const struct nm_answer_record marked_answers[] = {
	{ 0x5d0000000001, 0x5d0000000002, { "the-first-answer", 16 } },
	{ 0x5d0000000003, 0x5d0000000004, { "the-second-answer", 17 } },
};

static void
add_marked(struct place *p)
{
	struct nm_run_record run = marked_run();
	struct nm_shard_record shard = marked_shard();
	size_t i;

	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	assert_int_equal(nm_shards_add(p->journal, &shard, 1, &p->err), NM_OK);
	for (i = 0; i < 2; i++)
		assert_int_equal(nm_answers_keep(p->journal, run.id,
		                                 &marked_answers[i], &p->err),
		                 NM_OK);
	assert_int_equal(nm_limits_set(p->journal, "account-of-limit",
	                               "model-of-limit", "kind-of-limit",
	                               0x5e0000000001, 5, &p->err), NM_OK);
	nm_journal_close(p->journal);
	p->journal = NULL;
}

static enum nm_code
note_answer(void *context, const struct nm_answer_record *answer,
            struct nm_err *err)
{
	(void)err;
	nm_buf_addf(context, "%lld/%lld %.*s;", (long long)answer->attempt,
	            (long long)answer->ordinal, NM_TEXT_ARGS(answer->row));
	return NM_OK;
}

/* As a run is begun or taken up: the check comes first. */
static enum nm_code
read_all(struct place *p, struct nm_buf *out)
{
	struct nm_shard_record *shards;
	struct nm_run_record run;
	int64_t limit = 0;
	size_t n = 0;
	enum nm_code rc = nm_journal_open(p->folder, &p->journal, &p->err);

	if (!rc)
		rc = nm_journal_check(p->journal, &p->err);
	if (!rc)
		rc = nm_runs_get(p->journal, "0123456789ab", &p->arena, &run,
		                 &p->err);
	if (!rc)
		rc = nm_shards_list(p->journal, run.id, &p->arena, &shards, &n,
		                    &p->err);
	if (!rc)
		rc = nm_answers_walk(p->journal, run.id, note_answer, out,
		                     &p->err);
	if (!rc)
		rc = nm_limits_get(p->journal, "account-of-limit",
		                   "model-of-limit", "kind-of-limit", 6, &limit,
		                   &p->err);
	nm_journal_close(p->journal);
	p->journal = NULL;
	return rc;
}

/* The bytes of a column's value as the file has them. */
static void
add_needle(struct nm_buf *needle, sqlite3_stmt *s, int column)
{
	uint64_t number = htobe64((uint64_t)sqlite3_column_int64(s, column));
	size_t len = be64toh(number) >> 48 ? 8 : be64toh(number) >> 32 ? 6 : 4;

	if (sqlite3_column_type(s, column) == SQLITE_INTEGER)
		nm_buf_add(needle, (char *)&number + 8 - len, len);
	else
		nm_buf_add(needle, sqlite3_column_blob(s, column),
		           (size_t)sqlite3_column_bytes(s, column));
}

struct column {
	char          name[64];
	struct nm_buf needle;
};

/* Every column whose value is long enough to be found in the file. */
static size_t
list_columns(struct place *p, const char *table, struct column *columns)
{
	struct nm_buf query = { 0 };
	size_t n = 0;
	sqlite3 *db;
	sqlite3_stmt *s;
	int i;

	nm_buf_addf(&query, "SELECT * FROM %s", table);
	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, nm_buf_string(&query), -1, &s,
	                                    NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		for (i = 0; i < sqlite3_column_count(s); i++) {
			snprintf(columns[n].name, sizeof(columns[n].name),
			         "%s.%s", table, sqlite3_column_name(s, i));
			add_needle(&columns[n].needle, s, i);
			n++;
		}
	sqlite3_finalize(s);
	sqlite3_close(db);
	nm_buf_release(&query);
	return n;
}

#define ANSWERS "102254581383170/102254581383169 the-first-answer;" \
	"102254581383172/102254581383171 the-second-answer;"

/* What is in an index, too, is read from there: an answer's run, as it was. */
static int
is_unharmed(const struct column *column, const struct nm_buf *seen)
{
	return strstr("run.id shard.run answer.run", column->name) &&
	       strcmp(nm_buf_string(seen), ANSWERS) == 0;
}

static void
expect_told(struct place *p, const struct column *column, size_t at)
{
	struct nm_buf seen = { 0 };
	enum nm_code rc = read_all(p, &seen);

	if (rc ? rc != NM_STATE || !strstr(p->err.text, "damaged") ||
	         !strstr(p->err.text, p->file)
	       : !is_unharmed(column, &seen))
		fail_msg("%s, at byte %zu: %d %s", column->name, at, (int)rc,
		         p->err.text);
	nm_buf_release(&seen);
}

/* Its first byte, its last one, and one between, wherever the file has it. */
static int
damage_column(struct place *p, const struct column *column,
              struct nm_buf *file)
{
	struct nm_text needle = nm_buf_text(&column->needle);
	const size_t places[] = { 0, needle.len / 2, needle.len - 1 };
	char *at = file->at;
	int n = 0;

	while ((at = memmem(at, file->len - (size_t)(at - file->at), needle.at,
	                    needle.len))) {
		for (size_t i = 0; i < 3; i++) {
			at[places[i]] ^= 4;
			assert_int_equal(nm_file_write(p->file, 0600,
				nm_buf_text(file), &p->err), NM_OK);
			expect_told(p, column, (size_t)(at - file->at));
			at[places[i]] ^= 4;
		}
		at++;
		n++;
	}
	return n;
}

static void
damage_all(struct place *p, const char *table, int n_least)
{
	struct column columns[64] = { 0 };
	struct nm_buf file = { 0 };
	size_t n = list_columns(p, table, columns);
	int found = 0;

	assert_int_equal(nm_file_read(p->file, &file, &p->err), NM_OK);
	for (size_t i = 0; i < n; i++) {
		if (columns[i].needle.len > 3 &&
		    damage_column(p, &columns[i], &file) > 0)
			found++;
		nm_buf_release(&columns[i].needle);
	}
	assert_true(found >= n_least);
	nm_buf_release(&file);
}

static void
test_no_column_changes_unseen(void **state)
{
	struct place *p = *state;
	struct nm_buf seen = { 0 };

	add_marked(p);
	assert_int_equal(read_all(p, &seen), NM_OK);
	assert_string_equal(nm_buf_string(&seen), ANSWERS);
	damage_all(p, "run", 14);
	damage_all(p, "shard", 28);
	damage_all(p, "answer", 8);
	nm_buf_release(&seen);
}

/* What a limit is of is its key: a damaged one is learnt again. */
static void
test_a_limit_does_not_change_unseen(void **state)
{
	struct column value = { .name = "learnt.value" };
	struct place *p = *state;
	struct nm_buf file = { 0 };

	add_marked(p);
	nm_buf_add(&value.needle, "\x5e\0\0\0\0\1", 6);
	assert_int_equal(nm_file_read(p->file, &file, &p->err), NM_OK);
	assert_int_equal(damage_column(p, &value, &file), 1);
	nm_buf_release(&file);
	nm_buf_release(&value.needle);
}

static void
execute(struct place *p, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* As one that was lost, or put there by another hand. */
static void
test_rows_by_another_hand(void **state)
{
	static const struct {
		const char *sql, *told;
	} rows[] = {
		{ "UPDATE run SET state = 1", "the run 0123456789ab" },
		{ "UPDATE run SET seal = 0", "the run 0123456789ab" },
		{ "UPDATE shard SET state = 2",
		  "shard 101155069755394 of run 0123456789ab" },
		{ "DELETE FROM answer WHERE ordinal = 102254581383169",
		  "the answers of run 0123456789ab" },
		{ "INSERT INTO answer VALUES ('0123456789ab', 1, 1, 'x')",
		  "the answers of run 0123456789ab" },
		{ "UPDATE answer SET row = row || ' '",
		  "the answers of run 0123456789ab" },
		{ "UPDATE run SET answers = answers + 1",
		  "the answers of run 0123456789ab" },
	};
	struct place *p = *state;
	struct nm_buf file = { 0 }, seen = { 0 };

	add_marked(p);
	assert_int_equal(nm_file_read(p->file, &file, &p->err), NM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		execute(p, rows[i].sql);
		assert_int_equal(read_all(p, &seen), NM_STATE);
		if (!strstr(p->err.text, rows[i].told))
			fail_msg("%s: %s", rows[i].sql, p->err.text);
		assert_int_equal(nm_file_write(p->file, 0600,
			nm_buf_text(&file), &p->err), NM_OK);
	}
	nm_buf_release(&file);
	nm_buf_release(&seen);
}

/* A step of a row that was damaged does not make it whole. */
static void
test_a_step_does_not_heal(void **state)
{
	struct place *p = *state;
	struct nm_shard_record shard = marked_shard(), *list;
	struct nm_buf seen = { 0 };
	size_t n = 0;

	add_marked(p);
	reopen(p);
	assert_int_equal(nm_shards_list(p->journal, shard.run, &p->arena,
	                                &list, &n, &p->err), NM_OK);
	execute(p, "UPDATE shard SET first = 3; UPDATE run SET spec = '{}'");
	assert_int_equal(nm_shards_save(p->journal, list, &p->err), NM_STATE);
	assert_non_null(strstr(p->err.text, "shard 101155069755394"));
	assert_int_equal(nm_runs_set_state(p->journal, shard.run, NM_RUN_DONE,
	                                   "x", 1, &p->err), NM_STATE);
	assert_non_null(strstr(p->err.text, "the run 0123456789ab"));
	nm_journal_close(p->journal);
	assert_int_equal(read_all(p, &seen), NM_STATE);
}

/* The number of the page where each table and each index begins. */
static size_t
list_roots(struct place *p, int *roots)
{
	size_t n = 0;
	sqlite3 *db;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM "
		"sqlite_master WHERE rootpage > 0", -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		roots[n++] = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

/* Also of what is empty yet: what comes later, and was paid, could not be kept. */
static void
test_no_root_is_damaged_unseen(void **state)
{
	struct place *p = *state;
	struct nm_run_record run = marked_run();
	struct nm_buf file = { 0 };
	char page[4096];
	int roots[32];
	size_t n;

	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	nm_journal_close(p->journal);
	p->journal = NULL;
	n = list_roots(p, roots);
	assert_int_equal(n, 11);
	assert_int_equal(nm_file_read(p->file, &file, &p->err), NM_OK);
	for (size_t i = 0; i < n; i++) {
		char *at = file.at + (roots[i] - 1) * 4096;

		memcpy(page, at, sizeof(page));
		memset(at, 0xaa, sizeof(page));
		assert_int_equal(nm_file_write(p->file, 0600,
			nm_buf_text(&file), &p->err), NM_OK);
		memcpy(at, page, sizeof(page));
		reopen(p);
		if (nm_journal_check(p->journal, &p->err) != NM_STATE)
			fail_msg("page %d", roots[i]);
		nm_journal_close(p->journal);
		p->journal = NULL;
	}
	nm_buf_release(&file);
}

/* All ways in which answers come and go, and a step that is not made. */
static void
test_answers_stay_sealed(void **state)
{
	struct place *p = *state;
	struct nm_run_record run = marked_run(), other = marked_run();
	struct nm_answer_record answer = marked_answers[0];
	struct nm_buf seen = { 0 };

	other.id = "ba9876543210";
	assert_int_equal(nm_runs_add(p->journal, &run, &p->err), NM_OK);
	assert_int_equal(nm_runs_add(p->journal, &other, &p->err), NM_OK);
	assert_int_equal(nm_journal_begin(p->journal, &p->err), NM_OK);
	assert_int_equal(nm_answers_keep(p->journal, run.id, &answer, &p->err),
	                 NM_OK);
	assert_int_equal(nm_answers_keep(p->journal, other.id, &answer,
	                                 &p->err), NM_OK);
	/* Again, and otherwise. */
	answer.row = NM_TEXT("another");
	assert_int_equal(nm_answers_keep(p->journal, run.id, &answer, &p->err),
	                 NM_OK);
	assert_int_equal(nm_answers_walk(p->journal, run.id, note_answer, &seen,
	                                 &p->err), NM_OK);
	assert_int_equal(nm_journal_commit(p->journal, &p->err), NM_OK);
	assert_int_equal(nm_journal_begin(p->journal, &p->err), NM_OK);
	assert_int_equal(nm_answers_keep(p->journal, run.id, &marked_answers[1],
	                                 &p->err), NM_OK);
	nm_journal_rollback(p->journal);
	assert_int_equal(nm_answers_keep(p->journal, other.id,
	                                 &marked_answers[1], &p->err), NM_OK);
	assert_int_equal(nm_answers_forget(p->journal, other.id,
	                                   answer.attempt, answer.ordinal,
	                                   &p->err), NM_OK);
	reopen(p);
	nm_buf_clear(&seen);
	assert_int_equal(nm_answers_walk(p->journal, run.id, note_answer, &seen,
	                                 &p->err), NM_OK);
	assert_int_equal(nm_answers_walk(p->journal, other.id, note_answer,
	                                 &seen, &p->err), NM_OK);
	assert_string_equal(nm_buf_string(&seen),
	                    "102254581383170/102254581383169 another;"
	                    "102254581383172/102254581383171 the-second-answer;");
	nm_buf_release(&seen);
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		ROW(test_no_column_changes_unseen),
		ROW(test_a_limit_does_not_change_unseen),
		ROW(test_rows_by_another_hand),
		ROW(test_a_step_does_not_heal),
		ROW(test_no_root_is_damaged_unseen),
		ROW(test_answers_stay_sealed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
