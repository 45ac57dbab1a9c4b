/*
 * batch_json: a batch as JSON, by the API's own names; see batch_view.h.
 */
#include "prog/batch_view.h"

#define SECOND_MS INT64_C(1000)

/* No file, no model: null, as the service has it. */
static void
put_text(struct nm_json_writer *w, const char *name, const char *text)
{
	nm_json_put_string(w, name, text[0] ? text : NULL);
}

static void
put_count(struct nm_json_writer *w, const char *name, int64_t count)
{
	if (count >= 0)
		nm_json_put_int(w, name, count);
	else
		nm_json_put_null(w, name);
}

static void
put_id(struct nm_json_writer *w, struct nm_text custom_id)
{
	if (custom_id.len)
		nm_json_put_text(w, "custom_id", custom_id);
	else
		nm_json_put_null(w, "custom_id");
}

static void
put_errors(const struct nm_batch_view *view, struct nm_json_writer *w)
{
	const struct nm_batch *batch = view->batch;
	size_t i;

	if (!batch->n_errors) {
		nm_json_put_null(w, "errors");
		return;
	}
	nm_json_open_object(w, "errors");
	nm_json_put_string(w, "object", "list");
	nm_json_open_array(w, "data");
	for (i = 0; i < batch->n_errors; i++) {
		const struct nm_batch_error *error = &batch->errors[i];

		nm_json_open_object(w, NULL);
		put_text(w, "code", error->code);
		nm_json_put_string(w, "message", error->message);
		put_text(w, "param", error->param);
		nm_json_put_nonzero(w, "line", error->line);
		if (i < view->n_quotes)
			put_id(w, view->quotes[i].custom_id);
		nm_json_close_object(w);
	}
	nm_json_close_array(w);
	nm_json_close_object(w);
}

static void
put_times(const struct nm_batch *batch, struct nm_json_writer *w)
{
	nm_json_put_nonzero(w, "created_at", batch->created_s);
	nm_json_put_nonzero(w, "in_progress_at", batch->in_progress_s);
	nm_json_put_nonzero(w, "expires_at", batch->expires_s);
	nm_json_put_nonzero(w, "finalizing_at", batch->finalizing_s);
	nm_json_put_nonzero(w, "completed_at", batch->completed_s);
	nm_json_put_nonzero(w, "failed_at", batch->failed_s);
	nm_json_put_nonzero(w, "expired_at", batch->expired_s);
	nm_json_put_nonzero(w, "cancelling_at", batch->cancelling_s);
	nm_json_put_nonzero(w, "cancelled_at", batch->cancelled_s);
}

static void
put_counts(const struct nm_batch *batch, struct nm_json_writer *w)
{
	nm_json_open_object(w, "request_counts");
	put_count(w, "total", batch->total);
	put_count(w, "completed", batch->completed);
	put_count(w, "failed", batch->failed);
	nm_json_close_object(w);
}

static void
put_usage(const struct nm_batch_usage *usage, struct nm_json_writer *w)
{
	if (usage->input_tokens < 0 && usage->output_tokens < 0) {
		nm_json_put_null(w, "usage");
		return;
	}
	nm_json_open_object(w, "usage");
	put_count(w, "input_tokens", usage->input_tokens);
	nm_json_open_object(w, "input_tokens_details");
	put_count(w, "cached_tokens", usage->cached_tokens);
	nm_json_close_object(w);
	put_count(w, "output_tokens", usage->output_tokens);
	nm_json_open_object(w, "output_tokens_details");
	put_count(w, "reasoning_tokens", usage->reasoning_tokens);
	nm_json_close_object(w);
	put_count(w, "total_tokens", usage->total_tokens);
	nm_json_close_object(w);
}

static void
put_metadata(const struct nm_batch *batch, struct nm_json_writer *w)
{
	size_t i;

	if (!batch->n_metadata) {
		nm_json_put_null(w, "metadata");
		return;
	}
	nm_json_open_object(w, "metadata");
	for (i = 0; i < batch->n_metadata; i++)
		nm_json_put_string(w, batch->metadata[i].name,
		                   batch->metadata[i].value);
	nm_json_close_object(w);
}

static void
put_run(const struct nm_batch_run *run, struct nm_json_writer *w)
{
	size_t i;

	if (!run) {
		nm_json_put_null(w, "run");
		return;
	}
	nm_json_open_object(w, "run");
	nm_json_put_string(w, "id", run->record.id);
	nm_json_put_string(w, "name", run->record.name);
	nm_json_put_string(w, "mode", run->record.mode);
	nm_json_put_string(w, "state", nm_run_state_word(run->record.state));
	nm_json_open_array(w, "batches");
	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].batch_id[0])
			nm_json_put_string(w, NULL, run->shards[i].batch_id);
	nm_json_close_array(w);
	nm_json_close_object(w);
}

static void
put_spans(const struct nm_batch_view *view, struct nm_json_writer *w)
{
	const struct nm_batch *batch = view->batch;
	int64_t now_s = view->now_ms / SECOND_MS;
	int64_t end_s = nm_batch_ended_s(batch);

	if (!end_s && !nm_batch_is_final(batch->status))
		end_s = now_s;
	put_count(w, "age_seconds",
	          batch->created_s ? now_s - batch->created_s : -1);
	put_count(w, "elapsed_seconds", batch->created_s && end_s
	          ? end_s - batch->created_s : -1);
	if (batch->expires_s && !nm_batch_is_final(batch->status))
		nm_json_put_int(w, "expires_in_seconds",
		                batch->expires_s - now_s);
	else
		nm_json_put_null(w, "expires_in_seconds");
}

static void
put_computed(const struct nm_batch_view *view, struct nm_json_writer *w)
{
	double percent = nm_batch_percent(view->batch);
	struct nm_buf next = {0};

	nm_batch_view_next(view, &next);
	put_text(w, "description",
	         nm_batch_metadata(view->batch, "description"));
	nm_json_put_true(w, "final", nm_batch_is_final(view->batch->status));
	if (percent < 0)
		nm_json_put_null(w, "percent");
	else
		nm_json_put_double(w, "percent", percent);
	put_spans(view, w);
	put_run(view->run, w);
	put_text(w, "next", nm_buf_string(&next));
	nm_buf_release(&next);
}

void
nm_batch_view_put_members(const struct nm_batch_view *view,
                          struct nm_json_writer *w)
{
	const struct nm_batch *batch = view->batch;

	nm_json_put_string(w, "id", batch->id);
	nm_json_put_string(w, "object", "batch");
	put_text(w, "endpoint", batch->endpoint);
	put_text(w, "model", batch->model);
	put_errors(view, w);
	put_text(w, "input_file_id", batch->input_file_id);
	put_text(w, "completion_window", batch->completion_window);
	put_text(w, "status", batch->status_text);
	put_text(w, "output_file_id", batch->output_file_id);
	put_text(w, "error_file_id", batch->error_file_id);
	put_times(batch, w);
	put_counts(batch, w);
	put_usage(&batch->usage, w);
	put_metadata(batch, w);
	put_computed(view, w);
}
