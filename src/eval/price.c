/*
 * price: see price.h. The file's form is read in price_list.c.
 */
#include "eval/price.h"

#include <stdio.h>

#define PUSD_PER_USD INT64_C(1000000000000)

enum { PUSD_DIGITS = 12, EXACT_DIGITS_MIN = 4, DATE_BYTES = 11 };

/* ---- which price ---- */

/* "-YYYY-MM-DD" stands at the name's end, with something before it. */
static bool
ends_in_date(struct nm_text name)
{
	static const char shape[] = "-dddd-dd-dd";
	const char *end;

	if (name.len <= DATE_BYTES)
		return false;
	end = name.at + name.len - DATE_BYTES;
	for (int i = 0; i < DATE_BYTES; i++) {
		bool digit = end[i] >= '0' && end[i] <= '9';

		if (shape[i] == 'd' ? !digit : end[i] != '-')
			return false;
	}
	return true;
}

static const struct nm_price *
find_exactly(const struct nm_prices *prices, struct nm_text model)
{
	for (size_t i = 0; i < prices->n_models; i++)
		if (nm_text_is(model, prices->models[i].model))
			return &prices->models[i];
	return NULL;
}

const struct nm_price *
nm_prices_find(const struct nm_prices *prices, struct nm_text model)
{
	const struct nm_price *found = find_exactly(prices, model);

	if (found || !prices->snapshots || !ends_in_date(model))
		return found;
	model.len -= DATE_BYTES;
	return find_exactly(prices, model);
}

/* ---- what it costs ---- */

/* Adds tokens at a rate; a rate that is not printed makes the cost unknown. */
static void
charge(struct nm_cost *cost, int64_t tokens, int64_t rate_pusd)
{
	int64_t pusd;

	if (tokens <= 0)
		return;
	if (rate_pusd < 0) {
		cost->kind = NM_COST_UNKNOWN;
		return;
	}
	if (__builtin_mul_overflow(tokens, rate_pusd, &pusd))
		pusd = INT64_MAX;
	cost->pusd = nm_price_add(cost->pusd, pusd);
}

static int64_t
at_most(int64_t tokens, int64_t most)
{
	return tokens < most ? tokens : most;
}

struct nm_cost
nm_price_cost(const struct nm_price *price, enum nm_price_column column,
              const struct nm_usage *usage)
{
	struct nm_cost cost = { .kind = NM_COST_KNOWN };
	int64_t input = usage->input_tokens;
	int64_t cached = at_most(usage->cached_tokens, input);
	int64_t written = at_most(usage->cache_write_tokens, input - cached);
	const struct nm_price_rates *rates;

	if (!usage->present)
		return (struct nm_cost){ .kind = NM_COST_NONE };
	if (!price)
		return (struct nm_cost){ .kind = NM_COST_UNKNOWN };
	rates = input > price->long_over_tokens ? &price->long_context[column]
	                                        : &price->plain[column];
	charge(&cost, input - cached - written, rates->input_pusd);
	charge(&cost, cached, rates->cached_pusd);
	charge(&cost, written, rates->cache_write_pusd);
	charge(&cost, usage->output_tokens, rates->output_pusd);
	if (cost.kind == NM_COST_UNKNOWN)
		cost.pusd = 0;
	return cost;
}

int64_t
nm_price_add(int64_t a_pusd, int64_t b_pusd)
{
	int64_t sum;

	return __builtin_add_overflow(a_pusd, b_pusd, &sum) ? INT64_MAX : sum;
}

static void
add_tokens(int64_t *sum, int64_t tokens)
{
	if (__builtin_add_overflow(*sum, tokens, sum))
		*sum = INT64_MAX;
}

void
nm_price_add_usage(struct nm_usage *sum, const struct nm_usage *usage)
{
	sum->present |= usage->present;
	add_tokens(&sum->input_tokens, usage->input_tokens);
	add_tokens(&sum->cached_tokens, usage->cached_tokens);
	add_tokens(&sum->cache_write_tokens, usage->cache_write_tokens);
	add_tokens(&sum->output_tokens, usage->output_tokens);
	add_tokens(&sum->reasoning_tokens, usage->reasoning_tokens);
}

double
nm_price_usd(int64_t pusd)
{
	return (double)pusd / (double)PUSD_PER_USD;
}

void
nm_price_print(int64_t pusd, int digits, char *out)
{
	int64_t unit = 1, whole, rest;

	for (int i = digits; i < PUSD_DIGITS; i++)
		unit *= 10;
	whole = pusd / unit;
	rest = pusd % unit;
	if (rest > unit - rest || (rest == unit - rest && whole % 2))
		whole++;
	unit = PUSD_PER_USD / unit;
	if (digits == 0)
		(void)snprintf(out, NM_PRICE_TEXT_MAX, "%lld",
		               (long long)whole);
	else
		(void)snprintf(out, NM_PRICE_TEXT_MAX, "%lld.%0*lld",
		               (long long)(whole / unit), digits,
		               (long long)(whole % unit));
}

const char *
nm_price_print_exactly(int64_t pusd, char *out)
{
	size_t len, least;

	nm_price_print(pusd, EXACT_DIGITS_MIN, out);
	least = strlen(out);
	nm_price_print(pusd, PUSD_DIGITS, out);
	for (len = strlen(out); len > least && out[len - 1] == '0'; len--)
		out[len - 1] = '\0';
	return out;
}
