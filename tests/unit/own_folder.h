/*
 * own_folder: a folder of a test's own, made before it and removed after it.
 */
#ifndef NM_TESTS_OWN_FOLDER_H
#define NM_TESTS_OWN_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/nm-file-XXXXXX";
static char name[200];

static inline const char *
in_folder(const char *base)
{
	(void)snprintf(name, sizeof(name), "%s/%s", folder, base);
	return name;
}

static inline int
count_files(void)
{
	DIR *dir = opendir(folder);
	int count = -2; /* . and .. */

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

static inline int
make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/nm-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int
remove_folder(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' || entry->d_name[1])
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	return rmdir(folder);
}

static inline void
expect_content(const char *path, const char *content, size_t len)
{
	struct nm_buf buf = { 0 };
	struct nm_err err;

	assert_int_equal(nm_file_read(path, &buf, &err), NM_OK);
	assert_int_equal(buf.len, len);
	assert_memory_equal(nm_buf_string(&buf), content, len);
	nm_buf_release(&buf);
}

#define IN_FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
