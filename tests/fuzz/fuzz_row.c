/*
 * fuzz_row: any bytes are a row, a blank or a malformed line; the row keeps
 * what its class promises, leniency only ever adds answers, and bytes taken as
 * a direct reply's body read back as one row of ours.
 */
#include <stdlib.h>

#include "eval/row.h"
#include "fuzz.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

static void
expect_text(struct nm_text text)
{
	expect(nm_json_utf8_valid(text.at, text.len) == text.len);
}

static void
check_promises(const struct nm_row *row)
{
	if (row->kind != NM_ROW_READ) {
		expect(!row->ours && !row->n_answers && !row->usage.present);
		return;
	}
	expect(row->class != NM_CLASS_MISSING);
	expect(row->class == NM_CLASS_ANSWERED || row->n_answers == 0);
	expect(!row->lenient || row->class == NM_CLASS_ANSWERED);
	expect(!row->lenient_would_save || row->class != NM_CLASS_ANSWERED);
	expect(row->status_code >= 0 && row->status_code <= 999);
	expect(row->usage.cached_tokens <= row->usage.input_tokens);
	expect(row->usage.reasoning_tokens <= row->usage.output_tokens);
	expect(row->usage.output_tokens <= NM_USAGE_MAX_TOKENS);
	expect_text(row->custom_id);
	expect_text(row->content);
	expect_text(row->error_message);
	expect_text(row->finish_reason);
	for (size_t i = 0; i < row->n_answers; i++)
		expect_text(row->answers[i]);
}

static void
check_readings(const char *line, size_t len)
{
	struct nm_row_reader strict = { 0 };
	struct nm_row_reader lenient = { .reading = NM_READING_LENIENT };
	struct nm_row a, b;

	nm_row_read(&strict, line, len, &a);
	nm_row_read(&lenient, line, len, &b);
	check_promises(&a);
	check_promises(&b);
	expect(a.kind == b.kind);
	expect(!a.lenient && !b.lenient_would_save);
	expect(a.lenient_would_save == b.lenient);
	if (!b.lenient)
		expect(a.class == b.class && a.n_answers == b.n_answers);
	nm_row_reader_release(&strict);
	nm_row_reader_release(&lenient);
}

static void
check_wrap(const char *body, size_t len, int status)
{
	struct nm_row_reader reader = { 0 };
	struct nm_row_reply reply = {
		.custom_id = NM_TEXT("request-5"),
		.status_code = status,
		.body = { body, len },
		.error_code = { body, len < 9 ? len : 9 },
	};
	struct nm_buf line = { 0 };
	struct nm_row row;

	nm_row_wrap(&reader, &reply, &line);
	expect(line.len && memchr(line.at, '\n', line.len)
	                   == line.at + line.len - 1);
	nm_row_read(&reader, line.at, line.len - 1, &row);
	check_promises(&row);
	expect(row.kind == NM_ROW_READ && row.ours && row.id == 5);
	expect(row.status_code == status);
	expect(status == 200 || nm_class_is_instrument(row.class));
	nm_buf_release(&line);
	nm_row_reader_release(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check_readings((const char *)bytes, len);
	check_wrap((const char *)bytes, len, 200);
	check_wrap((const char *)bytes, len, 500);
	check_wrap((const char *)bytes, len, 0);
	return 0;
}
