/* request_file: whoever walks again gets the requests of the first walk, or is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/request_file.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define A "{\"custom_id\":\"a\"}\n"
#define B "{\"custom_id\":\"b\"}\n"
#define C "{\"custom_id\":\"c\"}\n"

/* In place, as an editor may: the file that is open is this one. */
static void
overwrite(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static enum nm_code
walk_on(struct nm_source *source, struct nm_err *err)
{
	struct nm_source_item item = { 0 };
	enum nm_code rc = NM_OK;

	while (!rc && item.ordinal >= 0)
		rc = nm_source_next(source, &item, err);
	return rc;
}

static void
changed(void **state)
{
	static const struct {
		const char *now, *error, *why;
	} rows[] = {
		{ A B C, NULL, "the same" },
		{ A "\n" B C, NULL, "a blank line is no request" },
		{ A B "{\"custom_id\":\"C\"}\n", ":3: the file has changed",
		  "another id" },
		{ A "{\"custom_id\":\"b\" }\n" C, ":2: the file has changed",
		  "another text" },
		{ B A C, ":1: the file has changed", "another order" },
		{ A B "{", ":3: the file has changed", "no request any more" },
		{ A B, ":2: the file has changed", "one less" },
		{ A B C A, ":4: the file has changed", "one more" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char path[] = "/tmp/nm_requests_XXXXXX";
		struct nm_request_file *file;
		struct nm_source *source;
		struct nm_err err = { 0 };
		enum nm_code rc;

		assert_int_equal(close(mkstemp(path)), 0);
		overwrite(path, A B C);
		assert_int_equal(nm_request_file_open(&file, path, &err),
		                 NM_OK);
		source = nm_request_file_source(file);
		assert_int_equal(walk_on(source, &err), NM_OK);
		overwrite(path, rows[i].now);
		assert_int_equal(nm_source_rewind(source, &err), NM_OK);
		rc = walk_on(source, &err);
		if (rc != (rows[i].error ? NM_INPUT : NM_OK) ||
		    (rows[i].error && !strstr(err.text, rows[i].error)))
			fail_msg("%s: %s", rows[i].why, err.text);
		nm_request_file_close(file);
		unlink(path);
	}
}

/* The line of each of a hundred requests, where a blank one stands after some. */
static void
numbered(void **state)
{
	static const int blank_after[] = { 0, 1, 8, 15, 16, 17, 31, 32, 33, 99 };
	enum { N = 100 };

	(void)state;
	for (size_t i = 0; i < COUNT(blank_after); i++) {
		char path[] = "/tmp/nm_requests_XXXXXX", wanted[24];
		struct nm_request_file *file;
		struct nm_buf text = { 0 }, name = { 0 };
		struct nm_source *source;
		struct nm_err err = { 0 };

		for (int k = 0; k < N; k++)
			nm_buf_addf(&text, "%s{\"custom_id\":\"%d\"}\n",
			            k == blank_after[i] ? "\n" : "", k);
		assert_int_equal(close(mkstemp(path)), 0);
		overwrite(path, nm_buf_string(&text));
		assert_int_equal(nm_request_file_open(&file, path, &err),
		                 NM_OK);
		source = nm_request_file_source(file);
		assert_int_equal(walk_on(source, &err), NM_OK);
		for (int k = 0; k < N; k++) {
			nm_buf_clear(&name);
			source->name(source, k, &name);
			snprintf(wanted, sizeof(wanted), ":%d",
			         k + 1 + (k >= blank_after[i]));
			assert_string_equal(strrchr(nm_buf_string(&name), ':'),
			                    wanted);
		}
		nm_request_file_close(file);
		nm_buf_release(&text);
		nm_buf_release(&name);
		unlink(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed),
		cmocka_unit_test(numbered),
	};

	return cmocka_run_group_tests_name("request_file", tests, NULL, NULL);
}
