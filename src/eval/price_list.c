/*
 * price_list: a price list's file -> prices, rules applied. See price.h; the
 * form is described in data/prices.md.
 */
#include "eval/price.h"

#include "base/file.h"
#include "base/path.h"
#include "eval/price_rules.h"

enum {
	LIST_MAX_BYTES = 4 << 20,
	PRICE_DECIMALS = 6 /* USD per 10^6 tokens = 10^6 pUSD a token */
};

/* 10,000 USD per 10^6 tokens: no price that is meant is higher. */
#define PRICE_MAX_PUSD INT64_C(10000000000)

static enum nm_code
read_price(const struct nm_price_spot *in, const struct nm_value *column,
           const char *name, int64_t *pusd)
{
	struct nm_text text = nm_json_text(nm_json_get(column, name));

	if (!nm_price_read_decimal(text, PRICE_DECIMALS, PRICE_MAX_PUSD, pusd))
		return nm_price_refuse(in, name, "not a decimal price up to 10000 "
		                       "with at most 6 decimals, written as a "
		                       "string");
	return NM_OK;
}

static enum nm_code
read_column(const struct nm_price_spot *in, const struct nm_value *column,
            const struct nm_price_rules *rules, struct nm_price_rates *rates)
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
scale_all(const struct nm_price_spot *in, const char *member,
          const int64_t factors[4], struct nm_price_rates *rates)
{
	int64_t *prices[] = { &rates->input_pusd, &rates->cached_pusd,
	                      &rates->cache_write_pusd, &rates->output_pusd };

	for (int i = 0; i < 4; i++) {
		enum nm_code rc = nm_price_scale(in, member, factors[i],
		                                 prices[i]);

		if (rc)
			return rc;
	}
	return NM_OK;
}

/* The column as printed; for batch, where none is, standard times the
 * factor. */
static enum nm_code
read_plain(const struct nm_price_spot *in, const struct nm_value *model,
           const struct nm_price_rules *rules, struct nm_price_rates plain[2])
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
apply_long_context(const struct nm_price_spot *in, const struct nm_value *model,
                   const struct nm_price_rules *rules, struct nm_price *price)
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
apply_cache_write(const struct nm_price_spot *in, const struct nm_value *model,
                  const struct nm_price_rules *rules, struct nm_price *price)
{
	bool charged = nm_json_true(nm_json_get(model, "cache_write"));

	for (int i = 0; i < 2; i++) {
		struct nm_price_rates *rates = &price->plain[i];
		enum nm_code rc;

		rates->cache_write_pusd = rates->input_pusd;
		if (!charged || !rules->write_factor)
			continue;
		rc = nm_price_scale(in, "cache_write", rules->write_factor,
		                    &rates->cache_write_pusd);
		if (rc)
			return rc;
	}
	return NM_OK;
}

static enum nm_code
read_model(const struct nm_price_spot *where, const struct nm_value *model,
           const struct nm_price_rules *rules, struct nm_arena *arena,
           struct nm_price *price)
{
	const char *name = nm_json_string(nm_json_get(model, "model"));
	struct nm_price_spot in = *where;
	enum nm_code rc;

	in.model = name && *name ? name : "a model without a name";
	if (!name || !*name)
		return nm_price_refuse(&in, "model", "not a string");
	price->model = nm_arena_string(arena, name);
	rc = read_plain(&in, model, rules, price->plain);
	if (rc == NM_OK)
		rc = apply_cache_write(&in, model, rules, price);
	if (rc == NM_OK)
		rc = apply_long_context(&in, model, rules, price);
	return rc;
}

/* Another of its name is there already. */
static bool
stands_twice(const struct nm_prices *prices, const char *model)
{
	for (size_t i = 0; i < prices->n_models; i++)
		if (strcmp(prices->models[i].model, model) == 0)
			return true;
	return false;
}

static enum nm_code
read_models(const struct nm_price_spot *where, const struct nm_value *list,
            const struct nm_price_rules *rules, struct nm_prices *prices)
{
	struct nm_price *models;
	struct nm_json_walk walk;
	const struct nm_value *model;
	struct nm_price_spot in = *where;

	in.model = "models";
	if (nm_json_kind(list) != NM_JSON_ARRAY)
		return nm_price_refuse(&in, "models", "not a list");
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
		in.model = price->model;
		if (stands_twice(prices, price->model))
			return nm_price_refuse(&in, "model", "stands twice");
		prices->n_models++;
	}
	return NM_OK;
}

static enum nm_code
read_list(const char *path, const struct nm_value *root,
          struct nm_prices *prices, struct nm_err *err)
{
	struct nm_price_spot in = { path, "the list", err };
	struct nm_price_rules rules = { 0 };
	enum nm_code rc;

	if (!nm_text_is(nm_json_text(nm_json_get(root, "currency")), "USD"))
		return nm_price_refuse(&in, "currency", "not \"USD\"");
	rc = nm_price_rules_read(&in, nm_json_get(root, "rules"), &rules);
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
	path = nm_buf_string(&found);
	if (!rc)
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
