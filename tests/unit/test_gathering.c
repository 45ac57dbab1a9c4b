/* gathering: one line a request, as it came, however the files hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/gathering.h"

#define ASKED(id) "{\"custom_id\":\"" id "\"}\n"
#define OK(id, text) \
	"{\"custom_id\":\"" id "\",\"response\":{\"status_code\":200," \
	"\"body\":{\"object\":\"" text "\"}},\"error\":null}"
#define FAILED(id) \
	"{\"custom_id\":\"" id "\",\"response\":{\"status_code\":500," \
	"\"body\":null},\"error\":null}"
#define MISSING(id) \
	"{\"id\":null,\"custom_id\":\"" id "\",\"response\":null,\"error\":{" \
	"\"code\":\"missing\",\"message\":\"The results hold no row of this " \
	"request.\"}}"
#define MARK "\xef\xbb\xbf"

static const struct {
	const char *why;
	const char *files[2]; /* of one attempt */
	const char *saved;
} rows[] = {
	{ "in the order of the requests, what has no row too",
	  { OK("c", "3") "\n" OK("a", "1") "\n" },
	  OK("a", "1") "\n" MISSING("b") "\n" OK("c", "3") "\n" },
	{ "the first success counts, in whichever file",
	  { FAILED("a") "\n" OK("b", "2") "\n" OK("c", "3") "\n",
	    OK("a", "1") "\n" FAILED("b") "\n" OK("c", "z") "\n" },
	  OK("a", "1") "\n" OK("b", "2") "\n" OK("c", "3") "\n" },
	{ "a byte order mark is the file's, and no row's",
	  { MARK OK("b", "2") "\n" OK("c", "3") "\n", MARK OK("a", "1") "\n" },
	  OK("a", "1") "\n" OK("b", "2") "\n" OK("c", "3") "\n" },
	{ "other ends of lines, and a last one without its end",
	  { OK("b", "2") "\r\n" OK("c", "3") "\r\n" OK("a", "1") },
	  OK("a", "1") "\n" OK("b", "2") "\n" OK("c", "3") "\n" },
};

static char folder[] = "/tmp/nm_gathering.XXXXXX";

static const char *
put(const char *name, const char *content)
{
	static char path[64];
	struct nm_err err;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(nm_file_write(path, 0600, nm_text_of(content), &err),
	                 NM_OK);
	return path;
}

static void
gather(struct nm_gathering *gathering, const char *const files[2])
{
	static const char *const names[2] = { "output", "error" };
	struct nm_err err;
	int i;

	nm_gathering_init(gathering);
	assert_int_equal(nm_gathering_add_input(gathering,
		put("input", ASKED("a") ASKED("b") ASKED("c")), &err), NM_OK);
	for (i = 0; i < 2 && files[i]; i++)
		assert_int_equal(nm_gathering_add_results(gathering,
			put(names[i], files[i]), 1, &err), NM_OK);
}

static void
expect_saved(struct nm_gathering *gathering, const char *wanted,
             const char *why)
{
	struct nm_draft draft = { 0 };
	struct nm_buf saved = { 0 };
	struct nm_err err;
	char path[64];

	snprintf(path, sizeof(path), "%s/saved", folder);
	assert_int_equal(nm_draft_open(&draft, path, 0600, &err), NM_OK);
	assert_int_equal(nm_gathering_write(gathering, &draft, &err), NM_OK);
	assert_int_equal(nm_draft_commit(&draft, &err), NM_OK);
	assert_int_equal(nm_file_read(path, &saved, &err), NM_OK);
	if (!nm_text_is(nm_buf_text(&saved), wanted))
		fail_msg("%s: saved %s", why, nm_buf_string(&saved));
	nm_buf_release(&saved);
}

static void
test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_gathering gathering;

		gather(&gathering, rows[i].files);
		expect_saved(&gathering, rows[i].saved, rows[i].why);
		nm_gathering_release(&gathering);
	}
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : 1;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = { "input", "output", "error",
	                                     "saved" };
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
