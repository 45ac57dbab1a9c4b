/*
 * summary_all: all datasets of a run together, as a table or as JSON.
 */
#include <inttypes.h>

#include "report/summary.h"

enum { NAME_WIDTH_MIN = 7 };

/* Characters, not bytes: what printf pads by is bytes. */
static size_t
characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int
width_of_names(const struct nm_summary *summaries, size_t n)
{
	size_t i, len, width = NAME_WIDTH_MIN;

	for (i = 0; i < n; i++) {
		len = characters(summaries[i].head.dataset);
		if (len > width)
			width = len;
	}
	return (int)width;
}

static const char *
status_of(const struct nm_head *head)
{
	if (head->run.truth != NM_HEAD_SIMULATED)
		return nm_head_status(head);
	return head->metrics->instrument_failures ? "SIMULATED, partial"
	                                          : "SIMULATED";
}

static void
add_line(const struct nm_summary *summary, int width, struct nm_buf *out)
{
	const struct nm_head *head = &summary->head;
	const struct nm_metrics *m = head->metrics;
	char usd[NM_PRICE_TEXT_MAX] = "unknown";

	if (nm_head_cost_is_known(head))
		nm_price_print(m->cost_pusd, 4, usd);
	nm_buf_addf(out, "%-*s %7" PRIu64 " %8.2f %9.2f %6.2f %6.2f %6.2f %9s"
	            "  %s\n", width + (int)(strlen(head->dataset) -
	                                 characters(head->dataset)),
	            head->dataset, head->tally->questions,
	            100 * m->accuracy.value, 100 * m->means[NM_MEAN_PRECISION],
	            100 * m->means[NM_MEAN_RECALL],
	            100 * m->means[NM_MEAN_F1], 100 * m->hits_at_1.value, usd,
	            status_of(head));
}

void
nm_summary_write_all(const struct nm_summary *summaries, size_t n,
                     struct nm_buf *out)
{
	int width = width_of_names(summaries, n);
	size_t i, from = out->len;

	nm_buf_addf(out, "%-*s %7s %8s %9s %6s %6s %6s %9s  %s\n", width,
	            "Dataset", "Asked", "Accuracy", "Precision", "Recall",
	            "F1", "Hits@1", "Cost USD", "Status");
	for (i = 0; i < n; i++)
		add_line(&summaries[i], width, out);
	nm_summary_disarm(out, from);
}

void
nm_summary_write_json(const struct nm_summary *summaries, size_t n,
                      size_t missing, struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };
	const char *status = missing ? "partial" : "completed";
	size_t i;

	for (i = 0; i < n; i++)
		if (summaries[i].head.metrics->instrument_failures)
			status = "partial";
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "status", status);
	nm_json_open_array(&w, "datasets");
	for (i = 0; i < n; i++) {
		nm_json_open_object(&w, NULL);
		nm_head_put(&w, &summaries[i].head);
		nm_json_put_string(&w, "path", summaries[i].known_path);
		nm_json_put_string(&w, "run_path", summaries[i].run_path);
		nm_json_close_object(&w);
	}
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}
