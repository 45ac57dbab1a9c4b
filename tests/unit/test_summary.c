/* summary: what a person reads, and estimates: sums, unknown prices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "report/estimate.h"
#include "report/summary.h"
#include "small_run.h"

struct fixture {
	struct nm_scorer  scorer;
	struct nm_tally   tally;
	struct nm_metrics metrics;
	struct nm_summary summary;
	struct nm_buf     text;
};

static void
prepare_rows(struct fixture *f, const struct asked *rows, size_t n)
{
	struct nm_question q;
	struct nm_score score;
	struct nm_cost cost;
	struct nm_row row;
	size_t i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < n; i++)
		small_score(&rows[i], i, &f->scorer, &f->tally, &q, &row,
		            &score, &cost);
	f->summary.head = small_head(&f->tally, &f->metrics);
	f->summary.known_path = "results/known.json";
	f->summary.run_path = "results/runs/run.json";
}

static void
prepare(struct fixture *f, size_t n)
{
	prepare_rows(f, asked, n);
}

static void
finish(struct fixture *f)
{
	nm_tally_release(&f->tally);
	nm_scorer_release(&f->scorer);
	nm_buf_release(&f->text);
}

static void
has(const struct fixture *f, const char *part)
{
	if (!strstr(nm_buf_string(&f->text), part))
		fail_msg("no \"%s\" in:\n%s", part, nm_buf_string(&f->text));
}

static void
test_text(void **state)
{
	struct nm_buf expected = {0};
	struct fixture f;
	struct nm_err err;

	(void)state;
	prepare(&f, N_ASKED);
	nm_summary_write(&f.summary, &f.text);
	assert_int_equal(nm_file_read("tests/data/report/summary.txt",
	                              &expected, &err), NM_OK);
	if (!nm_text_equal(nm_buf_text(&f.text), nm_buf_text(&expected))) {
		assert_int_equal(nm_file_write("/tmp/nm-summary-got.txt", 0644,
			nm_buf_text(&f.text), &err), NM_OK);
		fail_msg("differs: diff tests/data/report/summary.txt "
		         "/tmp/nm-summary-got.txt");
	}
	nm_buf_release(&expected);
	finish(&f);
}

static void
test_simulated_is_loud(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, N_ASKED);
	nm_summary_write(&f.summary, &f.text);
	has(&f, "SIMULATED MODEL: these scores say nothing");
	has(&f, "Note: sample questions, not MetaQA");
	nm_buf_clear(&f.text);
	nm_summary_write_all(&f.summary, 1, &f.text);
	has(&f, "SIMULATED");
	nm_buf_clear(&f.text);
	nm_summary_write_json(&f.summary, 1, 0, &f.text);
	has(&f, "\"simulated\": true");

	f.summary.head.run.truth = NM_HEAD_REAL;
	nm_buf_clear(&f.text);
	nm_summary_write(&f.summary, &f.text);
	nm_summary_write_all(&f.summary, 1, &f.text);
	assert_null(strstr(nm_buf_string(&f.text), "SIMULATED"));
	finish(&f);
}

static void
test_costs(void **state)
{
	struct fixture f;

	(void)state;
	prepare(&f, 2);
	nm_summary_write(&f.summary, &f.text);
	has(&f, "$0.0001    $0.000068 a question\n");
	finish(&f);

	/* One row without a price makes the sum unknown, never smaller. */
	prepare(&f, 3);
	nm_summary_write(&f.summary, &f.text);
	has(&f, "unknown: no price for simulated-2\n");
	nm_summary_write_all(&f.summary, 1, &f.text);
	nm_buf_clear(&f.text);
	nm_summary_write_json(&f.summary, 1, 0, &f.text);
	has(&f, "\"total_cost_usd\": null");
	finish(&f);

	prepare(&f, 0);
	nm_summary_write(&f.summary, &f.text);
	has(&f, "Ledger: 0 asked\n");
	finish(&f);
}

#define OF(class_) { .text = "q", .gold = { T("gold") }, .n_gold = 1, \
	.row = { .class = NM_CLASS_ ## class_, .status_code = 200 }, \
	.cost_pusd = -1 }

/* What a reply cost that tells no usage is not known, whatever it is worth. */
static void
test_costs_untold(void **state)
{
	static const struct {
		struct asked row;
		int          known;
	} rows[] = {
		{ OF(ANSWERED), 0 }, { OF(REFUSED), 0 }, { OF(TRUNCATED), 0 },
		{ OF(UNPARSEABLE), 0 }, { OF(HTTP_ERROR), 1 }, { OF(EXPIRED), 1 },
		{ OF(CANCELLED), 1 }, { OF(MISSING), 1 },
	};
	struct asked two[2];
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		two[0] = rows[i].row;
		two[1] = rows[4].row;
		prepare_rows(&f, two, 2);
		nm_summary_write(&f.summary, &f.text);
		has(&f, rows[i].known ? "$0.0000    $0.000000 a question\n"
		                      : "unknown: no reply tells a whole usage\n");
		nm_summary_write_all(&f.summary, 1, &f.text);
		has(&f, rows[i].known ? " 0.0000  SIM" : " unknown  SIM");
		nm_summary_write_json(&f.summary, 1, 0, &f.text);
		has(&f, rows[i].known ? "\"total_cost_usd\": 0.0"
		                      : "\"total_cost_usd\": null");
		finish(&f);
		/* Beside one that told. */
		two[1] = asked[0];
		prepare_rows(&f, two, 2);
		nm_summary_write(&f.summary, &f.text);
		has(&f, rows[i].known ? "$0.0001    $0.000038 a question\nTokens"
		    : "a question\n  beside these                  unknown: 1 reply"
		      " tells no whole usage\nTokens");
		finish(&f);
	}
}

static void
test_table(void **state)
{
	struct nm_summary two[2];
	struct fixture a, b;

	(void)state;
	prepare(&a, 2);
	prepare(&b, 4);
	two[0] = a.summary;
	two[1] = b.summary;
	two[1].head.dataset = "a-much-longer-name";
	two[1].head.run.truth = NM_HEAD_REAL;
	nm_summary_write_all(two, 2, &a.text);
	assert_string_equal(nm_buf_string(&a.text),
		"Dataset              Asked Accuracy Precision Recall     F1 "
		"Hits@1  Cost USD  Status\n"
		"1-hop-test               2    50.00     40.00  66.67  50.00  "
		"50.00    0.0001  SIMULATED\n"
		"a-much-longer-name       4    25.00     40.00  40.00  40.00  "
		"25.00   unknown  partial\n");
	nm_buf_clear(&a.text);
	nm_summary_write_json(two, 2, 0, &a.text);
	has(&a, "{\n  \"status\": \"partial\",\n  \"datasets\": [\n    {\n"
	    "      \"variant_name\": \"variant0_llm_baseline\",");
	finish(&a);
	finish(&b);
}

static void
test_reasons(void **state)
{
	static const struct nm_head_reason some[] = {
		{ NM_CLASS_HTTP_ERROR, 400, { "invalid_value", 13 }, 37,
		  "no such thing" },
		{ NM_CLASS_EXPIRED, 0, { "batch_expired", 13 }, 2, NULL },
		{ NM_CLASS_MISSING, 0, { 0 }, 1, NULL },
	};
	static const struct nm_head_reason hostile[] = {
		{ NM_CLASS_HTTP_ERROR, 500, { "a\r\0b", 4 }, 1, "\033[2Jone\ntwo" },
		{ NM_CLASS_HTTP_ERROR, 502, { 0 }, 1, "\xC2\x9B" "2Jtwo" },
		{ NM_CLASS_HTTP_ERROR, 503, { 0 }, 1,
		  "\xE2\x80\xAE" "a\xE2\x81\xA6" "b\xE2\x80\xA8" "c\xE2\x80\x93" },
	};
	struct fixture f;

	(void)state;
	prepare(&f, 4);
	f.summary.head.ledger.reasons = some;
	f.summary.head.ledger.n_reasons = 3;
	f.summary.head.ledger.malformed = 2;
	nm_summary_write(&f.summary, &f.text);
	has(&f, "  37 × 400 invalid_value: no such thing\n"
	        "  2 × expired batch_expired\n  1 × missing\n");
	has(&f, "0 unknown, 1 duplicate, 2 malformed");
	nm_buf_clear(&f.text);
	f.summary.head.ledger.reasons = hostile;
	f.summary.head.ledger.n_reasons = 3;
	nm_summary_write(&f.summary, &f.text);
	has(&f, "  1 × 500 a??b: ?[2Jone…\n  1 × 502: ??2Jtwo\n"
	        "  1 × 503: ???a???b???c–\n");
	/* Nor a dataset's name in the table of all. */
	nm_buf_clear(&f.text);
	f.summary.head.dataset = "a\033[2Jb";
	nm_summary_write_all(&f.summary, 1, &f.text);
	has(&f, "\na?[2Jb ");
	finish(&f);
}

static void
test_estimate(void **state)
{
	struct nm_estimate two[2] = {
		{ .dataset = "1-hop-test", .model = "m", .questions = 1000,
		  .shards = 1, .bytes = 500000,
		  .input = { 80000, 100000, 150000 },
		  .output = { 10000, 50000, 1000000 },
		  .prices = &prices, .price = &price },
	};
	struct nm_estimate_cost cost;
	struct nm_price dear;
	struct nm_buf out = {0};

	(void)state;
	two[1] = two[0];
	two[1].dataset = "2-hop-test";
	cost = nm_estimate_cost(&two[0], NM_PRICE_STANDARD);
	assert_int_equal(cost.expected_pusd, 125000000000);
	cost = nm_estimate_cost(&two[0], NM_PRICE_BATCH);
	assert_int_equal(cost.expected_pusd, 62500000000);
	/* The highest has all of the input written to the cache. */
	dear = price;
	dear.plain[NM_PRICE_BATCH].cache_write_pusd =
		2 * price.plain[NM_PRICE_BATCH].input_pusd;
	two[1].price = &dear;
	assert_int_equal(nm_estimate_cost(&two[1], NM_PRICE_BATCH).high_pusd -
	                 cost.high_pusd,
	                 150000 * price.plain[NM_PRICE_BATCH].input_pusd);
	two[1].price = &price;
	nm_estimate_write(two, 2, &out);
	assert_string_equal(nm_buf_string(&out),
		"1-hop-test, m\n"
		"  questions     1000\n"
		"  batches       1, 500000 bytes\n"
		"  tokens in     100000 (80000 to 150000), an estimate\n"
		"  tokens out    50000 (10000 to 1000000), an estimate\n"
		"                direct                      batch\n"
		"  cost          $0.12 ($0.04 to $2.04)      $0.06 ($0.02 to $1.02)\n"
		"  prices of 2026-10-06: data/prices.json\n"
		"\n"
		"2-hop-test, m\n"
		"  questions     1000\n"
		"  batches       1, 500000 bytes\n"
		"  tokens in     100000 (80000 to 150000), an estimate\n"
		"  tokens out    50000 (10000 to 1000000), an estimate\n"
		"                direct                      batch\n"
		"  cost          $0.12 ($0.04 to $2.04)      $0.06 ($0.02 to $1.02)\n"
		"  prices of 2026-10-06: data/prices.json\n"
		"\n"
		"all together\n"
		"                direct                      batch\n"
		"  cost          $0.25 ($0.08 to $4.08)      $0.12 ($0.04 to $2.04)\n"
		"\n"
		"Nothing was sent. Tokens are guesses: those in by bytes, those out "
		"with hidden reasoning\namong them. What a run costs is told from "
		"its replies.\n");

	/* An unknown price makes the sum unknown. */
	nm_buf_clear(&out);
	two[1].price = NULL;
	nm_estimate_write_json(two, 2, &out);
	assert_non_null(strstr(nm_buf_string(&out),
		"\"total\": {\n    \"direct_cost_usd_estimate\": null,\n"
		"    \"batch_cost_usd_estimate\": null\n"));
	nm_buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_simulated_is_loud),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_costs_untold),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
