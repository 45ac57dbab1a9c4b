/*
 * inspection: see the header.
 */
#include "prog/inspection.h"

#include <inttypes.h>

#include "cli/byte_count.h"
#include "cli/terminal.h"

void
nm_inspection_put_finding(struct nm_inspection *in,
                          const struct nm_finding *finding,
                          struct nm_text custom_id)
{
	struct nm_json_writer *w = &in->w;

	nm_json_open_object(w, NULL);
	if (finding->line)
		nm_json_put_int(w, "line", (int64_t)finding->line);
	else
		nm_json_put_null(w, "line");
	nm_json_put_string(w, "code", finding->code);
	nm_json_put_string(w, "param",
	                   finding->param[0] ? finding->param : NULL);
	nm_json_put_string(w, "message", finding->message);
	if (custom_id.len)
		nm_json_put_text(w, "custom_id", custom_id);
	if (finding->earlier_line)
		nm_json_put_int(w, "earlier_line",
		                (int64_t)finding->earlier_line);
	nm_json_put_true(w, "certain", finding->certain);
	nm_json_close_object(w);
}

void
nm_inspection_add_finding(struct nm_inspection *in,
                          const struct nm_finding *finding)
{
	struct nm_buf *out = &in->text;

	nm_terminal_add(out, nm_text_of(in->path), 0);
	if (finding->line)
		nm_buf_addf(out, ":%" PRIu64, finding->line);
	nm_buf_addf(out, ": %s", finding->code);
	if (finding->param[0])
		nm_buf_addf(out, " (%s)", finding->param);
	/* It quotes the file, which may hold anything. */
	nm_buf_add_string(out, ": ");
	nm_terminal_add(out, nm_text_of(finding->message), 0);
	if (finding->earlier_line)
		nm_buf_addf(out, " (first on line %" PRIu64 ")",
		            finding->earlier_line);
	if (finding->hint[0])
		nm_buf_addf(out, " [%s]", finding->hint);
	nm_buf_add_byte(out, '\n');
}

/*
 * At batch prices: the input as guessed; the output at most, where it is bounded.
 * The rates for a long context belong to single requests, and are left out. -1
 * where there is no price.
 */
static int64_t
cost_pusd(const struct nm_inspection *in, uint64_t output_tokens)
{
	const struct nm_price *price =
		nm_prices_find(&in->prices, nm_buf_text(&in->input.model));
	const struct nm_price_rates *rates;
	double pusd;

	if (!price)
		return -1;
	rates = &price->plain[NM_PRICE_BATCH];
	if (rates->input_pusd < 0 || rates->output_pusd < 0)
		return -1;
	pusd = (double)in->input.prompt_tokens_guess *
	       (double)rates->input_pusd +
	       (double)output_tokens * (double)rates->output_pusd;
	return pusd < 9e18 ? (int64_t)pusd : INT64_MAX;
}

static void
add_model(const struct nm_inspection *in, struct nm_sheet *sheet,
          const char *key, const char *lead)
{
	struct nm_buf model = {0};

	nm_input_add_escaped(&model, nm_buf_text(&in->input.model));
	nm_sheet_add(sheet, key, "%s%s", lead, nm_buf_string(&model));
	nm_buf_release(&model);
}

static void
add_cost(struct nm_inspection *in, struct nm_sheet *sheet)
{
	int64_t least_pusd = cost_pusd(in, 0);
	int64_t most_pusd = cost_pusd(in, in->input.output_tokens_max);
	char texts[2][NM_PRICE_TEXT_MAX];

	if (!in->input.requests)
		return;
	if (least_pusd < 0) {
		add_model(in, sheet, "Cost", "unknown: no batch price of ");
		return;
	}
	nm_price_print(least_pusd, 4, texts[0]);
	nm_price_print(most_pusd, 4, texts[1]);
	if (in->input.unbounded)
		nm_sheet_add(sheet, "Cost", "at least $%s (estimate, batch "
		             "prices of %s); the output is not bounded",
		             texts[0], in->prices.as_of);
	else
		nm_sheet_add(sheet, "Cost", "$%s to $%s (estimate, batch "
		             "prices of %s)", texts[0], texts[1],
		             in->prices.as_of);
}

static void
add_odd_bounds(const struct nm_input *input, struct nm_sheet *sheet)
{
	if (input->odd_bounds)
		nm_sheet_add(sheet, "Warning", "line %" PRIu64 ": %s is no number:"
		             " the service will refuse such a request, in its row"
		             " (%" PRIu64 " in all)", input->odd_bound_line,
		             input->odd_bound, input->odd_bounds);
}

void
nm_inspection_add_totals(struct nm_inspection *in)
{
	const struct nm_input *input = &in->input;
	struct nm_sheet sheet = {0};
	char size[NM_BYTE_COUNT_MAX];

	nm_sheet_add(&sheet, "File", "%s", in->path);
	if (input->faulty)
		nm_sheet_add(&sheet, "Requests", "%" PRIu64 " without fault, %"
		             PRIu64 " with one", input->requests,
		             input->faulty);
	else
		nm_sheet_add(&sheet, "Requests", "%" PRIu64,
		             input->requests);
	if (input->blank)
		nm_sheet_add(&sheet, "Blank lines", "%" PRIu64, input->blank);
	nm_sheet_add(&sheet, "Size", "%s", nm_byte_count(input->bytes, size));
	if (input->requests) {
		add_model(in, &sheet, "Model", "");
		nm_sheet_add(&sheet, "Endpoint", "%s",
		             nm_buf_string(&input->endpoint));
		nm_sheet_add(&sheet, "Prompt tokens", "about %" PRIu64,
		             input->prompt_tokens_guess);
	}
	add_cost(in, &sheet);
	add_odd_bounds(input, &sheet);
	nm_sheet_write(&sheet, 0, &in->text);
	nm_sheet_release(&sheet);
}

static void
put_cost(struct nm_inspection *in, const char *name, int64_t pusd)
{
	if (pusd >= 0 && in->input.requests)
		nm_json_put_double(&in->w, name, nm_price_usd(pusd));
	else
		nm_json_put_null(&in->w, name);
}

void
nm_inspection_put_totals(struct nm_inspection *in)
{
	const struct nm_input *input = &in->input;
	struct nm_json_writer *w = &in->w;

	nm_json_close_array(w);
	nm_json_put_true(w, "ok", in->findings == 0);
	nm_json_put_int(w, "requests", (int64_t)input->requests);
	nm_json_put_int(w, "faulty", (int64_t)input->faulty);
	nm_json_put_int(w, "blank", (int64_t)input->blank);
	nm_json_put_int(w, "bytes", (int64_t)input->bytes);
	nm_json_put_int(w, "refused_in_rows", (int64_t)input->odd_bounds);
	if (input->model.len)
		nm_json_put_text(w, "model", nm_buf_text(&input->model));
	else
		nm_json_put_null(w, "model");
	nm_json_put_string(w, "endpoint", input->endpoint.len
	                   ? nm_buf_string(&input->endpoint) : NULL);
	nm_json_put_int(w, "prompt_tokens_estimate",
	                (int64_t)input->prompt_tokens_guess);
	put_cost(in, "cost_usd_low", cost_pusd(in, 0));
	put_cost(in, "cost_usd_high", input->unbounded
	         ? -1 : cost_pusd(in, input->output_tokens_max));
	nm_json_close_object(w);
}
