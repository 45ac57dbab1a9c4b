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

/* In single bytes with the canned server's pauses: more than a second. */
#define BYTES_40 "0123456789abcdefghijklmnopqrstuvwxyz...."
#define BYTES_160 BYTES_40 BYTES_40 BYTES_40 BYTES_40
#define BYTES_640 BYTES_160 BYTES_160 BYTES_160 BYTES_160
#define KEY "sk-test-0123456789abcdef"

/* "pong\n", gzipped. */
#define GZIP "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x2b\xc8\xcf\x4b\xe7" \
	"\x02\x00\xd3\x02\x95\xd4\x05\x00\x00\x00"
#define GZIPPED HEAD "Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" GZIP

static struct nm_http *
open_http(void)
{
	struct nm_http_options options = {0};
	struct nm_http *http;
	struct nm_err err;

	assert_int_equal(nm_http_open(&http, &options, &err), NM_OK);
	return http;
}

static const struct {
	struct canned_step step;
	enum nm_code code;
	int          status;
	const char  *body;
	bool         sent;
	int64_t      total_ms, stall_ms;
	size_t       ceiling;
	const char  *why;
} rows[] = {
	{ { .reply = HEAD "Content-Length: 5\r\n\r\nhello" }, NM_OK, 200, "hello", true,
	  0, 0, 0, "the plain case" },
	{ { .reply = HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" },
	  NM_OK, 200, "hello", true, 0, 0, 0, "chunked, as OpenAI's JSON is" },
	{ { .reply = GZIPPED, .len = sizeof(GZIPPED) - 1 }, NM_OK, 200, "pong\n", true,
	  0, 0, 0, "gzip is undone" },
	{ { .reply = HEAD "Content-Length: 5\r\n\r\nhello", .piece_bytes = 3 },
	  NM_OK, 200, "hello", true, 0, 0, 0, "a trickle is only slow" },
	{ { .reply = HEAD "\r\nuntil the end", .end = CANNED_CLOSE },
	  NM_OK, 200, "until the end", true, 0, 0, 0, "ended by closing" },
	{ { .reply = "HTTP/1.1 100 Continue\r\n\r\n" HEAD "Content-Length: 2\r\n\r\nok" },
	  NM_OK, 200, "ok", true, 0, 0, 0, "an interim reply is not the reply" },
	{ { .reply = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait" },
	  NM_OK, 503, "wait", true, 0, 0, 0, "a refusal is a whole reply" },
	{ { .reply = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
	    "Content-Length: 0\r\n\r\n" },
	  NM_OK, 302, "", true, 0, 0, 0, "a redirect is told, not followed" },
	{ { .reply = HEAD "Content-Length: 9\r\n\r\nhello", .end = CANNED_CLOSE },
	  NM_AMBIGUOUS, 200, "hello", true, 0, 0, 0, "cut within the body" },
	{ { .reply = HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	    .end = CANNED_CLOSE },
	  NM_AMBIGUOUS, 200, "hello", true, 0, 0, 0, "cut between chunks" },
	{ { .reply = HEAD "Content-Le", .end = CANNED_CLOSE },
	  NM_AMBIGUOUS, 200, "", true, 0, 0, 0, "cut within the headers" },
	{ { .reply = NULL, .end = CANNED_CLOSE }, NM_AMBIGUOUS, 0, "", true, 0, 0, 0,
	  "cut after the request: it may have acted" },
	{ { .reply = NULL, .end = CANNED_RESET }, NM_AMBIGUOUS, 0, "", true, 0, 0, 0,
	  "reset after the request" },
	{ { .reply = NULL, .end = CANNED_HANG }, NM_AMBIGUOUS, 0, "", true, 300, 0, 0,
	  "no reply at all" },
	{ { .reply = HEAD "Content-Length: 9\r\n\r\nhello", .end = CANNED_HANG },
	  NM_AMBIGUOUS, 200, "hello", true, NM_HTTP_NEVER, 500, 0,
	  "a reply that stands still" },
	{ { .reply = HEAD "Content-Length: 640\r\n\r\n" BYTES_640,
	    .piece_bytes = 1 },
	  NM_OK, 200, BYTES_640, true, NM_HTTP_NEVER, 1000, 0,
	  "a trickle that takes longer does not stand still" },
	{ { .reply = HEAD "Content-Length: 9\r\n\r\n123456789" },
	  NM_LIMIT, 200, "", true, 0, 0, 8, "a reply over its ceiling" },
	{ { .reply = "SSH-2.0-OpenSSH_9.2\r\n\r\n", .end = CANNED_CLOSE },
	  NM_AMBIGUOUS, 0, "", true, 0, 0, 0, "no HTTP at all" },
	{ { .reply = HEAD "Content-Length: 99999999999999999999\r\n\r\nx",
	    .end = CANNED_CLOSE },
	  NM_AMBIGUOUS, 200, NULL, true, 0, 0, 0, "an absurd length" },
};

static void
a_reply_ends_as_it_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_http *http = open_http();
		struct nm_http_reply reply;
		struct canned canned;
		struct nm_err err = {0};
		struct nm_http_request request = {
			.total_ms = rows[i].total_ms,
			.stall_ms = rows[i].stall_ms,
			.reply_max_bytes = rows[i].ceiling,
		};
		enum nm_code code;

		canned_start(&canned, &rows[i].step, 1);
		request.url = canned.url;
		code = nm_http_call(http, &request, &reply, &err);
		canned_stop(&canned);
		if (code != rows[i].code || reply.status != rows[i].status ||
		    reply.sent != rows[i].sent ||
		    (rows[i].body && strcmp(nm_buf_string(&reply.body),
		                            rows[i].body) != 0))
			fail_msg("%s: code %d, status %d, sent %d, body %s (%s)",
			         rows[i].why, (int)code, reply.status, reply.sent,
			         nm_buf_string(&reply.body), err.text);
		assert_int_equal(reply.whole, code == NM_OK);
		if (code != NM_OK && strchr(err.text, '\n'))
			fail_msg("%s: two lines", rows[i].why);
		nm_http_reply_release(&reply);
		canned_release(&canned);
		nm_http_close(http);
	}
}

static void
what_is_not_there_was_sent_nothing(void **state)
{
	struct nm_http *http = open_http();
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};
	struct nm_http_request request = {0};

	(void)state;
	canned_start(&canned, NULL, 0);
	canned_stop(&canned);
	request.url = canned.url; /* nobody listens there any more */
	assert_int_equal(nm_http_call(http, &request, &reply, &err),
	                 NM_UNREACHABLE);
	assert_false(reply.sent);
	assert_non_null(strstr(err.text, "127.0.0.1"));
	nm_http_reply_release(&reply);
	nm_http_close(http);
}

/* https where plain http is spoken: the handshake fails before the request. */
static void
a_failed_handshake_sends_nothing(void **state)
{
	static const struct canned_step step = {
		.reply = "HTTP/1.1 400 Bad\r\n\r\n", .reading = CANNED_NOTHING,
		.end = CANNED_CLOSE
	};
	struct nm_http *http = open_http();
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};
	struct nm_http_request request = {0};
	struct nm_buf url = {0};

	(void)state;
	canned_start(&canned, &step, 1);
	nm_buf_addf(&url, "https%s", canned.url + 4);
	request.url = nm_buf_string(&url);
	assert_int_equal(nm_http_call(http, &request, &reply, &err),
	                 NM_UNREACHABLE);
	canned_stop(&canned);
	nm_http_reply_release(&reply);
	canned_release(&canned);
	nm_http_close(http);
	nm_buf_release(&url);
}

static const struct {
	const char  *url;
	enum nm_code code;
	const char  *why;
} places[] = {
	{ "http://example.com/v1", NM_USAGE, "the key in the open" },
	{ "http://127.0.0.1.example.com/v1", NM_USAGE, "only looks like loopback" },
	{ "http://localhost.example.com/", NM_USAGE, "the same by name" },
	{ "http://10.0.0.1/", NM_USAGE, "the next room is another machine" },
	{ "http://[::2]/", NM_USAGE, "another machine by IPv6" },
	{ "https://user:word@example.com/", NM_USAGE, "a second secret" },
	{ "ftp://127.0.0.1/", NM_USAGE, "another protocol" },
	{ "file:///etc/passwd", NM_USAGE, "no service at all" },
	{ "", NM_USAGE, "nothing" },
	{ NULL, NM_USAGE, "less than nothing" },
	{ "http://127.0.0.1:1/", NM_OK, "loopback" },
	{ "http://127.8.9.1:1/", NM_OK, "the whole of 127.0.0.0/8" },
	{ "http://[::1]:1/", NM_OK, "loopback by IPv6" },
	{ "http://LocalHost:1/", NM_OK, "loopback by name" },
	{ "https://example.com/", NM_OK, "what it is meant for" },
};

static void
the_key_goes_where_it_may(void **state)
{
	struct nm_secret key = {0};
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_secret_set(&key, NM_TEXT(KEY), &err), NM_OK);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct nm_http *http = open_http();
		struct nm_http_request request = {
			.url = places[i].url, .key = &key
		};
		enum nm_code code;

		err = (struct nm_err){0};
		code = nm_http_start(http, &request, NULL, &err);
		if (code != places[i].code)
			fail_msg("%s: %s: %d", places[i].url, places[i].why,
			         (int)code);
		assert_null(strstr(err.text, KEY));
		assert_null(strstr(err.text, "word"));
		nm_http_close(http);
	}
	nm_secret_release(&key);
}

static void
expect_in(const struct nm_buf *seen, const char *words)
{
	if (!strstr(nm_buf_string(seen), words))
		fail_msg("no \"%s\" in:\n%s", words, nm_buf_string(seen));
}

/* The first reply ends; the connection is closed on the second request. */
static void
what_is_sent_once_is_not_sent_again(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = HEAD "Content-Length: 2\r\n\r\nok" },
		{ .reply = NULL, .end = CANNED_CLOSE },
		{ .reply = HEAD "Content-Length: 5\r\n\r\ntwice" },
	};
	static const struct {
		enum nm_http_sending sending;
		enum nm_code         code;
		size_t               requests;
	} ways[] = {
		{ NM_HTTP_ONCE, NM_AMBIGUOUS, 2 },
		{ NM_HTTP_MAY_RESEND, NM_OK, 3 },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct nm_http *http = open_http();
		struct nm_http_reply reply;
		struct canned canned;
		struct nm_err err = {0};
		struct nm_http_request request = {
			.method = NM_HTTP_POST, .body = NM_TEXT("{}"),
			.content_type = "application/json"
		};

		canned_start(&canned, steps, 3);
		request.url = canned.url;
		assert_int_equal(nm_http_call(http, &request, &reply, &err),
		                 NM_OK);
		nm_http_reply_release(&reply);
		request.sending = ways[i].sending;
		assert_int_equal(nm_http_call(http, &request, &reply, &err),
		                 ways[i].code);
		nm_http_reply_release(&reply);
		canned_stop(&canned);
		assert_int_equal(canned.n_seen, ways[i].requests);
		canned_release(&canned);
		nm_http_close(http);
	}
}

static enum nm_code
take_some(void *user, const struct nm_http_reply *reply, const char *bytes,
          size_t len, struct nm_err *err)
{
	struct nm_buf *taken = user;

	assert_int_equal(reply->status, 200);
	if (taken->max && taken->len + len > taken->max)
		return nm_fail(err, NM_IO, 28, "the disk is full");
	nm_buf_add(taken, bytes, len);
	return NM_OK;
}

static void
a_sink_takes_the_body_or_refuses_it(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = HEAD "Content-Length: 5\r\n\r\nhello" },
		{ .reply = HEAD "Content-Length: 5\r\n\r\nhello" },
		{ .reply = "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone" },
	};
	static const struct {
		size_t       max;
		enum nm_code code;
		const char  *taken, *body;
	} sinks[] = {
		{ 0, NM_OK, "hello", "" },
		{ 3, NM_IO, "", "" },
		{ 0, NM_OK, "", "none" },
	};
	struct nm_http *http = open_http();
	struct canned canned;

	(void)state;
	canned_start(&canned, steps, 3);
	for (size_t i = 0; i < 3; i++) {
		struct nm_buf taken = { .max = sinks[i].max };
		struct nm_http_request request = {
			.url = canned.url, .sink = take_some, .sink_user = &taken,
			.encoding = NM_HTTP_IDENTITY
		};
		struct nm_http_reply reply;
		struct nm_err err = {0};

		assert_int_equal(nm_http_call(http, &request, &reply, &err),
		                 sinks[i].code);
		assert_string_equal(nm_buf_string(&taken), sinks[i].taken);
		assert_string_equal(nm_buf_string(&reply.body), sinks[i].body);
		nm_http_reply_release(&reply);
		nm_buf_release(&taken);
	}
	canned_stop(&canned);
	expect_in(&canned.seen[0], "Accept-Encoding: identity\r\n");
	canned_release(&canned);
	nm_http_close(http);
}

static void
headers_are_found_in_any_case(void **state)
{
	static const struct canned_step step = {
		.reply = HEAD "X-Request-ID:  req_1 \r\nretry-after: 7\r\nx-empty:\r\n"
		"X-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 0\r\n\r\n"
	};
	struct nm_http *http = open_http();
	struct nm_http_request request = {0};
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};

	(void)state;
	canned_start(&canned, &step, 1);
	request.url = canned.url;
	assert_int_equal(nm_http_call(http, &request, &reply, &err), NM_OK);
	canned_stop(&canned);
	assert_true(nm_text_is(nm_http_header(&reply, "x-request-id"), "req_1"));
	assert_true(nm_text_is(nm_http_header(&reply, "x-twice"), "2"));
	assert_int_equal(nm_http_header(&reply, "x-empty").len, 0);
	assert_int_equal(nm_http_header(&reply, "x-request").len, 0);
	assert_int_equal(nm_http_header_int(&reply, "retry-after", -1), 7);
	assert_int_equal(nm_http_header_int(&reply, "x-request-id", -1), -1);
	nm_http_reply_release(&reply);
	canned_release(&canned);
	nm_http_close(http);
}

static void
endless_headers_meet_a_ceiling(void **state)
{
	struct nm_buf head = {0};
	struct canned_step step = {0};
	struct nm_http *http = open_http();
	struct nm_http_request request = {0};
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};

	(void)state;
	nm_buf_add_string(&head, HEAD);
	for (int i = 0; i < 3000; i++)
		nm_buf_addf(&head, "x-filler-%d: 0123456789012345\r\n", i);
	step.reply = nm_buf_string(&head);
	step.end = CANNED_CLOSE;
	canned_start(&canned, &step, 1);
	request.url = canned.url;
	assert_int_equal(nm_http_call(http, &request, &reply, &err), NM_LIMIT);
	canned_stop(&canned);
	nm_http_reply_release(&reply);
	canned_release(&canned);
	nm_http_close(http);
	nm_buf_release(&head);
}

static void
a_stop_flag_ends_a_call(void **state)
{
	static const struct canned_step step = { .reply = NULL, .end = CANNED_HANG };
	atomic_int stop = 1;
	struct nm_clock clock = { .stop = &stop };
	struct nm_http_options options = { .clock = &clock };
	struct nm_http *http;
	struct nm_http_request request = {0};
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};

	(void)state;
	assert_int_equal(nm_http_open(&http, &options, &err), NM_OK);
	canned_start(&canned, &step, 1);
	request.url = canned.url;
	assert_int_equal(nm_http_call(http, &request, &reply, &err),
	                 NM_INTERRUPTED);
	assert_int_equal(nm_http_running(http), 0);
	nm_http_close(http);
	canned_stop(&canned);
	nm_http_reply_release(&reply);
	canned_release(&canned);
}

struct tally {
	struct nm_http         *http;
	struct nm_http_request *again;
	int                     left, ended;
};

static void
count_one(void *user, struct nm_http_reply *reply, enum nm_code code,
          const struct nm_err *err)
{
	struct tally *tally = user;
	struct nm_err ignored;

	(void)err;
	assert_int_equal(code, NM_OK);
	assert_string_equal(nm_buf_string(&reply->body), "ok");
	tally->ended++;
	if (tally->left-- > 0)
		assert_int_equal(nm_http_start(tally->http, tally->again, NULL,
		                               &ignored), NM_OK);
}

static void
replies_start_further_requests_over_one_connection(void **state)
{
	struct canned_step steps[CANNED_STEPS_MAX];
	struct tally tally = { .left = CANNED_STEPS_MAX - 1 };
	struct nm_http_request request = { .done = count_one, .user = &tally };
	struct canned canned;
	struct nm_err err = {0};

	(void)state;
	for (size_t i = 0; i < CANNED_STEPS_MAX; i++)
		steps[i] = (struct canned_step){
			.reply = HEAD "Content-Length: 2\r\n\r\nok"
		};
	tally.http = open_http();
	tally.again = &request;
	canned_start(&canned, steps, CANNED_STEPS_MAX);
	request.url = canned.url;
	assert_int_equal(nm_http_start(tally.http, &request, NULL, &err), NM_OK);
	while (nm_http_running(tally.http) > 0)
		assert_int_equal(nm_http_poll(tally.http, 100, &err), NM_OK);
	canned_stop(&canned);
	assert_int_equal(tally.ended, CANNED_STEPS_MAX);
	assert_int_equal(canned.n_connections, 1);
	canned_release(&canned);
	nm_http_close(tally.http);
}

static void
a_proxy_is_used_but_not_for_loopback(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = HEAD "Content-Length: 2\r\n\r\nok" },
		{ .reply = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n",
		  .end = CANNED_CLOSE },
	};
	struct nm_http *http = open_http();
	struct nm_secret key = {0};
	struct nm_http_request request = { .key = &key };
	struct nm_http_reply reply;
	struct canned canned;
	struct nm_err err = {0};

	(void)state;
	assert_int_equal(nm_secret_set(&key, NM_TEXT(KEY), &err), NM_OK);
	canned_start(&canned, steps, 2);
	setenv("https_proxy", canned.url, 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	request.url = canned.url;
	assert_int_equal(nm_http_call(http, &request, &reply, &err), NM_OK);
	nm_http_reply_release(&reply);
	request.url = "https://service.invalid/v1";
	assert_int_equal(nm_http_call(http, &request, &reply, &err),
	                 NM_UNREACHABLE);
	nm_http_reply_release(&reply);
	unsetenv("https_proxy");
	unsetenv("http_proxy");
	canned_stop(&canned);
	expect_in(&canned.seen[1], "CONNECT service.invalid:443 HTTP/1.1");
	assert_null(strstr(nm_buf_string(&canned.seen[1]), KEY));
	canned_release(&canned);
	nm_http_close(http);
	nm_secret_release(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_ends_as_it_ends),
		cmocka_unit_test(what_is_not_there_was_sent_nothing),
		cmocka_unit_test(a_failed_handshake_sends_nothing),
		cmocka_unit_test(the_key_goes_where_it_may),
		cmocka_unit_test(what_is_sent_once_is_not_sent_again),
		cmocka_unit_test(a_sink_takes_the_body_or_refuses_it),
		cmocka_unit_test(headers_are_found_in_any_case),
		cmocka_unit_test(endless_headers_meet_a_ceiling),
		cmocka_unit_test(a_stop_flag_ends_a_call),
		cmocka_unit_test(replies_start_further_requests_over_one_connection),
		cmocka_unit_test(a_proxy_is_used_but_not_for_loopback),
	};

	/* The machine's own proxy is nobody's business here. */
	unsetenv("https_proxy");
	unsetenv("http_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
