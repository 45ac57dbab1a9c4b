/*
 * price_rules: what a price list says of prices that it does not print, as data/prices.md
 * describes; and its decimals, read exactly. For price_list, which knows the models.
 */
#ifndef NM_EVAL_PRICE_RULES_H
#define NM_EVAL_PRICE_RULES_H

#include "wire/json.h"

/* The list's rules; factors in millionths, 0 = the rule is absent. */
struct nm_price_rules {
	bool    snapshots;
	int64_t batch_factor;
	bool    cached_as_input;
	int64_t write_factor;
	int64_t long_over_tokens; /* 0 = absent */
	int64_t long_input, long_cached, long_write, long_output;
};

/* What is being read, for errors. */
struct nm_price_spot {
	const char    *path;
	const char    *model; /* or the rule */
	struct nm_err *err;
};

/* NM_INPUT: "file: model: member: problem". */
enum nm_code nm_price_refuse(const struct nm_price_spot *in,
                             const char *member, const char *problem);

/*
 * Reads "12.50" as an exact number of 10^-decimals. False when it is anything
 * else, has more decimals, or passes the ceiling.
 */
bool nm_price_read_decimal(struct nm_text text, int decimals, int64_t ceiling,
                           int64_t *out);

/* The list's member "rules"; *rules is zeroed before. NM_INPUT for a rule that is not
 * known here: it would be misread. */
enum nm_code nm_price_rules_read(const struct nm_price_spot *where,
                                 const struct nm_value *all,
                                 struct nm_price_rules *rules) NM_MUST_USE;

/* *pusd (picodollars a token) times a factor in millionths; not done when it is
 * negative: no such price. NM_INPUT when that is no whole number. */
enum nm_code nm_price_scale(const struct nm_price_spot *in, const char *member,
                            int64_t factor, int64_t *pusd) NM_MUST_USE;

#endif
