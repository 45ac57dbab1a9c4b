/* test_price: the shipped list by known costs, lists that are refused,
 * printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/file.h"
#include "eval/price.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
shipped_costs(void **state)
{
	static const struct {
		const char          *model;
		enum nm_price_column column;
		struct nm_usage      usage;
		int64_t              pusd; /* -1 = unknown */
		const char          *why;
	} rows[] = {
		{ "gpt-5-mini", NM_PRICE_STANDARD, { true, 1000, 0, 0, 100, 0 },
		  1000 * 250000 + 100 * 2000000, "plain" },
		{ "gpt-5-mini", NM_PRICE_BATCH, { true, 1000, 0, 0, 100, 0 },
		  1000 * 125000 + 100 * 1000000, "batch" },
		{ "gpt-5-mini-2025-08-07", NM_PRICE_BATCH,
		  { true, 1000, 400, 0, 100, 64 },
		  600 * 125000 + 400 * 12500 + 100 * 1000000,
		  "a snapshot; cached; reasoning is output" },
		{ "gpt-4o-mini-2024-07-18", NM_PRICE_BATCH,
		  { true, 10, 4, 0, 1, 0 }, 10 * 75000 + 300000,
		  "no cached batch price: as plain input" },
		{ "gpt-4o-mini", NM_PRICE_STANDARD, { true, 10, 4, 0, 1, 0 },
		  6 * 150000 + 4 * 75000 + 600000, "…but a standard one" },
		{ "gpt-5.4", NM_PRICE_BATCH, { true, 100, 100, 0, 0, 0 },
		  100 * 130000, "as printed, though rounded" },
		{ "gpt-5.6-luna", NM_PRICE_STANDARD,
		  { true, 100, 20, 30, 0, 0 },
		  50 * 200000 + 20 * 20000 + 30 * 250000, "cache writes" },
		{ "gpt-5-nano", NM_PRICE_STANDARD, { true, 100, 0, 30, 0, 0 },
		  100 * 50000, "writes are free where they are not charged" },
		{ "gpt-5.4", NM_PRICE_STANDARD, { true, 272000, 0, 0, 10, 0 },
		  INT64_C(272000) * 2500000 + 10 * 15000000,
		  "at the bound of long context" },
		{ "gpt-5.4", NM_PRICE_STANDARD, { true, 272001, 1, 0, 10, 0 },
		  INT64_C(272000) * 5000000 + 500000 + 10 * 22500000,
		  "over it, on the whole request" },
		{ "gpt-5.5-pro", NM_PRICE_BATCH, { true, 272001, 0, 0, 1, 0 },
		  -1, "over it in a column without such a price" },
		{ "gpt-5-mini", NM_PRICE_STANDARD, { true, 300000, 0, 0, 0, 0 },
		  INT64_C(300000) * 250000, "a model without such a rule" },
		{ "gpt-5-mini", NM_PRICE_STANDARD, { true, 0, 0, 0, 0, 0 }, 0,
		  "usage of nothing" },
		{ "gpt-7", NM_PRICE_STANDARD, { true, 1, 0, 0, 1, 0 }, -1,
		  "not in the list" },
		{ "gpt-5-mini-2025-08-7", NM_PRICE_STANDARD,
		  { true, 1, 0, 0, 1, 0 }, -1, "no date" },
		{ "gpt-5-mini-latest", NM_PRICE_STANDARD,
		  { true, 1, 0, 0, 1, 0 }, -1, "no date either" },
		{ "gpt-5-mini-2025-08-07-x", NM_PRICE_STANDARD,
		  { true, 1, 0, 0, 1, 0 }, -1, "a date within" },
		{ "-2025-08-07", NM_PRICE_STANDARD, { true, 1, 0, 0, 1, 0 }, -1,
		  "a date alone" },
		{ "GPT-5-mini", NM_PRICE_STANDARD, { true, 1, 0, 0, 1, 0 }, -1,
		  "case counts" },
		{ "", NM_PRICE_STANDARD, { true, 1, 0, 0, 1, 0 }, -1, "no name" },
	};
	struct nm_prices prices = { 0 };
	struct nm_err err = { 0 };

	(void)state;
	if (nm_prices_open(&prices, NULL, &err))
		fail_msg("%s", err.text);
	assert_true(prices.n_models > 30);
	assert_true(prices.as_of[0] && prices.source[0]);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct nm_price *price = nm_prices_find(
			&prices, nm_text_of(rows[i].model));
		struct nm_cost cost = nm_price_cost(price, rows[i].column,
		                                    &rows[i].usage);

		if (rows[i].pusd < 0 ? cost.kind != NM_COST_UNKNOWN || cost.pusd
		                     : cost.kind != NM_COST_KNOWN
		                       || cost.pusd != rows[i].pusd)
			fail_msg("%s: kind %d, %lld", rows[i].why,
			         (int)cost.kind, (long long)cost.pusd);
	}
	nm_prices_close(&prices);
	nm_prices_close(NULL);
}

static void
no_usage_costs_nothing_known(void **state)
{
	struct nm_usage usage = { 0 };
	struct nm_prices none = { 0 };

	(void)state;
	assert_int_equal(nm_price_cost(NULL, NM_PRICE_BATCH, &usage).kind,
	                 NM_COST_NONE);
	assert_null(nm_prices_find(&none, NM_TEXT("gpt-5")));
}

#define LIST(rules, models) \
	"{\"currency\":\"USD\",\"rules\":{" rules "},\"models\":[" models "]}"
#define MODEL(prices) "{\"model\":\"m\",\"standard\":" prices "}"
#define HALF "\"batch\":{\"missing_factor\":\"0.5\"}"
#define LONG "\"long_context\":{\"over_input_tokens\":10," \
	"\"input_factor\":\"2\",\"cached_factor\":\"2\"," \
	"\"cache_write_factor\":\"2\",\"output_factor\":\"1.5\"}"

static enum nm_code
open_list(const char *content, struct nm_prices *prices, struct nm_err *err)
{
	static const char path[] = "/tmp/nm_price_test.json";
	enum nm_code rc;

	assert_int_equal(nm_file_write(path, 0600, nm_text_of(content), NULL),
	                 NM_OK);
	rc = nm_prices_open(prices, path, err);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static void
own_lists(void **state)
{
	static const struct {
		const char          *list, *model;
		enum nm_price_column column;
		struct nm_usage      usage;
		int64_t              pusd; /* -1 = unknown */
		const char          *why;
	} rows[] = {
		{ LIST(HALF, MODEL("{\"input\":\"0.000002\",\"output\":\"1\"}")),
		  "m", NM_PRICE_BATCH, { true, 3, 0, 0, 1, 0 }, 3 + 500000,
		  "half of standard, exactly" },
		{ LIST("", MODEL("{\"input\":\"1\",\"output\":\"1\"}")), "m",
		  NM_PRICE_BATCH, { true, 3, 0, 0, 1, 0 }, -1,
		  "no batch column and no rule" },
		{ LIST("", MODEL("{\"input\":\"1\",\"output\":\"1\"}")),
		  "m-2025-01-01", NM_PRICE_STANDARD, { true, 3, 0, 0, 1, 0 }, -1,
		  "no snapshot rule" },
		{ LIST("", MODEL("{\"input\":\"1\",\"cached\":null,"
		                 "\"output\":\"1\"}")), "m", NM_PRICE_STANDARD,
		  { true, 3, 1, 0, 1, 0 }, -1, "no rule for a missing price" },
		{ LIST("", MODEL("{\"input\":\"1\",\"cached\":null,"
		                 "\"output\":\"1\"}")), "m", NM_PRICE_STANDARD,
		  { true, 3, 0, 0, 1, 0 }, 4000000, "…which is not needed here" },
		{ LIST(LONG, "{\"model\":\"m\",\"standard\":{\"input\":\"1\","
		       "\"output\":\"2\"},\"long_context\":[\"standard\"]}"),
		  "m", NM_PRICE_STANDARD, { true, 11, 0, 0, 2, 0 },
		  22000000 + 6000000, "long context" },
		{ LIST("\"snapshot\":{\"suffix\":\"-YYYY-MM-DD\"}",
		       MODEL("{\"input\":\"1\",\"output\":\"1\"}")
		       ",{\"model\":\"m-2025-01-01\",\"standard\":{\"input\":"
		       "\"9\",\"output\":\"1\"}}"),
		  "m-2025-01-01", NM_PRICE_STANDARD, { true, 1, 0, 0, 0, 0 },
		  9000000, "an own entry stands before the rule" },
		{ LIST("", MODEL("{\"input\":\"10000\",\"output\":\"10000\"}")),
		  "m", NM_PRICE_STANDARD,
		  { true, 1000000000, 0, 0, 1000000000, 0 }, INT64_MAX,
		  "more than can be counted" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_prices prices = { 0 };
		struct nm_err err = { 0 };
		struct nm_cost cost;

		if (open_list(rows[i].list, &prices, &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		cost = nm_price_cost(
			nm_prices_find(&prices, nm_text_of(rows[i].model)),
			rows[i].column, &rows[i].usage);
		if (rows[i].pusd < 0 ? cost.kind != NM_COST_UNKNOWN
		                     : cost.kind != NM_COST_KNOWN
		                       || cost.pusd != rows[i].pusd)
			fail_msg("%s: kind %d, %lld", rows[i].why,
			         (int)cost.kind, (long long)cost.pusd);
		nm_prices_close(&prices);
	}
}

static void
refused_lists(void **state)
{
	static const struct {
		const char *list, *text, *why;
	} rows[] = {
		{ "", "not JSON", "empty" },
		{ "[]", "currency", "a list" },
		{ "{\"currency\":\"EUR\"}", "currency", "another currency" },
		{ "{\"currency\":\"USD\"}", "models", "no models" },
		{ LIST("", "{\"standard\":{}}"), "without a name", "no name" },
		{ LIST("", MODEL("{\"input\":1,\"output\":\"1\"}")), "m: input",
		  "a number, which a reader may round" },
		{ LIST("", MODEL("{\"input\":\"1\"}")), "m: output", "no output" },
		{ LIST("", MODEL("{\"input\":\"-1\",\"output\":\"1\"}")),
		  "m: input", "negative" },
		{ LIST("", MODEL("{\"input\":\"1e2\",\"output\":\"1\"}")),
		  "m: input", "an exponent" },
		{ LIST("", MODEL("{\"input\":\".5\",\"output\":\"1\"}")),
		  "m: input", "nothing before the point" },
		{ LIST("", MODEL("{\"input\":\"5.\",\"output\":\"1\"}")),
		  "m: input", "nothing behind it" },
		{ LIST("", MODEL("{\"input\":\"1.2.3\",\"output\":\"1\"}")),
		  "m: input", "two points" },
		{ LIST("", MODEL("{\"input\":\"0.0000001\",\"output\":\"1\"}")),
		  "m: input", "seven decimals" },
		{ LIST("", MODEL("{\"input\":\"10000.01\",\"output\":\"1\"}")),
		  "m: input", "too dear to be meant" },
		{ LIST("", MODEL("{\"input\":\"99999999999999999999\","
		                 "\"output\":\"1\"}")), "m: input", "overflow" },
		{ LIST("", MODEL("{\"input\":\"1\",\"cached\":\"x\","
		                 "\"output\":\"1\"}")), "m: cached", "no number" },
		{ LIST(HALF, MODEL("{\"input\":\"0.000001\",\"output\":\"1\"}")),
		  "m: batch", "half of it is no whole number" },
		{ LIST("", MODEL("{\"input\":\"1\",\"output\":\"1\"}") ","
		       MODEL("{\"input\":\"1\",\"output\":\"1\"}")),
		  "stands twice", "a model twice" },
		{ LIST("\"snapshot\":{\"suffix\":\"@v\"}", ""), "snapshot",
		  "a rule that is not known" },
		{ LIST("\"batch\":{\"missing_factor\":0.5}", ""), "batch",
		  "a factor that is a number" },
		{ LIST("\"batch\":{\"missing_factor\":\"0\"}", ""), "batch",
		  "a factor of nothing" },
		{ LIST("\"long_context\":{}", ""), "over_input_tokens",
		  "no bound" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_prices prices = { 0 };
		struct nm_err err = { 0 };

		if (open_list(rows[i].list, &prices, &err) != NM_INPUT
		    || !strstr(err.text, rows[i].text) || prices.arena.newest)
			fail_msg("%s: %s", rows[i].why, err.text);
	}
}

static void
printed(void **state)
{
	static const struct {
		int64_t     pusd;
		int         digits;
		const char *text, *why;
	} rows[] = {
		{ 0, 4, "0.0000", "nothing" },
		{ INT64_C(1234567890123), 12, "1.234567890123", "whole" },
		{ INT64_C(1234567890123), 4, "1.2346", "up" },
		{ INT64_C(1234449999999), 4, "1.2344", "down" },
		{ 50000000, 4, "0.0000", "half to even: down" },
		{ 150000000, 4, "0.0002", "half to even: up" },
		{ 50000001, 4, "0.0001", "just over half" },
		{ INT64_C(999999999999), 2, "1.00", "carries" },
		{ INT64_C(2500000000000), 0, "2", "no digits, half to even" },
		{ INT64_C(3500000000000), 0, "4", "…up" },
		{ INT64_MAX, 2, "9223372.04", "the most" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[NM_PRICE_TEXT_MAX];

		nm_price_print(rows[i].pusd, rows[i].digits, text);
		if (strcmp(text, rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].why, text);
	}
	assert_true(nm_price_usd(INT64_C(1500000000000)) == 1.5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_costs),
		cmocka_unit_test(no_usage_costs_nothing_known),
		cmocka_unit_test(own_lists),
		cmocka_unit_test(refused_lists),
		cmocka_unit_test(printed),
	};

	return cmocka_run_group_tests_name("price", tests, NULL, NULL);
}
