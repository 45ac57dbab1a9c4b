#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "server/blame.h"

/* OTHER: a row of another endpoint. */
enum { CUT = -1, GONE = -2, CALM = NM_TROUBLE_CALM_MS, OTHER = 4, ROWS = 6 };
enum { ASTRAY = 1000 }; /* with a status: of no API */

/* A try of a row that ends so: a status, or CUT, or GONE. */
struct event {
	int         row, how;
	enum { TRIED, GIVEN_UP } end;
	const char *told; /* how it begins; "" = nothing */
};

struct story {
	const char  *why;
	struct event events[12];
	int          calm_told; /* whether its end is told at last */
	const char  *held;      /* a letter an event: w waits, r is the row's */
};

static const struct story stories[] = {
	{ "one row, nothing but failures", {
		{ 1, 503, TRIED, "" }, { 1, 500, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream at W fails (HTTP 503), and rows "
		  "are given up after 3 tries; mend it, or stop" } }, 0, NULL },
	{ "time-outs, and what to do", {
		{ 1, CUT, TRIED, "" }, { 1, 503, TRIED, "" },
		{ 1, CUT, GIVEN_UP, "the upstream at W fails (late), and rows are "
		  "given up after 3 tries; mend it, ask less" } }, 0, NULL },
	{ "too many requests, and what to do", {
		{ 1, 429, TRIED, "" }, { 1, 408, TRIED, "" },
		{ 1, 429, GIVEN_UP, "the upstream at W fails (HTTP 429), and rows "
		  "are given up after 3 tries; ask less" } }, 0, NULL },
	{ "it is told once", {
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" }, { 2, 503, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream" }, { 2, 503, TRIED, "" },
		{ 2, 503, GIVEN_UP, "" } }, 0, NULL },
	{ "others are answered meanwhile", {
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" }, { 2, 200, TRIED, "" },
		{ 1, 503, GIVEN_UP, "" } }, 0, NULL },
	{ "others are refused meanwhile", {
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" }, { 2, 400, TRIED, "" },
		{ 1, 503, GIVEN_UP, "" } }, 0, NULL },
	{ "others were answered before", {
		{ 2, 200, TRIED, "" }, { 1, 503, TRIED, "" }, { 1, 503, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream" } }, 0, NULL },
	{ "no second try is asked for: three rows tell it", {
		{ 1, 500, GIVEN_UP, "" }, { 2, 500, GIVEN_UP, "" },
		{ 3, 500, GIVEN_UP, "the upstream at W fails (HTTP 500), and rows "
		  "are given up after 1 try; " } }, 0, NULL },
	{ "no second try is asked for, and others are answered", {
		{ 1, 500, GIVEN_UP, "" }, { 2, 500, GIVEN_UP, "" },
		{ 0, 200, TRIED, "" }, { 3, 500, GIVEN_UP, "" } }, 0, NULL },
	{ "an answer ends it", {
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream" }, { 2, 200, TRIED, "" } }, 1, NULL },
	{ "so does a refusal", {
		{ 1, CUT, TRIED, "" }, { 1, CUT, TRIED, "" },
		{ 1, CUT, GIVEN_UP, "the upstream" }, { 2, 404, TRIED, "" } }, 1, NULL },
	{ "what is to be tried again does not", {
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream" }, { 2, 429, TRIED, "" },
		{ 3, 408, TRIED, "" } }, 0, NULL },
	{ "nor does an answer after which it fails on", {
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream" }, { 2, 200, TRIED, "" },
		{ 3, 503, TRIED, "" }, { 3, 503, TRIED, "" },
		{ 3, 503, TRIED, "" } }, 0, NULL },
	{ "a key that was refused is not proven by a refusal", {
		{ 1, 401, TRIED, "the upstream asks for a key" },
		{ 2, 503, TRIED, "" }, { 2, 503, TRIED, "" },
		{ 2, 503, GIVEN_UP, "the upstream at W fails" },
		{ 3, 400, TRIED, "" } }, 0, NULL },
	{ "unreachable first, then failing, then well", {
		{ 1, GONE, TRIED, "upstream: late; rows wait" },
		{ 1, 503, TRIED, "" }, { 1, 503, TRIED, "" },
		{ 1, 503, GIVEN_UP, "the upstream at W fails" },
		{ 1, 200, TRIED, "" } }, 1, "rrrrr" },
	{ "no API: told once, and all wait", {
		{ 1, ASTRAY + 404, TRIED, "what answers at W is no API such as "
		  "OpenAI's (HTTP 404): mend --upstream" },
		{ 2, ASTRAY + 200, TRIED, "" }, { 1, ASTRAY + 302, TRIED, "" },
		{ 1, ASTRAY + 404, TRIED, "" }, { 1, ASTRAY + 404, TRIED, "" },
		{ OTHER, ASTRAY + 404, TRIED, "" } }, 0, "wwwwww" },
	{ "a refusal by an API ends it", {
		{ 1, ASTRAY + 404, TRIED, "what answers at W" },
		{ 1, 404, TRIED, "" } }, 1, "wr" },
	{ "so does an answer, after which three tries are enough", {
		{ 1, ASTRAY + 404, TRIED, "what answers at W" },
		{ 2, 200, TRIED, "" }, { 1, ASTRAY + 404, TRIED, "" },
		{ 1, ASTRAY + 404, TRIED, "" }, { 1, ASTRAY + 404, TRIED, "" } },
	  1, "wrwwr" },
	{ "a page is no answer, and no key is proven by it", {
		{ 1, 401, TRIED, "the upstream asks for a key" },
		{ 2, ASTRAY + 200, TRIED, "what answers at W" } }, 0, "ww" },
	{ "an endpoint that is not there, where others are", {
		{ OTHER, 200, TRIED, "" }, { 1, ASTRAY + 404, TRIED, "" },
		{ 1, ASTRAY + 200, TRIED, "" }, { OTHER, ASTRAY + 404, TRIED,
		  "" } }, 0, "rrrw" },
};

static void
hear(void *user, const char *words)
{
	nm_buf_add_string(user, words);
}

static struct nm_retry_event
event_of(int how)
{
	struct nm_retry_event event = { .kind = NM_RETRY_REPLIED,
		.status = how % ASTRAY };

	if (how < 0)
		event = (struct nm_retry_event){ .kind = how == CUT
			? NM_RETRY_CUT : NM_RETRY_UNREACHABLE };
	return event;
}

static void
play(const struct story *story, struct nm_blame *blame, struct nm_buf *told)
{
	struct nm_doubt doubts[ROWS] = {0};
	struct nm_err late = {0};
	struct nm_retry_event event;
	struct nm_try tried = { .event = &event, .err = &late, .now_ms = 1000 };
	const struct event *e = story->events;
	char held;

	(void)!nm_fail(&late, NM_AMBIGUOUS, 0, "late");
	for (; e->how; e++, tried.now_ms++) {
		event = event_of(e->how);
		tried.astray = e->how > ASTRAY;
		tried.endpoint = e->row < OTHER ? NM_ENDPOINT_CHAT
		                                : NM_ENDPOINT_EMBEDDINGS;
		nm_buf_clear(told);
		held = nm_blame_outcome(blame, &doubts[e->row], &tried)
			? 'w' : 'r';
		if (story->held && held != story->held[e - story->events])
			fail_msg("%s: event %d: %c", story->why,
			         (int)(e - story->events), held);
		if (e->end == GIVEN_UP)
			nm_blame_given_up(blame, &doubts[e->row], &tried);
		nm_blame_look(blame, tried.now_ms);
		if (strncmp(nm_buf_string(told), e->told, strlen(e->told)) != 0 ||
		    !*e->told != !told->len)
			fail_msg("%s: event %d told '%s'", story->why,
			         (int)(e - story->events), nm_buf_string(told));
	}
	nm_buf_clear(told);
	nm_blame_look(blame, tried.now_ms + CALM);
	if ((told->len != 0) != story->calm_told)
		fail_msg("%s: told '%s' at last", story->why,
		         nm_buf_string(told));
}

static void
test_stories(void **state)
{
	struct nm_buf told = {0};
	struct nm_server_options options = { .tell = hear, .tell_user = &told,
		.upstream_key_env = "V" };
	struct nm_secret none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct nm_metrics metrics = {0};
		struct nm_parts parts = { .options = &options,
			.metrics = &metrics };
		struct nm_blame blame;

		nm_blame_init(&blame, &parts, &none, "W");
		play(&stories[i], &blame, &told);
	}
	nm_buf_release(&told);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
