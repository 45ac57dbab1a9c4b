/* file: read whole or in pieces; folders; one holder. */
#include "own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void
unreadable(void **state)
{
	static const struct {
		const char *path, *text;
	} rows[] = {
		{ "/no-such-file", "cannot read /no-such-file: no such file" },
		{ "/tmp", "cannot read /tmp: is a folder" },
		{ "", "cannot read \"\": no such file" },
		{ "/dev/null/x", "cannot read /dev/null/x: Not a directory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf buf = { 0 };
		struct nm_err err = { 0 };
		int fd = 77;

		assert_int_equal(nm_file_open(rows[i].path, &fd, &err),
		                 NM_INPUT);
		assert_int_equal(fd, 77);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(nm_file_read(rows[i].path, &buf, &err),
		                 NM_INPUT);
		nm_buf_release(&buf);
	}
}

static void
no_rights(void **state)
{
	struct nm_err err;
	int fd;

	(void)state;
	assert_int_equal(nm_file_write(in_folder("x"), 0000, NM_TEXT("x"),
	                               &err), NM_OK);
	if (geteuid() == 0)
		skip(); /* may read everything */
	assert_int_equal(nm_file_open(name, &fd, &err), NM_INPUT);
	assert_non_null(strstr(err.text, ": permission denied"));
}

static void
ceilings(void **state)
{
	static const struct {
		const char  *before, *content;
		size_t       max;
		enum nm_code code;
		const char  *why;
	} rows[] = {
		{ "", "0123456789", 10, NM_OK, "exactly" },
		{ "", "0123456789", 9, NM_LIMIT, "one too many" },
		{ "ab", "0123456789", 12, NM_OK, "behind others, exactly" },
		{ "ab", "0123456789", 11, NM_LIMIT, "behind others, one more" },
		{ "ab", "", 2, NM_OK, "nothing into a full buf" },
		{ "ab", "x", 2, NM_LIMIT, "something into a full buf" },
	};
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf buf = { .max = rows[i].max };
		size_t before = strlen(rows[i].before);
		enum nm_code rc;

		nm_buf_add_string(&buf, rows[i].before);
		assert_int_equal(nm_file_write(in_folder("x"), 0600,
		                               nm_text_of(rows[i].content),
		                               &err),
		                 NM_OK);
		rc = nm_file_read(name, &buf, &err);
		if (rc != rows[i].code)
			fail_msg("%s: %d", rows[i].why, (int)rc);
		assert_int_equal(buf.len,
		                 before + (rc ? 0 : strlen(rows[i].content)));
		assert_memory_equal(nm_buf_string(&buf), rows[i].before,
		                    before);
		assert_string_equal(nm_buf_string(&buf) + before,
		                    rc ? "" : rows[i].content);
		nm_buf_release(&buf);
	}
}

/* A file without a size: the ceiling holds all the same. */
static void
endless(void **state)
{
	struct nm_buf buf = { .max = 100000 };
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_file_read("/dev/zero", &buf, &err), NM_LIMIT);
	assert_int_equal(buf.len, 0);
	assert_string_equal(err.text, "/dev/zero is larger than 100000 bytes");
	nm_buf_release(&buf);
}

static void
reads_at(void **state)
{
	static const struct {
		uint64_t     from;
		size_t       len;
		enum nm_code code;
		const char  *text;
	} rows[] = {
		{ 0, 10, NM_OK, "0123456789" }, { 4, 2, NM_OK, "45" },
		{ 10, 0, NM_OK, "" }, { 9, 2, NM_IO, NULL },
		{ 100, 1, NM_IO, NULL },
	};
	struct nm_err err;
	int fd;

	(void)state;
	assert_int_equal(nm_file_write(in_folder("x"), 0600,
	                               NM_TEXT("0123456789"), &err), NM_OK);
	assert_int_equal(nm_file_open(name, &fd, &err), NM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[16] = "";

		assert_int_equal(nm_file_read_at(fd, rows[i].from, rows[i].len,
		                                 text, &err), rows[i].code);
		if (rows[i].text)
			assert_string_equal(text, rows[i].text);
	}
	(void)close(fd);
}

static void
full_device(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct nm_err err = { 0 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(nm_file_write_all(fd, "x", 1, &err), NM_IO);
	assert_int_equal(err.detail, ENOSPC);
	assert_string_equal(err.text, "cannot write: No space left on device");
	assert_int_equal(nm_file_write_all(fd, "", 0, &err), NM_OK);
	(void)close(fd);
}

static void
slow_pipe(void **state)
{
	enum { LEN = 300000 };
	char *content = calloc(1, LEN);
	struct nm_err err;
	int ends[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	child = fork();
	if (child == 0) {
		size_t left = LEN;

		(void)fcntl(ends[0], F_SETFL, 0);
		while (left) {
			ssize_t got = read(ends[0], content, left);

			if (got <= 0)
				_exit(1);
			left -= (size_t)got;
		}
		_exit(0);
	}
	assert_int_equal(nm_file_write_all(ends[1], content, LEN, &err), NM_OK);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	free(content);
}

static void
syncs_folders(void **state)
{
	struct nm_err err = { 0 };

	(void)state;
	assert_int_equal(nm_file_sync_folder(in_folder("x"), &err), NM_OK);
	assert_int_equal(nm_file_sync_folder("x", &err), NM_OK);
	assert_int_equal(nm_file_sync_folder("/x", &err), NM_OK);
	assert_int_equal(nm_file_sync_folder("/no-such/x", &err), NM_IO);
}

/* ---- folder ---- */

static void
makes_folders(void **state)
{
	struct nm_buf path = { 0 };
	struct nm_err err;
	struct stat info;

	(void)state;
	nm_buf_add_string(&path, in_folder("a//b/c/"));
	assert_int_equal(nm_folder_make(path.at, 0700, &err), NM_OK);
	assert_int_equal(nm_folder_make(path.at, 0700, &err), NM_OK);
	assert_int_equal(stat(path.at, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	assert_int_equal(nm_folder_make("/", 0700, &err), NM_OK);
	assert_int_equal(nm_folder_make("/dev/null", 0700, &err), NM_IO);
	assert_non_null(strstr(err.text, "/dev/null: something else"));
	assert_int_equal(nm_folder_make("/dev/null/x", 0700, &err), NM_IO);
	assert_int_equal(nm_folder_make("", 0700, &err), NM_IO);
	assert_int_equal(rmdir(path.at), 0);
	for (int i = 0; i < 2; i++) {
		*strrchr(path.at, '/') = 0;
		if (i == 0)
			*strrchr(path.at, '/') = 0;
		assert_int_equal(rmdir(path.at), 0);
	}
	nm_buf_release(&path);
}

/* ---- lock ---- */

static void
one_holder(void **state)
{
	struct nm_lock first = { 0 }, second = { 0 };
	struct nm_err err = { 0 };
	char text[300];

	(void)state;
	assert_int_equal(nm_lock_open(&first, in_folder("lock"), &err), 0);
	assert_int_equal(nm_lock_open(&second, name, &err), NM_HELD);
	assert_int_equal(err.detail, getpid());
	(void)snprintf(text, sizeof(text), "%s is held by process %ld", name,
	               (long)getpid());
	assert_string_equal(err.text, text);
	assert_int_equal(second.fd_plus_one, 0);
	nm_lock_close(&first);
	nm_lock_close(&first);
	assert_int_equal(nm_lock_open(&second, name, &err), NM_OK);
	nm_lock_close(&second);
	nm_lock_close(NULL);
	assert_int_equal(access(name, F_OK), 0);
	assert_int_equal(nm_lock_open(&first, "/no-such/lock", &err), NM_IO);
}

static void
freed_by_death(void **state)
{
	struct nm_lock lock = { 0 };
	struct nm_err err = { 0 };
	int ends[2], status;
	char byte;
	pid_t child;

	(void)state;
	(void)in_folder("lock");
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		if (nm_lock_open(&lock, name, &err) == NM_OK)
			(void)!write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(nm_lock_open(&lock, name, &err), NM_HELD);
	assert_int_equal(err.detail, child);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(nm_lock_open(&lock, name, &err), NM_OK);
	nm_lock_close(&lock);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreadable),
		IN_FOLDER(no_rights),
		IN_FOLDER(ceilings),
		cmocka_unit_test(endless),
		IN_FOLDER(reads_at),
		cmocka_unit_test(full_device),
		cmocka_unit_test(slow_pipe),
		IN_FOLDER(syncs_folders),
		IN_FOLDER(makes_folders),
		IN_FOLDER(one_holder),
		IN_FOLDER(freed_by_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
