/*
 * summary: the end of a run in words and numbers.
 */
#include "report/summary.h"

#include <inttypes.h>

enum {
	RULE_WIDTH = 80, LABEL_WIDTH = 32, REASONS_MAX = 12, USD_DIGITS = 4,
	MESSAGE_MAX = 200
};

static void
add_rule(struct nm_buf *out)
{
	int i;

	for (i = 0; i < RULE_WIDTH; i++)
		nm_buf_add_byte(out, '=');
	nm_buf_add_byte(out, '\n');
}

static void
add_label(struct nm_buf *out, const char *label)
{
	nm_buf_addf(out, "%-*s", LABEL_WIDTH, label);
}

/* "Accuracy   45.00 %  (33.09–57.51)", the interval in per cent too. */
static void
add_rate(struct nm_buf *out, const char *label, double value,
         struct nm_interval interval)
{
	add_label(out, label);
	nm_buf_addf(out, "%7.2f %%  (%.2f–%.2f)", 100 * value,
	            100 * interval.low, 100 * interval.high);
}

static void
add_rate_line(struct nm_buf *out, const char *label, double value,
              struct nm_interval interval)
{
	add_rate(out, label, value, interval);
	nm_buf_add_byte(out, '\n');
}

/* What nobody may overlook, first and last. */
static void
add_notes(const struct nm_head *head, struct nm_buf *out)
{
	size_t i;

	if (head->run.truth == NM_HEAD_SIMULATED)
		nm_buf_add_string(out, "SIMULATED MODEL: these scores say "
		                  "nothing about any real model\n");
	for (i = 0; i < head->run.n_notes; i++)
		nm_buf_addf(out, "Note: %s\n", head->run.notes[i]);
}

/* How many were right, of all and of those that the model answered. */
static void
add_accuracy(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_metrics *m = head->metrics;
	const struct nm_tally *tally = head->tally;

	add_label(out, "Questions");
	nm_buf_addf(out, "%7" PRIu64 "%*s(95 %% intervals)\n",
	            tally->questions, 4, "");
	add_rate(out, "Accuracy", m->accuracy.value, m->accuracy.interval);
	nm_buf_addf(out, "  %" PRIu64 " of %" PRIu64 " correct\n",
	            tally->correct_questions, tally->questions);
	if (tally->by_class[NM_CLASS_ANSWERED] != tally->questions) {
		add_rate(out, "  of the answered ones",
		         m->accuracy_answered.value,
		         m->accuracy_answered.interval);
		nm_buf_addf(out, "  %" PRIu64 " answered\n",
		            tally->by_class[NM_CLASS_ANSWERED]);
	}
	if (m->instrument_failures) {
		add_label(out, "  were failures wrong, or right");
		nm_buf_addf(out, "%7.2f %%  to %.2f %%\n",
		            100 * m->accuracy_low, 100 * m->accuracy_high);
	}
}

static void
add_rates(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_metrics *m = head->metrics;

	add_accuracy(head, out);
	add_rate_line(out, "Precision", m->means[NM_MEAN_PRECISION],
	              m->intervals[NM_MEAN_PRECISION]);
	add_rate_line(out, "Recall", m->means[NM_MEAN_RECALL],
	              m->intervals[NM_MEAN_RECALL]);
	add_rate_line(out, "F1", m->means[NM_MEAN_F1],
	              m->intervals[NM_MEAN_F1]);
	add_rate_line(out, "Hits@1", m->hits_at_1.value, m->hits_at_1.interval);
	add_rate_line(out, "Exact match", m->exact_match_accuracy.value,
	              m->exact_match_accuracy.interval);
}

static void
add_answers(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_tally *tally = head->tally;
	const double *means = head->metrics->means;

	add_label(out, "Correct answers");
	nm_buf_addf(out, "%7" PRIu64 "    %.2f a question\n",
	            tally->correct_answers, means[NM_MEAN_CORRECT]);
	add_label(out, "Incorrect answers");
	nm_buf_addf(out, "%7" PRIu64 "    %.2f a question\n",
	            tally->incorrect_answers, means[NM_MEAN_INCORRECT]);
	add_label(out, "Missed answers");
	nm_buf_addf(out, "%7" PRIu64 "    %.2f a question\n",
	            tally->missed_answers, means[NM_MEAN_MISSED]);
}

static void
add_categories(const struct nm_head *head, struct nm_buf *out)
{
	static const char *const labels[NM_N_CATEGORIES] = {
		"  Perfect", "  Complete with hallucinations", "  Partial",
		"  Hallucination only", "  Failed (no answers)",
	};
	const struct nm_tally *tally = head->tally;
	int i;

	nm_buf_add_string(out, "Categories\n");
	for (i = 0; i < NM_N_CATEGORIES; i++) {
		add_label(out, labels[i]);
		nm_buf_addf(out, "%7" PRIu64 "    %.1f %%\n",
		            tally->by_category[i], tally->questions
		            ? 100.0 * (double)tally->by_category[i] /
		              (double)tally->questions : 0.0);
	}
}

/* One line of what a service wrote; the results file has all of it. */
static void
add_message(const char *message, struct nm_buf *out)
{
	size_t len = strcspn(message, "\r\n");

	if (len > MESSAGE_MAX) {
		len = MESSAGE_MAX;
		while (len && ((unsigned char)message[len] & 0xC0) == 0x80)
			len--;
	}
	nm_buf_add(out, message, len);
	if (message[len] && len)
		nm_buf_add_string(out, "…");
}

/* Bytes of the character at `at` that may not be shown, 0 for any other: controls, of
 * one byte or two, and what parts lines or turns their direction round. */
static size_t
unsafe_bytes(const unsigned char *at, size_t left)
{
	if ((*at < 0x20 && *at != '\n') || *at == 0x7F)
		return 1;
	if (left > 1 && at[0] == 0xC2 && at[1] < 0xA0)
		return 2;
	if (left > 2 && at[0] == 0xE2 &&
	    ((at[1] == 0x80 && at[2] >= 0xA8 && at[2] <= 0xAE) ||
	     (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9)))
		return 3;
	return 0;
}

void
nm_summary_disarm(struct nm_buf *out, size_t from)
{
	unsigned char *at;
	size_t i, n;

	for (i = from; i < out->len; i += n ? n : 1) {
		at = (unsigned char *)out->at + i;
		n = unsafe_bytes(at, out->len - i);
		memset(at, '?', n);
	}
}

/* "37 × 400 invalid_value: the message". */
static void
add_reason(const struct nm_head_reason *reason, struct nm_buf *out)
{
	nm_buf_addf(out, "  %" PRIu64 " × ", reason->count);
	/* What the model did has a status too: 200, which tells nothing. */
	if (reason->status && reason->class == NM_CLASS_HTTP_ERROR)
		nm_buf_addf(out, "%d", reason->status);
	else
		nm_buf_add_string(out, nm_class_name(reason->class));
	if (reason->code.len) {
		nm_buf_add_byte(out, ' ');
		nm_buf_add_text(out, reason->code);
	}
	if (reason->example && *reason->example) {
		nm_buf_add_string(out, ": ");
		add_message(reason->example, out);
	}
	nm_buf_add_byte(out, '\n');
}

static void
add_ledger(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_head_ledger *ledger = &head->ledger;
	const struct nm_tally *tally = head->tally;
	const char *lead = ": ";
	size_t i;

	nm_buf_addf(out, "Ledger: %" PRIu64 " asked", tally->questions);
	for (i = 0; i < NM_N_CLASSES; i++) {
		if (!tally->by_class[i])
			continue;
		nm_buf_addf(out, "%s%" PRIu64 " %s", lead, tally->by_class[i],
		            nm_class_name((enum nm_class)i));
		lead = ", ";
	}
	nm_buf_add_byte(out, '\n');
	if (ledger->unknown || ledger->duplicate || ledger->malformed)
		nm_buf_addf(out, "  besides: %" PRIu64 " unknown, %" PRIu64
		            " duplicate, %" PRIu64 " malformed\n",
		            ledger->unknown, ledger->duplicate,
		            ledger->malformed);
	if (ledger->attempts > 1)
		nm_buf_addf(out, "  in %" PRIu64 " attempts\n",
		            ledger->attempts);
	for (i = 0; i < ledger->n_reasons && i < REASONS_MAX; i++)
		add_reason(&ledger->reasons[i], out);
	if (i < ledger->n_reasons)
		nm_buf_addf(out, "  and %zu more reasons, all in the results "
		            "file\n", ledger->n_reasons - i);
	if (tally->lenient_would_save)
		nm_buf_addf(out, "  %" PRIu64 " of the unparseable could be "
		            "read by --lenient\n", tally->lenient_would_save);
}

/* Where attempts were paid whose rows others displaced, or whose rows are lost. */
static void
add_spent(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_head_spent *spent = &head->run.spent;
	char usd[NM_PRICE_TEXT_MAX];

	if (spent->replies == head->tally->rows_with_usage &&
	    (spent->cost.kind != NM_COST_KNOWN ||
	     spent->cost.pusd == head->metrics->cost_pusd))
		return;
	if (!spent->replies && spent->cost.kind != NM_COST_KNOWN)
		return;
	add_label(out, "  of all attempts together");
	if (spent->cost.kind == NM_COST_KNOWN) {
		nm_price_print(spent->cost.pusd, USD_DIGITS, usd);
		nm_buf_addf(out, "$%s    ", usd);
	} else {
		nm_buf_add_string(out, "unknown    ");
	}
	nm_buf_addf(out, "%" PRIu64 " replies, %" PRId64 " tokens in, %" PRId64
	            " out\n", spent->replies, spent->usage.input_tokens,
	            spent->usage.output_tokens);
}

/* Half a usage, or one that is not to be believed, says nothing of the cost either. */
static void
add_known_cost(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_tally *tally = head->tally;
	char usd[NM_PRICE_TEXT_MAX], each[NM_PRICE_TEXT_MAX];

	nm_price_print(head->metrics->cost_pusd, USD_DIGITS, usd);
	nm_price_print(tally->questions ? head->metrics->cost_pusd /
		(int64_t)tally->questions : 0, 6, each);
	nm_buf_addf(out, "$%s    $%s a question\n", usd, each);
	if (!tally->rows_mute)
		return;
	add_label(out, "  beside these");
	nm_buf_addf(out, "unknown: %" PRIu64 " %s no whole usage\n",
	            tally->rows_mute,
	            tally->rows_mute == 1 ? "reply tells" : "replies tell");
}

static void
add_cost(const struct nm_head *head, struct nm_buf *out)
{
	const struct nm_tally *tally = head->tally;

	add_label(out, "Cost");
	if (nm_head_cost_is_known(head)) {
		add_known_cost(head, out);
	} else if (tally->usage.present) {
		nm_buf_addf(out, "unknown: no price for %s\n",
		            head->run.model_replied ? head->run.model_replied
		                                    : head->model);
	} else {
		nm_buf_add_string(out, "unknown: no reply tells a whole usage\n");
	}
	if (tally->usage.present) {
		add_label(out, "Tokens");
		nm_buf_addf(out, "%" PRId64 " in (%" PRId64 " cached), %" PRId64
		            " out (%" PRId64 " reasoning)\n",
		            tally->usage.input_tokens,
		            tally->usage.cached_tokens,
		            tally->usage.output_tokens,
		            tally->usage.reasoning_tokens);
	}
	add_spent(head, out);
}

static void
add_time(const struct nm_head *head, struct nm_buf *out)
{
	double seconds = (double)head->elapsed_ms / 1000.0;

	add_label(out, "Time");
	nm_buf_addf(out, "%.1f s", seconds);
	if (seconds > 0)
		nm_buf_addf(out, "    %.1f questions/s",
		            (double)head->tally->questions / seconds);
	nm_buf_add_byte(out, '\n');
}

void
nm_summary_write(const struct nm_summary *summary, struct nm_buf *out)
{
	const struct nm_head *head = &summary->head;
	size_t from = out->len;

	add_rule(out);
	nm_buf_addf(out, "%s: %s, %s, %s mode, %s\n", nm_head_variant(head),
	            head->dataset, nm_head_model(head),
	            nm_head_mode_name(head->mode), nm_head_status(head));
	add_notes(head, out);
	add_rule(out);
	add_rates(head, out);
	nm_buf_add_byte(out, '\n');
	add_answers(head, out);
	nm_buf_add_byte(out, '\n');
	add_categories(head, out);
	nm_buf_add_byte(out, '\n');
	add_ledger(head, out);
	nm_buf_add_byte(out, '\n');
	add_cost(head, out);
	add_time(head, out);
	if (summary->known_path)
		nm_buf_addf(out, "Results saved to: %s\n", summary->known_path);
	if (summary->run_path)
		nm_buf_addf(out, "  kept as: %s\n", summary->run_path);
	if (head->run.truth == NM_HEAD_SIMULATED)
		nm_buf_add_string(out, "SIMULATED MODEL: these are not the "
		                  "scores of a real model\n");
	add_rule(out);
	nm_summary_disarm(out, from);
}
