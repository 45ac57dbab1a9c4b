/* failure: rows grouped by reason; no text of a row is cut but at its ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/failure.h"

#define TEXT(literal) ((struct nm_text){ literal, sizeof(literal) - 1 })

static void
add(struct nm_failures *failures, int status, struct nm_text code,
    struct nm_text message, struct nm_text id)
{
	struct nm_row row = {
		.kind = NM_ROW_READ, .class = NM_CLASS_HTTP_ERROR,
		.status_code = status, .error_code = code,
		.error_message = message, .custom_id = id,
	};

	nm_failures_add(failures, &row);
}

static void
expect_ids(const struct nm_failure *failure, const struct nm_text *ids,
           size_t n)
{
	struct nm_text id;
	size_t at = 0, i;

	assert_int_equal(failure->count, n);
	for (i = 0; i < n; i++) {
		assert_true(nm_failure_next_id(failure, &at, &id));
		assert_true(nm_text_equal(id, ids[i]));
	}
	assert_false(nm_failure_next_id(failure, &at, &id));
}

static void
any_character(void **state)
{
	static const struct nm_text ids[] = {
		{ "a\0b", 3 }, { "", 0 }, { "\0", 1 },
	};
	struct nm_failures failures = { 0 };

	(void)state;
	add(&failures, 400, TEXT("x\0z"), TEXT("be\0cause"), TEXT("other"));
	for (size_t i = 0; i < 3; i++)
		add(&failures, 400, TEXT("x\0y"), TEXT("be\0cause"), ids[i]);
	nm_failures_sort(&failures);
	assert_int_equal(failures.n, 2);
	assert_int_equal(failures.rows, 4);
	expect_ids(&failures.list[0], ids, 3);
	assert_true(nm_text_equal(failures.list[0].code, TEXT("x\0y")));
	assert_true(nm_text_equal(failures.list[0].message,
	                          TEXT("be\0cause")));
	nm_failures_release(&failures);
}

/* A message of more than a thousand bytes ends at a character. */
static void
long_message(void **state)
{
	struct nm_failures failures = { 0 };
	char message[1200];

	(void)state;
	memset(message, 'x', sizeof(message));
	message[999] = '\xc3';
	message[1000] = '\xa9';
	add(&failures, 500, TEXT("e"),
	    (struct nm_text){ message, sizeof(message) }, TEXT("a"));
	assert_int_equal(failures.list[0].message.len, 999);
	nm_failures_release(&failures);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_character),
		cmocka_unit_test(long_message),
	};

	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
