/* quarry: blocks of whole lines, which together are the file, but for what is too long
 * to be a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/quarry.h"
#include "wire/jsonl.h"

enum { CHUNK = 256 << 10, MOST = 600000, LINES_MAX = 12 };

/* Lengths of lines, without their ends; -1 ends the list. */
static const struct {
	const char *why;
	int         lines[LINES_MAX];
	int         unended; /* the last line has no end */
} rows[] = {
	{ "an empty file", { -1 }, 0 },
	{ "one line", { 5, -1 }, 0 },
	{ "one line without its end", { 5, -1 }, 1 },
	{ "blank lines", { 0, 0, 3, 0, -1 }, 0 },
	{ "a line that ends where a chunk does", { CHUNK - 1, 4, -1 }, 0 },
	{ "a line whose end alone is in the next chunk", { CHUNK, 4, -1 }, 0 },
	{ "lines longer than a chunk", { 10, CHUNK + 9, 20, 2 * CHUNK, 7, -1 },
	  0 },
	{ "just as long as may be", { 9, MOST, 9, -1 }, 0 },
	{ "just as long, and the last, without its end", { 9, MOST, -1 }, 1 },
	{ "one byte too long", { 9, MOST + 1, 9, 10, -1 }, 0 },
	{ "far too long, many lines behind it in the same chunk",
	  { 9, 5 * MOST, 9, 10, 11, 12, -1 }, 0 },
	{ "too long twice", { 2 * MOST, 3 * MOST, 1, -1 }, 0 },
	{ "too long, after lines behind one that was", { 2 * MOST, 7, 8,
	  3 * MOST, 9, -1 }, 0 },
	{ "too long and the last", { 9, 2 * MOST, -1 }, 0 },
	{ "too long, the last, without its end", { 9, 2 * MOST, -1 }, 1 },
};

static void
write_rows(size_t row, const char *path)
{
	struct nm_buf content = { 0 };
	struct nm_err err;

	for (int i = 0; rows[row].lines[i] >= 0; i++) {
		for (int k = 0; k < rows[row].lines[i]; k++)
			nm_buf_add_byte(&content, (char)('a' + (i + k) % 26));
		if (!rows[row].unended || rows[row].lines[i + 1] >= 0)
			nm_buf_add_byte(&content, '\n');
	}
	assert_int_equal(nm_file_write(path, 0600, nm_buf_text(&content), &err),
	                 NM_OK);
	nm_buf_release(&content);
}

/* Looks at the lines of a block; *i is the number of the next. */
static void
check_block(size_t row, const struct nm_buf *block, int *i)
{
	struct nm_jsonl jsonl = { .line_max_bytes = MOST };
	struct nm_line line;

	nm_jsonl_feed(&jsonl, block->at, block->len);
	for (int end = 0; end < 2; end++) {
		while (nm_jsonl_next(&jsonl, &line)) {
			int wanted = rows[row].lines[*i];

			if (line.over != (wanted > MOST) || (!line.over &&
			    line.len != (size_t)wanted))
				fail_msg("%s: line %d", rows[row].why, *i);
			if (line.len && line.at[line.len - 1] != 'a' +
			    (*i + (int)line.len - 1) % 26)
				fail_msg("%s: line %d is another",
				         rows[row].why, *i);
			++*i;
		}
		nm_jsonl_finish(&jsonl);
	}
	nm_jsonl_release(&jsonl);
}

static void
test_rows(void **state)
{
	char path[] = "/tmp/nm_quarry.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++) {
		struct nm_quarry quarry;
		struct nm_buf block = { 0 };
		struct nm_err err;
		int i = 0;

		write_rows(row, path);
		assert_int_equal(nm_quarry_open(&quarry, path, MOST, &err),
		                 NM_OK);
		do {
			nm_buf_clear(&block);
			assert_int_equal(nm_quarry_cut(&quarry, &block, &err),
			                 NM_OK);
			check_block(row, &block, &i);
			assert_true(block.len <= 2 * CHUNK + MOST);
		} while (block.len);
		if (rows[row].lines[i] >= 0)
			fail_msg("%s: %d lines", rows[row].why, i);
		nm_quarry_close(&quarry);
		nm_buf_release(&block);
	}
	unlink(path);
}

static void
test_no_file(void **state)
{
	struct nm_quarry quarry = { 0 };
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_quarry_open(&quarry, "/there/is/none", MOST, &err),
	                 NM_INPUT);
	assert_int_equal(nm_quarry_open(&quarry, "/", MOST, &err), NM_INPUT);
	nm_quarry_close(&quarry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
