/*
 * feed: a shard's bytes are the same in pieces of any size, and end where the plan
 * said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/feed.h"
#include "run/request_file.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define A "{\"custom_id\":\"a\"}\n"
#define B "{\"custom_id\":\"bb\"}\n"
#define C "{\"custom_id\":\"ccc\"}\n"
#define BYTES(literal) ((int64_t)sizeof(literal) - 1)

static struct nm_request_file *
open_requests(void)
{
	char path[] = "/tmp/nm_feed_XXXXXX";
	struct nm_request_file *file = NULL;
	struct nm_err err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(nm_file_write_all(fd, A B C, sizeof(A B C) - 1, &err),
	                 NM_OK);
	close(fd);
	assert_int_equal(nm_request_file_open(&file, path, &err), NM_OK);
	unlink(path);
	return file;
}

/* Reads on to the end; what nm_feed_read returned last. */
static ssize_t
read_all(struct nm_feed *feed, size_t room, struct nm_buf *out,
         struct nm_err *err)
{
	ssize_t got;

	nm_buf_clear(out);
	do {
		char *at = nm_buf_room(out, room);

		got = nm_feed_read(feed, at, room, err);
		if (got > 0)
			nm_buf_took(out, (size_t)got);
	} while (got > 0);
	return got;
}

static void
pieces(void **state)
{
	static const struct {
		const char            *why;
		struct nm_shard_record shard;
		const char            *bytes;
	} rows[] = {
		{ "all", { .count = 3, .bytes = BYTES(A B C) }, A B C },
		{ "the first", { .count = 1, .bytes = BYTES(A) }, A },
		{ "the last two", { .first = 1, .count = 2,
		  .bytes = BYTES(B C) }, B C },
		{ "first and last, by members", { .count = 2,
		  .members = { "\0\1", 2 }, .bytes = BYTES(A C) }, A C },
	};
	static const size_t rooms[] = { 1, 2, 7, BYTES(A), BYTES(A) + 1, 4096 };
	struct nm_request_file *file = open_requests();
	struct nm_buf out = { 0 };
	struct nm_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_feed feed;

		nm_feed_init(&feed, nm_request_file_source(file),
		             &rows[i].shard);
		for (size_t k = 0; k < COUNT(rooms); k++) {
			if (read_all(&feed, rooms[k], &out, &err) ||
			    strcmp(nm_buf_string(&out), rows[i].bytes) != 0)
				fail_msg("%s in pieces of %zu: %s",
				         rows[i].why, rooms[k],
				         nm_buf_string(&out));
			assert_int_equal(nm_feed_rewind(&feed, &err), NM_OK);
			/* From within a line too. */
			assert_true(nm_feed_read(&feed, out.at, 3, &err) == 3);
			assert_int_equal(nm_feed_rewind(&feed, &err), NM_OK);
		}
	}
	nm_buf_release(&out);
	nm_request_file_close(file);
}

static void
other_bytes_than_planned(void **state)
{
	static const struct {
		const char *why;
		int64_t     first, count, bytes;
		const char *told;
	} rows[] = {
		{ "a byte too few was planned", 0, 2, BYTES(A B) - 1,
		  "are not the 36 bytes that were planned" },
		{ "a byte too many", 0, 2, BYTES(A B) + 1,
		  "are not the 38 bytes that were planned" },
		{ "the bytes of one line less", 0, 2, BYTES(A),
		  "are not the 18 bytes" },
		{ "the bytes of one line more", 0, 2, BYTES(A B C),
		  "are not the 57 bytes" },
		{ "a request that is not there", 2, 2, BYTES(C) + 1,
		  "request 3 of the run is no longer there" },
	};
	static const size_t rooms[] = { 1, BYTES(A), 4096 };
	struct nm_request_file *file = open_requests();
	struct nm_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_shard_record shard = {
			.number = 4, .first = rows[i].first,
			.count = rows[i].count, .bytes = rows[i].bytes,
		};

		for (size_t k = 0; k < COUNT(rooms); k++) {
			struct nm_err err = { 0 };
			struct nm_feed feed;

			nm_feed_init(&feed, nm_request_file_source(file),
			             &shard);
			if (read_all(&feed, rooms[k], &out, &err) != -1 ||
			    err.code != NM_INPUT ||
			    !strstr(err.text, rows[i].told) ||
			    (int64_t)out.len > shard.bytes)
				fail_msg("%s: %s", rows[i].why, err.text);
		}
	}
	nm_buf_release(&out);
	nm_request_file_close(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces),
		cmocka_unit_test(other_bytes_than_planned),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
