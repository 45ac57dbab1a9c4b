/*
 * price_rules: see the header.
 */
#include "eval/price_rules.h"

enum { FACTOR_DECIMALS = 6 };

#define FACTOR_MAX INT64_C(1000000000)

static const int64_t MILLION = 1000000; /* what a factor is counted in */

enum nm_code
nm_price_refuse(const struct nm_price_spot *in, const char *member,
                const char *problem)
{
	return nm_fail(in->err, NM_INPUT, 0, "%s: %s: %s: %s", in->path,
	               in->model, member, problem);
}

bool
nm_price_read_decimal(struct nm_text text, int decimals, int64_t ceiling,
                      int64_t *out)
{
	int64_t number = 0;
	int behind = -1;

	if (text.len == 0 || text.at[0] == '.'
	    || text.at[text.len - 1] == '.')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '.' && behind < 0) {
			behind = 0;
			continue;
		}
		if (c < '0' || c > '9' || (behind >= 0 && ++behind > decimals)
		    || number > ceiling / 10)
			return false;
		number = number * 10 + (c - '0');
	}
	for (int i = behind < 0 ? 0 : behind; i < decimals; i++) {
		if (number > ceiling / 10)
			return false;
		number *= 10;
	}
	if (number > ceiling)
		return false;
	*out = number;
	return true;
}

static enum nm_code
read_factor(const struct nm_price_spot *in, const struct nm_value *rule,
            const char *name, int64_t *factor)
{
	struct nm_text text = nm_json_text(nm_json_get(rule, name));

	if (!nm_price_read_decimal(text, FACTOR_DECIMALS, FACTOR_MAX, factor)
	    || *factor == 0)
		return nm_price_refuse(in, name, "not a decimal factor above 0, "
		                       "written as a string");
	return NM_OK;
}

static enum nm_code
read_long_context(struct nm_price_spot *in, const struct nm_value *rule,
                  struct nm_price_rules *rules)
{
	enum nm_code rc;

	in->model = "long_context";
	rules->long_over_tokens =
		nm_json_int(nm_json_get(rule, "over_input_tokens"), 0);
	if (rules->long_over_tokens <= 0)
		return nm_price_refuse(in, "over_input_tokens",
		                       "not a number above 0");
	rc = read_factor(in, rule, "input_factor", &rules->long_input);
	if (rc == NM_OK)
		rc = read_factor(in, rule, "cached_factor",
		                 &rules->long_cached);
	if (rc == NM_OK)
		rc = read_factor(in, rule, "cache_write_factor",
		                 &rules->long_write);
	if (rc == NM_OK)
		rc = read_factor(in, rule, "output_factor",
		                 &rules->long_output);
	return rc;
}

/* The rule as it is understood here, or none: another would be misread. */
static enum nm_code
read_word(struct nm_price_spot *in, const struct nm_value *all,
          const char *rule, const char *member, const char *known, bool *on)
{
	const struct nm_value *value = nm_json_get(all, rule);

	in->model = rule;
	*on = value != NULL;
	if (value && !nm_text_is(nm_json_text(nm_json_get(value, member)),
	                         known))
		return nm_price_refuse(in, member,
		                       "a rule that is not known here");
	return NM_OK;
}

enum nm_code
nm_price_rules_read(const struct nm_price_spot *where,
                    const struct nm_value *all, struct nm_price_rules *rules)
{
	struct nm_price_spot in = *where;
	const struct nm_value *rule;
	enum nm_code rc;

	rc = read_word(&in, all, "snapshot", "suffix", "-YYYY-MM-DD",
	               &rules->snapshots);
	if (rc == NM_OK)
		rc = read_word(&in, all, "cached_missing", "use", "input",
		               &rules->cached_as_input);
	rule = nm_json_get(all, "batch");
	in.model = "batch";
	if (rc == NM_OK && rule)
		rc = read_factor(&in, rule, "missing_factor",
		                 &rules->batch_factor);
	rule = nm_json_get(all, "cache_write");
	in.model = "cache_write";
	if (rc == NM_OK && rule)
		rc = read_factor(&in, rule, "input_factor",
		                 &rules->write_factor);
	rule = nm_json_get(all, "long_context");
	if (rc == NM_OK && rule)
		rc = read_long_context(&in, rule, rules);
	return rc;
}

enum nm_code
nm_price_scale(const struct nm_price_spot *in, const char *member,
               int64_t factor, int64_t *pusd)
{
	int64_t product;

	if (*pusd < 0)
		return NM_OK;
	if (__builtin_mul_overflow(*pusd, factor, &product)
	    || product % MILLION)
		return nm_price_refuse(in, member, "this price times the rules' "
		                       "factors is no whole number of "
		                       "picodollars a token");
	*pusd = product / MILLION;
	return NM_OK;
}
