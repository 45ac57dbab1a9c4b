/*
 * head_metrics: the numbers of a run under the names that users know, and the
 * ledger.
 */
#include <stdio.h>

#include "report/head.h"

int
nm_head_cost_is_known(const struct nm_head *head)
{
	switch (head->metrics->cost_kind) {
	case NM_COST_KNOWN:
		return 1;
	case NM_COST_UNKNOWN:
		return 0;
	case NM_COST_NONE:
		break;
	}
	return head->tally->rows_mute == 0;
}

/* The sum is exact until here, where it becomes a double. */
static void
put_cost(struct nm_json_writer *w, const struct nm_head *head)
{
	const struct nm_metrics *metrics = head->metrics;
	double usd = nm_price_usd(metrics->cost_pusd);
	uint64_t n = head->tally->questions;

	if (!nm_head_cost_is_known(head)) {
		nm_json_put_null(w, "total_cost_usd");
		nm_json_put_null(w, "cost_per_query_usd");
		return;
	}
	nm_json_put_double(w, "total_cost_usd", usd);
	nm_json_put_double(w, "cost_per_query_usd", n ? usd / (double)n : 0.0);
}

static void
put_speed(struct nm_json_writer *w, const struct nm_head *head)
{
	double seconds = (double)head->elapsed_ms / 1000.0;

	nm_json_put_double(w, "total_eval_time_sec", seconds);
	nm_json_put_double(w, "queries_per_second", seconds > 0
		? (double)head->tally->questions / seconds : 0.0);
}

static void
put_categories(struct nm_json_writer *w, const struct nm_tally *tally)
{
	char name[64];
	int i;

	for (i = 0; i < NM_N_CATEGORIES; i++) {
		snprintf(name, sizeof(name), "count_%s",
		         nm_category_name((enum nm_category)i));
		nm_json_put_int(w, name, (int64_t)tally->by_category[i]);
	}
	for (i = 0; i < NM_N_CATEGORIES; i++) {
		snprintf(name, sizeof(name), "pct_%s",
		         nm_category_name((enum nm_category)i));
		nm_json_put_double(w, name, tally->questions
			? (double)tally->by_category[i] /
			  (double)tally->questions * 100.0 : 0.0);
	}
}

static void
put_interval(struct nm_json_writer *w, const char *name,
             struct nm_interval interval)
{
	nm_json_open_object(w, name);
	nm_json_put_double(w, "low", interval.low);
	nm_json_put_double(w, "high", interval.high);
	nm_json_close_object(w);
}

static void
put_method(struct nm_json_writer *w, const struct nm_metrics *metrics)
{
	nm_json_open_object(w, "method");
	nm_json_put_double(w, "level", 0.95);
	nm_json_put_string(w, "shares", "wilson");
	nm_json_put_string(w, "averages", "percentile bootstrap over questions");
	nm_json_put_int(w, "resamples", metrics->bootstrap_resamples);
	nm_json_put_int(w, "seed", (int64_t)metrics->bootstrap_seed);
	nm_json_put_string(w, "generator", metrics->bootstrap_generator);
	nm_json_close_object(w);
}

static void
put_intervals(struct nm_json_writer *w, const struct nm_metrics *metrics)
{
	int i;

	nm_json_open_object(w, "intervals");
	put_interval(w, "accuracy", metrics->accuracy.interval);
	put_interval(w, "accuracy_answered",
	             metrics->accuracy_answered.interval);
	put_interval(w, "success_rate", metrics->success_rate.interval);
	put_interval(w, "hits_at_1", metrics->hits_at_1.interval);
	put_interval(w, "exact_match_accuracy",
	             metrics->exact_match_accuracy.interval);
	for (i = 0; i < NM_N_MEANS; i++)
		put_interval(w, nm_mean_name((enum nm_mean)i),
		             metrics->intervals[i]);
	put_method(w, metrics);
	nm_json_close_object(w);
}

static void
put_mean(struct nm_json_writer *w, const struct nm_metrics *metrics,
         enum nm_mean mean)
{
	nm_json_put_double(w, nm_mean_name(mean), metrics->means[mean]);
}

/* What was not in the files that users hold. */
static void
put_new(struct nm_json_writer *w, const struct nm_metrics *metrics)
{
	nm_json_put_double(w, "hits_at_1", metrics->hits_at_1.value);
	put_mean(w, metrics, NM_MEAN_MACRO_PRECISION);
	put_mean(w, metrics, NM_MEAN_MACRO_RECALL);
	put_mean(w, metrics, NM_MEAN_MACRO_F1);
	nm_json_put_double(w, "exact_match_accuracy",
	                   metrics->exact_match_accuracy.value);
	nm_json_put_double(w, "accuracy_answered",
	                   metrics->accuracy_answered.value);
	nm_json_put_double(w, "accuracy_low", metrics->accuracy_low);
	nm_json_put_double(w, "accuracy_high", metrics->accuracy_high);
	put_intervals(w, metrics);
}

void
nm_head_put_metrics(struct nm_json_writer *w, const struct nm_head *head)
{
	const struct nm_metrics *metrics = head->metrics;
	const struct nm_tally *tally = head->tally;

	nm_json_open_object(w, "metrics");
	nm_json_put_int(w, "total_questions", (int64_t)tally->questions);
	nm_json_put_int(w, "correct_answers",
	                (int64_t)tally->correct_questions);
	nm_json_put_double(w, "accuracy", metrics->accuracy.value);
	nm_json_put_int(w, "successful_searches", (int64_t)tally->successful);
	nm_json_put_double(w, "success_rate", metrics->success_rate.value);
	put_mean(w, metrics, NM_MEAN_PRECISION);
	put_mean(w, metrics, NM_MEAN_RECALL);
	nm_json_put_double(w, "f1_score", metrics->means[NM_MEAN_F1]);
	put_mean(w, metrics, NM_MEAN_CORRECT);
	put_mean(w, metrics, NM_MEAN_INCORRECT);
	put_mean(w, metrics, NM_MEAN_MISSED);
	nm_json_put_int(w, "total_correct_answers",
	                (int64_t)tally->correct_answers);
	nm_json_put_int(w, "total_incorrect_answers",
	                (int64_t)tally->incorrect_answers);
	nm_json_put_int(w, "total_missed_answers",
	                (int64_t)tally->missed_answers);
	put_cost(w, head);
	put_speed(w, head);
	put_categories(w, tally);
	put_new(w, metrics);
	nm_json_close_object(w);
}

static void
put_reason(struct nm_json_writer *w, const struct nm_head_reason *reason)
{
	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "class", nm_class_name(reason->class));
	nm_json_put_nonzero(w, "status", reason->status);
	if (reason->code.len)
		nm_json_put_text(w, "code", reason->code);
	else
		nm_json_put_null(w, "code");
	nm_json_put_int(w, "count", (int64_t)reason->count);
	nm_json_close_object(w);
}

void
nm_head_put_ledger(struct nm_json_writer *w, const struct nm_head *head)
{
	const struct nm_head_ledger *ledger = &head->ledger;
	size_t i;

	nm_json_open_object(w, "ledger");
	nm_json_put_int(w, "asked", (int64_t)head->tally->questions);
	for (i = 0; i < NM_N_CLASSES; i++)
		nm_json_put_int(w, nm_class_name((enum nm_class)i),
		                (int64_t)head->tally->by_class[i]);
	nm_json_put_int(w, "unknown", (int64_t)ledger->unknown);
	nm_json_put_int(w, "duplicate", (int64_t)ledger->duplicate);
	nm_json_put_int(w, "malformed", (int64_t)ledger->malformed);
	nm_json_put_int(w, "attempts", (int64_t)ledger->attempts);
	nm_json_open_array(w, "reasons");
	for (i = 0; i < ledger->n_reasons; i++)
		put_reason(w, &ledger->reasons[i]);
	nm_json_close_array(w);
	nm_json_close_object(w);
}

void
nm_head_put_tokens(struct nm_json_writer *w, const struct nm_usage *usage)
{
	nm_json_put_int(w, "input_tokens", usage->input_tokens);
	nm_json_put_int(w, "cached_tokens", usage->cached_tokens);
	nm_json_put_int(w, "cache_write_tokens", usage->cache_write_tokens);
	nm_json_put_int(w, "output_tokens", usage->output_tokens);
	nm_json_put_int(w, "reasoning_tokens", usage->reasoning_tokens);
}
