/* draft: a file is there whole or not at all. */
#include "own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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
	assert_int_equal(count_files(), draft.temporary.len > 0);
	assert_int_equal(access(name, F_OK), -1);
	assert_int_equal(nm_draft_commit(&draft, &err), NM_OK);
	assert_int_equal(count_files(), 1);
	expect_content(name, content, total);
	free(content);
}

/* What stands at the front is changed once the rest is there; all is taken back. */
static void
changes_its_mind(void **state)
{
	static const size_t sizes[] = { 10, 300000 };
	char *content = malloc(300003);
	struct nm_draft draft = { 0 };
	struct nm_err err;

	(void)state;
	memset(content, 'c', 300003);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(nm_draft_open(&draft, in_folder("x"), 0640,
		                               &err), NM_OK);
		nm_draft_add(&draft, content, sizes[1 - i]);
		nm_draft_restart(&draft);
		assert_int_equal(draft.bytes, 0);
		nm_draft_add(&draft, content, sizes[i]);
		nm_draft_put_at(&draft, 1, "front", 5);
		nm_draft_add(&draft, "end", 3);
		assert_int_equal(draft.bytes, sizes[i] + 3);
		assert_int_equal(nm_draft_commit(&draft, &err), NM_OK);
		memcpy(content + 1, "front", 5);
		memcpy(content + sizes[i], "end", 3);
		expect_content(name, content, sizes[i] + 3);
		memset(content, 'c', sizes[i] + 3);
	}
	free(content);
}

/* Of a process that ends within, nothing is left. */
static void
dies_within(void **state)
{
	struct nm_draft draft = { 0 };
	struct nm_err err;
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (child == 0) {
		bool unnamed;

		if (nm_draft_open(&draft, in_folder("x"), 0640, &err))
			_exit(1);
		for (int i = 0; i < 3000; i++)
			nm_draft_add(&draft, "0123456789" "0123456789"
			             "0123456789" "0123456789" "0123456789",
			             50);
		unnamed = draft.temporary.len == 0;
		_exit(unnamed ? 0 : 77);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* this file system has no files without a name */
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_files(), 0);
}

/* Both or nothing: what a clone has is its own, whatever becomes of the other. */
static void
clones(void **state)
{
	struct nm_draft from = { 0 }, to = { 0 };
	struct nm_buf content = { 0 };
	struct nm_err err;
	bool cloned;

	(void)state;
	for (int i = 0; i < 300000; i++)
		nm_buf_add_byte(&content, (char)(i * 7 / 5));
	assert_int_equal(nm_draft_open(&to, in_folder("to"), 0640, &err), 0);
	assert_int_equal(nm_draft_open(&from, in_folder("from"), 0640, &err),
	                 0);
	cloned = nm_draft_clone(&to, &from);
	nm_draft_add(&from, content.at, content.len);
	assert_int_equal(nm_draft_clone(&to, &from), cloned);
	nm_draft_add(&from, "more", 4);
	assert_int_equal(nm_draft_commit(&from, &err), NM_OK);
	assert_int_equal(nm_draft_commit(&to, &err), NM_OK);
	(void)in_folder("to");
	if (cloned)
		expect_content(name, content.at, content.len);
	else
		expect_content(name, "", 0);
	nm_buf_add_string(&content, "more");
	expect_content(in_folder("from"), content.at, content.len);
	nm_buf_release(&content);
	if (!cloned)
		skip(); /* the file system cannot */
}

/* Where /proc is hidden a file cannot get its name later: it has one from the
 * beginning. */
static int
write_without_proc(void)
{
	struct nm_draft draft = { 0 };
	struct nm_err err;

	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 77;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, NULL))
		return 77;
	if (nm_draft_open(&draft, name, 0640, &err))
		return 1;
	nm_draft_add(&draft, "new", 3);
	if (draft.temporary.len == 0 || access(draft.temporary.at, F_OK))
		return 2;
	if (nm_draft_commit(&draft, &err) || count_files() != 1)
		return 3;
	if (nm_draft_open(&draft, name, 0640, &err))
		return 4;
	nm_draft_abandon(&draft);
	return 0;
}

/* The same, hidden while the draft is written: what it holds is not lost. */
static int
hide_proc_within(void)
{
	struct nm_draft draft = { 0 };
	struct nm_err err;

	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 77;
	if (nm_draft_open(&draft, name, 0640, &err))
		return 1;
	nm_draft_add(&draft, "n", 1);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, NULL))
		return 77;
	nm_draft_add(&draft, "ew", 2);
	return nm_draft_commit(&draft, &err) ? 2 : 0;
}

/* The mode of what a process of its own has written. */
static mode_t
written_by(int (*write)(void))
{
	struct stat info;
	pid_t child;
	int status;

	child = fork();
	if (child == 0)
		_exit(write());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* not allowed to hide it */
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_files(), 1);
	expect_content(name, "new", 3);
	assert_int_equal(stat(name, &info), 0);
	return info.st_mode & 0777;
}

/* A file of one's own that is there keeps its mode, whichever way it is replaced. */
static void
written_anew_by(int (*write)(void))
{
	mode_t umask_before = umask(077);
	struct nm_err err;

	(void)in_folder("x");
	assert_int_equal(written_by(write), 0600); /* 0640, but for the umask */
	assert_int_equal(nm_file_write(name, 0600, NM_TEXT("old"), &err), NM_OK);
	assert_int_equal(chmod(name, 0664), 0);
	assert_int_equal(written_by(write), 0664);
	(void)umask(umask_before);
}

static void
named_while_written(void **state)
{
	(void)state;
	written_anew_by(write_without_proc);
}

static void
named_by_a_copy(void **state)
{
	(void)state;
	written_anew_by(hide_proc_within);
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

/* What the link names gets the content, there or not yet; the link stays. */
static void
links_are_followed(void **state)
{
	static const char *const targets[] = { "there", "not-yet" };
	struct nm_err err = { 0 };
	char target[200], text[200];

	(void)state;
	assert_int_equal(nm_file_write(in_folder("there"), 0600,
	                               NM_TEXT("old"), &err), NM_OK);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(target, sizeof(target), "%s",
		               in_folder(targets[i]));
		assert_int_equal(symlink(i ? target : "there",
		                         in_folder("second")), 0);
		assert_int_equal(symlink("second", in_folder("first")), 0);
		assert_int_equal(nm_file_write(name, 0600, NM_TEXT("new"),
		                               &err), NM_OK);
		assert_int_equal(readlink(name, text, sizeof(text)), 6);
		expect_content(target, "new", 3);
		assert_int_equal(unlink(name), 0);
		assert_int_equal(unlink(in_folder("second")), 0);
	}
	assert_int_equal(count_files(), 2);
}

/* Such a link leads nowhere: it is not taken for the file. */
static void
circles_stay(void **state)
{
	struct nm_err err = { 0 };
	char text[200];

	(void)state;
	assert_int_equal(symlink("other", in_folder("one")), 0);
	assert_int_equal(symlink("one", in_folder("other")), 0);
	assert_int_equal(nm_file_write(name, 0600, NM_TEXT("x"), &err), NM_IO);
	assert_non_null(strstr(err.text, "/other: its links lead round in a "
	                       "circle"));
	assert_int_equal(readlink(name, text, sizeof(text)), 3);
	assert_int_equal(count_files(), 2);
}

/* A file that is there stays as private as it was, whatever the umask. */
static void
modes_stay(void **state)
{
	static const mode_t modes[] = { 0600, 0640, 0666 };
	mode_t umask_before = umask(077);
	struct nm_err err;
	struct stat info;

	(void)state;
	assert_int_equal(nm_file_write(in_folder("x"), 0644, NM_TEXT("a"),
	                               &err), NM_OK);
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(name, modes[i]), 0);
		assert_int_equal(nm_file_write(name, 0644, NM_TEXT("b"), &err),
		                 NM_OK);
		assert_int_equal(stat(name, &info), 0);
		assert_int_equal(info.st_mode & 0777, modes[i]);
	}
	(void)umask(umask_before);
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

/* Once there is room, what was added last is written on from where it stopped. */
static void
retries(void **state)
{
	static const size_t sizes[] = { 300000, 100000, 5 };
	struct rlimit before, small;
	char *content = malloc(600000);
	struct nm_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 600000; i++)
		content[i] = (char)(i * 7 / 5);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct nm_draft draft = { 0 };

		assert_int_equal(nm_draft_open(&draft, in_folder("x"), 0600,
		                               &err), NM_OK);
		nm_draft_add(&draft, content, 100000);
		assert_true(nm_draft_flush(&draft));
		small = before;
		small.rlim_cur = 100000 + sizes[i] - 3;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		nm_draft_add(&draft, content + 100000, sizes[i]);
		assert_false(nm_draft_flush(&draft));
		assert_false(nm_draft_retry(&draft));
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_true(nm_draft_retry(&draft));
		nm_draft_add(&draft, content + 100000 + sizes[i], 3);
		assert_int_equal(nm_draft_commit(&draft, &err), NM_OK);
		expect_content(name, content, 100003 + sizes[i]);
	}
	free(content);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(sizes_of_adds),
		IN_FOLDER(changes_its_mind),
		IN_FOLDER(dies_within),
		IN_FOLDER(named_while_written),
		IN_FOLDER(named_by_a_copy),
		IN_FOLDER(clones),
		IN_FOLDER(replaces_whole),
		cmocka_unit_test(refused_targets),
		IN_FOLDER(special_files_stay),
		IN_FOLDER(links_are_followed),
		IN_FOLDER(circles_stay),
		IN_FOLDER(modes_stay),
		IN_FOLDER(long_names),
		IN_FOLDER(failed_write_is_told),
		IN_FOLDER(retries),
		IN_FOLDER(adds_files),
		IN_FOLDER(adds_files_by_hand),
		IN_FOLDER(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
