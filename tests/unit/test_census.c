/* census: what a shelf's lines come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "server/census.h"
#include "server/shelf.h"

enum { LONG_BYTES = 40 << 20 }; /* a reply may have as much */

#define ANSWER(id, text) "{\"id\":\"batch_req_1\",\"custom_id\":\"" id "\"," \
	"\"response\":{\"status_code\":200,\"body\":{\"x\":\"" text "\",\"usage\"" \
	":{\"prompt_tokens\":5,\"completion_tokens\":7}}},\"error\":null}\n"
#define REFUSAL(id) "{\"id\":\"batch_req_2\",\"custom_id\":\"" id "\"," \
	"\"response\":{\"status_code\":400,\"body\":{}},\"error\":null}\n"
#define TORN "{\"custom_id\":\"torn"
#define NEVER(id) "{\"id\":\"batch_req_3\",\"custom_id\":\"" id "\"," \
	"\"response\":null,\"error\":{\"code\":\"batch_expired\"}}\n"

struct bench {
	char             folder[32];
	struct nm_store *store;
};

static int
set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct nm_err err;

	snprintf(bench->folder, sizeof(bench->folder), "/tmp/nm_census_XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	assert_int_equal(nm_store_open(bench->folder, &bench->store, &err), 0);
	*state = bench;
	return 0;
}

static int
take_down(void **state)
{
	struct bench *bench = *state;
	char command[64];
	int status;

	nm_store_close(bench->store);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	status = system(command);
	free(bench);
	return status;
}

static void
put(const struct bench *bench, enum nm_shelf_side side, struct nm_text lines)
{
	struct nm_buf path = {0};
	FILE *file;

	nm_shelf_path(bench->store, "batch_1", side, &path);
	file = fopen(nm_buf_string(&path), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(lines.at, 1, lines.len, file), lines.len);
	assert_int_equal(fclose(file), 0);
	nm_buf_release(&path);
}

static void
check(const struct bench *bench, const struct nm_batch_books *wanted,
      size_t n_answered)
{
	struct nm_batch_books books = {0};
	struct nm_map answered = {0};
	struct nm_err err;

	assert_int_equal(nm_census_take(bench->store, "batch_1", &answered,
	                                &books, &err), NM_OK);
	assert_int_equal(answered.count, n_answered);
	assert_memory_equal(&books, wanted, sizeof(books));
	nm_map_release(&answered);
}

static void
test_an_empty_shelf(void **state)
{
	check(*state, &(struct nm_batch_books){0}, 0);
}

/* Of an answer that comes twice one counts, of what has no end none. */
static void
test_lines(void **state)
{
	struct nm_text output = NM_TEXT(
		ANSWER("a", "1") ANSWER("b", "2") ANSWER("a", "3") TORN);
	struct nm_text error = NM_TEXT(REFUSAL("c") NEVER("d"));

	put(*state, NM_SHELF_OUTPUT, output);
	put(*state, NM_SHELF_ERROR, error);
	check(*state, &(struct nm_batch_books){ .completed = 2, .failed = 1,
		.input_tokens = 10, .output_tokens = 14, .by_id = 1,
		.output_bytes = (int64_t)(output.len - strlen(TORN)),
		.error_bytes = (int64_t)error.len }, 4);
}

static void
test_a_long_line(void **state)
{
	static const char answer[] = ANSWER("a", "@"), next[] = ANSWER("b", "2");
	const char *at = strchr(answer, '@');
	struct nm_buf lines = {0};

	nm_buf_add(&lines, answer, (size_t)(at - answer));
	memset(nm_buf_room(&lines, LONG_BYTES), 'x', LONG_BYTES);
	nm_buf_took(&lines, LONG_BYTES);
	nm_buf_add_string(&lines, at + 1);
	nm_buf_add_string(&lines, next);
	put(*state, NM_SHELF_OUTPUT, nm_buf_text(&lines));
	check(*state, &(struct nm_batch_books){ .completed = 2,
		.input_tokens = 10, .output_tokens = 14, .by_id = 1,
		.output_bytes = (int64_t)lines.len }, 2);
	nm_buf_release(&lines);
}

#define ON_BENCH(test) \
	cmocka_unit_test_setup_teardown(test, set_up, take_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(test_an_empty_shelf),
		ON_BENCH(test_lines),
		ON_BENCH(test_a_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
