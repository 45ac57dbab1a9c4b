/*
 * head: the members of a results file before its rows, in their order.
 */
#include "report/head.h"

#include "base/clock.h"

/* Picodollars a token in dollars a million tokens. */
#define PUSD_OF_A_DOLLAR_A_MILLION 1e6

const char *
nm_head_mode_name(enum nm_head_mode mode)
{
	return mode == NM_HEAD_BATCH ? "batch" : "direct";
}

const char *
nm_head_status(const struct nm_head *head)
{
	return head->metrics->instrument_failures ? "partial" : "completed";
}

const char *
nm_head_variant(const struct nm_head *head)
{
	return head->variant ? head->variant : "variant0_llm_baseline";
}

const char *
nm_head_model(const struct nm_head *head)
{
	return head->run.truth == NM_HEAD_SIMULATED && head->run.model_replied
	       ? head->run.model_replied : head->model;
}

static void
put_utc(struct nm_json_writer *w, const char *name, int64_t wall_ms)
{
	char text[NM_CLOCK_TEXT_MAX];

	if (wall_ms)
		nm_clock_utc(wall_ms, text);
	nm_json_put_string(w, name, wall_ms ? text : NULL);
}

static void
put_texts(struct nm_json_writer *w, const char *name,
          const char *const *texts, size_t n)
{
	size_t i;

	nm_json_open_array(w, name);
	for (i = 0; i < n; i++)
		nm_json_put_string(w, NULL, texts[i]);
	nm_json_close_array(w);
}

static void
put_questions(struct nm_json_writer *w, const struct nm_head_questions *q)
{
	nm_json_open_object(w, "questions");
	nm_json_put_string(w, "path", q->path);
	nm_json_put_string(w, "file_sha256", q->file_sha256);
	nm_json_put_string(w, "digest", q->digest);
	nm_json_put_nonzero(w, "limit", (int64_t)q->limit);
	nm_json_put_nonzero(w, "sample", (int64_t)q->sample);
	if (q->sample) {
		nm_json_put_int(w, "seed", (int64_t)q->seed);
		nm_json_put_string(w, "generator", q->generator);
	}
	nm_json_put_int(w, "bad_lines", (int64_t)q->bad_lines);
	nm_json_put_int(w, "blank_lines", (int64_t)q->blank_lines);
	nm_json_close_object(w);
}

static void
put_request(struct nm_json_writer *w, const struct nm_head *head)
{
	const struct nm_head_request *request = &head->run.request;

	nm_json_open_object(w, "request");
	nm_json_put_string(w, "model", head->model);
	nm_json_put_string(w, "endpoint", request->endpoint);
	nm_json_put_string(w, "url", request->url);
	nm_json_put_string(w, "prompt_path", request->prompt_path);
	nm_json_put_string(w, "prompt_sha256", request->prompt_sha256);
	nm_json_put_string(w, "digest", request->digest);
	nm_json_put_nonzero(w, "max_output_tokens", request->max_output_tokens);
	nm_json_put_string(w, "reading", request->reading);
	nm_json_put_nonzero(w, "max_attempts", (int64_t)request->max_attempts);
	nm_json_put_int(w, "reask", (int64_t)request->reask);
	nm_json_close_object(w);
}

static void
put_batch(struct nm_json_writer *w, const struct nm_head_batch *batch)
{
	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "id", batch->id);
	nm_json_put_string(w, "status", batch->status);
	nm_json_put_nonzero(w, "attempt", (int64_t)batch->attempt);
	nm_json_put_nonzero(w, "requests", (int64_t)batch->requests);
	nm_json_put_string(w, "input_file_id", batch->input_file_id);
	nm_json_put_string(w, "output_file_id", batch->output_file_id);
	nm_json_put_string(w, "error_file_id", batch->error_file_id);
	put_utc(w, "created_at", batch->created_ms);
	put_utc(w, "ended_at", batch->ended_ms);
	nm_json_close_object(w);
}

static void
put_rate(struct nm_json_writer *w, const char *name, int64_t rate_pusd)
{
	if (rate_pusd < 0)
		nm_json_put_null(w, name);
	else
		nm_json_put_double(w, name, (double)rate_pusd /
		                   PUSD_OF_A_DOLLAR_A_MILLION);
}

static void
put_prices(struct nm_json_writer *w, const struct nm_head *head)
{
	const struct nm_prices *prices = head->run.prices;
	const struct nm_price_rates *rates;

	if (!prices) {
		nm_json_put_null(w, "prices");
		return;
	}
	nm_json_open_object(w, "prices");
	nm_json_put_string(w, "as_of", prices->as_of);
	nm_json_put_string(w, "source", prices->source);
	nm_json_put_string(w, "path", prices->path);
	nm_json_put_string(w, "model",
	                   head->run.price ? head->run.price->model : NULL);
	if (head->run.price) {
		rates = &head->run.price->plain[head->mode == NM_HEAD_BATCH
			? NM_PRICE_BATCH : NM_PRICE_STANDARD];
		nm_json_open_object(w, "usd_per_million_tokens");
		put_rate(w, "input", rates->input_pusd);
		put_rate(w, "cached_input", rates->cached_pusd);
		put_rate(w, "output", rates->output_pusd);
		nm_json_close_object(w);
	}
	nm_json_close_object(w);
}

static void
put_usage(struct nm_json_writer *w, const struct nm_tally *tally)
{
	if (!tally->usage.present) {
		nm_json_put_null(w, "usage");
		return;
	}
	nm_json_open_object(w, "usage");
	nm_head_put_tokens(w, &tally->usage);
	nm_json_put_int(w, "rows_with_usage", (int64_t)tally->rows_with_usage);
	nm_json_put_int(w, "rows_unpriced", (int64_t)tally->rows_unpriced);
	nm_json_close_object(w);
}

static void
put_part(struct nm_json_writer *w, const char *name, int64_t tokens)
{
	if (tokens < 0)
		nm_json_put_null(w, name);
	else
		nm_json_put_int(w, name, tokens);
}

static void
put_told(struct nm_json_writer *w, const struct nm_head_spent *spent)
{
	if (spent->told_input_tokens <= 0) {
		nm_json_put_null(w, "batches_own_usage");
		return;
	}
	nm_json_open_object(w, "batches_own_usage");
	nm_json_put_int(w, "input_tokens", spent->told_input_tokens);
	put_part(w, "cached_tokens", spent->told_cached_tokens);
	nm_json_put_int(w, "output_tokens", spent->told_output_tokens);
	put_part(w, "reasoning_tokens", spent->told_reasoning_tokens);
	nm_json_close_object(w);
}

static void
put_spent(struct nm_json_writer *w, const struct nm_head_spent *spent)
{
	if (!spent->replies && spent->cost.kind != NM_COST_KNOWN) {
		nm_json_put_null(w, "spent");
		return;
	}
	nm_json_open_object(w, "spent");
	if (spent->cost.kind == NM_COST_KNOWN)
		nm_json_put_double(w, "cost_usd",
		                   nm_price_usd(spent->cost.pusd));
	else
		nm_json_put_null(w, "cost_usd");
	nm_json_put_int(w, "replies", (int64_t)spent->replies);
	nm_head_put_tokens(w, &spent->usage);
	put_told(w, spent);
	nm_json_close_object(w);
}

static void
put_run(struct nm_json_writer *w, const struct nm_head *head)
{
	const struct nm_head_run *run = &head->run;
	size_t i;

	nm_json_open_object(w, "run");
	nm_json_put_string(w, "id", run->id);
	nm_json_put_string(w, "program_version", NM_VERSION);
	nm_json_put_true(w, "simulated", run->truth == NM_HEAD_SIMULATED);
	put_texts(w, "notes", run->notes, run->n_notes);
	nm_json_put_string(w, "model_replied", run->model_replied);
	put_utc(w, "began_at", run->began_ms);
	put_utc(w, "ended_at", run->ended_ms);
	put_questions(w, &run->questions);
	put_request(w, head);
	nm_json_open_array(w, "batches");
	for (i = 0; i < run->n_batches; i++)
		put_batch(w, &run->batches[i]);
	nm_json_close_array(w);
	put_texts(w, "raw", run->raw, run->n_raw);
	put_usage(w, head->tally);
	put_spent(w, &run->spent);
	nm_json_put_int(w, "dropped_entries",
	                (int64_t)head->tally->dropped_entries);
	nm_json_put_int(w, "lenient_read", (int64_t)head->tally->lenient_read);
	nm_json_put_int(w, "lenient_would_save",
	                (int64_t)head->tally->lenient_would_save);
	put_prices(w, head);
	nm_json_close_object(w);
}

void
nm_head_put(struct nm_json_writer *w, const struct nm_head *head)
{
	nm_json_put_string(w, "variant_name", nm_head_variant(head));
	nm_json_put_string(w, "dataset_name", head->dataset);
	nm_json_put_string(w, "model", nm_head_model(head));
	nm_json_put_string(w, "mode", nm_head_mode_name(head->mode));
	nm_json_put_string(w, "status", nm_head_status(head));
	nm_head_put_metrics(w, head);
	nm_head_put_ledger(w, head);
	put_run(w, head);
}
