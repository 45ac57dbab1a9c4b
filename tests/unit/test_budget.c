/* budget: no amount that could pass the ceiling is taken on, to the picodollar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "task/budget.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DOLLAR INT64_C(1000000000000)

static void
amounts(void **state)
{
	static const struct {
		const char *text;
		int64_t     max_pusd; /* 0 = refused */
		const char *why;
	} rows[] = {
		{ "5", 5 * DOLLAR, "whole dollars" },
		{ "0.25", DOLLAR / 4, "cents" },
		{ ".5", DOLLAR / 2, "no digit before the point" },
		{ "5.", 5 * DOLLAR, "none after it" },
		{ "0.000000000001", 1, "the smallest" },
		{ "1000000", 1000000 * DOLLAR, "the largest" },
		{ "1000001", 0, "above it" },
		{ "0", 0, "nothing would be no ceiling" },
		{ "0.0000000000001", 0, "what rounds to nothing, too" },
		{ "", 0, "no amount" },
		{ ".", 0, "a point alone" },
		{ "-1", 0, "below nothing" },
		{ "+1", 0, "a sign" },
		{ "1e3", 0, "an exponent" },
		{ "0x10", 0, "another base" },
		{ "inf", 0, "no number of dollars" },
		{ "nan", 0, "no number" },
		{ "1,5", 0, "a comma" },
		{ "1.2.3", 0, "two points" },
		{ " 5", 0, "a blank before" },
		{ "5 ", 0, "a blank behind" },
		{ "$5", 0, "the sign of the money" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_budget budget = { 0 };
		struct nm_err err = { 0 };
		enum nm_code rc = nm_budget_read(&budget, rows[i].text, &err);

		if (rc != (rows[i].max_pusd ? NM_OK : NM_USAGE) ||
		    budget.max_pusd != rows[i].max_pusd)
			fail_msg("%s: %d, %lld", rows[i].why, (int)rc,
			         (long long)budget.max_pusd);
		if (rc)
			assert_non_null(strstr(err.text, "--max-cost: '"));
	}
}

/* Replies that were seen. */
#define NONE { 0, 0, 0 }

static void
none_given(void **state)
{
	struct nm_estimate_cost cost = { NM_COST_KNOWN, 1, 1, INT64_MAX };
	struct nm_estimate_cost unknown = { .kind = NM_COST_UNKNOWN };
	struct nm_budget budget = { .max_pusd = 7, .taken_pusd = 7 };
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_budget_read(&budget, NULL, &err), NM_OK);
	assert_int_equal(budget.max_pusd, 0);
	assert_int_equal(nm_budget_take(&budget, &cost, "m", &err), NM_OK);
	assert_int_equal(nm_budget_take(&budget, &unknown, "m", &err), NM_OK);
	assert_int_equal(budget.taken_pusd, 0);
}

static void
taking(void **state)
{
	static const struct {
		struct nm_budget  before;
		enum nm_cost_kind kind;
		int64_t           high_pusd;
		const char       *refusal; /* NULL = it is taken on */
		const char       *why;
	} rows[] = {
		{ { 10, 0, 0, 0, NONE }, NM_COST_KNOWN, 10, NULL, "all of it" },
		{ { 10, 4, 0, 0, NONE }, NM_COST_KNOWN, 6, NULL, "all that is left" },
		{ { 10, 4, 0, 0, NONE }, NM_COST_KNOWN, 0, NULL, "nothing" },
		{ { 10, 10, 0, 0, NONE }, NM_COST_KNOWN, 0, NULL, "nothing, of nothing" },
		{ { DOLLAR, DOLLAR / 2, 0, 0, NONE }, NM_COST_KNOWN, DOLLAR / 2 + 1,
		  "it could cost $0.500000000001 beside the $0.5000 spent or in"
		  " flight, above --max-cost $1.0000",
		  "one picodollar over: told by all its digits" },
		{ { DOLLAR, 0, 0, 0, NONE }, NM_COST_KNOWN, DOLLAR + 1,
		  "it could cost $1.000000000001, above --max-cost $1.0000",
		  "nothing was spent: nothing is said of it" },
		{ { DOLLAR, INT64_MAX, 0, 0, NONE }, NM_COST_KNOWN, INT64_MAX,
		  "above --max-cost $1.0000", "no sum overflows" },
		{ { 10, 0, 0, 0, NONE }, NM_COST_UNKNOWN, 0, "the price of m is unknown",
		  "what has no price cannot be bounded" },
		{ { 10, 0, 1, 0, NONE }, NM_COST_KNOWN, 1,
		  "the model that replied to m has no price",
		  "what was spent has none" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_budget budget = rows[i].before;
		struct nm_estimate_cost cost = {
			.kind = rows[i].kind, .high_pusd = rows[i].high_pusd,
		};
		struct nm_err err = { 0 };
		enum nm_code rc = nm_budget_take(&budget, &cost, "m", &err);
		int64_t taken = rows[i].before.taken_pusd +
		                (rc ? 0 : rows[i].high_pusd);

		if (rc != (rows[i].refusal ? NM_USAGE : NM_OK) ||
		    budget.taken_pusd != taken)
			fail_msg("%s: %d, %lld", rows[i].why, (int)rc,
			         (long long)budget.taken_pusd);
		if (rows[i].refusal && !strstr(err.text, rows[i].refusal))
			fail_msg("%s: %s", rows[i].why, err.text);
	}
}

static void
settling(void **state)
{
	static const struct {
		struct nm_budget before;
		int64_t          taken_pusd;
		struct nm_cost   spent;
		struct nm_budget after;
		const char      *why;
	} rows[] = {
		{ { 10, 8, 0, 0, NONE }, 8, { NM_COST_KNOWN, 3 }, { 10, 3, 0, 0, NONE },
		  "it cost less than it could" },
		{ { 10, 8, 0, 0, NONE }, 5, { NM_COST_KNOWN, 1 }, { 10, 4, 0, 0, NONE },
		  "another's share stays" },
		{ { 10, 8, 0, 0, NONE }, 8, { NM_COST_NONE, 0 },
		  { 10, 0, 0, 0, NONE },
		  "nothing came" },
		{ { 10, 8, 0, 0, NONE }, 8, { NM_COST_UNKNOWN, 0 },
		  { 10, 0, 1, 0, NONE },
		  "no price: noted, for it is not nothing" },
		{ { 10, 8, 0, 0, NONE }, 0, { NM_COST_KNOWN, INT64_MAX },
		  { 10, INT64_MAX, 0, 0, NONE }, "no overflow" },
		{ { 0, 0, 0, 0, NONE }, 8, { NM_COST_UNKNOWN, 0 },
		  { 0, 0, 0, 0, NONE },
		  "without a ceiling nobody counts" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_budget budget = rows[i].before;

		nm_budget_settle(&budget, rows[i].taken_pusd, rows[i].spent);
		if (budget.taken_pusd != rows[i].after.taken_pusd ||
		    budget.unpriced != rows[i].after.unpriced)
			fail_msg("%s: %lld, %d", rows[i].why,
			         (long long)budget.taken_pusd, budget.unpriced);
	}
}

/* What flies already is counted though it passes the ceiling: then nothing fits. */
static void
holding(void **state)
{
	struct nm_estimate_cost cost = { NM_COST_KNOWN, 1, 1, 1 };
	struct nm_budget budget = { .max_pusd = 10 };
	struct nm_err err;

	(void)state;
	nm_budget_hold(&budget, 12);
	assert_int_equal(budget.taken_pusd, 12);
	assert_int_equal(nm_budget_take(&budget, &cost, "m", &err), NM_USAGE);
	nm_budget_hold(&budget, INT64_MAX);
	assert_int_equal(budget.taken_pusd, INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts),
		cmocka_unit_test(none_given),
		cmocka_unit_test(taking),
		cmocka_unit_test(settling),
		cmocka_unit_test(holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
