/* table: columns aligned, cut on a terminal, whole when piped; sheets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"
#include "cli/terminal.h"

static const struct nm_table_column columns[] = {
	{ "ID", NM_TABLE_LEFT, NM_TABLE_WHOLE },
	{ "DONE", NM_TABLE_RIGHT, NM_TABLE_WHOLE },
	{ "DESCRIPTION", NM_TABLE_LEFT, NM_TABLE_CUT },
};

static const char *const cells[][3] = {
	{ "batch_1", "5/5", "Variant0 - 1-hop-test, the first of several runs" },
	{ "batch_22", "10/1000", "Amélie\t日本語\n\033[2J" },
	{ "batch_3", NULL, "" },
};

static void
draw(int width, struct nm_buf *out)
{
	struct nm_table table;
	size_t i;

	nm_table_open(&table, columns, 3);
	for (i = 0; i < 3; i++)
		nm_table_add(&table, cells[i]);
	nm_table_write(&table, width, out);
	nm_table_release(&table);
}

static void
test_whole(void **state)
{
	struct nm_buf out = {0};

	(void)state;
	draw(0, &out);
	assert_string_equal(nm_buf_string(&out),
		"ID           DONE  DESCRIPTION\n"
		"batch_1       5/5  Variant0 - 1-hop-test, the first of several runs\n"
		"batch_22  10/1000  Amélie 日本語??[2J\n"
		"batch_3\n");
	nm_buf_release(&out);
}

static void
test_cut(void **state)
{
	struct nm_buf out = {0};

	(void)state;
	draw(40, &out);
	assert_string_equal(nm_buf_string(&out),
		"ID           DONE  DESCRIPTION\n"
		"batch_1       5/5  Variant0 - 1-hop-tes…\n"
		"batch_22  10/1000  Amélie 日本語??[2J\n"
		"batch_3\n");
	nm_buf_release(&out);
}

static void
test_headless_and_empty(void **state)
{
	static const struct nm_table_column plain[] = { {0}, {0} };
	static const char *const row[] = { "a", "b" };
	struct nm_buf out = {0};
	struct nm_table table;

	(void)state;
	nm_table_open(&table, plain, 2);
	nm_table_add(&table, row);
	nm_table_write(&table, 0, &out);
	nm_table_release(&table);
	assert_string_equal(nm_buf_string(&out), "a  b\n");

	nm_buf_clear(&out);
	nm_table_open(&table, columns, 3);
	nm_table_write(&table, 0, &out);
	nm_table_release(&table);
	assert_string_equal(nm_buf_string(&out), "");
	nm_buf_release(&out);
}

static void
test_sheet(void **state)
{
	struct nm_sheet sheet = {0};
	struct nm_buf out = {0};

	(void)state;
	nm_sheet_write(&sheet, 80, &out);
	assert_string_equal(nm_buf_string(&out), "");
	nm_sheet_add(&sheet, "Status", "%s", "in_progress");
	nm_sheet_add(&sheet, "Created", "%s", "2026-03-25 12:13:11, 3m 20s ago");
	nm_sheet_add(&sheet, NULL, "%s", "more of it");
	nm_sheet_add(&sheet, "Größe", "%d", 5);
	nm_sheet_write(&sheet, 0, &out);
	assert_string_equal(nm_buf_string(&out),
		"Status   in_progress\n"
		"Created  2026-03-25 12:13:11, 3m 20s ago\n"
		"         more of it\n"
		"Größe    5\n");
	nm_buf_clear(&out);
	nm_sheet_write(&sheet, 20, &out);
	assert_string_equal(nm_buf_string(&out),
		"Status   in_progress\n"
		"Created  2026-03-25…\n"
		"         more of it\n"
		"Größe    5\n");
	nm_sheet_release(&sheet);
	nm_buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_headless_and_empty),
		cmocka_unit_test(test_sheet),
	};

	nm_terminal_locale();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
