/*
 * batch_view: the sheet and the command to run next; the JSON is in batch_json.c.
 */
#include "prog/batch_view.h"

#include <inttypes.h>

#include "base/clock.h"
#include "remote/input.h"
#include "run/quiz.h"
#include "task/command.h"

#define SECOND_MS INT64_C(1000)

double
nm_batch_percent(const struct nm_batch *batch)
{
	int64_t done = batch->completed > 0 ? batch->completed : 0;
	int64_t failed = batch->failed > 0 ? batch->failed : 0;

	if (batch->total <= 0)
		return -1;
	return 100.0 * (double)(done + failed) / (double)batch->total;
}

static bool
has_results(const struct nm_batch *batch)
{
	return batch->output_file_id[0] || batch->error_file_id[0];
}

static bool
tells_dataset(const struct nm_batch *batch)
{
	struct nm_quiz_memory memory;
	struct nm_arena arena = {0};
	bool tells;

	nm_quiz_guess(batch, &arena, &memory);
	tells = memory.wish.name != NULL;
	nm_arena_release(&arena);
	return tells;
}

/* Only a chat's answers can be scored, where the questions are known; a request
 * file's are another's. */
static bool
is_scorable(const struct nm_batch_view *view)
{
	const char *endpoint = view->batch->endpoint;

	if (view->run)
		return strcmp(view->run->record.mode, "file") != 0;
	return (!endpoint[0] || strstr(endpoint, "/chat/completions")) &&
	       tells_dataset(view->batch);
}

static void
add_command(const struct nm_batch_view *view, const char *program,
            const char *options, struct nm_buf *out)
{
	nm_command_add_program(out, view->typed, program);
	nm_buf_add_string(out, options);
	nm_command_add_word(out, view->batch->id);
	nm_buf_add_string(out, view->flags);
}

void
nm_batch_view_next(const struct nm_batch_view *view, struct nm_buf *out)
{
	const struct nm_batch *batch = view->batch;

	if (batch->status == NM_BATCH_CANCELLING)
		add_command(view, "batch_manager", " --status", out);
	else if (nm_batch_is_final(batch->status) && !has_results(batch))
		return;
	else if (is_scorable(view))
		add_command(view, "variant0_llm_baseline",
		            " --mode batch --batch-id", out);
	else
		add_command(view, "batch_manager",
		            nm_batch_is_final(batch->status) ? " --download"
		                                             : " --wait",
		            out);
}

static void
add_time(struct nm_sheet *sheet, const struct nm_batch_view *view,
         const char *key, int64_t at_s, const char *more)
{
	char when[NM_CLOCK_TEXT_MAX], age[NM_CLOCK_TEXT_MAX];

	if (!at_s)
		return;
	nm_clock_local(at_s * SECOND_MS, when);
	if (at_s * SECOND_MS > view->now_ms) {
		nm_clock_span(at_s * SECOND_MS - view->now_ms, age);
		nm_sheet_add(sheet, key, "%s (in %s%s)", when, age, more);
	} else {
		nm_clock_span(view->now_ms - at_s * SECOND_MS, age);
		nm_sheet_add(sheet, key, "%s (%s ago%s)", when, age, more);
	}
}

static void
add_times(struct nm_sheet *sheet, const struct nm_batch_view *view)
{
	const struct nm_batch *batch = view->batch;
	int64_t ended_s = nm_batch_ended_s(batch);
	char took[NM_CLOCK_TEXT_MAX], more[NM_CLOCK_TEXT_MAX + 16];

	more[0] = 0;
	if (ended_s > batch->created_s && batch->created_s) {
		nm_clock_span((ended_s - batch->created_s) * SECOND_MS, took);
		snprintf(more, sizeof(more), ", after %s", took);
	}
	add_time(sheet, view, "Created", batch->created_s, "");
	add_time(sheet, view, "Started", batch->in_progress_s, "");
	add_time(sheet, view, "Ended", ended_s, more);
	if (!nm_batch_is_final(batch->status))
		add_time(sheet, view, "Expires", batch->expires_s, "");
}

static void
add_counts(struct nm_sheet *sheet, const struct nm_batch *batch)
{
	double percent = nm_batch_percent(batch);
	int64_t failed = batch->failed > 0 ? batch->failed : 0;

	if (percent < 0)
		return;
	nm_sheet_add(sheet, "Requests",
	             "%" PRId64 " of %" PRId64 " done (%.*f %%)%s%.0" PRId64 "%s",
	             batch->completed > 0 ? batch->completed : 0, batch->total,
	             percent > 0 && percent < 10 ? 1 : 0, percent,
	             failed ? ", " : "", failed, failed ? " failed" : "");
}

static void
add_tokens(struct nm_sheet *sheet, const struct nm_batch_usage *usage)
{
	struct nm_buf text = {0};

	if (usage->input_tokens <= 0 && usage->output_tokens <= 0)
		return;
	nm_buf_addf(&text, "%" PRId64 " in", usage->input_tokens);
	if (usage->cached_tokens > 0)
		nm_buf_addf(&text, " (%" PRId64 " cached)",
		            usage->cached_tokens);
	nm_buf_addf(&text, ", %" PRId64 " out", usage->output_tokens);
	if (usage->reasoning_tokens > 0)
		nm_buf_addf(&text, " (%" PRId64 " reasoning)",
		            usage->reasoning_tokens);
	nm_sheet_add(sheet, "Tokens", "%s", nm_buf_string(&text));
	nm_buf_release(&text);
}

static void
add_text(struct nm_sheet *sheet, const char *key, const char *text)
{
	if (text[0])
		nm_sheet_add(sheet, key, "%s", text);
}

static void
add_sisters(struct nm_sheet *sheet, const struct nm_batch_run *run)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		if (i != run->place && shard->batch_id[0])
			nm_sheet_add(sheet, "", "%s  %s%s", shard->batch_id,
			             shard->state < NM_SHARD_ENDED
			             ? "last seen " : "",
			             shard->status[0] ? shard->status
			                              : "created");
	}
}

static void
add_run(struct nm_sheet *sheet, const struct nm_batch_run *run)
{
	if (!run)
		return;
	if (run->n_shards == 1)
		nm_sheet_add(sheet, "Run", "%s (%s)", run->record.id,
		             run->record.name);
	else
		nm_sheet_add(sheet, "Run",
		             "%s (%s), batch %zu of %zu; the others:",
		             run->record.id, run->record.name, run->place + 1,
		             run->n_shards);
	add_sisters(sheet, run);
}

/* "r-1: what it says" */
static void
add_quote(struct nm_sheet *sheet, const struct nm_request_quote *quote)
{
	struct nm_buf id = {0};

	nm_input_add_escaped(&id, quote->custom_id);
	nm_sheet_add(sheet, "", "  %s%s%s", nm_buf_string(&id),
	             id.len ? ": " : "", quote->text);
	nm_buf_release(&id);
}

/* "line 3: missing_required_parameter (body.messages): Messages …" */
static void
add_error(struct nm_sheet *sheet, const char *key,
          const struct nm_batch_error *error,
          const struct nm_request_quote *quote)
{
	struct nm_buf text = {0};

	if (error->line)
		nm_buf_addf(&text, "line %" PRId64 ": ", error->line);
	nm_buf_add_string(&text, error->code);
	if (error->param[0])
		nm_buf_addf(&text, " (%s)", error->param);
	if (error->message[0])
		nm_buf_addf(&text, "%s%s", text.len ? ": " : "",
		            error->message);
	nm_sheet_add(sheet, key, "%s", nm_buf_string(&text));
	if (quote && quote->text[0])
		add_quote(sheet, quote);
	nm_buf_release(&text);
}

static void
add_errors(struct nm_sheet *sheet, const struct nm_batch_view *view)
{
	const struct nm_batch *batch = view->batch;
	size_t i;

	for (i = 0; i < batch->n_errors && i < NM_BATCH_ERRORS_SHOWN; i++)
		add_error(sheet, i ? "" : "Errors", &batch->errors[i],
		          i < view->n_quotes ? &view->quotes[i] : NULL);
	if (batch->n_errors > i)
		nm_sheet_add(sheet, "", "and %zu more (--json shows all)",
		             batch->n_errors - i);
}

static bool
awaits_room(const struct nm_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->n_errors; i++)
		if (strcmp(batch->errors[i].code, "token_limit_exceeded") == 0)
			return true;
	return false;
}

/* What the status means for the person, as the words before the command. */
static const char *
advice(const struct nm_batch_view *view)
{
	const struct nm_batch *batch = view->batch;

	switch (batch->status) {
	case NM_BATCH_COMPLETED:
		return "To retrieve the results, run:";
	case NM_BATCH_FAILED:
		return awaits_room(batch)
			? "Nothing was run or charged. Send it again when other "
			  "batches have ended."
			: "Nothing was run or charged. Mend what is named above "
			  "and send it again.";
	case NM_BATCH_EXPIRED:
	case NM_BATCH_CANCELLED:
		return has_results(batch)
		               ? "To retrieve what was finished, run:"
		               : "Nothing had been finished; there are no results.";
	case NM_BATCH_CANCELLING:
		return "What is finished is kept. To look again, run:";
	default:
		return is_scorable(view)
		               ? "To wait for it and retrieve the results, run:"
		               : "To wait for it, run:";
	}
}

static void
add_advice(const struct nm_batch_view *view, struct nm_buf *out)
{
	const struct nm_batch *batch = view->batch;
	struct nm_buf command = {0};

	nm_batch_view_next(view, &command);
	if (batch->status == NM_BATCH_COMPLETED && !has_results(batch))
		nm_buf_add_string(out, "\nThe service names no result file.\n");
	else
		nm_buf_addf(out, "\n%s\n", advice(view));
	if (command.len)
		nm_buf_addf(out, "  %s\n", nm_buf_string(&command));
	nm_buf_clear(&command);
	if (batch->failed > 0 && nm_batch_is_final(batch->status)) {
		add_command(view, "batch_manager", " --errors", &command);
		nm_buf_addf(out, "\nTo see why requests failed, run:\n  %s\n",
		            nm_buf_string(&command));
	}
	nm_buf_release(&command);
}

void
nm_batch_view_write(const struct nm_batch_view *view, struct nm_buf *out)
{
	const struct nm_batch *batch = view->batch;
	struct nm_sheet sheet = {0};

	add_text(&sheet, "Batch", batch->id);
	add_text(&sheet, "Status", batch->status_text);
	add_text(&sheet, "Description",
	         nm_batch_metadata(batch, "description"));
	add_counts(&sheet, batch);
	add_times(&sheet, view);
	add_tokens(&sheet, &batch->usage);
	add_text(&sheet, "Model", batch->model);
	add_text(&sheet, "Endpoint", batch->endpoint);
	add_text(&sheet, "Input file", batch->input_file_id);
	add_text(&sheet, "Output file", batch->output_file_id);
	add_text(&sheet, "Error file", batch->error_file_id);
	add_run(&sheet, view->run);
	add_errors(&sheet, view);
	/* Ids and reasons are there to be copied: never cut. */
	nm_sheet_write(&sheet, 0, out);
	add_advice(view, out);
	nm_sheet_release(&sheet);
}
