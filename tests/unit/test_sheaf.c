/* sheaf: more files are read than a process may have open, and each is itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/sheaf.h"

enum { FILES = 100 };

static char folder[] = "/tmp/nm_sheaf.XXXXXX";

static const char *
name(int i)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%d", folder, i);
	return path;
}

static int
make_files(void **state)
{
	char text[8];
	int i;

	(void)state;
	if (!mkdtemp(folder))
		return 1;
	for (i = 0; i < FILES; i++) {
		snprintf(text, sizeof(text), "%07d", i);
		if (nm_file_write(name(i), 0600, nm_text_of(text), NULL))
			return 1;
	}
	return 0;
}

static int
remove_files(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < FILES; i++)
		unlink(name(i));
	return rmdir(folder);
}

static void
add_files(struct nm_sheaf *sheaf)
{
	struct nm_err err;
	int i;

	for (i = 0; i < FILES; i++)
		assert_int_equal(nm_sheaf_add(sheaf, name(i), &err), NM_OK);
	assert_int_equal(sheaf->n_files, FILES);
}

static void
check_file(struct nm_sheaf *sheaf, int which)
{
	char text[8] = "";
	struct nm_err err;
	int fd;

	assert_int_equal(nm_sheaf_open(sheaf, (size_t)which, &fd, &err), NM_OK);
	assert_int_equal(nm_file_read_at(fd, 0, 7, text, &err), NM_OK);
	assert_int_equal(strtol(text, NULL, 10), which);
}

/* Some steps through the files that hit, miss, and come back. */
static void
check_files(struct nm_sheaf *sheaf)
{
	static const int steps[] = { 1, 7, 33, 99 };
	size_t k;
	int i;

	for (k = 0; k < sizeof(steps) / sizeof(*steps); k++)
		for (i = 0; i < FILES; i++)
			check_file(sheaf, i * steps[k] % FILES);
}

static void
test_many_files_few_open(void **state)
{
	static const struct {
		rlim_t      open_max;
		const char *why;
	} rows[] = {
		{ 1024, "more files than the sheaf holds open" },
		{ 24, "fewer may be open than the sheaf would hold" },
	};
	struct rlimit before, now;
	size_t i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_sheaf sheaf = { 0 };

		print_message("%s\n", rows[i].why);
		now = before;
		now.rlim_cur = rows[i].open_max;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
		add_files(&sheaf);
		check_files(&sheaf);
		nm_sheaf_release(&sheaf);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
}

static void
test_another_file_of_the_name(void **state)
{
	struct nm_sheaf sheaf = { 0 };
	struct nm_err err = { 0 };
	int fd;

	(void)state;
	add_files(&sheaf);
	assert_int_equal(nm_file_write(name(0), 0600, NM_TEXT("another"), &err),
	                 NM_OK);
	assert_int_equal(nm_sheaf_open(&sheaf, 0, &fd, &err), NM_IO);
	assert_non_null(strstr(err.text, "became another file"));
	assert_int_equal(unlink(name(0)), 0);
	assert_int_equal(nm_sheaf_open(&sheaf, 0, &fd, &err), NM_IO);
	assert_non_null(strstr(err.text, "no such file"));
	/* The others are not harmed. */
	check_file(&sheaf, 1);
	nm_sheaf_release(&sheaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_files_few_open),
		cmocka_unit_test(test_another_file_of_the_name),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
