/* file: whole or not at all; one holder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/nm-file-XXXXXX";
static char name[200];

static const char *
in_folder(const char *base)
{
	(void)snprintf(name, sizeof(name), "%s/%s", folder, base);
	return name;
}

static int
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

static int
make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/nm-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
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

static void
expect_content(const char *path, const char *content, size_t len)
{
	struct nm_buf buf = { 0 };
	struct nm_err err;

	assert_int_equal(nm_file_read(path, &buf, &err), NM_OK);
	assert_int_equal(buf.len, len);
	assert_memory_equal(nm_buf_string(&buf), content, len);
	nm_buf_release(&buf);
}

/* ---- draft ---- */

static void
sizes_of_adds(void **state)
{
	/* Around the 128 KiB that a draft holds back. */
	static const size_t sizes[] = {
		0, 1, 1000, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 500000
	};
	size_t n = sizeof(sizes) / sizeof(sizes[0]), total = 0;
	char *content = malloc(3000000);
	struct nm_draft draft = { 0 };
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < 3000000; i++)
		content[i] = (char)(i * 7 / 5);
	assert_int_equal(nm_draft_open(&draft, in_folder("x"), 0640, &err), 0);
	for (size_t i = 0; i < 3 * n; i++) {
		nm_draft_add(&draft, content + total, sizes[i * 3 % n]);
		total += sizes[i * 3 % n];
		assert_int_equal(draft.bytes, total);
	}
	assert_int_equal(count_files(), 1);
	assert_int_equal(access(name, F_OK), -1);
	assert_int_equal(nm_draft_commit(&draft, &err), NM_OK);
	assert_int_equal(count_files(), 1);
	expect_content(name, content, total);
	free(content);
}

static void
replaces_whole(void **state)
{
	struct nm_draft draft = { 0 };
	struct nm_err err;
	struct stat info;

	(void)state;
	assert_int_equal(nm_file_write(in_folder("x"), 0600, NM_TEXT("old"),
	                               &err), NM_OK);
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(nm_draft_open(&draft, name, 0600, &err), NM_OK);
	nm_draft_add(&draft, "new", 3);
	expect_content(name, "old", 3);
	nm_draft_abandon(&draft);
	expect_content(name, "old", 3);
	assert_int_equal(count_files(), 1);
	assert_int_equal(nm_file_write(name, 0600, NM_TEXT(""), &err), NM_OK);
	expect_content(name, "", 0);
	nm_draft_abandon(&draft);
	nm_draft_abandon(NULL);
}

static void
refused_targets(void **state)
{
	static const struct {
		const char *path, *text, *why;
	} rows[] = {
		{ "/tmp", "cannot write /tmp: is a folder", "a folder" },
		{ "/tmp/", "cannot write /tmp/: that names no file", "slash" },
		{ "", "cannot write \"\": that names no file", "empty" },
		{ "/no-such-folder/x",
		  "cannot write /no-such-folder/x: no such folder", "absent" },
		{ "/dev/null/x",
		  "cannot write /dev/null/x: Not a directory", "no folder" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_err err = { 0 };
		enum nm_code rc = nm_file_write(rows[i].path, 0600,
		                                NM_TEXT("x"), &err);

		if (rc != NM_IO || strcmp(err.text, rows[i].text) != 0)
			fail_msg("%s: %d \"%s\"", rows[i].why, (int)rc,
			         err.text);
	}
}

/* Renaming would replace it. (A pipe, since a test that fails must not replace a
 * device.) */
static void
special_files_stay(void **state)
{
	struct nm_err err = { 0 };
	struct stat info;

	(void)state;
	assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
	assert_int_equal(nm_file_write(name, 0600, NM_TEXT("x"), &err), NM_IO);
	assert_non_null(strstr(err.text, "/pipe: it is no regular file"));
	assert_int_equal(stat(name, &info), 0);
	assert_true(S_ISFIFO(info.st_mode));
}

static void
long_names(void **state)
{
	char base[256], path[400];
	struct nm_err err;

	(void)state;
	memset(base, 'n', 255);
	base[255] = 0;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, base);
	assert_int_equal(nm_file_write(path, 0600, NM_TEXT("x"), &err), NM_OK);
	expect_content(path, "x", 1);
}

/* A full disk, as a limit on the size of files. */
static void
failed_write_is_told(void **state)
{
	struct rlimit before, small = { 200000, 200000 };
	struct nm_draft draft = { 0 };
	struct nm_err err = { 0 };
	char content[50000] = { 0 };

	(void)state;
	assert_int_equal(nm_file_write(in_folder("x"), 0600, NM_TEXT("old"),
	                               &err), NM_OK);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(nm_draft_open(&draft, name, 0600, &err), NM_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 20; i++)
		nm_draft_add(&draft, content, sizeof(content));
	assert_int_equal(nm_draft_commit(&draft, &err), NM_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(err.detail, EFBIG);
	assert_non_null(strstr(err.text, "cannot write /tmp/nm-file-"));
	assert_non_null(strstr(err.text, "/x: File too large"));
	assert_int_equal(count_files(), 1);
	expect_content(name, "old", 3);
}

static void
adds_files(void **state)
{
	static const struct {
		uint64_t    from, len;
		const char *content; /* NULL = refused */
		const char *why;
	} rows[] = {
		{ 0, 10, "<0123456789>", "all" },
		{ 3, 4, "<3456>", "a part" },
		{ 0, 0, "<>", "nothing" },
		{ 10, 0, "<>", "nothing at the end" },
		{ 5, 6, NULL, "more than there is" },
		{ 11, 1, NULL, "from past the end" },
	};
	struct nm_err err;
	int fd;

	(void)state;
	assert_int_equal(nm_file_write(in_folder("source"), 0600,
	                               NM_TEXT("0123456789"), &err), NM_OK);
	assert_int_equal(nm_file_open(name, &fd, &err), NM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_draft draft = { 0 };
		enum nm_code rc;

		assert_int_equal(nm_draft_open(&draft, in_folder("x"), 0600,
		                               &err), NM_OK);
		nm_draft_add(&draft, "<", 1);
		nm_draft_add_file(&draft, fd, rows[i].from, rows[i].len);
		nm_draft_add(&draft, ">", 1);
		rc = nm_draft_commit(&draft, &err);
		if (rc != (rows[i].content ? NM_OK : NM_IO))
			fail_msg("%s: %d", rows[i].why, (int)rc);
		if (rc == NM_OK)
			expect_content(name, rows[i].content,
			               strlen(rows[i].content));
		else
			assert_non_null(strstr(err.text, "source ends early"));
	}
	(void)close(fd);
}

/* /proc gives no sizes and refuses to be copied within the kernel. */
static void
adds_files_by_hand(void **state)
{
	struct nm_buf content = { 0 };
	struct nm_draft draft = { 0 };
	struct nm_err err;
	int fd;

	(void)state;
	assert_int_equal(nm_file_read("/proc/version", &content, &err), NM_OK);
	assert_true(content.len > 10);
	assert_int_equal(nm_file_open("/proc/version", &fd, &err), NM_OK);
	assert_int_equal(nm_draft_open(&draft, in_folder("x"), 0600, &err), 0);
	nm_draft_add_file(&draft, fd, 0, content.len);
	assert_int_equal(nm_draft_commit(&draft, &err), NM_OK);
	expect_content(name, content.at, content.len);
	(void)close(fd);
	nm_buf_release(&content);
}

static void
copies(void **state)
{
	char from[200];
	struct nm_err err;

	(void)state;
	(void)snprintf(from, sizeof(from), "%s", in_folder("from"));
	assert_int_equal(nm_file_write(from, 0600, NM_TEXT("a\0b"), &err), 0);
	assert_int_equal(nm_file_copy(from, in_folder("to"), 0600, &err), 0);
	expect_content(name, "a\0b", 3);
	assert_int_equal(nm_file_copy(from, from, 0600, &err), NM_OK);
	expect_content(from, "a\0b", 3);
	assert_int_equal(nm_file_copy("/dev/null", name, 0600, &err),
	                 NM_INPUT);
	assert_int_equal(nm_file_copy(from, "/no-such-folder/x", 0600, &err),
	                 NM_IO);
}

/* ---- reading ---- */

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

#define IN_FOLDER(test) \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(sizes_of_adds),
		IN_FOLDER(replaces_whole),
		cmocka_unit_test(refused_targets),
		IN_FOLDER(special_files_stay),
		IN_FOLDER(long_names),
		IN_FOLDER(failed_write_is_told),
		IN_FOLDER(adds_files),
		IN_FOLDER(adds_files_by_hand),
		IN_FOLDER(copies),
		cmocka_unit_test(unreadable),
		IN_FOLDER(no_rights),
		IN_FOLDER(ceilings),
		cmocka_unit_test(endless),
		IN_FOLDER(reads_at),
		cmocka_unit_test(full_device),
		cmocka_unit_test(slow_pipe),
		IN_FOLDER(syncs_folders),
		IN_FOLDER(one_holder),
		IN_FOLDER(freed_by_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
