#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "remote/chat.h"
#include "scene.h"

static const struct {
	const char *text;
	int64_t     milliseconds;
	const char *why;
} durations[] = {
	{ "1s", 1000, "a second" },
	{ "6m0s", 360000, "as the service has it" },
	{ "8.64s", 8640, "a fraction" },
	{ "2ms", 2, "not two minutes" },
	{ "1h2m3s", 3723000, "three units" },
	{ "1d2h", 93600000, "days" },
	{ "999us", 1, "rounded up" },
	{ "1\xc2\xb5s", 1, "Go's own micro" },
	{ "100ns", 1, "smaller still" },
	{ "0s", 0, "none" },
	{ "12", 12000, "a bare number is seconds" },
	{ "1.5", 1500, "with a fraction too" },
	{ "", -1, "nothing" },
	{ "s", -1, "no number" },
	{ "5x", -1, "no unit" },
	{ "1s5", -1, "a number without one, not alone" },
	{ "-1s", -1, "negative" },
	{ ".", -1, "no digit" },
	{ "99999999999999999999h", -1, "longer than all times" },
};

static void
durations_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		int64_t got = nm_chat_read_duration(
			nm_text_of(durations[i].text));

		if (got != durations[i].milliseconds)
			fail_msg("%s: %s: %lld", durations[i].text,
			         durations[i].why, (long long)got);
	}
}

struct ending {
	struct nm_buf         body, request_id, text;
	struct nm_chat_limits limits;
	enum nm_code          code;
	enum nm_retry_when    when;
	int64_t               pause_ms;
	int                   status, count;
};

static void
note(void *user, const struct nm_chat_reply *reply)
{
	struct ending *ending = user;

	ending->count++;
	ending->code = reply->code;
	ending->status = reply->status;
	ending->limits = reply->limits;
	ending->when = reply->verdict.when;
	ending->pause_ms = reply->verdict.pause_ms;
	nm_buf_add_text(&ending->body, reply->body);
	nm_buf_add_text(&ending->request_id, reply->request_id);
	nm_buf_add_string(&ending->text, reply->err ? reply->err->text : "");
}

static void
release(struct ending *ending)
{
	nm_buf_release(&ending->body);
	nm_buf_release(&ending->request_id);
	nm_buf_release(&ending->text);
}

static void
run(struct scene *scene, struct nm_chat_wish wish, struct ending *ending)
{
	struct nm_err err = {0};

	*ending = (struct ending){0};
	wish.done = note;
	wish.user = ending;
	assert_int_equal(nm_chat_start(&scene->api, &wish, NULL, &err), NM_OK);
	while (nm_http_running(scene->api.http) > 0)
		assert_int_equal(nm_http_poll(scene->api.http, 100, &err),
		                 NM_OK);
	assert_int_equal(ending->count, 1);
}

static void
a_reply_brings_its_pace(void **state)
{
	static const struct canned_step step = {
		.reply = "HTTP/1.1 200 OK\r\nX-Request-Id: req_1\r\n"
		"x-ratelimit-limit-requests: 5000\r\n"
		"x-ratelimit-remaining-requests: 4999\r\n"
		"x-ratelimit-reset-requests: 12ms\r\n"
		"x-ratelimit-limit-tokens: 160000\r\n"
		"x-ratelimit-remaining-tokens: 159976\r\n"
		"x-ratelimit-reset-tokens: 1m0.5s\r\n"
		"Content-Length: 2\r\n\r\n{}"
	};
	struct nm_chat_wish wish = { .body = NM_TEXT("{\"model\":\"m\"}") };
	struct ending ending;
	struct scene scene;

	(void)state;
	scene_begin(&scene, &step, 1);
	run(&scene, wish, &ending);
	scene_stop(&scene);
	scene_expect(&scene, 0, "POST /v1/chat/completions HTTP/1.1\r\n");
	scene_expect(&scene, 0, "\r\n\r\n{\"model\":\"m\"}");
	assert_int_equal(ending.code, NM_OK);
	assert_string_equal(nm_buf_string(&ending.body), "{}");
	assert_string_equal(nm_buf_string(&ending.request_id), "req_1");
	assert_int_equal(ending.limits.requests_limit, 5000);
	assert_int_equal(ending.limits.requests_left, 4999);
	assert_int_equal(ending.limits.requests_reset_ms, 12);
	assert_int_equal(ending.limits.tokens_limit, 160000);
	assert_int_equal(ending.limits.tokens_left, 159976);
	assert_int_equal(ending.limits.tokens_reset_ms, 60500);
	release(&ending);
	scene_release(&scene);
}

static const struct {
	struct canned_step step;
	int                tries;
	enum nm_code       code;
	int                status, when;
	int64_t            pause_ms; /* -1 = some */
	const char        *why;
} rows[] = {
	{ { .reply = "HTTP/1.1 429 No\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
	    "\r\n" }, 0, NM_UNREACHABLE, 429, NM_RETRY_AFTER, 2000,
	  "told to wait" },
	{ { .reply = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" }, 0,
	  NM_AMBIGUOUS, 500, NM_RETRY_AFTER, -1, "their fault" },
	{ { .reply = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" }, 2,
	  NM_AMBIGUOUS, 500, NM_RETRY_NEVER, 0, "tried often enough" },
	{ { .reply = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n" }, 0,
	  NM_REFUSED, 400, NM_RETRY_NEVER, 0, "ours" },
	{ { .end = CANNED_CLOSE }, 0, NM_AMBIGUOUS, 0, NM_RETRY_AFTER, -1,
	  "cut" },
	{ { .reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html" }, 0,
	  NM_OK, 200, NM_RETRY_NEVER, 0,
	  "what cannot be read is the caller's to judge" },
};

static void
a_failure_brings_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_chat_wish wish = {
			.body = NM_TEXT("{}"), .tries = rows[i].tries
		};
		struct ending ending;
		struct scene scene;

		scene_begin(&scene, &rows[i].step, 1);
		run(&scene, wish, &ending);
		scene_stop(&scene);
		if (ending.code != rows[i].code ||
		    ending.status != rows[i].status ||
		    (int)ending.when != rows[i].when ||
		    (rows[i].pause_ms >= 0 &&
		     ending.pause_ms != rows[i].pause_ms))
			fail_msg("%s: code %d, status %d, verdict %d, %lld ms "
			         "(%s)", rows[i].why, (int)ending.code,
			         ending.status, (int)ending.when,
			         (long long)ending.pause_ms,
			         nm_buf_string(&ending.text));
		assert_int_equal(ending.limits.tokens_left, -1);
		assert_int_equal(scene.canned.n_seen, 1);
		release(&ending);
		scene_release(&scene);
	}
}

static void
a_cancelled_one_ends_without_a_word(void **state)
{
	static const struct canned_step step = { .end = CANNED_HANG };
	struct ending ending = {0};
	struct nm_chat_wish wish = {
		.body = NM_TEXT("{}"), .done = note, .user = &ending
	};
	struct nm_chat *chat;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, &step, 1);
	assert_int_equal(nm_chat_start(&scene.api, &wish, &chat, &err), NM_OK);
	assert_int_equal(nm_http_poll(scene.api.http, 20, &err), NM_OK);
	nm_chat_cancel(chat);
	assert_int_equal(nm_http_running(scene.api.http), 0);
	assert_int_equal(ending.count, 0);
	scene_stop(&scene);
	scene_release(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(a_reply_brings_its_pace),
		cmocka_unit_test(a_failure_brings_its_verdict),
		cmocka_unit_test(a_cancelled_one_ends_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
