/*
 * price: a dated price list, and what a reply cost by it, in whole picodollars
 * (1 USD = 10^12 pUSD). Knows tokens and models' names; must not know runs.
 * Form and rules of the list: data/prices.md.
 *
 * A list whose prices, rules applied, are not whole picodollars a token is
 * refused when it is loaded: so every cost and every sum is exact, and rounding
 * happens once, when a sum is printed.
 *
 * Calling sequence: open a list; find each model's price once; cost of any number of
 * replies, from any thread; close.
 */
#ifndef NM_EVAL_PRICE_H
#define NM_EVAL_PRICE_H

#include "eval/row.h"

enum nm_price_column { NM_PRICE_STANDARD, NM_PRICE_BATCH };

/* Picodollars a token. Negative: no such price is printed. */
struct nm_price_rates {
	int64_t input_pusd;
	int64_t cached_pusd;
	int64_t cache_write_pusd;
	int64_t output_pusd;
};

/* One model; lent from its list. */
struct nm_price {
	const char           *model;
	struct nm_price_rates plain[2];        /* by nm_price_column */
	struct nm_price_rates long_context[2]; /* for more input than that: */
	int64_t               long_over_tokens; /* INT64_MAX = never */
};

/* Zeroed is an empty list (every price unknown) and may be closed. */
struct nm_prices {
	struct nm_arena        arena;
	const struct nm_price *models; /* n_models of them */
	size_t                 n_models;
	const char            *as_of;  /* "2026-10-06"; NULL in an empty list */
	const char            *source;
	const char            *path;
	bool                   snapshots; /* "-YYYY-MM-DD" is left out of a name */
};

/* Loads a list; NULL = the shipped prices.json. NM_INPUT with file and model
 * (or byte) when it is not as data/prices.md says. */
enum nm_code nm_prices_open(struct nm_prices *prices, const char *path,
                            struct nm_err *err) NM_MUST_USE;
void nm_prices_close(struct nm_prices *prices);

/* The model's price by its own name, else, with the list's snapshot rule, by
 * its name without the date; NULL = unknown. */
const struct nm_price *nm_prices_find(const struct nm_prices *prices,
                                      struct nm_text model);

enum nm_cost_kind {
	NM_COST_NONE,    /* no usage: nothing to pay for is known of */
	NM_COST_KNOWN,
	NM_COST_UNKNOWN  /* usage, but no price: never to be counted as 0 */
};

struct nm_cost {
	enum nm_cost_kind kind;
	int64_t           pusd; /* when KNOWN; INT64_MAX stands for more than that */
};

/*
 * What a reply cost. (input - cached - written)·p_in + cached·p_cached +
 * written·p_write + output·p_out, by the column, and by the long-context rates
 * where the input is over their bound. cached over input counts as input, and
 * written as no more than what is left. price may be NULL.
 */
struct nm_cost nm_price_cost(const struct nm_price *price,
                             enum nm_price_column column,
                             const struct nm_usage *usage);

/* a + b; INT64_MAX when it is more than that. For sums of picodollars. */
int64_t nm_price_add(int64_t a_pusd, int64_t b_pusd);

/* Adds a reply's counts to a sum of many; each stops at INT64_MAX. */
void nm_price_add_usage(struct nm_usage *sum, const struct nm_usage *usage);

/* As USD for reports, the one place where rounding happens. */
double nm_price_usd(int64_t pusd);

enum { NM_PRICE_TEXT_MAX = 32 };

/* "0.0123": USD with `digits` (0-12) after the point, rounded half to even,
 * into out (NM_PRICE_TEXT_MAX bytes). pusd is not negative. */
void nm_price_print(int64_t pusd, int digits, char *out);

/* The same with as many digits as it takes, four or more. Returns out. */
const char *nm_price_print_exactly(int64_t pusd, char *out);

#endif
