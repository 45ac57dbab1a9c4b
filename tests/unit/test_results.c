/* results: a small run's file to the byte, and what must never be lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "report/results.h"
#include "small_run.h"

#define EXPECTED "tests/data/report/results.json"

struct fixture {
	char              folder[40];
	struct nm_scorer  scorer;
	struct nm_tally   tally;
	struct nm_metrics metrics;
	struct nm_results results;
	struct nm_buf     rows; /* as they were put */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/nm-results-XXXXXX");
	*state = f;
	if (!mkdtemp(f->folder))
		return 1;
	return 0;
}

static int
remove_one(const char *path, const struct stat *info, int kind,
           struct FTW *at)
{
	(void)info;
	(void)kind;
	(void)at;
	return remove(path);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	nm_results_release(&f->results);
	nm_buf_release(&f->rows);
	nm_tally_release(&f->tally);
	nm_scorer_release(&f->scorer);
	nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static enum nm_code
open_in(struct fixture *f, const char *folder, struct nm_err *err)
{
	struct nm_results_options options = {
		.folder = folder, .dataset = "1-hop-test",
		.mode = NM_HEAD_BATCH, .run_id = "run/1",
		.began_ms = 1774437191000,
	};

	return nm_results_open(&f->results, &options, err);
}

static void
add(struct fixture *f, size_t id, const struct asked *a)
{
	struct nm_question q;
	struct nm_score score;
	struct nm_cost cost;
	struct nm_row row;

	small_score(a, id, &f->scorer, &f->tally, &q, &row, &score, &cost);
	nm_results_put_row(&f->rows, &(struct nm_results_row){
		&q, &row, &score, cost, id == 3 ? 3 : 1 }, id);
}

/* What stands before the end: the head, and the rows that were put. */
static void
begin(struct fixture *f)
{
	struct nm_head head = small_head(&f->tally, &f->metrics);

	assert_true(nm_results_add_head(&f->results, &head));
	nm_results_take(&f->results, &f->rows);
}

static void
write_all(struct fixture *f, const char *folder)
{
	struct nm_err err;
	size_t i;

	assert_int_equal(open_in(f, folder, &err), NM_OK);
	for (i = 0; i < N_ASKED; i++)
		add(f, i, &asked[i]);
	begin(f);
	if (nm_results_finish(&f->results, &err))
		fail_msg("%s", err.text);
}

static void
read_back(const char *path, struct nm_buf *text)
{
	struct nm_err err;

	if (nm_file_read(path, text, &err))
		fail_msg("%s", err.text);
}

/* Every byte. After a wanted change look at the difference, and copy it over. */
static void
test_as_expected(void **state)
{
	struct fixture *f = *state;
	struct nm_buf got = {0}, expected = {0}, copy = {0};
	struct nm_err err;

	write_all(f, f->folder);
	read_back(nm_buf_string(&f->results.run_path), &got);
	read_back(EXPECTED, &expected);
	if (!nm_text_equal(nm_buf_text(&got), nm_buf_text(&expected))) {
		assert_int_equal(nm_file_copy(f->results.run_path.at,
			"/tmp/nm-results-got.json", 0644, &err), NM_OK);
		fail_msg("differs: diff %s /tmp/nm-results-got.json", EXPECTED);
	}
	read_back(nm_buf_string(&f->results.known_path), &copy);
	assert_true(nm_text_equal(nm_buf_text(&got), nm_buf_text(&copy)));
	assert_non_null(strstr(f->results.run_path.at,
		"/runs/1-hop-test_batch_20260325T111311Z_run_1.json"));
	assert_non_null(strstr(f->results.known_path.at,
		"/variant0_llm_baseline_1-hop-test_batch.json"));
	nm_buf_release(&got);
	nm_buf_release(&expected);
	nm_buf_release(&copy);
}

static void
test_reads_back(void **state)
{
	static const char *const order[] = { "variant_name", "dataset_name",
		"model", "mode", "status", "metrics", "ledger", "run",
		"results" };
	struct fixture *f = *state;
	const struct nm_value *root, *rows;
	struct nm_json_walk walk;
	struct nm_buf text = {0};
	struct nm_json json = {0};
	struct nm_text name;
	struct nm_err err;
	size_t i;

	write_all(f, f->folder);
	read_back(nm_buf_string(&f->results.known_path), &text);
	assert_int_equal(nm_json_read(&json, text.at, text.len, &root, &err),
	                 NM_OK);
	nm_json_walk_init(&walk, root);
	for (i = 0; nm_json_walk_next(&walk, &name); i++)
		assert_true(nm_text_is(name, order[i]));
	assert_int_equal(i, 9);
	rows = nm_json_get(root, "results");
	assert_int_equal(nm_json_count(rows), N_ASKED);
	nm_json_walk_init(&walk, rows);
	for (i = 0; i < N_ASKED; i++)
		assert_string_equal(nm_json_string(nm_json_get(
			nm_json_walk_next(&walk, &name), "question_text")),
			asked[i].text);
	nm_json_release(&json);
	nm_buf_release(&text);
}

static void
test_no_rows(void **state)
{
	struct fixture *f = *state;
	const struct nm_value *root;
	struct nm_json json = {0};
	struct nm_buf text = {0};
	struct nm_err err;

	assert_int_equal(open_in(f, f->folder, &err), NM_OK);
	begin(f);
	assert_int_equal(nm_results_finish(&f->results, &err), NM_OK);
	read_back(nm_buf_string(&f->results.known_path), &text);
	assert_int_equal(nm_json_read(&json, text.at, text.len, &root, &err),
	                 NM_OK);
	assert_int_equal(nm_json_count(nm_json_get(root, "results")), 0);
	nm_json_release(&json);
	nm_buf_release(&text);
}

/* Without the blanks at the ends of lines; returns the most that one of them had. */
static size_t
strip_lines(struct nm_buf *text)
{
	size_t from, to = 0, blanks = 0, most = 0;

	for (from = 0; from < text->len; from++) {
		if (text->at[from] == '\n') {
			to -= blanks;
			most = blanks > most ? blanks : most;
		}
		blanks = text->at[from] == ' ' ? blanks + 1 : 0;
		text->at[to++] = text->at[from];
	}
	text->len = to;
	return most;
}

static void
take_copy(struct fixture *f, const struct nm_buf *rows)
{
	nm_buf_add_text(&f->rows, nm_buf_text(rows));
	nm_results_take(&f->results, &f->rows);
}

/* The file of these rows and this head; which of them came first. */
static void
write_in_turn(struct fixture *f, const struct nm_buf *rows,
              const struct nm_head *head, const struct nm_head *first,
              bool fits, struct nm_buf *text)
{
	struct nm_err err;

	assert_int_equal(open_in(f, f->folder, &err), NM_OK);
	if (first) {
		nm_results_leave_room(&f->results, first);
		take_copy(f, rows);
	}
	assert_true(nm_results_add_head(&f->results, head) == fits);
	if (!first || !fits)
		take_copy(f, rows);
	assert_int_equal(nm_results_finish(&f->results, &err), NM_OK);
	read_back(f->results.run_path.at, text);
	nm_results_release(&f->results);
}

/* What was counted is known last: the same file comes of it, but for blanks. */
static void
test_head_comes_last(void **state)
{
	static const struct {
		size_t n_reasons;
		bool   fits;
	} heads[] = { { 0, true }, { 15, true }, { 60, false } };
	struct fixture *f = *state;
	struct nm_head_reason many[60];
	struct nm_buf rows = {0}, wanted = {0}, got = {0};
	struct nm_tally none = {0};
	struct nm_metrics zeros;
	struct nm_head first = small_head(&none, &zeros), head;
	size_t i;

	for (i = 0; i < 60; i++)
		many[i] = reasons[0];
	for (i = 0; i < 400; i++)
		add(f, i, &asked[i % N_ASKED]);
	nm_buf_add_text(&rows, nm_buf_text(&f->rows));
	nm_buf_clear(&f->rows);
	head = small_head(&f->tally, &f->metrics);
	head.ledger.reasons = many;
	first.ledger.n_reasons = 0;
	for (i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		head.ledger.n_reasons = heads[i].n_reasons;
		write_in_turn(f, &rows, &head, NULL, true, &wanted);
		write_in_turn(f, &rows, &head, &first, heads[i].fits, &got);
		if (heads[i].fits)
			assert_in_range(strip_lines(&got), 1, 64);
		assert_int_equal(got.len, wanted.len);
		assert_memory_equal(got.at, wanted.at, wanted.len);
		nm_buf_clear(&wanted);
		nm_buf_clear(&got);
	}
	nm_buf_release(&rows);
	nm_buf_release(&wanted);
	nm_buf_release(&got);
}

/* Until all that was taken is written. */
static void
settle(struct fixture *f)
{
	while (nm_crew_rest(f->results.files.porter))
		;
}

/* Rows are handed on, not held, and nothing is left when a run stops. */
static void
test_many_rows_and_no_finish(void **state)
{
	struct fixture *f = *state;
	struct nm_buf runs = {0};
	struct nm_err err;
	size_t i;

	assert_int_equal(open_in(f, f->folder, &err), NM_OK);
	begin(f);
	for (i = 0; i < 4000; i++) {
		add(f, i, &asked[i % N_ASKED]);
		nm_results_take(&f->results, &f->rows);
	}
	settle(f);
	assert_true(f->results.files.run.bytes > 1 << 20);
	assert_true(f->results.files.known.bytes ==
	            (f->results.files.clones ? 0 : f->results.files.run.bytes));
	assert_true(f->results.files.run.pending.cap < 1 << 20);
	nm_results_release(&f->results);
	nm_path_join(&runs, f->folder, "runs");
	assert_int_equal(rmdir(nm_buf_string(&runs)), 0);
	nm_buf_release(&runs);
}

static void
test_older_results_are_kept(void **state)
{
	struct fixture *f = *state;
	struct nm_buf known = {0}, text = {0};
	struct nm_err err;

	nm_path_join(&known, f->folder,
	             "variant0_llm_baseline_1-hop-test_batch.json");
	assert_int_equal(nm_file_write(known.at, 0644,
		NM_TEXT("{\"metrics\": {}, \"results\": []}"), &err), NM_OK);
	write_all(f, f->folder);
	assert_non_null(strstr(nm_buf_string(&f->results.kept_path),
		"/runs/variant0_llm_baseline_1-hop-test_batch_kept_"));
	read_back(f->results.kept_path.at, &text);
	assert_string_equal(nm_buf_string(&text),
	                    "{\"metrics\": {}, \"results\": []}");

	/* What nightmail wrote itself stands in runs/ already. */
	nm_results_release(&f->results);
	write_all(f, f->folder);
	assert_int_equal(f->results.kept_path.len, 0);
	nm_buf_release(&known);
	nm_buf_release(&text);
}

/* Who may not read it cannot know whose it is, and cannot keep it: it stays. */
static void
test_results_that_none_may_read(void **state)
{
	struct fixture *f = *state;
	struct nm_buf known = {0}, text = {0};
	bool root = geteuid() == 0;
	enum nm_code rc;
	struct nm_err err;

	nm_path_join(&known, f->folder,
	             "variant0_llm_baseline_1-hop-test_batch.json");
	assert_int_equal(nm_file_write(known.at, 0644, NM_TEXT("paid"), &err),
	                 NM_OK);
	assert_int_equal(chmod(known.at, 0), 0);
	assert_int_equal(chmod(f->folder, 0777), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	rc = open_in(f, f->folder, &err);
	if (!rc) {
		begin(f);
		rc = nm_results_finish(&f->results, &err);
	}
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(known.at, 0600), 0);
	read_back(known.at, &text);
	assert_string_equal(nm_buf_string(&text), "paid");
	assert_int_equal(rc, NM_IO);
	assert_non_null(strstr(err.text, known.at));
	assert_int_equal(access(f->results.run_path.at, F_OK), 0);
	nm_buf_release(&known);
	nm_buf_release(&text);
}

static void
test_no_folder(void **state)
{
	struct fixture *f = *state;
	struct nm_buf path = {0};
	struct nm_err err;

	nm_path_join(&path, f->folder, "file");
	assert_int_equal(nm_file_write(path.at, 0644, NM_TEXT("x"), &err),
	                 NM_OK);
	assert_int_equal(open_in(f, path.at, &err), NM_IO);
	assert_non_null(strstr(err.text, path.at));
	nm_buf_release(&path);
}

/* A disk that is full at some byte: the earlier file stands as it was. */
static void
test_full_disk(void **state)
{
	static const rlim_t sizes[] = { 0, 1, 100, 5000, 8000 };
	struct fixture *f = *state;
	struct rlimit before, small;
	struct nm_buf text = {0}, then = {0};
	struct nm_err err;
	size_t i, k;

	write_all(f, f->folder);
	read_back(nm_buf_string(&f->results.known_path), &text);
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		nm_results_release(&f->results);
		assert_int_equal(open_in(f, f->folder, &err), NM_OK);
		for (k = 0; k < N_ASKED; k++)
			add(f, k, &asked[k]);
		small = before;
		small.rlim_cur = sizes[i];
		setrlimit(RLIMIT_FSIZE, &small);
		begin(f);
		assert_int_equal(nm_results_finish(&f->results, &err), NM_IO);
		setrlimit(RLIMIT_FSIZE, &before);
		assert_non_null(strstr(err.text, "runs/1-hop-test_batch_"));
		nm_buf_clear(&then);
		read_back(nm_buf_string(&f->results.known_path), &then);
		assert_true(nm_text_equal(nm_buf_text(&text),
		                          nm_buf_text(&then)));
	}
	nm_buf_release(&text);
	nm_buf_release(&then);
}

/* What cannot be replaced at the known path costs no results. */
static void
test_known_path_is_no_file(void **state)
{
	struct fixture *f = *state;
	struct nm_buf known = {0}, text = {0};
	struct nm_err err;

	nm_path_join(&known, f->folder,
	             "variant0_llm_baseline_1-hop-test_batch.json");
	assert_int_equal(mkdir(known.at, 0700), 0);
	assert_int_equal(open_in(f, f->folder, &err), NM_OK);
	assert_int_equal(f->results.files.known_failed.code, NM_IO);
	add(f, 0, &asked[0]);
	begin(f);
	assert_int_equal(nm_results_finish(&f->results, &err), NM_IO);
	assert_non_null(strstr(err.text, known.at));
	assert_non_null(strstr(err.text, "is a folder"));
	read_back(f->results.run_path.at, &text);
	assert_non_null(strstr(nm_buf_string(&text), asked[0].text));
	nm_buf_release(&known);
	nm_buf_release(&text);
}

/* Many rows, on a disk of so many kB of its own: 0, or what was not as it is to be. */
static int
write_on_disk(struct fixture *f, unsigned kb, int *n_lost)
{
	struct nm_buf size = {0};
	struct stat info;
	struct nm_err err;
	size_t i, k;
	int failed;

	nm_buf_addf(&size, "size=%uk", kb);
	failed = mount("none", f->folder, "tmpfs", 0, nm_buf_string(&size));
	nm_buf_release(&size);
	if (failed)
		return 77;
	if (open_in(f, f->folder, &err))
		return 1;
	begin(f);
	for (i = 0; i < 40; i++) {
		for (k = 0; k < 10; k++)
			add(f, 10 * i + k, &asked[k % N_ASKED]);
		nm_results_take(&f->results, &f->rows);
	}
	failed = nm_results_finish(&f->results, &err) != NM_OK;
	*n_lost += failed;
	if (stat(f->results.run_path.at, &info) ||
	    (uint64_t)info.st_size < 200000)
		return 2;
	if (failed != (access(f->results.known_path.at, F_OK) != 0))
		return 3;
	if (failed && !strstr(err.text, f->results.known_path.at))
		return 4;
	nm_results_release(&f->results);
	return umount(f->folder) ? 5 : 0;
}

static int
write_on_disks(struct fixture *f)
{
	int n_lost = 0, wrong;
	unsigned kb;

	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 77;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	for (kb = 400; kb < 900; kb += 4) {
		wrong = write_on_disk(f, kb, &n_lost);
		if (wrong)
			return wrong;
	}
	return n_lost < 10 ? 6 : 0;
}

/* The same, whichever of the two files is the first to find the disk full. */
static void
test_room_for_one_and_a_bit(void **state)
{
	struct fixture *f = *state;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(write_on_disks(f));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* not allowed to have a disk of its own */
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_as_expected),
		CASE(test_reads_back),
		CASE(test_no_rows),
		CASE(test_head_comes_last),
		CASE(test_many_rows_and_no_finish),
		CASE(test_older_results_are_kept),
		CASE(test_results_that_none_may_read),
		CASE(test_no_folder),
		CASE(test_full_disk),
		CASE(test_room_for_one_and_a_bit),
		CASE(test_known_path_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
