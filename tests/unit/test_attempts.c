/* attempts: what is asked again after each attempt, and in which order files count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "result_rows.h"
#include "run/attempts.h"
#include "state/answers.h"

#include "own_folder.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { QUESTIONS = 4, SHARDS = 3 };

/* A batch: what it asked, how it ended, and its files (NULL = there is none). */
struct ended {
	int64_t     attempt, first, count;
	int64_t     only; /* not 0: this ordinal alone, as members name it */
	const char *status, *note;
	const char *output, *error;
};

/* One row: batches and kept answers, and what is left of the run then. */
static const struct {
	struct ended batches[SHARDS];
	const char  *answers[2]; /* of request-0, attempts 1 and 2 */
	int64_t      max_attempts, reask;
	enum nm_cancelled cancelled;
	int          ended_before;
	const char  *again; /* ordinals that are asked now */
	int64_t      left;  /* that would be, with one attempt more */
	int64_t      attempts;
	const char  *files; /* in the order that counts */
	const char  *first_answer; /* of request-0; NULL = none */
	const char  *why;
} rows[] = {
	{ { { 1, 0, 4, 0, "completed", "", OK("0", "a") OK("1", "b")
	      OK("2", "c") OK("3", "d"), NULL } }, { NULL }, 3, 0, 0, 0,
	  "", 0, 1, "o0", "a", "all answered" },
	{ { { 1, 0, 4, 0, "completed", "", OK("0", "a") OK("1", "b"),
	      STATUS("2", "500") STATUS("3", "400") } }, { NULL }, 3, 0, 0,
	  0, "2", 1, 1, "o0 e0", "a", "a 500 is asked again, a 400 never" },
	{ { { 1, 0, 4, 0, "expired", "", OK("0", "a"), NULL } }, { NULL }, 3,
	  0, 0, 0, "1 2 3", 3, 1, "o0", "a", "what has no row is missing" },
	{ { { 1, 0, 4, 0, "expired", "", OK("0", "a"), NULL } }, { NULL }, 1,
	  0, 0, 0, "", 3, 1, "o0", "a",
	  "of one attempt there is no second, but one more would bring some" },
	{ { { 1, 0, 2, 0, "completed", "", OK("0", "a") OK("1", "b"), NULL },
	    { 1, 2, 2, 0, "failed", "", NULL, NULL } }, { NULL }, 3, 0, 0, 0,
	  "", 0, 1, "o0", "a", "a batch that failed as a whole is closed" },
	{ { { 1, 0, 4, 0, "cancelled", "", OK("0", "a"), NULL } }, { NULL }, 3,
	  0, NM_CANCELLED_LEFT, 1, "", 3, 1, "o0", "a",
	  "so is one that a person cancelled" },
	{ { { 1, 0, 4, 0, "cancelled", "", OK("0", "a"), NULL } }, { NULL }, 3,
	  0, NM_CANCELLED_AGAIN, 1, "1 2 3", 3, 1, "o0", "a",
	  "unless its rest is wanted, once its end was told" },
	{ { { 1, 0, 4, 0, "cancelled", "", OK("0", "a"), NULL } }, { NULL }, 3,
	  0, NM_CANCELLED_AGAIN, 0, "", 3, 1, "o0", "a",
	  "whoever cancels while a process follows means it" },
	{ { { 1, 0, 4, 0, "cancelled", "cancelled: it was stuck",
	      OK("0", "a"), NULL } }, { NULL }, 3, 0, 0, 0, "1 2 3", 3, 1,
	  "o0", "a", "one that we ended ourselves is asked again" },
	{ { { 1, 0, 4, 0, "expired", "", OK("0", "a") OK("1", "b"), NULL },
	    { 2, 0, 1, 3, "failed", "", NULL, NULL } }, { NULL }, 3, 0, 0, 0,
	  "2", 1, 2, "o0", "a", "of a later attempt its members are closed" },
	{ { { 1, 0, 2, 0, "completed", "", NULL, STATUS("0", "500") },
	    { 1, 2, 2, 0, "completed", "", OK("2", "c") OK("0", "a"),
	      STATUS("3", "503") },
	    { 2, 0, 1, 3, "completed", "", OK("3", "d"), NULL } }, { NULL }, 3,
	  0, 0, 0, "1", 1, 2, "o1 e0 e1 o2", "a",
	  "outputs before errors, earlier attempts first" },
	{ { { 1, 1, 3, 0, "completed", "", OK("1", "b") OK("2", "c")
	      OK("3", "d"), NULL } }, { OK("0", "canary") }, 3, 0, 0, 0, "", 0,
	  1, "d1 o0", "canary", "the canary's answer is a file as well" },
	{ { { 1, 0, 4, 0, "completed", "", UNREADABLE("0") OK("1", "b")
	      OK("2", "c") OK("3", "d"), NULL } }, { NULL }, 3, 0, 0, 0, "",
	  0, 1, "o0", NULL, "what the model did is not asked again" },
	{ { { 1, 0, 4, 0, "completed", "", UNREADABLE("0") OK("1", "b")
	      OK("2", "c") OK("3", "d"), NULL } }, { NULL }, 3, 1, 0, 0, "0",
	  0, 1, "o0", NULL, "unless one wants it" },
	{ { { 1, 0, 4, 0, "completed", "", UNREADABLE("0") OK("1", "b")
	      OK("2", "c") OK("3", "d"), NULL } },
	  { NULL, OK("0", "mended") }, 3, 1, 0, 0, "", 0, 2, "o0 d2", "mended",
	  "and the direct answer of a later attempt mends it" },
};

struct scene {
	struct nm_journal *journal;
	struct nm_source   source;
	struct nm_run      run;
	struct nm_buf      names[2 * SHARDS]; /* paths of the files */
	struct nm_err      err;
};

/* A file of a batch, "o0" or "e1", in the folder; its path lives in the scene. */
static const char *
put_file(struct scene *s, size_t place, char kind, size_t shard,
         const char *content)
{
	char base[16];

	if (!content)
		return "";
	(void)snprintf(base, sizeof(base), "%c%zu", kind, shard);
	nm_buf_add_string(&s->names[place], in_folder(base));
	assert_int_equal(nm_file_write(nm_buf_string(&s->names[place]), 0600,
		nm_text_of(content), &s->err), NM_OK);
	return nm_buf_string(&s->names[place]);
}

static void
add_batches(struct scene *s, const struct ended *batches)
{
	struct nm_shard_record shards[SHARDS] = { { 0 } };
	struct nm_members only[SHARDS] = { { .count = 0 } };
	size_t n = 0;

	for (; n < SHARDS && batches[n].attempt; n++) {
		if (batches[n].only)
			nm_members_add(&only[n], batches[n].only);
		shards[n] = (struct nm_shard_record){
			.attempt = batches[n].attempt,
			.first = batches[n].first, .count = batches[n].count,
			.members = nm_buf_text(&only[n].bytes),
			.state = NM_SHARD_COLLECTED,
			.status = batches[n].status, .note = batches[n].note,
			.output_path = put_file(s, 2 * n, 'o', n,
			                        batches[n].output),
			.error_path = put_file(s, 2 * n + 1, 'e', n,
			                       batches[n].error),
		};
	}
	assert_int_equal(nm_run_add_shards(&s->run, shards, n, &s->err), NM_OK);
	for (n = 0; n < SHARDS; n++)
		nm_members_release(&only[n]);
}

static void
begin(struct scene *s, size_t row)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(nm_journal_open(folder, &s->journal, &s->err), NM_OK);
	s->source = (struct nm_source){ .find = find, .count = QUESTIONS };
	s->run.journal = s->journal;
	s->run.source = &s->source;
	s->run.settings.max_attempts = rows[row].max_attempts;
	s->run.settings.reask = rows[row].reask;
	s->run.settings.cancelled = rows[row].cancelled;
	s->run.ended_before = rows[row].ended_before;
	s->run.record = (struct nm_run_record){
		.id = "r1", .key = "k", .mode = "batch", .name = "n",
		.model = "m", .endpoint = "/v1/chat/completions",
		.account = "a", .spec = "{}", .results_path = "",
	};
	nm_buf_add_string(&s->run.folder, folder);
	assert_int_equal(nm_runs_add(s->journal, &s->run.record, &s->err),
	                 NM_OK);
	add_batches(s, rows[row].batches);
	assert_int_equal(nm_journal_begin(s->journal, &s->err), NM_OK);
	for (int64_t i = 0; i < 2; i++) {
		struct nm_answer_record answer = {
			.attempt = i + 1,
			.row = nm_text_of(rows[row].answers[i]),
		};

		answer.row.len -= answer.row.len > 0; /* its '\n' */
		if (answer.row.len)
			assert_int_equal(nm_answers_keep(s->journal, "r1",
				&answer, &s->err), NM_OK);
	}
	assert_int_equal(nm_journal_commit(s->journal, &s->err), NM_OK);
}

static void
end(struct scene *s)
{
	static const char *const names[] = {
		"journal.db", "direct_1.jsonl", "direct_2.jsonl",
		"o0", "o1", "o2", "e0", "e1", "e2",
	};

	for (size_t i = 0; i < COUNT(s->names); i++)
		nm_buf_release(&s->names[i]);
	nm_run_release(&s->run);
	nm_journal_close(s->journal);
	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(in_folder(names[i]));
}

/* "o0 e0 d1": the files by their short names. */
static void
expect_files(size_t row, const char *const *paths, size_t n)
{
	struct nm_buf all = { 0 };

	for (size_t i = 0; i < n; i++) {
		const char *base = strrchr(paths[i], '/') + 1;

		nm_buf_add_string(&all, i ? " " : "");
		if (strncmp(base, "direct_", 7) == 0)
			nm_buf_addf(&all, "d%c", base[7]);
		else
			nm_buf_add_string(&all, base);
	}
	if (strcmp(nm_buf_string(&all), rows[row].files) != 0)
		fail_msg("%s: files \"%s\"", rows[row].why,
		         nm_buf_string(&all));
	nm_buf_release(&all);
}

static void
expect_again(size_t row, const struct nm_members *members)
{
	struct nm_members_walk walk;
	struct nm_buf all = { 0 };
	int64_t ordinal;

	nm_members_walk_init(&walk, 0, members->count,
	                     nm_buf_text(&members->bytes));
	while (members->count && (ordinal = nm_members_walk_next(&walk)) >= 0) {
		nm_buf_add_string(&all, all.len ? " " : "");
		nm_buf_add_int(&all, ordinal);
	}
	if (strcmp(nm_buf_string(&all), rows[row].again) != 0)
		fail_msg("%s: again \"%s\"", rows[row].why, nm_buf_string(&all));
	nm_buf_release(&all);
}

static void
expect_first_answer(size_t row, struct nm_collect *collect)
{
	const char *wanted = rows[row].first_answer;
	struct nm_origin origin;
	struct nm_err err;
	struct nm_row got;

	assert_int_equal(nm_collect_row(collect, 0, 0, &got, &origin, &err),
	                 NM_OK);
	if (wanted ? !got.n_answers || !nm_text_is(got.answers[0], wanted)
	           : got.n_answers != 0)
		fail_msg("%s: another answer to the first", rows[row].why);
}

static void
what_is_asked_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_members members = { 0 };
		struct nm_collect collect;
		const char *const *paths;
		int64_t attempts;
		struct scene s;
		size_t n;

		begin(&s, i);
		nm_collect_init(&collect, &s.source, NM_READING_STRICT);
		assert_int_equal(nm_attempts_collect(&s.run, &collect, &paths,
			&n, &attempts, &s.err), NM_OK);
		expect_files(i, paths, n);
		if (attempts != rows[i].attempts)
			fail_msg("%s: %d attempts", rows[i].why, (int)attempts);
		nm_attempts_next(&s.run, &collect, attempts, &members);
		expect_again(i, &members);
		if (nm_attempts_left(&s.run, &collect) != rows[i].left)
			fail_msg("%s: %d left", rows[i].why,
			         (int)nm_attempts_left(&s.run, &collect));
		expect_first_answer(i, &collect);
		nm_members_release(&members);
		nm_collect_release(&collect);
		end(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
