/* keys: a file of names and keys or their digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/key.h"

/* Any digest: nobody comes with its key here. */
#define NIGHT \
	"b5d0e6d5ad2b5ab5ae5e4b8e5e8c2c7dd1b5a9b0ea9c4b8d44e4ad8a1a0a2b2f"

static char file[] = "/tmp/nm-keys-XXXXXX";

static void
write_file(const char *text, mode_t mode)
{
	FILE *to = fopen(file, "w");

	assert_non_null(to);
	fputs(text, to);
	fclose(to);
	chmod(file, mode);
}

static void
test_files(void **state)
{
	static const struct {
		const char *text;
		mode_t      mode;
		const char *reason; /* NULL: fine */
	} rows[] = {
		{ "ann sk-1\n", 0600, NULL },
		{ "# them all\n\nann sk-1\r\nbob\tsk-2", 0600, NULL },
		{ "ann sha256:" NIGHT "\n", 0644, NULL },
		{ "ann sk-1\n", 0640, "others may read it" },
		{ "# nobody\n", 0600, "holds no key" },
		{ "ann\n", 0600, ":1: not a name" },
		{ "\nann a b\n", 0600, ":2: not a name" },
		{ "ann sha256:12\n", 0600, ":1: not a name" },
	};
	struct nm_keys keys;
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(rows[i].text, rows[i].mode);
		if (!rows[i].reason) {
			assert_int_equal(nm_keys_open(&keys, file, &err), NM_OK);
			nm_keys_close(&keys);
			continue;
		}
		if (nm_keys_open(&keys, file, &err) != NM_INPUT ||
		    !strstr(err.text, rows[i].reason) ||
		    strstr(err.text, "sk-"))
			fail_msg("%s: %s", rows[i].text, err.text);
	}
}

static void
test_find(void **state)
{
	struct nm_keys keys;
	struct nm_err err;

	(void)state;
	write_file("ann sk-1\nbob sk-2\nann sk-3\n", 0600);
	assert_int_equal(nm_keys_open(&keys, file, &err), NM_OK);
	assert_string_equal(nm_keys_find(&keys, NM_TEXT("sk-1")), "ann");
	assert_string_equal(nm_keys_find(&keys, NM_TEXT("sk-2")), "bob");
	assert_string_equal(nm_keys_find(&keys, NM_TEXT("sk-3")), "ann");
	assert_null(nm_keys_find(&keys, NM_TEXT("sk-4")));
	assert_null(nm_keys_find(&keys, NM_TEXT("")));
	nm_keys_close(&keys);
	write_file("dora sha256:"
	           "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
	           "\n", 0600);
	assert_int_equal(nm_keys_open(&keys, file, &err), NM_OK);
	/* FIPS 180-2, the digest of "abc" */
	assert_string_equal(nm_keys_find(&keys, NM_TEXT("abc")), "dora");
	nm_keys_close(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_find),
	};
	int failed, fd = mkstemp(file);

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
