/* batch_id: what could lead to another place than a batch's is refused at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "task/batch_id.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
checking(void **state)
{
	static const struct {
		const char *id, *error; /* NULL = it is one */
		const char *why;
	} rows[] = {
		{ "batch_abc123", NULL, "as the service makes them" },
		{ "b", NULL, "the shortest" },
		{ "a.b:c=d+e~!", NULL, "as others make them" },
		{ "...", NULL, "no part of a path with a meaning of its own" },
		{ "", "'' is no batch id", "empty" },
		{ ".", "'.' is no batch id", "this folder" },
		{ "..", "'..' is no batch id", "the one above" },
		{ "a/b", "'a/b' is no batch id", "two parts" },
		{ "/", "'/' is no batch id", "none" },
		{ "a?b", "'a?b' is no batch id", "a query behind it" },
		{ "a#b", "'a#b' is no batch id", "a fragment" },
		{ "a%2fb", "'a%2fb' is no batch id", "an escape" },
		{ "a b", "'a b' is no batch id", "a blank" },
		{ " a", "' a' is no batch id", "one before it" },
		{ "a\n", "is no batch id", "a line's end" },
		{ "a\x7f", "is no batch id", "a control" },
		{ "b\xc3\xa4", "is no batch id", "a letter of no id" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_err err = { 0 };
		enum nm_code rc = nm_batch_id_check(rows[i].id, "--status",
		                                    &err);

		if (rc != (rows[i].error ? NM_USAGE : NM_OK) ||
		    (rc && (!strstr(err.text, rows[i].error) ||
		            strncmp(err.text, "--status: ", 10) != 0 ||
		            !strstr(err.text, "batch_manager --list"))))
			fail_msg("%s: %d, \"%s\"", rows[i].why, (int)rc,
			         err.text);
	}
}

static void
long_ones(void **state)
{
	char id[NM_BATCH_ID_MAX_BYTES + 2] = { 0 };
	struct nm_err err = { 0 };

	(void)state;
	memset(id, 'b', NM_BATCH_ID_MAX_BYTES);
	assert_int_equal(nm_batch_id_check(id, "--wait", &err), NM_OK);
	id[NM_BATCH_ID_MAX_BYTES] = 'b';
	assert_int_equal(nm_batch_id_check(id, "--wait", &err), NM_USAGE);
	assert_string_equal(err.text, "--wait: a batch id has at most 256"
	                    " characters, this one 257: ids are shown by"
	                    " batch_manager --list");
	/* What is no id at any length is told as that, and not whole. */
	id[0] = '/';
	assert_int_equal(nm_batch_id_check(id, "--wait", &err), NM_USAGE);
	assert_non_null(strstr(err.text, "bbb' is no batch id"));
	assert_non_null(strstr(err.text, "batch_manager --list"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checking),
		cmocka_unit_test(long_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
