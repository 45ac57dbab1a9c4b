/*
 * grading: many questions, in leaves and by several threads, give what one loop over
 * them gives: every count, every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "task/grading.h"

enum { QUESTIONS = 5003, LONG_BYTES = 1200000 };

static const struct nm_prices no_prices;
static char questions_path[] = "/tmp/nm_grading_q.XXXXXX";
static char rows_path[] = "/tmp/nm_grading_r.XXXXXX";

/* Some are so long that slabs and leaves that hold them are heavy. */
static void
add_length(struct nm_buf *rows, int i)
{
	size_t len = i % 700 == 5 ? LONG_BYTES : 1;

	memset(nm_buf_room(rows, len), 'y', len);
	nm_buf_took(rows, len);
}

/* For a while each fails for a reason of its own, or for that of all; else few do. */
static int
code_of(int i)
{
	if (i >= 2000 && i < 3400)
		return i % 3 ? i % 700 : 1;
	return i % 97 ? -1 : i % 5;
}

static void
add_row(struct nm_buf *rows, int i)
{
	nm_buf_addf(rows, "{\"custom_id\":\"request-%d\",\"error\":null,", i);
	if (code_of(i) >= 0)
		nm_buf_addf(rows, "\"response\":{\"status_code\":%d,\"body\":"
		            "{\"error\":{\"code\":\"code_%d\",\"message\":"
		            "\"of %d\"}}}}\n", i % 2 ? 500 : 400, code_of(i),
		            i);
	else {
		nm_buf_addf(rows, "\"response\":{\"status_code\":200,\"body\":"
		            "{\"model\":\"m\",\"usage\":{\"prompt_tokens\":%d,"
		            "\"completion_tokens\":9},\"choices\":[{"
		            "\"finish_reason\":\"stop\",\"message\":{"
		            "\"content\":\"{\\\"answers\\\":[\\\"Film %d\\\","
		            "\\\"x%d", 100 + i % 50, i % 3 ? i : i + 1, i);
		add_length(rows, i);
		nm_buf_add_string(rows, "\\\"]}\"}}]}}}\n");
	}
}

/* Questions in order; their rows shuffled, some of them missing. */
static int
write_files(void **state)
{
	int fds[2] = { mkstemp(questions_path), mkstemp(rows_path) };
	struct nm_buf questions = { 0 }, rows = { 0 };
	struct nm_err err;
	int i;

	(void)state;
	for (i = 0; i < QUESTIONS; i++) {
		int k = (int)((int64_t)i * 1009 % QUESTIONS);

		nm_buf_addf(&questions, "where is [%d]\tFilm %d|Other %d\n", i,
		            i, i % 7);
		if (k % 501)
			add_row(&rows, k);
	}
	if (nm_file_write_all(fds[0], questions.at, questions.len, &err) ||
	    nm_file_write_all(fds[1], rows.at, rows.len, &err))
		return 1;
	nm_buf_release(&questions);
	nm_buf_release(&rows);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	unlink(questions_path);
	unlink(rows_path);
	return 0;
}

struct graded {
	struct nm_quiz    *quiz;
	struct nm_collect  collect;
	struct nm_spending spending;
	struct nm_tally    tally;
	struct nm_ledger   ledger;
};

static void
begin(struct graded *g)
{
	struct nm_quiz_wish wish = { .path = questions_path, .name = "q" };
	struct nm_err err;

	memset(g, 0, sizeof(*g));
	assert_int_equal(nm_quiz_open(&g->quiz, &wish, &err), NM_OK);
	nm_collect_init(&g->collect, nm_quiz_source(g->quiz),
	                NM_READING_STRICT);
	assert_int_equal(nm_collect_add_file(&g->collect, rows_path, 2,
	                                     NM_WAY_BATCH, &err), NM_OK);
	g->spending.collect = &g->collect;
	g->spending.prices = &no_prices;
	g->spending.model = "m";
}

static void
end(struct graded *g)
{
	nm_tally_release(&g->tally);
	nm_ledger_release(&g->ledger);
	nm_collect_release(&g->collect);
	nm_quiz_close(g->quiz);
}

/* The plain loop, and its rows. */
static void
loop(struct graded *g, struct nm_buf *text)
{
	struct nm_scorer scorer = { 0 };
	struct nm_question q;
	struct nm_score score;
	struct nm_origin origin;
	struct nm_row row;
	struct nm_err err;

	for (int64_t i = 0; i < QUESTIONS; i++) {
		struct nm_results_row line = { &q, &row, &score, { 0 }, 0 };

		assert_int_equal(nm_quiz_question(g->quiz, i, &q, &err), 0);
		assert_int_equal(nm_collect_row(&g->collect, i, q.id, &row,
		                                &origin, &err), 0);
		nm_score(&scorer, q.gold, q.n_gold, row.answers, row.n_answers,
		         &score);
		line.cost = nm_spending_of(&g->spending, &row, origin.way);
		line.attempts = (uint64_t)origin.attempt;
		nm_tally_add(&g->tally, &score, &row, line.cost);
		nm_ledger_add(&g->ledger, &row);
		nm_results_put_row(text, &line, (uint64_t)i);
	}
	nm_scorer_release(&scorer);
}

static void
expect_same(struct graded *a, struct graded *b)
{
	size_t i;

	/* All counts; what follows them are places in memory. */
	assert_memory_equal(&a->tally, &b->tally,
	                    offsetof(struct nm_tally, triples));
	assert_int_equal(a->tally.n_triples, b->tally.n_triples);
	for (i = 0; i < a->tally.n_triples; i++) {
		const struct nm_triple *x = &a->tally.triples[i];
		const struct nm_triple *y = &b->tally.triples[i];

		assert_true(x->correct == y->correct &&
		            x->incorrect == y->incorrect &&
		            x->missed == y->missed &&
		            x->questions == y->questions);
	}
	assert_int_equal(a->ledger.asked, QUESTIONS);
	assert_int_equal(a->ledger.n_reasons, b->ledger.n_reasons);
	for (i = 0; i < a->ledger.n_reasons; i++) {
		assert_int_equal(a->ledger.reasons[i].count,
		                 b->ledger.reasons[i].count);
		assert_true(nm_text_equal(a->ledger.reasons[i].code,
		                          b->ledger.reasons[i].code));
		assert_string_equal(a->ledger.reasons[i].example,
		                    b->ledger.reasons[i].example);
	}
}

static void
remove_results(const char *folder, struct nm_results *results)
{
	char runs[64];

	unlink(results->run_path.at);
	unlink(results->known_path.at);
	snprintf(runs, sizeof(runs), "%s/runs", folder);
	rmdir(runs);
	assert_int_equal(rmdir(folder), 0);
}

/* What stands behind the head of a results file that is written by grading, to which
 * it is added. */
static void
write_results(struct graded *g, struct nm_grading grading, struct nm_buf *text)
{
	char folder[] = "/tmp/nm_grading.XXXXXX";
	struct nm_results_options options = {
		.dataset = "q", .run_id = "1", .folder = mkdtemp(folder),
	};
	struct nm_metrics metrics;
	struct nm_head head = { .tally = &g->tally, .metrics = &metrics };
	struct nm_results results;
	struct nm_err err;

	nm_tally_metrics(&g->tally, &metrics);
	assert_int_equal(nm_results_open(&results, &options, &err), 0);
	assert_true(nm_results_add_head(&results, &head));
	grading.results = &results;
	assert_int_equal(nm_grading_make(&grading, &err), 0);
	assert_int_equal(nm_results_finish(&results, &err), 0);
	assert_int_equal(nm_file_read(results.known_path.at, text, &err), 0);
	remove_results(folder, &results);
	nm_results_release(&results);
}

static void
expect_end(const struct nm_buf *got, const struct nm_buf *wanted)
{
	assert_true(got->len > wanted->len);
	assert_memory_equal(got->at + got->len - wanted->len, wanted->at,
	                    wanted->len);
}

/* Counted and then written, or both at once. */
static void
as_one_loop(void **state)
{
	struct graded looped, leaved;
	struct nm_grading grading;
	struct nm_buf wanted = { 0 }, got = { 0 };
	struct nm_err err;
	int at_once;

	(void)state;
	begin(&looped);
	loop(&looped, &wanted);
	nm_buf_add_string(&wanted, "\n  ]\n}\n");
	for (at_once = 0; at_once < 2; at_once++) {
		begin(&leaved);
		grading = (struct nm_grading){
			leaved.quiz, &leaved.collect, &leaved.spending,
			&leaved.tally, &leaved.ledger, NULL,
		};
		if (!at_once) {
			assert_int_equal(nm_grading_make(&grading, &err), 0);
			grading.tally = NULL;
		}
		write_results(&leaved, grading, &got);
		expect_same(&leaved, &looped);
		assert_true(leaved.tally.by_class[NM_CLASS_MISSING] > 0);
		assert_true(leaved.tally.by_class[NM_CLASS_HTTP_ERROR] > 0);
		expect_end(&got, &wanted);
		nm_buf_clear(&got);
		end(&leaved);
	}
	nm_buf_release(&wanted);
	nm_buf_release(&got);
	end(&looped);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_one_loop),
	};

	return cmocka_run_group_tests(tests, write_files, remove_files);
}
