#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "server/step.h"
#include "server/model.h"
#include "server/server.h"

enum { N_ROWS = 120 };

/* A server's parts without its HTTP side, over a folder of its own. */
struct bench {
	char                     folder[32];
	struct nm_server_options options;
	struct nm_metrics        metrics;
	struct nm_parts          parts;
	struct nm_desk           desk;
};

static void
must(enum nm_code rc, const struct nm_err *err)
{
	if (rc)
		fail_msg("%s", err->text);
}

static void
set_up(struct bench *bench, const char *script)
{
	struct nm_err err = {0};
	char path[64];
	FILE *file;

	*bench = (struct bench){ .folder = "/tmp/nm_job_XXXXXX" };
	assert_non_null(mkdtemp(bench->folder));
	snprintf(path, sizeof(path), "%s/faults", bench->folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(script, file);
	fclose(file);
	bench->parts.options = &bench->options;
	bench->parts.metrics = &bench->metrics;
	bench->desk.parts = &bench->parts;
	must(nm_store_open(bench->folder, &bench->parts.store, &err), &err);
	must(nm_vclock_open("step", bench->folder, &bench->parts.clock, &err),
	     &err);
	must(nm_faults_open(path, 0, &bench->parts.faults, &err), &err);
	must(nm_model_open(NULL, 0, &bench->parts.model, &err), &err);
}

static void
take_down(struct bench *bench)
{
	char command[64];

	nm_desk_release(&bench->desk);
	nm_model_close(bench->parts.model);
	nm_faults_close(bench->parts.faults);
	nm_vclock_close(bench->parts.clock);
	nm_store_close(bench->parts.store);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

/* The same ids each time: results depend on them. */
static void
add_batch(struct bench *bench, const char *input)
{
	int64_t now_s = nm_vclock_now_s(bench->parts.clock);
	struct nm_stored_file file = { .id = "file-in", .tenant = "",
		.filename = "in.jsonl", .purpose = "batch",
		.bytes = (int64_t)strlen(input), .created_s = now_s };
	struct nm_stored_batch batch = { .id = "batch_1", .tenant = "",
		.endpoint = "/v1/chat/completions", .input_file_id = "file-in",
		.expires_s = now_s + 86400 };
	struct nm_buf path = {0};
	struct nm_err err = {0};

	nm_store_file_path(bench->parts.store, "file-in", &path);
	must(nm_file_write(nm_buf_string(&path), 0600, nm_text_of(input), &err),
	     &err);
	must(nm_store_file_add(bench->parts.store, &file, &err), &err);
	batch.at_s[NM_BATCH_VALIDATING] = now_s;
	must(nm_store_batch_add(bench->parts.store, &batch,
	                        &(struct nm_store_pace){0}, &err), &err);
	nm_buf_release(&path);
}

static void
add_rows(struct nm_buf *input, int n)
{
	for (int i = 1; i <= n; i++)
		nm_buf_addf(input, "{\"custom_id\":\"r-%d\",\"method\":\"POST\","
			"\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\","
			"\"messages\":[{\"role\":\"user\",\"content\":\"%d\"}]}}\n",
			i, i);
}

static void
get_batch(struct bench *bench, struct nm_arena *arena,
          struct nm_stored_batch *batch)
{
	struct nm_err err = {0};

	must(nm_store_batch_get(bench->parts.store, NULL, "batch_1", arena, batch,
	                        &err), &err);
}

static void
pass_time(struct bench *bench, enum nm_step_did did, int64_t due_ms)
{
	int64_t now_ms = nm_vclock_now_ms(bench->parts.clock);
	struct nm_err err = {0};

	if (did == NM_STEP_WAITS && due_ms < INT64_MAX && due_ms > now_ms)
		must(nm_vclock_move(bench->parts.clock, due_ms - now_ms, &err),
		     &err);
}

/*
 * Steps until the end or `most` steps. After each `life` steps (0 = never) the
 * process is another: what is only in memory is lost. A check in progress is let
 * end, since it begins anew each time.
 */
static bool
run_job(struct bench *bench, int most, int life)
{
	struct nm_job *job = NULL;
	struct nm_err err = {0};
	enum nm_step_did did = NM_STEP_WORKED;
	int64_t due_ms;

	for (int i = 0; i < most && did != NM_STEP_ENDED; i++) {
		if (!job)
			must(nm_job_open(&bench->desk, "batch_1", &job, &err), &err);
		must(nm_step_take(job, &bench->desk, NM_STEP_KEEP_NOW, &did, &due_ms,
		                 &err), &err);
		pass_time(bench, did, due_ms);
		if (life && i % life == life - 1 &&
		    job->batch.state != NM_BATCH_VALIDATING) {
			nm_step_leave(job, &bench->desk);
			job = NULL;
		}
	}
	nm_step_leave(job, &bench->desk);
	return did == NM_STEP_ENDED;
}

/* Goes on until the store knows the state, and, where it is in progress, of some
 * rows; then the process is no more. */
static void
run_to(struct bench *bench, enum nm_batch_state state)
{
	struct nm_job *job = NULL;
	struct nm_err err = {0};
	enum nm_step_did did;
	int64_t due_ms;

	must(nm_job_open(&bench->desk, "batch_1", &job, &err), &err);
	do {
		must(nm_step_take(job, &bench->desk, NM_STEP_KEEP_NOW, &did, &due_ms,
		                 &err), &err);
		assert_int_not_equal(did, NM_STEP_ENDED);
		if (job->batch.state == state &&
		    (state != NM_BATCH_IN_PROGRESS || job->kept.completed > 0))
			break;
		pass_time(bench, did, due_ms);
	} while (1);
	nm_step_leave(job, &bench->desk);
}

static void
read_file(struct bench *bench, const char *id, struct nm_buf *out)
{
	struct nm_buf path = {0};
	struct nm_err err = {0};

	nm_buf_clear(out);
	if (id) {
		nm_store_file_path(bench->parts.store, id, &path);
		must(nm_file_read(nm_buf_string(&path), out, &err), &err);
	}
	nm_buf_release(&path);
}

static int
count_lines(const struct nm_buf *text, const char *with)
{
	const char *at = nm_buf_string(text), *end;
	int n = 0;

	for (; *at; at = end + 1) {
		end = strchr(at, '\n');
		if (!end)
			break;
		n += memmem(at, (size_t)(end - at), with, strlen(with)) != NULL;
	}
	return n;
}

/* A run by one process, and one whose process dies again and again, end alike. */
static void
test_deaths(void **state)
{
	static const char script[] = "pace 60/s\nrows 3%: http_error 500\n"
		"rows 3% seed 1: missing\nrows 3% seed 2: doubled\n";
	struct nm_buf input = {0}, output[2] = {{0}}, errors[2] = {{0}};
	struct nm_stored_batch batch[2];
	struct nm_arena arena = {0};
	struct bench bench;

	(void)state;
	add_rows(&input, N_ROWS);
	for (int i = 0; i < 2; i++) {
		set_up(&bench, script);
		add_batch(&bench, nm_buf_string(&input));
		assert_true(run_job(&bench, 10000, 3 * i));
		get_batch(&bench, &arena, &batch[i]);
		assert_int_equal(batch[i].state, NM_BATCH_COMPLETED);
		read_file(&bench, batch[i].output_file_id, &output[i]);
		read_file(&bench, batch[i].error_file_id, &errors[i]);
		take_down(&bench);
	}
	assert_int_equal(batch[0].books.completed, batch[1].books.completed);
	assert_int_equal(batch[0].books.failed, batch[1].books.failed);
	assert_int_equal(batch[0].books.output_tokens,
	                 batch[1].books.output_tokens);
	assert_int_equal(batch[0].books.completed + batch[0].books.failed,
	                 N_ROWS);
	/* But for the seconds in which they were made. */
	assert_int_equal(output[0].len, output[1].len);
	assert_int_equal(count_lines(&output[0], "\"r-"),
	                 count_lines(&output[1], "\"r-"));
	assert_string_equal(nm_buf_string(&errors[0]),
	                    nm_buf_string(&errors[1]));
	for (int i = 0; i < 2; i++) {
		nm_buf_release(&output[i]);
		nm_buf_release(&errors[i]);
	}
	nm_buf_release(&input);
	nm_arena_release(&arena);
}

/* Lines that the books do not know of are cut when the job is taken up. */
static void
test_torn_shelf(void **state)
{
	struct nm_buf input = {0}, output = {0}, path = {0};
	struct nm_stored_batch batch;
	struct nm_arena arena = {0};
	struct bench bench;
	FILE *file;

	(void)state;
	set_up(&bench, "pace 10/s\n");
	add_rows(&input, 40);
	add_batch(&bench, nm_buf_string(&input));
	run_to(&bench, NM_BATCH_IN_PROGRESS);
	nm_shelf_path(bench.parts.store, "batch_1", NM_SHELF_OUTPUT, &path);
	file = fopen(nm_buf_string(&path), "a");
	assert_non_null(file);
	/* Longer than all that will be written over it. */
	for (int i = 0; i < 4000; i++)
		fputs("{\"custom_id\":\"r-9999\"}\n{\"custom_id\":\"r-3", file);
	fclose(file);
	assert_true(run_job(&bench, 1000, 0));
	get_batch(&bench, &arena, &batch);
	read_file(&bench, batch.output_file_id, &output);
	assert_int_equal(count_lines(&output, "\"r-"), 40);
	assert_int_equal(count_lines(&output, "r-9999"), 0);
	take_down(&bench);
	nm_buf_release(&path);
	nm_buf_release(&input);
	nm_buf_release(&output);
	nm_arena_release(&arena);
}

/* Power was lost, and the shelf with it: its rows are done again. */
static void
test_lost_shelf(void **state)
{
	struct nm_buf input = {0}, output = {0}, path = {0};
	struct nm_stored_batch batch;
	struct nm_arena arena = {0};
	struct bench bench;

	(void)state;
	set_up(&bench, "pace 10/s\n");
	add_rows(&input, 40);
	add_batch(&bench, nm_buf_string(&input));
	run_to(&bench, NM_BATCH_IN_PROGRESS);
	nm_shelf_path(bench.parts.store, "batch_1", NM_SHELF_OUTPUT, &path);
	assert_int_equal(truncate(nm_buf_string(&path), 10), 0);
	assert_true(run_job(&bench, 1000, 3));
	get_batch(&bench, &arena, &batch);
	assert_int_equal(batch.books.completed, 40);
	read_file(&bench, batch.output_file_id, &output);
	assert_int_equal(count_lines(&output, "\"r-"), 40);
	take_down(&bench);
	nm_buf_release(&path);
	nm_buf_release(&input);
	nm_buf_release(&output);
	nm_arena_release(&arena);
}

/* A window that ends while the input is read: the place of the one that reads is
 * free for the next one. */
static void
test_expires_unread(void **state)
{
	struct nm_buf input = {0};
	struct nm_err err = {0};
	struct nm_job *job = NULL;
	enum nm_step_did did = NM_STEP_WORKED;
	struct bench bench;
	int64_t due_ms;

	(void)state;
	set_up(&bench, "");
	add_rows(&input, 40000); /* more than one step reads */
	add_batch(&bench, nm_buf_string(&input));
	must(nm_job_open(&bench.desk, "batch_1", &job, &err), &err);
	must(nm_step_take(job, &bench.desk, NM_STEP_KEEP_NOW, &did, &due_ms, &err),
	     &err);
	assert_int_equal(bench.desk.n_reading, 1);
	must(nm_vclock_move(bench.parts.clock, 86400000, &err), &err);
	while (did != NM_STEP_ENDED)
		must(nm_step_take(job, &bench.desk, NM_STEP_KEEP_NOW, &did, &due_ms,
		                 &err), &err);
	nm_step_leave(job, &bench.desk);
	assert_int_equal(bench.desk.n_reading, 0);
	take_down(&bench);
	nm_buf_release(&input);
}

static void
cancel_in_store(struct bench *bench, enum nm_batch_state from)
{
	struct nm_batch_move move = { .from = from, .to = NM_BATCH_CANCELLING,
		.now_s = nm_vclock_now_s(bench->parts.clock) };
	struct nm_err err = {0};

	must(nm_store_batch_move(bench->parts.store, "batch_1", &move, NULL,
	                         &err), &err);
}

/* Cancelled before, within and after its rows: the sum is always the file's. */
static void
test_cancel(void **state)
{
	static const struct {
		enum nm_batch_state from;
		int         answered, cancelled;
		const char *why;
	} rows[] = {
		{ NM_BATCH_VALIDATING, 0, 0, "nothing ran: no files" },
		{ NM_BATCH_IN_PROGRESS, -1, -1, "some ran" },
		{ NM_BATCH_FINALIZING, 40, 0, "all ran" },
	};
	struct nm_buf input = {0}, output = {0}, errors = {0};
	struct nm_stored_batch batch;
	struct nm_arena arena = {0};
	struct bench bench;
	int answered, cancelled;

	(void)state;
	add_rows(&input, 40);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(&bench, "pace 20/s\nfinalizing 1h\nvalidating 1s\n");
		add_batch(&bench, nm_buf_string(&input));
		run_to(&bench, rows[i].from);
		cancel_in_store(&bench, rows[i].from);
		assert_true(run_job(&bench, 100, 0));
		get_batch(&bench, &arena, &batch);
		assert_int_equal(batch.state, NM_BATCH_CANCELLED);
		read_file(&bench, batch.output_file_id, &output);
		read_file(&bench, batch.error_file_id, &errors);
		answered = count_lines(&output, "\"status_code\":200");
		cancelled = count_lines(&errors, "batch_cancelled");
		if (rows[i].answered >= 0) {
			assert_int_equal(answered, rows[i].answered);
			assert_int_equal(cancelled, rows[i].cancelled);
		} else {
			assert_in_range(answered, 1, 39);
			assert_int_equal(answered + cancelled, 40);
		}
		assert_true(!batch.output_file_id == (answered == 0));
		assert_true(!batch.error_file_id == (cancelled == 0));
		take_down(&bench);
	}
	nm_buf_release(&input);
	nm_buf_release(&output);
	nm_buf_release(&errors);
	nm_arena_release(&arena);
}

static int64_t
first_due_ms(struct bench *bench)
{
	int64_t due_ms = 0;
	struct nm_job *job = NULL;
	struct nm_err err = {0};
	enum nm_step_did did;

	must(nm_job_open(&bench->desk, "batch_1", &job, &err), &err);
	must(nm_step_take(job, &bench->desk, NM_STEP_KEEP_NOW, &did, &due_ms,
	                  &err), &err);
	assert_int_equal(did, NM_STEP_WAITS);
	nm_step_leave(job, &bench->desk);
	return due_ms;
}

/* Cancelled while nobody works on it: it takes its time all the same, and no more by
 * another death. */
static void
test_cancel_takes_time(void **state)
{
	static const enum nm_batch_state rows[] = { NM_BATCH_VALIDATING,
		NM_BATCH_IN_PROGRESS, NM_BATCH_FINALIZING };
	const int64_t hour_ms = 3600000;
	struct nm_buf input = {0};
	struct bench bench;
	int64_t now_ms, due_ms;
	struct nm_err err = {0};

	(void)state;
	add_rows(&input, 40);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(&bench, "pace 20/s\nfinalizing 5h\nvalidating 1s\n"
		       "cancelling 2h\n");
		add_batch(&bench, nm_buf_string(&input));
		run_to(&bench, rows[i]);
		cancel_in_store(&bench, rows[i]);
		now_ms = nm_vclock_now_ms(bench.parts.clock);
		assert_in_range(first_due_ms(&bench), now_ms + 2 * hour_ms - 1000,
		                now_ms + 2 * hour_ms);
		must(nm_vclock_move(bench.parts.clock, hour_ms, &err), &err);
		due_ms = first_due_ms(&bench);
		assert_in_range(due_ms, now_ms + 2 * hour_ms - 1000,
		                now_ms + 2 * hour_ms + 1000);
		assert_true(run_job(&bench, 100, 0));
		assert_in_range(nm_vclock_now_ms(bench.parts.clock), due_ms,
		                due_ms + 1000);
		take_down(&bench);
	}
	nm_buf_release(&input);
}

/* Answers of a model behind, in work/ and in the books as a relay keeps them. */
static void
put_answers(struct bench *bench, int first, int last)
{
	struct nm_batch_move begin = { .to = NM_BATCH_IN_PROGRESS, .now_s = 1 };
	struct nm_batch_books books = { .total = last + 1, .by_id = 1 };
	struct nm_buf path = {0}, lines = {0};
	struct nm_err err = {0};

	for (int i = first; i <= last; i++)
		nm_buf_addf(&lines, "{\"custom_id\":\"r-%d\",\"response\":"
			"{\"status_code\":200,\"body\":{}},\"error\":null}\n", i);
	books.output_bytes = (int64_t)lines.len;
	books.completed = last - first + 1;
	begin.books = &books;
	nm_shelf_path(bench->parts.store, "batch_1", NM_SHELF_OUTPUT, &path);
	must(nm_file_write(nm_buf_string(&path), 0600, nm_buf_text(&lines), &err),
	     &err);
	must(nm_store_batch_move(bench->parts.store, "batch_1", &begin, NULL,
	                         &err), &err);
	nm_buf_release(&lines);
	nm_buf_release(&path);
}

/* Given up without the model behind, by processes that die while the lines of what
 * did not run are written: what was answered, in the file's end, has no second. */
static void
test_deaths_behind(void **state)
{
	enum { MANY = 100000, FIRST = 90000 };
	struct nm_buf input = {0}, output = {0}, errors = {0};
	struct nm_stored_batch batch;
	struct nm_arena arena = {0};
	struct bench bench;

	(void)state;
	add_rows(&input, MANY);
	set_up(&bench, "");
	add_batch(&bench, nm_buf_string(&input));
	put_answers(&bench, FIRST, MANY - 1);
	cancel_in_store(&bench, NM_BATCH_IN_PROGRESS);
	/* On a quick machine it may have ended by then. */
	(void)run_job(&bench, 2, 2);
	assert_true(run_job(&bench, 10000, 0));
	get_batch(&bench, &arena, &batch);
	assert_int_equal(batch.state, NM_BATCH_CANCELLED);
	read_file(&bench, batch.output_file_id, &output);
	read_file(&bench, batch.error_file_id, &errors);
	assert_int_equal(count_lines(&output, "\"r-"), MANY - FIRST);
	assert_int_equal(count_lines(&errors, "\"r-"), FIRST);
	assert_int_equal(batch.books.completed, MANY - FIRST);
	take_down(&bench);
	nm_buf_release(&input);
	nm_buf_release(&output);
	nm_buf_release(&errors);
	nm_arena_release(&arena);
}

/* A broken file fails with all its lines; a missing one too. */
static void
test_failed(void **state)
{
	struct nm_buf input = {0};
	struct nm_stored_batch batch;
	struct nm_arena arena = {0};
	struct nm_err err = {0};
	struct bench bench;

	(void)state;
	set_up(&bench, "");
	add_rows(&input, 2);
	nm_buf_add_string(&input, "nonsense\n");
	add_batch(&bench, nm_buf_string(&input));
	assert_true(run_job(&bench, 100, 0));
	get_batch(&bench, &arena, &batch);
	assert_int_equal(batch.state, NM_BATCH_FAILED);
	assert_non_null(strstr(batch.errors, "invalid_json_line"));
	assert_non_null(strstr(batch.errors, "\"line\":3"));
	assert_int_equal(batch.books.total, 0);
	take_down(&bench);

	set_up(&bench, "");
	add_batch(&bench, nm_buf_string(&input));
	must(nm_store_file_remove(bench.parts.store, "", "file-in",
		nm_vclock_now_s(bench.parts.clock), &err), &err);
	assert_true(run_job(&bench, 100, 0));
	get_batch(&bench, &arena, &batch);
	assert_int_equal(batch.state, NM_BATCH_FAILED);
	assert_non_null(strstr(batch.errors, "Cannot find file file-in"));
	take_down(&bench);
	nm_buf_release(&input);
	nm_arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_torn_shelf),
		cmocka_unit_test(test_lost_shelf),
		cmocka_unit_test(test_expires_unread),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_takes_time),
		cmocka_unit_test(test_deaths_behind),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
