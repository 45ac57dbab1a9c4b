#include "server/pass.h"


#include "base/clock.h"
#include "base/map.h"
#include "server/model.h"
#include "server/options.h"
#include "server/params.h"
#include "server/stranger.h"

enum { SLICE_MS = 10, ROWS_A_LOOK = 64, FLUSH_BYTES = 1 << 20 };

struct nm_result_head
nm_pass_head(const struct nm_job *job, const struct nm_row_asked *row)
{
	return (struct nm_result_head){ .custom_id = row->custom_id,
		.salt = nm_hash(job->salt, &row->number, sizeof(row->number)) };
}

enum nm_code
nm_pass_open_shelf(struct nm_job *job, struct nm_desk *desk,
                   struct nm_batch_books *books, struct nm_err *err)
{
	uint64_t bytes[NM_SHELF_SIDES] = { (uint64_t)books->output_bytes,
	                                   (uint64_t)books->error_bytes };
	enum nm_code rc;

	rc = nm_shelf_open(&desk->shelf, desk->parts->store, job->id, bytes, err);
	if (rc != NM_STATE)
		return rc;
	*books = (struct nm_batch_books){ .total = books->total,
		.prompt_tokens = books->prompt_tokens, .due_ms = books->due_ms,
		.by_id = books->by_id };
	bytes[0] = bytes[1] = 0;
	return nm_shelf_open(&desk->shelf, desk->parts->store, job->id, bytes,
	                     err);
}

static void
count(_Atomic int64_t *counter, int64_t before, int64_t after)
{
	if (after > before)
		atomic_fetch_add(counter, after - before);
}

void
nm_pass_book(struct nm_job *job, struct nm_desk *desk,
             struct nm_batch_books *books)
{
	struct nm_metrics *metrics = desk->parts->metrics;

	books->output_bytes = (int64_t)desk->shelf.bytes[NM_SHELF_OUTPUT];
	books->error_bytes = (int64_t)desk->shelf.bytes[NM_SHELF_ERROR];
	count(&metrics->rows_completed, job->batch.books.completed,
	      books->completed);
	count(&metrics->rows_failed, job->batch.books.failed, books->failed);
	job->batch.books = *books;
}

/* ---- one row ---- */

static void
add_line(struct nm_buf *out, const struct nm_result_head *head,
         const struct nm_row_reply *reply)
{
	nm_result_begin(out, head, reply->status);
	nm_buf_add_text(out, reply->body);
	nm_result_end(out);
}

static void
add_stranger(struct nm_buf *out, const struct nm_result_head *head,
             const struct nm_row_reply *reply, enum nm_row_class class)
{
	struct nm_buf id = {0};
	struct nm_result_head stranger = nm_stranger_head(head, class, &id);

	add_line(out, &stranger, reply);
	nm_buf_release(&id);
}

static void
add_spoiled(struct nm_desk *desk, struct nm_buf *out,
            const struct nm_result_head *head,
            const struct nm_row_reply *reply, enum nm_row_class class)
{
	switch (class) {
	case NM_ROW_MISSING:
		return;
	case NM_ROW_MALFORMED:
		nm_buf_clear(&desk->line);
		add_line(&desk->line, head, reply);
		nm_buf_add(out, desk->line.at, desk->line.len / 2);
		nm_buf_add_byte(out, '\n');
		return;
	case NM_ROW_RENAMED:
		add_stranger(out, head, reply, class);
		return;
	case NM_ROW_DOUBLED:
		add_line(out, head, reply);
		break;
	case NM_ROW_UNKNOWN:
		add_stranger(out, head, reply, class);
		break;
	default:
		break;
	}
	add_line(out, head, reply);
}

void
nm_pass_add_reply(struct nm_desk *desk, struct nm_batch_books *books,
                  const struct nm_result_head *head,
                  const struct nm_row_reply *reply,
                  const struct nm_row_fault *fault)
{
	bool well = reply->status >= 200 && reply->status <= 299;
	struct nm_buf *out = &desk->shelf.pending[
		well || reply->status == 0 || fault->in_output ?
		NM_SHELF_OUTPUT : NM_SHELF_ERROR];

	add_spoiled(desk, out, head, reply, fault->class);
	if (!well && reply->status != 0) {
		books->failed++;
		return;
	}
	books->completed++;
	books->input_tokens += reply->usage.input_tokens;
	books->cached_tokens += reply->usage.cached_tokens;
	books->output_tokens += reply->usage.output_tokens;
	books->reasoning_tokens += reply->usage.reasoning_tokens;
}

static void
add_error(struct nm_desk *desk, struct nm_batch_books *books,
          const struct nm_result_head *head, const struct nm_row_fault *fault)
{
	struct nm_row_reply reply = { .status = fault->status };

	nm_buf_clear(&desk->scratch);
	nm_result_add_error(&desk->scratch, fault->status, fault->code,
	                    fault->message);
	reply.body = nm_buf_text(&desk->scratch);
	nm_pass_add_reply(desk, books, head, &reply, fault);
}

bool
nm_pass_add_unasked(struct nm_desk *desk, struct nm_batch_books *books,
                    const struct nm_result_head *head,
                    const struct nm_row_fault *fault)
{
	struct nm_buf *errors = &desk->shelf.pending[NM_SHELF_ERROR];
	struct nm_row_reply none = { .body = NM_TEXT("null") };

	switch (fault->class) {
	case NM_ROW_HTTP_ERROR:
		add_error(desk, books, head, fault);
		return true;
	case NM_ROW_STATUS_ZERO:
		nm_pass_add_reply(desk, books, head, &none, fault);
		return true;
	case NM_ROW_EXPIRED:
		nm_result_expired(errors, head);
		books->failed++;
		return true;
	case NM_ROW_CANCELLED:
		nm_result_cancelled(errors, head);
		books->failed++;
		return true;
	default:
		return false;
	}
}

static void
add_simulated(struct nm_job *job, struct nm_desk *desk,
              struct nm_batch_books *books, const struct nm_result_head *head,
              const struct nm_row_asked *row, const struct nm_row_fault *fault)
{
	const struct nm_parts *parts = desk->parts;
	struct nm_reply_wish wish = { .salt = head->salt, .twist = fault->twist,
		.now_s = nm_vclock_now_s(parts->clock) };
	struct nm_row_reply reply = { .status = 200 };

	nm_ask_read(&desk->ask,
	            nm_ask_endpoint(nm_text_of(job->batch.endpoint)), row->body);
	nm_params_judge(&desk->ask, parts->options->models, &desk->verdict);
	nm_buf_clear(&desk->scratch);
	if (desk->verdict.status) {
		reply.status = desk->verdict.status;
		nm_verdict_write(&desk->verdict, &desk->scratch);
	} else {
		nm_model_reply(parts->model, &desk->ask, &wish, &desk->line,
		               &desk->scratch, &reply.usage);
	}
	reply.body = nm_buf_text(&desk->scratch);
	nm_pass_add_reply(desk, books, head, &reply, fault);
}

static void
add_row(struct nm_job *job, struct nm_desk *desk,
        struct nm_batch_books *books, enum nm_pass_kind kind,
        const struct nm_script *script, const struct nm_row_asked *row)
{
	struct nm_buf *errors = &desk->shelf.pending[NM_SHELF_ERROR];
	struct nm_result_head head = nm_pass_head(job, row);
	struct nm_row_fault fault = {0};

	if (kind == NM_PASS_EXPIRE) {
		nm_result_expired(errors, &head);
		return;
	}
	if (kind == NM_PASS_CANCEL) {
		nm_result_cancelled(errors, &head);
		return;
	}
	if (script->n_rows)
		(void)nm_script_row(script, job->number, row->number,
		                    row->custom_id, &fault);
	if (!nm_pass_add_unasked(desk, books, &head, &fault))
		add_simulated(job, desk, books, &head, row, &fault);
}

static bool
is_answered(const struct nm_job *job, struct nm_text custom_id)
{
	uint32_t value;

	return job->answered && nm_map_find(job->answered, custom_id, &value) ==
		NM_MAP_KNOWN;
}

/* ---- the slice ---- */

static enum nm_code
add_rows(struct nm_job *job, struct nm_desk *desk,
         struct nm_batch_books *books, enum nm_pass_kind kind,
         const struct nm_script *script, uint64_t most, struct nm_err *err)
{
	int64_t until = nm_clock_machine_ms() + SLICE_MS;
	struct nm_row_asked row;
	enum nm_code rc;

	for (uint64_t n = 0; n < most; n++) {
		if (n % ROWS_A_LOOK == ROWS_A_LOOK - 1 &&
		    nm_clock_machine_ms() >= until)
			break;
		rc = nm_rows_next(&desk->rows, &row, err);
		if (rc)
			return rc;
		if (!row.line) {
			job->rows_done = true;
			break;
		}
		if (!is_answered(job, row.custom_id))
			add_row(job, desk, books, kind, script, &row);
		books->input_lines = (int64_t)row.number;
		books->input_bytes = (int64_t)desk->rows.place;
		if (desk->shelf.pending[NM_SHELF_OUTPUT].len > FLUSH_BYTES) {
			rc = nm_shelf_flush(&desk->shelf, err);
			if (rc)
				return rc;
		}
	}
	return nm_shelf_flush(&desk->shelf, err);
}

enum nm_code
nm_pass_run(struct nm_job *job, struct nm_desk *desk, enum nm_pass_kind kind,
            const struct nm_script *script, uint64_t most, struct nm_err *err)
{
	struct nm_batch_books books = job->batch.books;
	struct nm_buf path = {0};
	enum nm_code rc;

	nm_shelf_input_path(desk->parts->store, job->id,
	                    job->batch.input_file_id, &path);
	rc = nm_pass_open_shelf(job, desk, &books, err);
	if (!rc)
		rc = nm_rows_open(&desk->rows, nm_buf_string(&path),
		                  (uint64_t)books.input_bytes,
		                  (uint64_t)books.input_lines, err);
	if (!rc)
		rc = add_rows(job, desk, &books, kind, script, most, err);
	if (rc)
		job->rows_done = false;
	else
		nm_pass_book(job, desk, &books);
	nm_rows_close(&desk->rows);
	nm_shelf_close(&desk->shelf);
	nm_buf_release(&path);
	return rc;
}
