/* ledger: every row in one class, failures by reason; in parts or in one, the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "run/ledger.h"

#define T(literal) { literal, sizeof(literal) - 1 }

static const struct nm_row rows[] = {
	{ .class = NM_CLASS_ANSWERED, .status_code = 200 },
	{ .class = NM_CLASS_HTTP_ERROR, .status_code = 400,
	  .error_code = T("invalid_value"), .error_message = T("first\nof them") },
	{ .class = NM_CLASS_EXPIRED, .error_code = T("batch_expired") },
	{ .class = NM_CLASS_HTTP_ERROR, .status_code = 400,
	  .error_code = T("invalid_value"), .error_message = T("second") },
	{ .class = NM_CLASS_HTTP_ERROR, .status_code = 500 },
	{ .class = NM_CLASS_ANSWERED, .status_code = 200 },
	{ .class = NM_CLASS_MISSING },
	{ .class = NM_CLASS_HTTP_ERROR, .status_code = 400,
	  .error_code = T("invalid_value"), .error_message = T("third") },
	{ .class = NM_CLASS_HTTP_ERROR, .status_code = 500 },
};
enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static void
add(struct nm_ledger *ledger, int from, int to)
{
	for (int i = from; i < to; i++)
		nm_ledger_add(ledger, &rows[i]);
}

static void
expect_all(struct nm_ledger *ledger)
{
	uint64_t sum = 0;

	nm_ledger_sort(ledger);
	for (int i = 0; i < NM_N_CLASSES; i++)
		sum += ledger->by_class[i];
	assert_int_equal(ledger->asked, N_ROWS);
	assert_int_equal(sum, N_ROWS);
	assert_int_equal(ledger->by_class[NM_CLASS_ANSWERED], 2);
	assert_int_equal(nm_ledger_instrument_failures(ledger), 7);
	assert_int_equal(ledger->n_reasons, 4);
	assert_int_equal(ledger->reasons[0].count, 3);
	assert_true(nm_text_is(ledger->reasons[0].code, "invalid_value"));
	assert_string_equal(ledger->reasons[0].example, "first of them");
	assert_int_equal(ledger->reasons[1].status, 500);
	assert_int_equal(ledger->reasons[1].count, 2);
	assert_int_equal(ledger->reasons[2].class, NM_CLASS_EXPIRED);
	assert_int_equal(ledger->reasons[3].class, NM_CLASS_MISSING);
}

static void
counts(void **state)
{
	struct nm_ledger ledger = { 0 };

	(void)state;
	add(&ledger, 0, N_ROWS);
	expect_all(&ledger);
	nm_ledger_release(&ledger);
}

static void
parts_join(void **state)
{
	(void)state;
	for (int cut = 0; cut <= N_ROWS; cut++) {
		struct nm_ledger ledger = { 0 }, second = { 0 };

		add(&ledger, 0, cut);
		add(&second, cut, N_ROWS);
		nm_ledger_join(&ledger, &second);
		nm_ledger_release(&second);
		expect_all(&ledger);
		nm_ledger_release(&ledger);
	}
}

static void
add_other(struct nm_ledger *ledger, int number)
{
	char code[16];
	struct nm_row row = { .class = NM_CLASS_HTTP_ERROR };

	row.error_code = (struct nm_text){ code,
		(size_t)snprintf(code, sizeof(code), "code %d", number) };
	nm_ledger_add(ledger, &row);
}

/* More reasons than are told apart: none of their rows is lost. */
static void
many_reasons(void **state)
{
	struct nm_ledger ledger = { 0 }, second = { 0 };
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		add_other(&ledger, i);
		add_other(&second, 100 + i);
		add_other(&second, 200 + i);
	}
	nm_ledger_join(&ledger, &second);
	/* What cannot be named is told as that, and not by another's name. */
	assert_int_equal(ledger.n_reasons, NM_LEDGER_REASONS_MAX + 1);
	nm_ledger_sort(&ledger);
	assert_int_equal(ledger.reasons[0].class, NM_CLASS_HTTP_ERROR);
	assert_int_equal(ledger.reasons[0].code.len, 0);
	assert_true(ledger.reasons[1].count <= 2);
	for (size_t i = 0; i < ledger.n_reasons; i++)
		sum += ledger.reasons[i].count;
	assert_int_equal(sum, 600);
	assert_int_equal(ledger.asked, 600);
	nm_ledger_release(&ledger);
	nm_ledger_release(&second);
}

/* Codes and messages come from outside, and may hold any character. */
static void
a_code_with_a_nul(void **state)
{
	static const struct nm_row odd[] = {
		{ .class = NM_CLASS_HTTP_ERROR, .status_code = 400,
		  .error_code = T("a\0b"), .error_message = T("one\0two") },
		{ .class = NM_CLASS_HTTP_ERROR, .status_code = 400,
		  .error_code = T("a") },
		{ .class = NM_CLASS_HTTP_ERROR, .status_code = 400,
		  .error_code = T("a\0b") },
	};
	struct nm_ledger ledger = { 0 }, second = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		nm_ledger_add(&ledger, &odd[i]);
		nm_ledger_add(&second, &odd[i]);
	}
	nm_ledger_join(&ledger, &second);
	nm_ledger_sort(&ledger);
	assert_int_equal(ledger.n_reasons, 2);
	assert_int_equal(ledger.reasons[0].count, 4);
	assert_int_equal(ledger.reasons[0].code.len, 3);
	assert_memory_equal(ledger.reasons[0].code.at, "a\0b", 3);
	assert_string_equal(ledger.reasons[0].example, "one two");
	assert_int_equal(ledger.reasons[1].count, 2);
	nm_ledger_release(&ledger);
	nm_ledger_release(&second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(parts_join),
		cmocka_unit_test(many_reasons),
		cmocka_unit_test(a_code_with_a_nul),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
