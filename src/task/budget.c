/*
 * budget: see the header.
 */
#include "task/budget.h"

#include <math.h>

#define DOLLAR_PUSD 1e12

enum nm_code
nm_budget_read(struct nm_budget *budget, const char *text, struct nm_err *err)
{
	double usd = 0;
	char *end;

	if (text) {
		usd = strtod(text, &end);
		/* Plain digits: what rounds to nothing would be no limit. */
		if (text[strspn(text, "0123456789.")] || end == text || *end ||
		    usd * DOLLAR_PUSD < 1 || usd > 1e6)
			return nm_fail(err, NM_USAGE, 0, "--max-cost: '%s' is"
				" not an amount in USD above 0 and up to"
				" 1000000", text);
	}
	*budget = (struct nm_budget){
		.max_pusd = (int64_t)llround(usd * DOLLAR_PUSD),
	};
	return NM_OK;
}

/* All digits are told: a rounded amount would be refused in its turn. */
static enum nm_code
refuse(const struct nm_budget *budget, int64_t high_pusd, struct nm_err *err)
{
	char high[NM_PRICE_TEXT_MAX], max[NM_PRICE_TEXT_MAX];
	char taken[NM_PRICE_TEXT_MAX];

	nm_price_print_exactly(high_pusd, high);
	nm_price_print_exactly(budget->max_pusd, max);
	if (!budget->taken_pusd)
		return nm_fail(err, NM_USAGE, 0, "not sent: it could cost $%s,"
		               " above --max-cost $%s", high, max);
	return nm_fail(err, NM_USAGE, 0, "not sent: it could cost $%s beside"
	               " the $%s spent or in flight, above --max-cost $%s",
	               high, nm_price_print_exactly(budget->taken_pusd, taken),
	               max);
}

enum nm_code
nm_budget_take(struct nm_budget *budget, const struct nm_estimate_cost *cost,
               const char *model, struct nm_err *err)
{
	int64_t sum;

	if (!budget->max_pusd)
		return NM_OK;
	if (cost->kind != NM_COST_KNOWN)
		return nm_fail(err, NM_USAGE, 0,
			"--max-cost cannot be kept: the price of %s is unknown"
			" (--prices names another price table)", model);
	if (budget->unpriced)
		return nm_fail(err, NM_USAGE, 0,
			"--max-cost cannot be kept: what was sent before has an"
			" unknown cost, since the model that replied to %s has"
			" no price (--prices names another price table)", model);
	sum = nm_price_add(budget->taken_pusd, cost->high_pusd);
	if (sum > budget->max_pusd)
		return refuse(budget, cost->high_pusd, err);
	budget->taken_pusd = sum;
	return NM_OK;
}

int
nm_budget_is_short(const struct nm_budget *budget,
                   const struct nm_estimate_cost *cost)
{
	return budget->max_pusd && cost->kind == NM_COST_KNOWN &&
	       !budget->unpriced &&
	       nm_price_add(budget->taken_pusd, cost->high_pusd) >
	       budget->max_pusd;
}

void
nm_budget_hold(struct nm_budget *budget, int64_t high_pusd)
{
	budget->taken_pusd = nm_price_add(budget->taken_pusd, high_pusd);
}

void
nm_budget_settle(struct nm_budget *budget, int64_t taken_pusd,
                 struct nm_cost spent)
{
	if (!budget->max_pusd)
		return;
	budget->taken_pusd -= taken_pusd;
	if (spent.kind == NM_COST_UNKNOWN)
		budget->unpriced = 1;
	else if (spent.kind == NM_COST_KNOWN)
		budget->taken_pusd = nm_price_add(budget->taken_pusd,
		                                  spent.pusd);
}
