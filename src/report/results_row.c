/*
 * results_row: one question's row as JSON; see results.h.
 */
#include "report/results.h"

static void
put_text_or_null(struct nm_json_writer *w, const char *name,
                 struct nm_text text)
{
	if (text.len)
		nm_json_put_text(w, name, text);
	else
		nm_json_put_null(w, name);
}

/* No usage costs nothing where no answer was had, and is unknown where one was. */
static void
put_cost(struct nm_json_writer *w, const struct nm_results_row *row)
{
	if (row->cost.kind == NM_COST_KNOWN)
		nm_json_put_double(w, "cost_usd", nm_price_usd(row->cost.pusd));
	else if (row->cost.kind == NM_COST_NONE &&
	         nm_class_is_instrument(row->row->class))
		nm_json_put_double(w, "cost_usd", 0.0);
	else
		nm_json_put_null(w, "cost_usd");
}

static void
put_metadata(struct nm_json_writer *w, const struct nm_score *score)
{
	enum nm_category category = score->category;

	nm_json_open_object(w, "metadata");
	nm_json_put_texts(w, "correct_answers", score->correct,
	                  score->n_correct);
	nm_json_put_texts(w, "incorrect_answers", score->incorrect,
	                  score->n_incorrect);
	nm_json_put_texts(w, "missed_answers", score->missed,
	                  score->n_missed);
	nm_json_put_true(w, "is_correct", score->is_correct);
	nm_json_put_true(w, "is_perfect", category == NM_CATEGORY_PERFECT);
	nm_json_put_true(w, "is_partial", category == NM_CATEGORY_PARTIAL);
	nm_json_put_true(w, "is_hallucination_only",
	                 category == NM_CATEGORY_HALLUCINATION_ONLY);
	nm_json_put_string(w, "answer_category", nm_category_name(category));
	nm_json_put_double(w, "hallucination_rate",
	                   nm_score_hallucination_rate(score));
	nm_json_close_object(w);
}

static void
put_error(struct nm_json_writer *w, const struct nm_row *row)
{
	if (row->class == NM_CLASS_ANSWERED) {
		nm_json_put_null(w, "error");
		return;
	}
	nm_json_open_object(w, "error");
	if (row->status_code)
		nm_json_put_int(w, "status", row->status_code);
	else
		nm_json_put_null(w, "status");
	put_text_or_null(w, "code", row->error_code);
	put_text_or_null(w, "type", row->error_type);
	put_text_or_null(w, "message", row->error_message);
	put_text_or_null(w, "request_id", row->request_id);
	nm_json_close_object(w);
}

static void
put_new(struct nm_json_writer *w, const struct nm_results_row *row)
{
	nm_json_put_string(w, "class", nm_class_name(row->row->class));
	put_text_or_null(w, "finish_reason", row->row->finish_reason);
	if (row->row->usage.present) {
		nm_json_open_object(w, "usage");
		nm_head_put_tokens(w, &row->row->usage);
		nm_json_close_object(w);
	} else {
		nm_json_put_null(w, "usage");
	}
	put_text_or_null(w, "model", row->row->model);
	if (row->attempts)
		nm_json_put_int(w, "attempts", (int64_t)row->attempts);
	put_error(w, row->row);
}

void
nm_results_put_row(struct nm_buf *out, const struct nm_results_row *row,
                   uint64_t place)
{
	const struct nm_question *q = row->question;
	struct nm_json_writer w = { .out = out, .indent = 2,
	                            .depth = NM_RESULTS_ROW_DEPTH };

	w.some[NM_RESULTS_ROW_DEPTH] = place > 0;
	nm_json_open_object(&w, NULL);
	nm_json_put_int(&w, "question_id", (int64_t)q->id);
	nm_json_put_text(&w, "question_text",
	                 (struct nm_text){ q->text, q->text_len });
	nm_json_put_texts(&w, "predicted_answers", row->row->answers,
	                  row->row->n_answers);
	nm_json_put_texts(&w, "ground_truth_answers", q->gold, q->n_gold);
	nm_json_put_true(&w, "success", row->row->n_answers > 0);
	put_cost(&w, row);
	put_metadata(&w, row->score);
	put_new(&w, row);
	nm_json_close_object(&w);
}
