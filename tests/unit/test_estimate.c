/* estimate: no cost is told lower than it could be, however large it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "report/estimate.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DOLLAR INT64_C(1000000000000)
#define MILLION INT64_C(1000000)

/* Ten dollars a million tokens out, directly; half by batch. */
static const struct nm_price plain = {
	.model = "m", .long_over_tokens = INT64_MAX,
	.plain = { { MILLION, 0, -1, 10 * MILLION },
	           { MILLION / 2, 0, -1, 5 * MILLION } },
};
static const struct nm_price batch_alone = {
	.model = "b", .long_over_tokens = INT64_MAX,
	.plain = { { -1, -1, -1, -1 }, { 1, 1, 1, 1 } },
};
static const struct nm_price dearest = {
	.model = "d", .long_over_tokens = INT64_MAX,
	.plain = { { INT64_MAX, 1, 1, INT64_MAX },
	           { INT64_MAX, 1, 1, INT64_MAX } },
};

static void
costs(void **state)
{
	static const struct {
		const struct nm_price *price;
		enum nm_price_column   column;
		int64_t                input, output; /* tokens, at most */
		enum nm_cost_kind      kind;
		int64_t                high_pusd;
		const char            *why;
	} rows[] = {
		{ &plain, NM_PRICE_STANDARD, 3, 2, NM_COST_KNOWN,
		  23 * MILLION, "some tokens" },
		{ &plain, NM_PRICE_BATCH, 3, 2, NM_COST_KNOWN,
		  23 * MILLION / 2, "by batch" },
		{ &plain, NM_PRICE_BATCH, 0, 0, NM_COST_KNOWN, 0, "none" },
		{ &plain, NM_PRICE_BATCH, 0, 6000 * MILLION, NM_COST_KNOWN,
		  30000 * DOLLAR, "a large dataset's" },
		{ &plain, NM_PRICE_STANDARD, 0, 100000 * MILLION, NM_COST_KNOWN,
		  MILLION * DOLLAR, "the highest that may be allowed" },
		{ NULL, NM_PRICE_BATCH, 1, 1, NM_COST_UNKNOWN, 0, "no price" },
		{ &batch_alone, NM_PRICE_STANDARD, 1, 1, NM_COST_UNKNOWN, 0,
		  "none of that column" },
		{ &batch_alone, NM_PRICE_BATCH, 1, 1, NM_COST_KNOWN, 2,
		  "one of the other" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_estimate estimate = {
			.input.high_tokens = rows[i].input,
			.output.high_tokens = rows[i].output,
			.price = rows[i].price,
		};
		struct nm_estimate_cost cost = nm_estimate_cost(&estimate,
			rows[i].column);

		if (cost.kind != rows[i].kind ||
		    cost.high_pusd != rows[i].high_pusd)
			fail_msg("%s: %d, %lld", rows[i].why, (int)cost.kind,
			         (long long)cost.high_pusd);
	}
}

/* Each guess by what it takes for long, and a batch's canary by its own price. */
static void
long_contexts(void **state)
{
	static const struct nm_price price = {
		.model = "l", .long_over_tokens = 9,
		.plain = { { 10, 0, 12, 100 }, { 5, 0, 6, 50 } },
		.long_context = { { 20, 0, 24, 150 }, { -1, -1, -1, -1 } },
	};
	struct nm_estimate estimate = {
		.input = { 10, 20, 30 }, .output = { 1, 2, 3 },
		.long_input = { 0, 10, 30 }, .long_output = { 0, 1, 3 },
		.price = &price,
	};
	struct nm_estimate_cost cost = nm_estimate_cost(&estimate,
	                                                NM_PRICE_STANDARD);

	(void)state;
	assert_int_equal(cost.kind, NM_COST_KNOWN);
	assert_int_equal(cost.low_pusd, 10 * 10 + 100);
	assert_int_equal(cost.expected_pusd, 10 * 10 + 100 + 10 * 20 + 150);
	assert_int_equal(cost.high_pusd, 30 * 24 + 3 * 150);
	/* No such price is printed of that column. */
	cost = nm_estimate_cost(&estimate, NM_PRICE_BATCH);
	assert_int_equal(cost.kind, NM_COST_UNKNOWN);
	estimate.long_input = estimate.long_output = (struct nm_guess){ 0 };
	cost = nm_estimate_cost(&estimate, NM_PRICE_BATCH);
	assert_int_equal(cost.kind, NM_COST_KNOWN);
	assert_int_equal(cost.high_pusd, 30 * 6 + 3 * 50);
}

static void
canary(void **state)
{
	struct nm_estimate estimate = {
		.dataset = "d", .model = "m", .questions = 3, .canary = 1,
		.price = &plain,
		.mixed = { NM_COST_KNOWN, DOLLAR, 2 * DOLLAR, 3 * DOLLAR },
	};
	struct nm_buf out = { 0 };

	(void)state;
	nm_estimate_write(&estimate, 1, &out);
	assert_non_null(strstr(nm_buf_string(&out),
	                       "canary        1, directly ahead of the batch"));
	assert_non_null(strstr(nm_buf_string(&out),
	                       "$2.00 ($1.00 to $3.00)\n"));
	nm_buf_clear(&out);
	nm_estimate_write_json(&estimate, 1, &out);
	assert_non_null(strstr(nm_buf_string(&out), "\"canary\": 1"));
	assert_non_null(strstr(nm_buf_string(&out), "\"expected\": 2.0"));
	nm_buf_clear(&out);
	estimate.canary = 0;
	nm_estimate_write(&estimate, 1, &out);
	assert_null(strstr(nm_buf_string(&out), "canary"));
	assert_null(strstr(nm_buf_string(&out), "$2.00"));
	nm_buf_release(&out);
}

/* A file's name and a model's come from outside. */
static void
disarmed(void **state)
{
	struct nm_estimate estimate = { .dataset = "a\033[31mb", .model = "m\r" };
	struct nm_buf out = { 0 };

	(void)state;
	nm_estimate_write(&estimate, 1, &out);
	assert_int_equal(strncmp(nm_buf_string(&out), "a?[31mb, m?\n", 12), 0);
	assert_non_null(strstr(nm_buf_string(&out), "no price for m?\n"));
	nm_buf_release(&out);
}

/* It stops above all that may be allowed, and several may be added up. */
static void
highest(void **state)
{
	static const struct nm_guess most = { INT64_MAX, INT64_MAX, INT64_MAX };
	struct nm_estimate two[2] = {
		{ .dataset = "a", .model = "d", .input = most, .output = most,
		  .price = &dearest },
	};
	struct nm_estimate_cost cost = nm_estimate_cost(&two[0],
	                                                NM_PRICE_BATCH);
	struct nm_buf out = { 0 };

	(void)state;
	assert_int_equal(cost.kind, NM_COST_KNOWN);
	assert_true(cost.low_pusd > MILLION * DOLLAR);
	assert_true(cost.high_pusd > MILLION * DOLLAR);
	assert_true(cost.high_pusd <= INT64_MAX / 2);
	two[1] = two[0];
	nm_estimate_write(two, 2, &out);
	nm_estimate_write_json(two, 2, &out);
	assert_null(strstr(nm_buf_string(&out), "-"));
	nm_buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs),
		cmocka_unit_test(long_contexts),
		cmocka_unit_test(canary),
		cmocka_unit_test(disarmed),
		cmocka_unit_test(highest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
