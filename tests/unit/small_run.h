/*
 * small_run: four questions with what came back for them, and all that is told of
 * their run: what the tests of the report room write and read.
 */
#ifndef NM_TESTS_SMALL_RUN_H
#define NM_TESTS_SMALL_RUN_H

#include "eval/dataset.h"
#include "report/head.h"

#define T(literal) { literal, sizeof(literal) - 1 }

/* A film question and what came back for it. */
struct asked {
	const char    *text;
	struct nm_text gold[2], answers[3];
	size_t         n_gold, n_answers;
	struct nm_row  row;
	int64_t        cost_pusd; /* -1 = none known */
};

static const struct asked asked[] = {
	{ "what does [Grégoire Colin] appear in",
	  { T("Before the Rain"), T("Sex Is Comedy") },
	  { T("Before The Rain"), T("Sex Is Comedy") }, 2, 2,
	  { .class = NM_CLASS_ANSWERED, .status_code = 200,
	    .finish_reason = T("stop"),
	    .model = T("simulated-1"),
	    .usage = { .present = true, .input_tokens = 120,
	               .cached_tokens = 20, .output_tokens = 30 } },
	  75000000 },
	{ "who wrote \"Amélie\" \t\\ ☕", { T("A|B") },
	  { T("x"), T(""), T("1994") }, 1, 3,
	  { .class = NM_CLASS_ANSWERED, .status_code = 200,
	    .finish_reason = T("length"),
	    .model = T("simulated-1"),
	    .usage = { .present = true, .input_tokens = 100,
	               .output_tokens = 10, .reasoning_tokens = 4 } },
	  60000001 },
	{ "which came back broken", { T("gold") }, { { 0 } }, 1, 0,
	  { .class = NM_CLASS_UNPARSEABLE, .status_code = 200,
	    .finish_reason = T("stop"), .usage = { .present = true,
	    .input_tokens = 1, .output_tokens = 1 } },
	  -1 },
	{ "which was refused by the service", { T("gold") }, { { 0 } },
	  1, 0,
	  { .class = NM_CLASS_HTTP_ERROR, .status_code = 500,
	    .error_code = T("server_error"),
	    .error_message = T("try\nagain"),
	    .request_id = T("req_1") },
	  -1 },
};
enum { N_ASKED = sizeof(asked) / sizeof(*asked) };

/* Scores one and adds it to the tally; the outputs live as the scorer says. */
static inline void
small_score(const struct asked *a, size_t id, struct nm_scorer *scorer,
            struct nm_tally *tally, struct nm_question *q,
            struct nm_row *row, struct nm_score *score,
            struct nm_cost *cost)
{
	*q = (struct nm_question){ .id = id, .text = a->text,
		.text_len = strlen(a->text), .gold = a->gold,
		.n_gold = a->n_gold };
	*row = a->row;
	row->answers = a->answers;
	row->n_answers = a->n_answers;
	*cost = (struct nm_cost){ .kind = NM_COST_NONE };
	if (row->usage.present)
		cost->kind = a->cost_pusd < 0 ? NM_COST_UNKNOWN : NM_COST_KNOWN;
	cost->pusd = a->cost_pusd < 0 ? 0 : a->cost_pusd;
	nm_score(scorer, q->gold, q->n_gold, row->answers, row->n_answers,
	         score);
	nm_tally_add(tally, score, row, *cost);
}

static const struct nm_head_reason reasons[] = {
	{ NM_CLASS_HTTP_ERROR, 500, { "server_error", 12 }, 1, "try again" },
	{ NM_CLASS_UNPARSEABLE, 0, { 0 }, 1, NULL },
};
static const struct nm_head_batch batches[] = {
	{ .id = "batch_1", .status = "completed", .attempt = 1, .requests = 4,
	  .input_file_id = "file-1", .output_file_id = "file-2",
	  .created_ms = 1774437192000, .ended_ms = 1774437199000 },
};
static const char *const notes[] = { "sample questions, not MetaQA" };
static const char *const raw[] = { "results/runs/raw/a.jsonl" };
static const struct nm_price price = {
	.model = "m", .plain = { { 250000, 25000, -1, 2000000 },
	                         { 125000, 12500, -1, 1000000 } },
};
static const struct nm_prices prices = { .as_of = "2026-10-06",
	.source = "https://example.org", .path = "data/prices.json" };

static inline struct nm_head
small_head(const struct nm_tally *tally, struct nm_metrics *metrics)
{
	nm_tally_metrics(tally, metrics);
	return (struct nm_head){
		.dataset = "1-hop-test", .model = "simulated-1",
		.mode = NM_HEAD_BATCH, .tally = tally,
		.metrics = metrics, .elapsed_ms = 2500,
		.ledger = { .duplicate = 1, .attempts = 3,
		            .reasons = reasons, .n_reasons = 2 },
		.run = { .id = "run/1", .model_replied = "simulated-2",
		         .truth = NM_HEAD_SIMULATED,
		         .notes = notes, .n_notes = 1,
		         .began_ms = 1774437191000,
		         .questions = { .path = "q.txt", .limit = 4 },
		         .request = { .endpoint = "https://api.openai.com/v1",
		                      .url = "/v1/chat/completions",
		                      .reading = "strict" },
		         .batches = batches, .n_batches = 1, .raw = raw,
		         .n_raw = 1, .prices = &prices, .price = &price,
		         .spent = { .replies = 9,
		                    .usage = { true, 900, 0, 0, 90, 0 },
		                    .cost = { NM_COST_KNOWN, 1500000000 },
		                    .told_input_tokens = 900,
		                    .told_cached_tokens = 300,
		                    .told_output_tokens = 90,
		                    .told_reasoning_tokens = -1 } },
	};
}

#endif
