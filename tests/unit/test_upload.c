/* upload: a file on its way out: its fields, its pieces, its failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "canned.h"
#include "net/http.h"

#define HEAD "HTTP/1.1 200 OK\r\n"
#define KEY "sk-test-0123456789abcdef"

static struct nm_http *
open_http(void)
{
	struct nm_http_options options = {0};
	struct nm_http *http;
	struct nm_err err;

	assert_int_equal(nm_http_open(&http, &options, &err), NM_OK);
	return http;
}

struct piece {
	const char *at;
	size_t      len, read;
	int         rewound;
};

static ssize_t
read_piece(void *user, char *out, size_t room, struct nm_err *err)
{
	struct piece *piece = user;
	size_t part = piece->len - piece->read;

	if (piece->at == NULL) {
		nm_fail(err, NM_IO, 5, "the disk is gone");
		return -1;
	}
	if (part > room)
		part = room;
	if (part > 7)
		part = 7; /* in pieces, as a file may come */
	memcpy(out, piece->at + piece->read, part);
	piece->read += part;
	return (ssize_t)part;
}

static enum nm_code
rewind_piece(void *user, struct nm_err *err)
{
	struct piece *piece = user;

	(void)err;
	piece->read = 0;
	piece->rewound++;
	return NM_OK;
}

static void
expect_in(const struct nm_buf *seen, const char *words)
{
	if (!strstr(nm_buf_string(seen), words))
		fail_msg("no \"%s\" in:\n%s", words, nm_buf_string(seen));
}

static void
a_file_goes_with_its_fields_before_it(void **state)
{
	static const struct canned_step step = {
		.reply = HEAD "Content-Length: 2\r\n\r\n{}"
	};
	static const struct nm_http_field fields[] = {
		{ "purpose", "batch" }, { "expires_after[anchor]", "created_at" }
	};
	struct piece piece = { "{\"a\":1}\n{\"b\":2}\n", 16, 0, 0 };
	struct nm_http_source source = {
		read_piece, rewind_piece, &piece, 16
	};
	struct nm_http *http = open_http();
	struct nm_secret key = {0};
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};
	struct nm_http_request request = {
		.method = NM_HTTP_POST, .source = &source,
		.file_name = "in.jsonl", .fields = fields, .n_fields = 2,
		.sending = NM_HTTP_ONCE, .key = &key,
	};
	const char *purpose, *file;

	(void)state;
	assert_int_equal(nm_secret_set(&key, NM_TEXT(KEY), &err), NM_OK);
	canned_start(&canned, &step, 1);
	request.url = canned.url;
	assert_int_equal(nm_http_call(http, &request, &reply, &err), NM_OK);
	canned_stop(&canned);
	expect_in(&canned.seen[0], "POST / HTTP/1.1\r\n");
	expect_in(&canned.seen[0], "Authorization: Bearer " KEY "\r\n");
	expect_in(&canned.seen[0], "User-Agent: nightmail/");
	expect_in(&canned.seen[0], "\r\nContent-Length: ");
	expect_in(&canned.seen[0], "name=\"expires_after[anchor]\"");
	expect_in(&canned.seen[0], "name=\"file\"; filename=\"in.jsonl\"");
	expect_in(&canned.seen[0], "{\"a\":1}\n{\"b\":2}\n\r\n--");
	assert_null(strstr(nm_buf_string(&canned.seen[0]), "chunked"));
	purpose = strstr(nm_buf_string(&canned.seen[0]), "name=\"purpose\"");
	file = strstr(nm_buf_string(&canned.seen[0]), "name=\"file\"");
	assert_true(purpose && file && purpose < file);
	nm_http_reply_release(&reply);
	canned_release(&canned);
	nm_http_close(http);
	nm_secret_release(&key);
}

static void
a_source_that_fails_is_told_as_it_is(void **state)
{
	static const struct canned_step step = {
		.reply = HEAD "Content-Length: 2\r\n\r\n{}", .end = CANNED_CLOSE
	};
	static const struct {
		struct piece piece;
		const char  *words;
	} broken[] = {
		{ { NULL, 0, 0, 0 }, "the disk is gone" },
		{ { "short", 5, 0, 0 }, "ended 11 bytes early" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct piece piece = broken[i].piece;
		struct nm_http_source source = {
			read_piece, rewind_piece, &piece, 16
		};
		struct nm_http *http = open_http();
		struct nm_http_reply reply;
		struct canned canned;
		struct nm_err err = {0};
		struct nm_http_request request = {
			.method = NM_HTTP_POST, .source = &source
		};

		canned_start(&canned, &step, 1);
		request.url = canned.url;
		assert_int_equal(nm_http_call(http, &request, &reply, &err),
		                 NM_IO);
		nm_http_close(http);
		canned_stop(&canned);
		assert_non_null(strstr(err.text, broken[i].words));
		nm_http_reply_release(&reply);
		canned_release(&canned);
	}
}

static void
a_large_file_asks_first_and_is_not_kept_waiting(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = HEAD "Content-Length: 2\r\n\r\nok", .interim =
		  "HTTP/1.1 100 Continue\r\n\r\n" },
		{ .reply = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n"
		  "Connection: close\r\n\r\n",
		  .reading = CANNED_HEAD, .end = CANNED_CLOSE },
	};
	static const int status[] = { 200, 413 };
	size_t len = (size_t)2 << 20;
	char *bytes = calloc(1, len);
	struct nm_http *http = open_http();
	struct canned canned;

	(void)state;
	assert_non_null(bytes);
	canned_start(&canned, steps, 2);
	for (size_t i = 0; i < 2; i++) {
		struct piece piece = { bytes, len, 0, 0 };
		struct nm_http_source source = {
			read_piece, rewind_piece, &piece, len
		};
		struct nm_http_request request = {
			.method = NM_HTTP_POST, .source = &source,
			.file_name = "in.jsonl", .sending = NM_HTTP_ONCE,
			.url = canned.url,
		};
		struct nm_http_reply reply;
		struct nm_err err = {0};

		assert_int_equal(nm_http_call(http, &request, &reply, &err),
		                 NM_OK);
		assert_int_equal(reply.status, status[i]);
		if (i == 1)
			assert_int_equal(piece.read, 0);
		nm_http_reply_release(&reply);
	}
	canned_stop(&canned);
	expect_in(&canned.seen[0], "Expect: 100-continue");
	canned_release(&canned);
	nm_http_close(http);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_goes_with_its_fields_before_it),
		cmocka_unit_test(a_source_that_fails_is_told_as_it_is),
		cmocka_unit_test(a_large_file_asks_first_and_is_not_kept_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
