/* row_pack: every recorded row comes back as it was, but for answered content. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "eval/row.h"
#include "wire/jsonl.h"

static void
same_text(struct nm_text a, struct nm_text b, const char *what)
{
	if (!nm_text_equal(a, b))
		fail_msg("%s: \"%.*s\" came back as \"%.*s\"", what,
		         NM_TEXT_ARGS(a), NM_TEXT_ARGS(b));
}

static void
same(const struct nm_row *a, const struct nm_row *b)
{
	bool answered = a->class == NM_CLASS_ANSWERED;

	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->ours, b->ours);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->status_code, b->status_code);
	assert_int_equal(a->n_dropped, b->n_dropped);
	assert_int_equal(a->lenient, b->lenient);
	assert_int_equal(a->lenient_would_save, b->lenient_would_save);
	assert_memory_equal(&a->usage.input_tokens, &b->usage.input_tokens,
	                    5 * sizeof(int64_t));
	assert_int_equal(a->usage.present, b->usage.present);
	same_text(a->custom_id, b->custom_id, "custom_id");
	same_text(a->request_id, b->request_id, "request_id");
	same_text(a->error_code, b->error_code, "error_code");
	same_text(a->error_type, b->error_type, "error_type");
	same_text(a->error_message, b->error_message, "error_message");
	same_text(a->finish_reason, b->finish_reason, "finish_reason");
	same_text(a->model, b->model, "model");
	same_text(answered ? nm_text_of("") : a->content, b->content,
	          "content");
	assert_int_equal(a->n_answers, b->n_answers);
	for (size_t i = 0; i < a->n_answers; i++)
		same_text(a->answers[i], b->answers[i], "an answer");
}

/* Two rows behind each other, so that one's end is the other's begin. */
static void
check_line(const struct nm_line *line, enum nm_reading reading)
{
	struct nm_row_reader reader = { .reading = reading };
	struct nm_row_reader other = { 0 };
	struct nm_buf packed = { 0 };
	struct nm_row row, back;
	size_t second;

	nm_row_read(&reader, line->at, line->len, &row);
	if (row.kind == NM_ROW_READ) {
		nm_row_pack(&row, &packed);
		second = packed.len;
		nm_row_pack(&row, &packed);
		assert_int_equal(packed.len, 2 * second);
		nm_row_unpack(&other, packed.at, &back);
		same(&row, &back);
		nm_row_unpack(&other, packed.at + second, &back);
		same(&row, &back);
	}
	nm_buf_release(&packed);
	nm_row_reader_release(&reader);
	nm_row_reader_release(&other);
}

static void
recorded_rows(void **state)
{
	struct nm_buf bytes = { 0 };
	size_t n_lines = 0;
	glob_t found;

	(void)state;
	assert_int_equal(glob("tests/data/recorded/rows_*.jsonl", 0, NULL,
	                      &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct nm_jsonl lines = { 0 };
		struct nm_line line;

		nm_buf_clear(&bytes);
		assert_int_equal(nm_file_read(found.gl_pathv[i], &bytes, NULL),
		                 NM_OK);
		nm_jsonl_feed(&lines, bytes.at, bytes.len);
		nm_jsonl_finish(&lines);
		while (nm_jsonl_next(&lines, &line)) {
			check_line(&line, NM_READING_STRICT);
			check_line(&line, NM_READING_LENIENT);
			n_lines++;
		}
		nm_jsonl_release(&lines);
	}
	assert_true(n_lines > 30);
	globfree(&found);
	nm_buf_release(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
