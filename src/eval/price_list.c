/*
 * price_list: a price list's file -> prices, rules applied. See price.h; the
 * form is described in data/prices.md.
 */
#include "eval/price.h"

#include "base/file.h"
#include "base/path.h"

enum {
	LIST_MAX_BYTES = 4 << 20,
	PRICE_DECIMALS = 6, /* USD per 10^6 tokens = 10^6 pUSD a token */
	FACTOR_DECIMALS = 6
};

/* 10,000 USD per 10^6 tokens: no price that is meant is higher. */
#define PRICE_MAX_PUSD INT64_C(10000000000)
#define FACTOR_MAX INT64_C(1000000000)

static const int64_t MILLION = 1000000; /* what a factor is counted in */

/* The list's rules; factors in millionths, 0 = the rule is absent. */
struct rules {
	bool    snapshots;
	int64_t batch_factor;
	bool    cached_as_input;
	int64_t write_factor;
	int64_t long_over_tokens; /* 0 = absent */
	int64_t long_input, long_cached, long_write, long_output;
};

/* What is being read, for errors. */
struct reading {
	const char    *path;
	const char    *model; /* or the rule */
	struct nm_err *err;
};

static enum nm_code
refuse(const struct reading *in, const char *member, const char *problem)
{
	return nm_fail(in->err, NM_INPUT, 0, "%s: %s: %s: %s", in->path,
	               in->model, member, problem);
}

/*
 * Reads "12.50" as an exact number of 10^-decimals. False when it is anything
 * else, has more decimals, or passes the ceiling.
 */
static bool
read_decimal(struct nm_text text, int decimals, int64_t ceiling, int64_t *out)
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

/* ---- rules ---- */

static enum nm_code
read_factor(const struct reading *in, const struct nm_value *rule,
            const char *name, int64_t *factor)
{
	struct nm_text text = nm_json_text(nm_json_get(rule, name));

	if (!read_decimal(text, FACTOR_DECIMALS, FACTOR_MAX, factor)
	    || *factor == 0)
		return refuse(in, name, "not a decimal factor above 0, "
		              "written as a string");
	return NM_OK;
}

static enum nm_code
read_long_context(struct reading *in, const struct nm_value *rule,
                  struct rules *rules)
{
	enum nm_code rc;

	in->model = "long_context";
	rules->long_over_tokens =
		nm_json_int(nm_json_get(rule, "over_input_tokens"), 0);
	if (rules->long_over_tokens <= 0)
		return refuse(in, "over_input_tokens", "not a number above 0");
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
read_word(struct reading *in, const struct nm_value *all, const char *rule,
          const char *member, const char *known, bool *on)
{
	const struct nm_value *value = nm_json_get(all, rule);

	in->model = rule;
	*on = value != NULL;
	if (value && !nm_text_is(nm_json_text(nm_json_get(value, member)),
	                         known))
		return refuse(in, member, "a rule that is not known here");
	return NM_OK;
}

static enum nm_code
read_rules(const struct reading *where, const struct nm_value *all,
           struct rules *rules)
{
	struct reading in = *where;
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

/* ---- prices ---- */

/* *pusd times a factor; not done when there is no such price. */
static enum nm_code
scale(const struct reading *in, const char *member, int64_t factor,
      int64_t *pusd)
{
	int64_t product;

	if (*pusd < 0)
		return NM_OK;
	if (__builtin_mul_overflow(*pusd, factor, &product)
	    || product % MILLION)
		return refuse(in, member, "this price times the rules' factors "
		              "is no whole number of picodollars a token");
	*pusd = product / MILLION;
	return NM_OK;
}

static enum nm_code
read_price(const struct reading *in, const struct nm_value *column,
           const char *name, int64_t *pusd)
{
	if (!read_decimal(nm_json_text(nm_json_get(column, name)),
	                  PRICE_DECIMALS, PRICE_MAX_PUSD, pusd))
		return refuse(in, name, "not a decimal price up to 10000 with at "
		              "most 6 decimals, written as a string");
	return NM_OK;
}

static enum nm_code
read_column(const struct reading *in, const struct nm_value *column,
            const struct rules *rules, struct nm_price_rates *rates)
{
	enum nm_kind cached = nm_json_kind(nm_json_get(column, "cached"));
	enum nm_code rc = read_price(in, column, "input", &rates->input_pusd);

	if (rc == NM_OK)
		rc = read_price(in, column, "output", &rates->output_pusd);
	if (rc)
		return rc;
	if (cached != NM_JSON_NULL && cached != NM_JSON_ABSENT)
		return read_price(in, column, "cached", &rates->cached_pusd);
	rates->cached_pusd = rules->cached_as_input ? rates->input_pusd : -1;
	return NM_OK;
}

static enum nm_code
scale_all(const struct reading *in, const char *member,
          const int64_t factors[4], struct nm_price_rates *rates)
{
	int64_t *prices[] = { &rates->input_pusd, &rates->cached_pusd,
	                      &rates->cache_write_pusd, &rates->output_pusd };

	for (int i = 0; i < 4; i++) {
		enum nm_code rc = scale(in, member, factors[i], prices[i]);

		if (rc)
			return rc;
	}
	return NM_OK;
}

/* The column as printed; for batch, where none is, standard times the
 * factor. */
static enum nm_code
read_plain(const struct reading *in, const struct nm_value *model,
           const struct rules *rules, struct nm_price_rates plain[2])
{
	static const struct nm_price_rates none = { -1, -1, -1, -1 };
	const struct nm_value *batch = nm_json_get(model, "batch");
	const int64_t half[4] = { rules->batch_factor, rules->batch_factor,
	                          rules->batch_factor, rules->batch_factor };
	enum nm_code rc;

	rc = read_column(in, nm_json_get(model, "standard"), rules,
	                 &plain[NM_PRICE_STANDARD]);
	if (rc)
		return rc;
	if (nm_json_kind(batch) == NM_JSON_OBJECT)
		return read_column(in, batch, rules, &plain[NM_PRICE_BATCH]);
	plain[NM_PRICE_BATCH] = rules->batch_factor
	                      ? plain[NM_PRICE_STANDARD] : none;
	return scale_all(in, "batch", half, &plain[NM_PRICE_BATCH]);
}

static bool
lists(const struct nm_value *list, const char *name)
{
	struct nm_json_walk walk;
	const struct nm_value *entry;

	nm_json_walk_init(&walk, list);
	while ((entry = nm_json_walk_next(&walk, NULL)))
		if (nm_text_is(nm_json_text(entry), name))
			return true;
	return false;
}

static enum nm_code
apply_long_context(const struct reading *in, const struct nm_value *model,
                   const struct rules *rules, struct nm_price *price)
{
	static const char *const columns[2] = { "standard", "batch" };
	static const struct nm_price_rates none = { -1, -1, -1, -1 };
	const int64_t factors[4] = { rules->long_input, rules->long_cached,
	                             rules->long_write, rules->long_output };
	const struct nm_value *list = nm_json_get(model, "long_context");

	price->long_over_tokens = INT64_MAX;
	if (!rules->long_over_tokens || nm_json_count(list) == 0)
		return NM_OK;
	price->long_over_tokens = rules->long_over_tokens;
	for (int i = 0; i < 2; i++) {
		enum nm_code rc;

		price->long_context[i] = lists(list, columns[i])
		                       ? price->plain[i] : none;
		rc = scale_all(in, "long_context", factors,
		               &price->long_context[i]);
		if (rc)
			return rc;
	}
	return NM_OK;
}

static enum nm_code
apply_cache_write(const struct reading *in, const struct nm_value *model,
                  const struct rules *rules, struct nm_price *price)
{
	bool charged = nm_json_true(nm_json_get(model, "cache_write"));

	for (int i = 0; i < 2; i++) {
		struct nm_price_rates *rates = &price->plain[i];
		enum nm_code rc;

		rates->cache_write_pusd = rates->input_pusd;
		if (!charged || !rules->write_factor)
			continue;
		rc = scale(in, "cache_write", rules->write_factor,
		           &rates->cache_write_pusd);
		if (rc)
			return rc;
	}
	return NM_OK;
}

static enum nm_code
read_model(const struct reading *where, const struct nm_value *model,
           const struct rules *rules, struct nm_arena *arena,
           struct nm_price *price)
{
	const char *name = nm_json_string(nm_json_get(model, "model"));
	struct reading in = *where;
	enum nm_code rc;

	in.model = name && *name ? name : "a model without a name";
	if (!name || !*name)
		return refuse(&in, "model", "not a string");
	price->model = nm_arena_string(arena, name);
	rc = read_plain(&in, model, rules, price->plain);
	if (rc == NM_OK)
		rc = apply_cache_write(&in, model, rules, price);
	if (rc == NM_OK)
		rc = apply_long_context(&in, model, rules, price);
	return rc;
}

static enum nm_code
read_models(const struct reading *where, const struct nm_value *list,
            const struct rules *rules, struct nm_prices *prices)
{
	struct nm_price *models;
	struct nm_json_walk walk;
	const struct nm_value *model;
	struct reading in = *where;

	in.model = "models";
	if (nm_json_kind(list) != NM_JSON_ARRAY)
		return refuse(&in, "models", "not a list");
	models = nm_arena_array(&prices->arena, nm_json_count(list),
	                        sizeof(*models));
	prices->models = models;
	nm_json_walk_init(&walk, list);
	while ((model = nm_json_walk_next(&walk, NULL))) {
		struct nm_price *price = &models[prices->n_models];
		enum nm_code rc = read_model(where, model, rules,
		                             &prices->arena, price);

		if (rc)
			return rc;
		for (size_t i = 0; i < prices->n_models; i++) {
			in.model = price->model;
			if (strcmp(models[i].model, price->model) == 0)
				return refuse(&in, "model", "stands twice");
		}
		prices->n_models++;
	}
	return NM_OK;
}

static enum nm_code
read_list(const char *path, const struct nm_value *root,
          struct nm_prices *prices, struct nm_err *err)
{
	struct reading in = { path, "the list", err };
	struct rules rules = { 0 };
	enum nm_code rc;

	if (!nm_text_is(nm_json_text(nm_json_get(root, "currency")), "USD"))
		return refuse(&in, "currency", "not \"USD\"");
	rc = read_rules(&in, nm_json_get(root, "rules"), &rules);
	if (rc == NM_OK)
		rc = read_models(&in, nm_json_get(root, "models"), &rules,
		                 prices);
	prices->snapshots = rules.snapshots;
	prices->path = nm_arena_string(&prices->arena, path);
	prices->as_of = nm_arena_string(
		&prices->arena, nm_json_string(nm_json_get(root, "as_of")));
	prices->source = nm_arena_string(
		&prices->arena, nm_json_string(nm_json_get(root, "source")));
	return rc;
}

enum nm_code
nm_prices_open(struct nm_prices *prices, const char *path, struct nm_err *err)
{
	struct nm_buf found = { 0 };
	struct nm_buf bytes = { .max = LIST_MAX_BYTES };
	struct nm_json json = { 0 };
	struct nm_prices new = { 0 };
	const struct nm_value *root;
	enum nm_code rc = NM_OK;

	if (path)
		nm_buf_add_string(&found, path);
	else
		rc = nm_path_data(&found, "prices.json", err);
	if (rc)
		goto done;
	path = nm_buf_string(&found);
	rc = nm_file_read(path, &bytes, err);
	if (rc)
		goto done;
	rc = nm_json_read(&json, bytes.at, bytes.len, &root, err);
	if (rc) {
		rc = nm_while(err, "reading prices from %s", path);
		goto done;
	}
	rc = read_list(path, root, &new, err);
	if (rc == NM_OK)
		*prices = new;
	else
		nm_prices_close(&new);
done:
	nm_json_release(&json);
	nm_buf_release(&bytes);
	nm_buf_release(&found);
	return rc;
}

void
nm_prices_close(struct nm_prices *prices)
{
	if (!prices)
		return;
	nm_arena_release(&prices->arena);
	*prices = (struct nm_prices){ 0 };
}
