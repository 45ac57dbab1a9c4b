/* slab: a long line is told, and what reading it took is not kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eval/request.h"
#include "run/slab.h"

static int64_t
find(const struct nm_source *source, struct nm_text custom_id)
{
	uint64_t id;

	(void)source;
	return nm_custom_id_read(custom_id, &id) == NM_CUSTOM_ID_OURS
	       ? (int64_t)id : -1;
}

static const struct nm_source source = { .find = find };

/* A line whose reply is so long, and is no answer: all of it is kept. */
static void
add_line(struct nm_buf *lines, int id, size_t len)
{
	nm_buf_addf(lines, "{\"custom_id\":\"request-%d\",\"error\":null,"
	            "\"response\":{\"status_code\":200,\"body\":{\"choices\":["
	            "{\"message\":{\"content\":\"", id);
	memset(nm_buf_room(lines, len), 'x', len);
	nm_buf_took(lines, len);
	nm_buf_add_string(lines, "\"}}]}}}\n");
}

static void
heavy(void **state)
{
	static const struct {
		size_t lens[3];
		bool   heavy;
		const char *why;
	} rows[] = {
		{ { 10, 10, 10 }, false, "short ones" },
		{ { 10, 300000, 200000 }, false, "some hundred kB" },
		{ { 10, 4000000, 10 }, true, "a long one" },
		{ { 10, 20, 30 }, false, "short ones again" },
	};
	struct nm_slab slab = { .source = &source };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int k = 0; k < 3; k++)
			add_line(&slab.lines, k, rows[i].lens[k]);
		if (nm_slab_is_heavy(&slab) != rows[i].heavy)
			fail_msg("%s", rows[i].why);
		nm_slab_read(&slab);
		assert_int_equal(slab.n_rows, 3);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(slab.rows[k].ordinal, k);
			assert_true(slab.rows[k].len > rows[i].lens[k]);
		}
		nm_slab_clear(&slab);
		assert_int_equal(slab.n_rows, 0);
		assert_true(slab.lines.cap + slab.packed.cap <= 2 << 20);
	}
	nm_slab_release(&slab);
	nm_slab_release(&slab);
}

#define ROW(reply) \
	"{\"custom_id\":\"request-0\",\"response\":" reply ",\"error\":null}\n"
#define GAVE_UP(error) \
	ROW("{\"status_code\":200,\"body\":{\"status\":\"failed\"," \
	    "\"error\":" error "}}")

static void
what_may_pass(void **state)
{
	static const struct {
		const char *line;
		bool        may_pass;
		const char *why;
	} rows[] = {
		{ ROW("{\"status_code\":500,\"body\":{}}"), true, "a 5xx" },
		{ ROW("{\"status_code\":400,\"body\":{}}"), false, "a 400" },
		{ ROW("{\"status_code\":0,\"body\":{}}"), true, "status 0" },
		{ GAVE_UP("{\"code\":\"server_error\",\"message\":\"m\"}"), true,
		  "a response that the service gave up" },
		{ GAVE_UP("{\"code\":\"rate_limit_exceeded\"}"), true,
		  "or had no room for" },
		{ GAVE_UP("{\"type\":\"server_error\",\"code\":null}"), true,
		  "its type tells, too" },
		{ GAVE_UP("{\"code\":\"invalid_prompt\"}"), false,
		  "one that it will give up again" },
	};
	struct nm_slab slab = { .source = &source };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		nm_buf_add_string(&slab.lines, rows[i].line);
		nm_slab_read(&slab);
		assert_int_equal(slab.n_rows, 1);
		if (slab.rows[0].class != NM_CLASS_HTTP_ERROR ||
		    slab.rows[0].may_pass != rows[i].may_pass)
			fail_msg("%s", rows[i].why);
		nm_slab_clear(&slab);
	}
	nm_slab_release(&slab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heavy),
		cmocka_unit_test(what_may_pass),
	};

	return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
