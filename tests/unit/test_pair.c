/* pair: two files of one text; where there is room for one, it is the run's. */
#include "own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "report/pair.h"

enum { TEXTS = 40, LIGHT_BYTES = 30011, HEAVY_BYTES = (2 << 20) + 7 };

static char run_path[256], known_path[256];

/* A file system that writes anew what is overwritten may be full then, too: as many
 * calls fail, in the system's place. */
static int full_calls;

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	if (full_calls) {
		full_calls--;
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

static void
begin(struct nm_pair *pair)
{
	struct nm_err err;

	snprintf(run_path, sizeof(run_path), "%s", in_folder("run"));
	snprintf(known_path, sizeof(known_path), "%s", in_folder("known"));
	memset(pair, 0, sizeof(*pair));
	assert_int_equal(nm_pair_open(pair, run_path, known_path, &err), 0);
}

static void
fill(struct nm_buf *text, size_t len, char with)
{
	memset(nm_buf_room(text, len), with, len);
	nm_buf_took(text, len);
}

/* By both ways, some of them longer than what waits; as they stand then. */
static void
add_all(struct nm_pair *pair, struct nm_buf *wanted)
{
	struct nm_buf text = { 0 };

	for (int i = 0; i < TEXTS; i++) {
		fill(&text, i % 13 == 6 ? HEAVY_BYTES : LIGHT_BYTES,
		     (char)('A' + i));
		nm_buf_add_text(wanted, nm_buf_text(&text));
		if (i % 7 == 3)
			nm_pair_add(pair, nm_buf_text(&text));
		else
			nm_pair_take(pair, &text);
		nm_buf_clear(&text);
	}
	nm_buf_release(&text);
}

static void
expect_files(struct nm_pair *pair, const struct nm_buf *wanted)
{
	struct nm_err err;

	assert_int_equal(nm_pair_commit_run(pair, &err), NM_OK);
	assert_int_equal(pair->known_failed.code, NM_OK);
	assert_int_equal(nm_pair_commit_known(pair, &err), NM_OK);
	expect_content(run_path, wanted->at, wanted->len);
	expect_content(known_path, wanted->at, wanted->len);
	nm_pair_release(pair);
}

static void
expect_run_alone(struct nm_pair *pair, const struct nm_buf *wanted)
{
	struct nm_err err;

	assert_int_equal(pair->known.fd_plus_one, 0); /* its room is free */
	assert_int_equal(nm_pair_commit_run(pair, &err), NM_OK);
	expect_content(run_path, wanted->at, wanted->len);
	assert_int_equal(access(known_path, F_OK), -1);
	nm_pair_release(pair);
}

static void
put_front(struct nm_pair *pair, struct nm_buf *wanted)
{
	nm_pair_put_at_front(pair, NM_TEXT("front"));
	memcpy(wanted->at, "front", 5);
}

static void
in_order(void **state)
{
	struct nm_buf wanted = { 0 };
	struct nm_pair pair;

	(void)state;
	begin(&pair);
	add_all(&pair, &wanted);
	put_front(&pair, &wanted);
	expect_files(&pair, &wanted);
	nm_buf_release(&wanted);
}

/* What was added is nowhere, also what was still carried. */
static void
anew(void **state)
{
	struct nm_buf wanted = { 0 };
	struct nm_pair pair;

	(void)state;
	begin(&pair);
	add_all(&pair, &wanted);
	nm_pair_restart(&pair);
	nm_buf_clear(&wanted);
	add_all(&pair, &wanted);
	expect_files(&pair, &wanted);
	nm_buf_release(&wanted);
}

/* A file system that clones what is empty need not clone the rest. */
static void
clone_that_is_refused(void **state)
{
	struct nm_buf wanted = { 0 };
	struct nm_pair pair;

	(void)state;
	begin(&pair);
	pair.clones = true;
	add_all(&pair, &wanted);
	put_front(&pair, &wanted);
	expect_files(&pair, &wanted);
	nm_buf_release(&wanted);
}

/* The disk is full for one of them, from the beginning. */
static void
room_for_one(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), fd;
	struct nm_buf wanted = { 0 };
	struct nm_pair pair;

	(void)state;
	assert_true(full >= 0);
	begin(&pair);
	pair.clones = false;
	fd = pair.known.fd_plus_one - 1;
	assert_int_equal(dup2(full, fd), fd);
	close(full);
	add_all(&pair, &wanted);
	put_front(&pair, &wanted);
	assert_int_equal(pair.known_failed.code, NM_IO);
	assert_non_null(strstr(pair.known_failed.text, known_path));
	expect_run_alone(&pair, &wanted);
	nm_buf_release(&wanted);
}

/* Full when the front is put: the other file's room is given for it. */
static void
room_for_one_front(void **state)
{
	struct nm_buf wanted = { 0 };
	struct nm_pair pair;

	(void)state;
	begin(&pair);
	pair.clones = false;
	add_all(&pair, &wanted);
	full_calls = 1;
	put_front(&pair, &wanted);
	assert_int_equal(full_calls, 0);
	assert_int_equal(pair.known_failed.detail, ENOSPC);
	expect_run_alone(&pair, &wanted);
	nm_buf_release(&wanted);
}

/* Whoever gives up, whatever is still carried, leaves nothing. */
static void
given_up(void **state)
{
	struct nm_buf wanted = { 0 };
	struct nm_pair pair;

	(void)state;
	begin(&pair);
	add_all(&pair, &wanted);
	nm_pair_release(&pair);
	assert_int_equal(count_files(), 0);
	nm_buf_release(&wanted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(in_order),
		IN_FOLDER(anew),
		IN_FOLDER(clone_that_is_refused),
		IN_FOLDER(room_for_one),
		IN_FOLDER(room_for_one_front),
		IN_FOLDER(given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
