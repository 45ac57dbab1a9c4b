#include "server/batch_object.h"

static void
put_raw_or_null(struct nm_json_writer *w, const char *name, const char *json)
{
	if (json)
		nm_json_put_raw(w, name, nm_text_of(json));
	else
		nm_json_put_null(w, name);
}

static void
put_counts(struct nm_json_writer *w, const struct nm_batch_books *books,
           const struct nm_fault *fault)
{
	if (fault->counts) {
		nm_json_put_raw(w, "request_counts", nm_text_of(fault->counts));
		return;
	}
	nm_json_open_object(w, "request_counts");
	nm_json_put_int(w, "total", books->total);
	nm_json_put_int(w, "completed", books->completed);
	nm_json_put_int(w, "failed", books->failed);
	nm_json_close_object(w);
}

static void
put_usage(struct nm_json_writer *w, const struct nm_batch_books *books)
{
	nm_json_open_object(w, "usage");
	nm_json_put_int(w, "input_tokens", books->input_tokens);
	nm_json_open_object(w, "input_tokens_details");
	nm_json_put_int(w, "cached_tokens", books->cached_tokens);
	nm_json_close_object(w);
	nm_json_put_int(w, "output_tokens", books->output_tokens);
	nm_json_open_object(w, "output_tokens_details");
	nm_json_put_int(w, "reasoning_tokens", books->reasoning_tokens);
	nm_json_close_object(w);
	nm_json_put_int(w, "total_tokens",
	                books->input_tokens + books->output_tokens);
	nm_json_close_object(w);
}

static void
put_times(struct nm_json_writer *w, const struct nm_stored_batch *batch)
{
	const int64_t *at = batch->at_s;

	nm_json_put_int(w, "created_at", at[NM_BATCH_VALIDATING]);
	nm_json_put_nonzero(w, "in_progress_at", at[NM_BATCH_IN_PROGRESS]);
	nm_json_put_int(w, "expires_at", batch->expires_s);
	nm_json_put_nonzero(w, "finalizing_at", at[NM_BATCH_FINALIZING]);
	nm_json_put_nonzero(w, "completed_at", at[NM_BATCH_COMPLETED]);
	nm_json_put_nonzero(w, "failed_at", at[NM_BATCH_FAILED]);
	nm_json_put_nonzero(w, "expired_at", at[NM_BATCH_EXPIRED]);
	nm_json_put_nonzero(w, "cancelling_at", at[NM_BATCH_CANCELLING]);
	nm_json_put_nonzero(w, "cancelled_at", at[NM_BATCH_CANCELLED]);
}

void
nm_batch_object(struct nm_json_writer *w, const struct nm_stored_batch *batch,
                const struct nm_fault *fault)
{
	const char *none = fault->empty_ids ? "" : NULL;

	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "id", batch->id);
	nm_json_put_string(w, "object", "batch");
	nm_json_put_string(w, "endpoint", batch->endpoint);
	nm_json_put_string(w, "model", batch->model);
	put_raw_or_null(w, "errors", batch->errors);
	nm_json_put_string(w, "input_file_id", batch->input_file_id);
	nm_json_put_string(w, "completion_window", "24h");
	nm_json_put_string(w, "status", nm_batch_state_name(batch->state));
	nm_json_put_string(w, "output_file_id", batch->output_file_id
	                   ? batch->output_file_id : none);
	nm_json_put_string(w, "error_file_id", batch->error_file_id
	                   ? batch->error_file_id : none);
	put_times(w, batch);
	put_counts(w, &batch->books, fault);
	put_usage(w, &batch->books);
	put_raw_or_null(w, "metadata", batch->metadata);
	nm_json_close_object(w);
}
