/* path: names taken apart and put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"

static void
joins(void **state)
{
	static const struct {
		const char *folder, *name, *path;
	} rows[] = {
		{ "a", "b/c", "a/b/c" }, { "a/", "b", "a/b" },
		{ "/", "b", "/b" }, { "a", "/b", "/b" }, { "", "b", "b" },
		{ NULL, "b", "b" }, { "a", "", "a/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf path = { 0 };

		nm_path_join(&path, rows[i].folder, rows[i].name);
		assert_string_equal(nm_buf_string(&path), rows[i].path);
		nm_buf_release(&path);
	}
}

static void
parts(void **state)
{
	static const struct {
		const char *path, *base, *stem;
	} rows[] = {
		{ "x/y.tar.gz", "y.tar.gz", "y.tar" },
		{ "qa_test.txt", "qa_test.txt", "qa_test" },
		{ "x.d/none", "none", "none" },
		{ ".hidden", ".hidden", ".hidden" },
		{ "a/.hidden.txt", ".hidden.txt", ".hidden" },
		{ "end.", "end.", "end" }, { "a/", "", "" }, { "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(nm_path_base(rows[i].path), rows[i].base);
		assert_true(nm_text_is(nm_path_stem(rows[i].path),
		                       rows[i].stem));
	}
}

static void
safe_parts(void **state)
{
	static const struct {
		const char *text, *safe, *why;
	} rows[] = {
		{ "gpt-4.1_mini", "gpt-4.1_mini", "as it is" },
		{ "a/b c", "a_b_c", "no folder, no space" },
		{ "../x", "_._x", "no way up" },
		{ ".", "_", "not the folder itself" },
		{ "..", "_.", "nor the one above" },
		{ "\xc3\xa9", "__", "a byte each" },
		{ "", "_", "never nothing" },
	};
	char text[300];
	struct nm_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nm_buf_clear(&out);
		nm_path_add_safe(&out, nm_text_of(rows[i].text));
		if (strcmp(nm_buf_string(&out), rows[i].safe) != 0)
			fail_msg("%s: %s", rows[i].why, nm_buf_string(&out));
	}
	memset(text, 'x', sizeof(text));
	nm_buf_clear(&out);
	nm_path_add_safe(&out, (struct nm_text){ text, sizeof(text) });
	assert_int_equal(out.len, 100);
	nm_buf_release(&out);
}

static void
set_or_unset(const char *name, const char *value)
{
	if (value)
		assert_int_equal(setenv(name, value, 1), 0);
	else
		assert_int_equal(unsetenv(name), 0);
}

static void
state_folder(void **state)
{
	static const struct {
		const char *own, *xdg, *home, *path, *why;
	} rows[] = {
		{ "own", "/xdg", "/home/x", "own", "said outright" },
		{ "", "/xdg", "/home/x", "/xdg/nightmail", "empty is unset" },
		{ NULL, "xdg", "/home/x", "/home/x/.local/state/nightmail",
		  "a relative XDG folder is void" },
		{ NULL, NULL, "/home/x/", "/home/x/.local/state/nightmail",
		  "home" },
		{ NULL, NULL, NULL, NULL, "nowhere" },
		{ NULL, "", "", NULL, "nowhere, as empty" },
	};
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf path = { 0 };
		enum nm_code rc;

		set_or_unset("NIGHTMAIL_STATE", rows[i].own);
		set_or_unset("XDG_STATE_HOME", rows[i].xdg);
		set_or_unset("HOME", rows[i].home);
		rc = nm_path_state(&path, &err);
		if (rc != (rows[i].path ? NM_OK : NM_USAGE)
		    || !nm_text_is(nm_buf_text(&path), rows[i].path))
			fail_msg("%s: %s", rows[i].why, nm_buf_string(&path));
		nm_buf_release(&path);
	}
}

static void
data_files(void **state)
{
	struct nm_buf path = { 0 };
	struct nm_err err;

	(void)state;
	set_or_unset("NIGHTMAIL_DATA", "/dev");
	assert_int_equal(nm_path_data(&path, "null", &err), NM_OK);
	assert_string_equal(nm_buf_string(&path), "/dev/null");
	nm_buf_clear(&path);
	assert_int_equal(nm_path_data(&path, "no-such.json", &err), NM_INPUT);
	assert_int_equal(path.len, 0);
	assert_non_null(strstr(err.text, "no-such.json in /dev"));
	nm_buf_release(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins),
		cmocka_unit_test(parts),
		cmocka_unit_test(safe_parts),
		cmocka_unit_test(state_folder),
		cmocka_unit_test(data_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
