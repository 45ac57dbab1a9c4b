#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "scene.h"

#define EMPTY "Content-Length: 0\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\": 1}"
#define HTML "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"

enum verb { GET, DELETE, POST, ONCE };

static const struct {
	enum verb          verb;
	struct canned_step steps[4];
	size_t             n_steps;
	enum nm_code       code;
	int                detail;
	const char        *why;
} rows[] = {
	{ GET, { { .reply = OK } }, 1, NM_OK, 0, "the plain case" },
	{ GET, { { .reply = "HTTP/1.1 500 No\r\n" EMPTY },
	         { .end = CANNED_CLOSE }, { .reply = OK } }, 3, NM_OK, 0,
	  "two failures are outlasted" },
	{ GET, { { .reply = "HTTP/1.1 500 No\r\n" EMPTY },
	         { .reply = "HTTP/1.1 502 No\r\n" EMPTY },
	         { .reply = "HTTP/1.1 503 No\r\n" EMPTY } }, 3, NM_UNREACHABLE,
	  503, "three are not, but it may pass" },
	{ GET, { { .reply = "HTTP/1.1 429 No\r\nRetry-After: 1\r\n" EMPTY },
	         { .reply = OK } }, 2, NM_OK, 0, "told to wait" },
	{ GET, { { .reply = "HTTP/1.1 429 No\r\nContent-Length: 39\r\n\r\n"
	           "{\"error\":{\"type\":\"insufficient_quota\"}}" } }, 1,
	  NM_REFUSED, 429, "no money" },
	{ GET, { { .reply = "HTTP/1.1 404 No\r\n" EMPTY } }, 1, NM_ABSENT, 404,
	  "not there" },
	{ GET, { { .reply = "HTTP/1.1 401 No\r\n" EMPTY } }, 1, NM_REFUSED, 401,
	  "a wrong key" },
	{ GET, { { .reply = "HTTP/1.1 401 No\r\nContent-Length: 9\r\n\r\n{",
	           .end = CANNED_CLOSE } }, 1, NM_REFUSED, 401,
	  "a wrong key, its words cut" },
	{ GET, { { .reply = "HTTP/1.1 301 No\r\nLocation: /v2\r\n" EMPTY } }, 1,
	  NM_REFUSED, 301, "a redirect" },
	{ GET, { { .reply = HTML } }, 1, NM_PROTOCOL, 200, "not JSON" },
	{ GET, { { .reply = "HTTP/1.1 200 OK\r\n" EMPTY } }, 1, NM_PROTOCOL, 200,
	  "nothing where JSON is due" },
	{ DELETE, { { .reply = "HTTP/1.1 204 OK\r\n\r\n" } }, 1, NM_OK, 0,
	  "nothing after a deletion" },
	{ POST, { { .reply = "HTTP/1.1 500 No\r\n" EMPTY }, { .reply = OK } }, 2,
	  NM_OK, 0, "a harmless POST is repeated" },
	{ POST, { { .reply = "HTTP/1.1 409 No\r\n" EMPTY } }, 1, NM_REFUSED, 409,
	  "a conflict is not" },
	{ ONCE, { { .reply = OK } }, 1, NM_OK, 0, "once" },
	{ ONCE, { { .reply = "HTTP/1.1 500 No\r\n" EMPTY } }, 1, NM_AMBIGUOUS,
	  500, "never again" },
	{ ONCE, { { .reply = "HTTP/1.1 408 No\r\n" EMPTY } }, 1, NM_AMBIGUOUS,
	  408, "who waited, them or their proxy?" },
	{ ONCE, { { .reply = "HTTP/1.1 409 No\r\n" EMPTY } }, 1, NM_REFUSED, 409,
	  "a conflict" },
	{ ONCE, { { .end = CANNED_RESET } }, 1, NM_AMBIGUOUS, 56, "reset" },
	{ ONCE, { { .reply = HTML } }, 1, NM_AMBIGUOUS, 200,
	  "done, but what?" },
};

static enum nm_code
call(struct nm_api *api, enum verb verb, struct nm_reply *reply,
     struct nm_err *err)
{
	switch (verb) {
	case GET:
		return nm_api_get(api, "/x", reply, err);
	case DELETE:
		return nm_api_delete(api, "/x", reply, err);
	case POST:
		return nm_api_post(api, "/x", NM_TEXT("{}"), reply, err);
	case ONCE:
		break;
	}
	return nm_api_post_once(api, "/x", NM_TEXT("{}"), reply, err);
}

static void
calls_end_in_their_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_reply reply = {0};
		struct nm_err err = {0};
		struct scene scene;
		enum nm_code rc;

		scene_begin(&scene, rows[i].steps, rows[i].n_steps);
		rc = call(&scene.api, rows[i].verb, &reply, &err);
		scene_stop(&scene);
		if (rc != rows[i].code || err.detail != rows[i].detail ||
		    scene.canned.n_seen != rows[i].n_steps)
			fail_msg("%s: code %d, detail %ld, %zu requests (%s)",
			         rows[i].why, (int)rc, err.detail,
			         scene.canned.n_seen, err.text);
		if (rc == NM_OK && rows[i].verb != DELETE)
			assert_int_equal(nm_json_int(nm_json_get(reply.root,
			                                         "a"), 0), 1);
		assert_null(strstr(err.text, SCENE_KEY));
		nm_reply_release(&reply);
		scene_release(&scene);
	}
}

static void
what_cannot_be_reached_is_told_so_in_every_verb(void **state)
{
	static const enum verb verbs[] = { GET, DELETE, POST, ONCE };
	struct scene scene;

	(void)state;
	scene_begin(&scene, NULL, 0);
	scene_stop(&scene);
	for (size_t i = 0; i < 4; i++) {
		struct nm_reply reply = {0};
		struct nm_err err = {0};

		assert_int_equal(call(&scene.api, verbs[i], &reply, &err),
		                 NM_UNREACHABLE);
		assert_non_null(strstr(err.text, "cannot reach 127.0.0.1"));
		nm_reply_release(&reply);
	}
	assert_int_equal(scene.api.tries, 3 + 3 + 3 + 1);
	scene_release(&scene);
}

/* On a kept connection that is closed libcurl would send again by itself. */
static void
once_is_once_after_other_calls_too(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = OK }, { .end = CANNED_CLOSE }, { .reply = OK },
	};
	struct nm_reply reply = {0};
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, steps, 3);
	assert_int_equal(call(&scene.api, GET, &reply, &err), NM_OK);
	nm_reply_release(&reply);
	assert_int_equal(call(&scene.api, ONCE, &reply, &err), NM_AMBIGUOUS);
	scene_stop(&scene);
	assert_int_equal(scene.canned.n_seen, 2);
	scene_release(&scene);
}

struct events {
	struct nm_buf text;
};

static void
note(void *user, const struct nm_api_event *event)
{
	struct events *events = user;

	nm_buf_addf(&events->text, "%s %s %d %d %.*s%s;", event->method,
	            event->path, event->try_number, event->status,
	            NM_TEXT_ARGS(event->request_id),
	            event->verdict.when == NM_RETRY_NEVER ? "" : " again");
}

static void
every_try_is_told_to_the_log(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = "HTTP/1.1 500 No\r\nX-Request-Id: r1\r\n" EMPTY },
		{ .reply = OK },
	};
	struct nm_reply reply = {0};
	struct events events = {0};
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, steps, 2);
	scene.api.log = note;
	scene.api.log_user = &events;
	assert_int_equal(nm_api_get(&scene.api, "/x", &reply, &err), NM_OK);
	scene_stop(&scene);
	assert_string_equal(nm_buf_string(&events.text),
	                    "GET /x 1 500 r1 again;GET /x 2 200 ;");
	assert_int_equal(scene.api.refusal.status, 0);
	nm_reply_release(&reply);
	nm_buf_release(&events.text);
	scene_release(&scene);
}

static void
the_account_is_in_the_headers(void **state)
{
	static const struct canned_step step = { .reply = OK };
	struct nm_reply reply = {0};
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, &step, 1);
	nm_buf_add_string(&scene.account.organization, "org-1");
	nm_buf_add_string(&scene.account.project, "proj-1");
	assert_int_equal(nm_api_get(&scene.api, "/x", &reply, &err), NM_OK);
	scene_stop(&scene);
	scene_expect(&scene, 0, "GET /v1/x HTTP/1.1\r\n");
	scene_expect(&scene, 0, "Authorization: Bearer " SCENE_KEY "\r\n");
	scene_expect(&scene, 0, "OpenAI-Organization: org-1\r\n");
	scene_expect(&scene, 0, "OpenAI-Project: proj-1\r\n");
	scene_expect(&scene, 0, "Accept: application/json\r\n");
	scene_expect(&scene, 0, "Accept-Encoding: ");
	nm_reply_release(&reply);
	scene_release(&scene);
}

static void
a_pause_heeds_the_stop_flag(void **state)
{
	static const struct canned_step step = {
		.reply = "HTTP/1.1 429 No\r\nRetry-After: 60\r\n" EMPTY
	};
	atomic_int stop = 0;
	struct nm_reply reply = {0};
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, &step, 1);
	scene.clock.speed = 1;
	scene.clock.stop = &stop;
	atomic_store(&stop, 1);
	assert_int_equal(nm_api_get(&scene.api, "/x", &reply, &err),
	                 NM_INTERRUPTED);
	scene_stop(&scene);
	scene_release(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_end_in_their_codes),
		cmocka_unit_test(what_cannot_be_reached_is_told_so_in_every_verb),
		cmocka_unit_test(once_is_once_after_other_calls_too),
		cmocka_unit_test(every_try_is_told_to_the_log),
		cmocka_unit_test(the_account_is_in_the_headers),
		cmocka_unit_test(a_pause_heeds_the_stop_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
