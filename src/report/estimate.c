/*
 * estimate: counts and guesses -> costs, as text or as JSON.
 */
#include "report/estimate.h"

#include <inttypes.h>

#include "report/summary.h"

enum {
	LABEL_WIDTH = 16, CELL_WIDTH = 28,
	USD_DIGITS = 2, USD_DIGITS_SMALL = 4
};

/* Above all that --max-cost may allow; keeps sums of several from the type's end. */
#define COST_MAX_PUSD (INT64_MAX / 8)
#define SMALL_PUSD    ((int64_t)10000000000) /* one cent */

/* Exact: a ceiling is held to the last digit. */
static int64_t
cost_of(int64_t input_rate_pusd, int64_t input_tokens,
        int64_t output_rate_pusd, int64_t output_tokens)
{
	int64_t input_pusd, output_pusd, pusd;

	if (__builtin_mul_overflow(input_tokens, input_rate_pusd,
	                           &input_pusd) ||
	    __builtin_mul_overflow(output_tokens, output_rate_pusd,
	                           &output_pusd))
		return COST_MAX_PUSD;
	pusd = nm_price_add(input_pusd, output_pusd);
	return pusd < COST_MAX_PUSD ? pusd : COST_MAX_PUSD;
}

/* All of it may be written to the cache, which some models charge more. */
static struct nm_price_rates
highest(const struct nm_price_rates *rates)
{
	struct nm_price_rates high = *rates;

	if (high.cache_write_pusd > high.input_pusd)
		high.input_pusd = high.cache_write_pusd;
	return high;
}

/* Of one guess: all tokens, and those that are in long contexts. */
struct tokens {
	int64_t input, output;
	int64_t long_input, long_output;
};

static int64_t
cost_of_both(const struct nm_price_rates *plain,
             const struct nm_price_rates *long_context,
             const struct tokens *tokens)
{
	int64_t pusd = cost_of(plain->input_pusd,
	                       tokens->input - tokens->long_input,
	                       plain->output_pusd,
	                       tokens->output - tokens->long_output);

	if (tokens->long_input || tokens->long_output)
		pusd = nm_price_add(pusd, cost_of(
			long_context->input_pusd, tokens->long_input,
			long_context->output_pusd, tokens->long_output));
	return pusd < COST_MAX_PUSD ? pusd : COST_MAX_PUSD;
}

static void
add_up_guesses(const struct nm_estimate *e, enum nm_price_column column,
               struct nm_estimate_cost *cost)
{
	const struct nm_price_rates *plain = &e->price->plain[column];
	const struct nm_price_rates *dear = &e->price->long_context[column];
	struct nm_price_rates plain_high = highest(plain);
	struct nm_price_rates dear_high = highest(dear);

	cost->low_pusd = cost_of_both(plain, dear, &(struct tokens){
		e->input.low_tokens, e->output.low_tokens,
		e->long_input.low_tokens, e->long_output.low_tokens });
	cost->expected_pusd = cost_of_both(plain, dear, &(struct tokens){
		e->input.expected_tokens, e->output.expected_tokens,
		e->long_input.expected_tokens,
		e->long_output.expected_tokens });
	cost->high_pusd = cost_of_both(&plain_high, &dear_high,
		&(struct tokens){
		e->input.high_tokens, e->output.high_tokens,
		e->long_input.high_tokens, e->long_output.high_tokens });
}

static bool
is_priced(const struct nm_price_rates *rates)
{
	return rates->input_pusd >= 0 && rates->output_pusd >= 0;
}

struct nm_estimate_cost
nm_estimate_cost(const struct nm_estimate *estimate,
                 enum nm_price_column column)
{
	struct nm_estimate_cost cost = { .kind = NM_COST_UNKNOWN };
	const struct nm_price_rates *rates;

	if (!estimate->price)
		return cost;
	rates = &estimate->price->plain[column];
	if (!is_priced(rates) || (estimate->long_input.high_tokens &&
	    !is_priced(&estimate->price->long_context[column])))
		return cost;
	cost.kind = NM_COST_KNOWN;
	add_up_guesses(estimate, column, &cost);
	return cost;
}

/* A batch's canary goes directly. */
static struct nm_estimate_cost
cost_by(const struct nm_estimate *estimate, enum nm_price_column column)
{
	return column == NM_PRICE_BATCH && estimate->canary
		? estimate->mixed : nm_estimate_cost(estimate, column);
}

static void
add_usd(struct nm_buf *out, int64_t pusd)
{
	char usd[NM_PRICE_TEXT_MAX];

	nm_price_print(pusd, pusd < SMALL_PUSD ? USD_DIGITS_SMALL : USD_DIGITS,
	               usd);
	nm_buf_addf(out, "$%s", usd);
}

/* "$0.12 ($0.05 to $1.10)", padded to a cell. */
static void
add_cost(struct nm_buf *out, const struct nm_estimate_cost *cost, int width)
{
	struct nm_buf cell = {0};

	if (cost->kind == NM_COST_UNKNOWN) {
		nm_buf_add_string(&cell, "unknown");
	} else {
		add_usd(&cell, cost->expected_pusd);
		nm_buf_add_string(&cell, " (");
		add_usd(&cell, cost->low_pusd);
		nm_buf_add_string(&cell, " to ");
		add_usd(&cell, cost->high_pusd);
		nm_buf_add_byte(&cell, ')');
	}
	nm_buf_addf(out, "%-*s", width, nm_buf_string(&cell));
	nm_buf_release(&cell);
}

static void
add_costs(struct nm_buf *out, const struct nm_estimate_cost *direct,
          const struct nm_estimate_cost *batch)
{
	nm_buf_addf(out, "%-*s%-*s%s\n%-*s", LABEL_WIDTH, "", CELL_WIDTH,
	            "direct", "batch", LABEL_WIDTH, "  cost");
	add_cost(out, direct, CELL_WIDTH);
	/* Two blanks hold wide figures apart. */
	nm_buf_add_string(out, out->at[out->len - 1] == ' ' ? "" : "  ");
	add_cost(out, batch, 0);
	nm_buf_add_byte(out, '\n');
}

static void
add_guess(struct nm_buf *out, const char *label, const struct nm_guess *guess)
{
	nm_buf_addf(out, "%-*s%" PRId64 " (%" PRId64 " to %" PRId64
	            "), an estimate", LABEL_WIDTH, label, guess->expected_tokens,
	            guess->low_tokens, guess->high_tokens);
}

static void
write_one(const struct nm_estimate *estimate, struct nm_buf *out)
{
	struct nm_estimate_cost direct, batch;

	direct = cost_by(estimate, NM_PRICE_STANDARD);
	batch = cost_by(estimate, NM_PRICE_BATCH);
	nm_buf_addf(out, "%s, %s\n", estimate->dataset, estimate->model);
	nm_buf_addf(out, "%-*s%" PRIu64 "\n", LABEL_WIDTH, "  questions",
	            estimate->questions);
	if (estimate->canary)
		nm_buf_addf(out, "%-*s%" PRIu64 ", directly ahead of the batch"
		            "\n", LABEL_WIDTH, "  canary", estimate->canary);
	nm_buf_addf(out, "%-*s%" PRIu64 ", %" PRIu64 " bytes\n", LABEL_WIDTH,
	            "  batches", estimate->shards, estimate->bytes);
	add_guess(out, "  tokens in", &estimate->input);
	nm_buf_add_byte(out, '\n');
	add_guess(out, "  tokens out", &estimate->output);
	if (estimate->seen_tokens)
		nm_buf_addf(out, ", from %" PRId64 " a reply seen",
		            estimate->seen_tokens);
	if (estimate->max_output_tokens)
		nm_buf_addf(out, ", at most %" PRId64 " a reply",
		            estimate->max_output_tokens);
	nm_buf_add_byte(out, '\n');
	add_costs(out, &direct, &batch);
	if (!estimate->price)
		nm_buf_addf(out, "  no price for %s%s%s\n", estimate->model,
		            estimate->prices ? " in " : "",
		            estimate->prices ? estimate->prices->path : "");
	else if (estimate->prices)
		nm_buf_addf(out, "  prices of %s: %s\n",
		            estimate->prices->as_of, estimate->prices->path);
}

/* One unknown part makes the whole unknown. */
static void
add_up(struct nm_estimate_cost *sum, const struct nm_estimate_cost *cost)
{
	if (cost->kind == NM_COST_UNKNOWN)
		sum->kind = NM_COST_UNKNOWN;
	sum->low_pusd = nm_price_add(sum->low_pusd, cost->low_pusd);
	sum->expected_pusd = nm_price_add(sum->expected_pusd,
	                                  cost->expected_pusd);
	sum->high_pusd = nm_price_add(sum->high_pusd, cost->high_pusd);
}

static struct nm_estimate_cost
total_of(const struct nm_estimate *estimates, size_t n,
         enum nm_price_column column)
{
	struct nm_estimate_cost sum = { .kind = NM_COST_KNOWN }, cost;
	size_t i;

	for (i = 0; i < n; i++) {
		cost = cost_by(&estimates[i], column);
		add_up(&sum, &cost);
	}
	return sum;
}

void
nm_estimate_write(const struct nm_estimate *estimates, size_t n,
                  struct nm_buf *out)
{
	struct nm_estimate_cost direct, batch;
	size_t i, from;

	for (i = 0; i < n; i++) {
		from = out->len;
		write_one(&estimates[i], out);
		nm_summary_disarm(out, from);
		nm_buf_add_byte(out, '\n');
	}
	if (n > 1) {
		direct = total_of(estimates, n, NM_PRICE_STANDARD);
		batch = total_of(estimates, n, NM_PRICE_BATCH);
		nm_buf_add_string(out, "all together\n");
		add_costs(out, &direct, &batch);
		nm_buf_add_byte(out, '\n');
	}
	nm_buf_add_string(out, "Nothing was sent. Tokens are guesses: those in "
	                  "by bytes, those out with hidden reasoning\namong "
	                  "them. What a run costs is told from its replies.\n");
}

static void
put_guess(struct nm_json_writer *w, const char *name,
          const struct nm_guess *guess)
{
	nm_json_open_object(w, name);
	nm_json_put_int(w, "low", guess->low_tokens);
	nm_json_put_int(w, "expected", guess->expected_tokens);
	nm_json_put_int(w, "high", guess->high_tokens);
	nm_json_close_object(w);
}

static void
put_cost(struct nm_json_writer *w, const char *name,
         struct nm_estimate_cost cost)
{
	if (cost.kind == NM_COST_UNKNOWN) {
		nm_json_put_null(w, name);
		return;
	}
	nm_json_open_object(w, name);
	nm_json_put_double(w, "low", nm_price_usd(cost.low_pusd));
	nm_json_put_double(w, "expected", nm_price_usd(cost.expected_pusd));
	nm_json_put_double(w, "high", nm_price_usd(cost.high_pusd));
	nm_json_close_object(w);
}

static void
put_one(struct nm_json_writer *w, const struct nm_estimate *estimate)
{
	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "dataset_name", estimate->dataset);
	nm_json_put_string(w, "model", estimate->model);
	nm_json_put_int(w, "questions", (int64_t)estimate->questions);
	nm_json_put_int(w, "canary", (int64_t)estimate->canary);
	nm_json_put_int(w, "batches", (int64_t)estimate->shards);
	nm_json_put_int(w, "bytes", (int64_t)estimate->bytes);
	put_guess(w, "input_tokens_estimate", &estimate->input);
	put_guess(w, "output_tokens_estimate", &estimate->output);
	put_cost(w, "direct_cost_usd_estimate",
	         cost_by(estimate, NM_PRICE_STANDARD));
	put_cost(w, "batch_cost_usd_estimate",
	         cost_by(estimate, NM_PRICE_BATCH));
	nm_json_put_string(w, "prices_as_of",
	                   estimate->prices ? estimate->prices->as_of : NULL);
	nm_json_close_object(w);
}

void
nm_estimate_write_json(const struct nm_estimate *estimates, size_t n,
                       struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_open_array(&w, "datasets");
	for (i = 0; i < n; i++)
		put_one(&w, &estimates[i]);
	nm_json_close_array(&w);
	nm_json_open_object(&w, "total");
	put_cost(&w, "direct_cost_usd_estimate",
	         total_of(estimates, n, NM_PRICE_STANDARD));
	put_cost(&w, "batch_cost_usd_estimate",
	         total_of(estimates, n, NM_PRICE_BATCH));
	nm_json_close_object(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}
