#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>

#include "net/retry.h"

enum { NO = NM_RETRY_NEVER, NOW = NM_RETRY_NOW, LATER = NM_RETRY_AFTER };

/* 2026-11-23 12:00:00 UTC. */
#define NOON_MS INT64_C(1795435200000)

static const struct {
	int         status;
	const char *type, *code, *should, *after_ms, *after;
	int         tries;
	double      chance;
	int         when;
	int64_t     pause_ms;
	const char *why;
} replies[] = {
	{ 200, "", "", "", "", "", 1, 0, NO, 0, "it succeeded" },
	{ 302, "", "", "", "", "", 1, 0, NO, 0, "redirects are not followed" },
	{ 400, "", "", "", "", "", 1, 0, NO, 0, "the request is wrong" },
	{ 401, "", "invalid_api_key", "", "", "", 1, 0, NO, 0, "the key is wrong" },
	{ 403, "", "", "", "", "", 1, 0, NO, 0, "not allowed" },
	{ 404, "", "", "", "", "", 1, 0, NO, 0, "not there" },
	{ 413, "", "", "", "", "", 1, 0, NO, 0, "too large: split" },
	{ 422, "", "", "", "", "", 1, 0, NO, 0, "unprocessable" },
	{ 408, "", "", "", "", "", 1, 0, LATER, 500, "request time-out" },
	{ 409, "", "", "", "", "", 1, 0, LATER, 500, "a conflict may pass" },
	{ 429, "", "rate_limit_exceeded", "", "", "", 1, 0, LATER, 500,
	  "too fast" },
	{ 500, "server_error", "", "", "", "", 1, 0, LATER, 500, "their fault" },
	{ 502, "", "", "", "", "", 1, 0, LATER, 500, "a proxy's fault" },
	{ 504, "", "", "", "", "", 1, 0, LATER, 500, "a proxy's time-out" },
	{ 599, "", "", "", "", "", 1, 0, LATER, 500, "500 and above" },

	{ 500, "", "", "", "", "", 2, 0, LATER, 1000, "doubled" },
	{ 500, "", "", "", "", "", 5, 0, LATER, 8000, "0.5 · 2^4" },
	{ 500, "", "", "", "", "", 6, 0, LATER, 8000, "the cap" },
	{ 500, "", "", "", "", "", INT_MAX, 0, LATER, 8000, "no overflow" },
	{ 500, "", "", "", "", "", 2, 0.5, LATER, 875, "jitter takes off" },
	{ 500, "", "", "", "", "", 2, 2.0, LATER, 1000, "chance out of bounds" },
	{ 503, "", "", "", "", "", 1, 0, LATER, 4000, "overloaded: slower" },
	{ 503, "", "", "", "", "", 9, 0, LATER, 60000, "with a higher cap" },
	{ 429, "", "slow_down", "", "", "", 1, 0, LATER, 4000, "asked to slow" },

	{ 429, "insufficient_quota", "insufficient_quota", "", "", "", 1, 0, NO,
	  0, "no money" },
	{ 429, "insufficient_quota", "", "", "", "", 1, 0, NO, 0,
	  "no money, by type alone" },
	{ 429, "", "credit_balance_exhausted", "", "", "", 1, 0, NO, 0,
	  "no credit" },
	{ 429, "", "organization_spend_limit_exceeded", "", "", "5", 1, 0, NO, 0,
	  "a spend limit, whatever Retry-After says" },
	{ 429, "", "project_spend_limit_exceeded", "", "", "", 1, 0, NO, 0,
	  "a project's" },
	{ 429, "", "organization_usage_limit_exceeded", "", "", "", 1, 0, NO, 0,
	  "a usage limit" },

	{ 500, "", "", "false", "", "", 1, 0, NO, 0, "told not to" },
	{ 400, "", "", "true", "", "", 1, 0, LATER, 500, "told to" },
	{ 200, "", "", "true", "", "", 1, 0, NO, 0, "a success is one" },
	{ 500, "", "", "maybe", "", "", 1, 0, LATER, 500, "told nothing" },

	{ 429, "", "", "", "1500", "9", 1, 0, LATER, 1500, "milliseconds first" },
	{ 429, "", "", "", "", "9", 1, 0.9, LATER, 9000, "seconds, no jitter" },
	{ 429, "", "", "", "", "0.25", 1, 0, LATER, 250, "a fraction" },
	{ 503, "", "", "", "", "2", 1, 0, LATER, 2000, "its word, not ours" },
	{ 429, "", "", "", "", "86400", 1, 0, LATER, 120000, "no longer than this" },
	{ 429, "", "", "", "99999999999999999999999", "", 1, 0, LATER, 120000,
	  "a number past all numbers" },
	{ 429, "", "", "", "", "-5", 1, 0, LATER, 500, "negative: not usable" },
	{ 429, "", "", "", "", "soon", 1, 0, LATER, 500, "no number" },
	{ 429, "", "", "", "", ".", 1, 0, LATER, 500, "no digit" },
	{ 429, "", "", "", "", "0", 1, 0, NOW, 0, "at once, as it says" },
	{ 429, "", "", "", "", "0", 2, 0, LATER, 1000, "but only one time" },
	{ 429, "", "", "", "", "Mon, 23 Nov 2026 12:00:07 GMT", 1, 0, LATER,
	  7000, "a date" },
	{ 429, "", "", "", "", "Mon, 23 Nov 2026 11:00:00 GMT", 2, 0, LATER,
	  1000, "a date gone by" },
	{ 429, "", "", "", "", "Mon, 23 Nov 2099 11:00:00 GMT", 1, 0, LATER,
	  120000, "a clock that is wrong" },
	{ 429, "", "", "", "", "Mon, 23 Foo 2026 12:00:07 GMT", 1, 0, LATER,
	  500, "no month" },
	{ 429, "", "", "", "", "Mon, 23 Nov 2026 12:00:07 CET", 1, 0, LATER,
	  500, "no HTTP date" },
};

static void
replies_are_repeated_by_the_table(void **state)
{
	struct nm_retry_policy policy = { .retries_max = INT_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct nm_retry_event event = {
			.kind = NM_RETRY_REPLIED, .status = replies[i].status,
			.type = nm_text_of(replies[i].type),
			.code = nm_text_of(replies[i].code),
			.should_retry = nm_text_of(replies[i].should),
			.retry_after_ms = nm_text_of(replies[i].after_ms),
			.retry_after = nm_text_of(replies[i].after),
			.wall_ms = NOON_MS,
		};
		struct nm_retry_verdict got = nm_retry_decide(
			&policy, &event, replies[i].tries, 0, replies[i].chance);

		if ((int)got.when != replies[i].when ||
		    got.pause_ms != replies[i].pause_ms)
			fail_msg("%d, %s: %d after %lld ms (%s)",
			         replies[i].status, replies[i].why,
			         (int)got.when, (long long)got.pause_ms,
			         got.reason);
		assert_non_null(got.reason);
	}
}

static void
other_ends_have_their_rules(void **state)
{
	static const struct {
		struct nm_retry_policy policy;
		struct nm_retry_event  event;
		int     tries;
		int64_t elapsed_ms;
		int     when;
		bool    transient;
		const char *why;
	} rows[] = {
		{ {0}, { .kind = NM_RETRY_UNREACHABLE }, 1, 0, LATER, true,
		  "a failed connection" },
		{ {0}, { .kind = NM_RETRY_CUT }, 2, 0, LATER, true, "a cut" },
		{ {0}, { .kind = NM_RETRY_CUT }, 3, 0, NO, true,
		  "two retries are three tries" },
		{ {0}, { .kind = NM_RETRY_LOCAL }, 1, 0, NO, false,
		  "the disk is full" },
		{ { .retries_max = -1 }, { .kind = NM_RETRY_CUT }, 1, 0, NO,
		  true, "no retries wanted" },
		{ { .retries_max = 5 }, { .kind = NM_RETRY_CUT }, 5, 0, LATER,
		  true, "five wanted" },
		{ { .budget_ms = 1000 }, { .kind = NM_RETRY_CUT }, 1, 500,
		  LATER, true, "just within the budget" },
		{ { .budget_ms = 1000 }, { .kind = NM_RETRY_CUT }, 1, 501, NO,
		  true, "the pause would pass it" },
		{ { .budget_ms = 1000 }, { .kind = NM_RETRY_CUT }, 1, INT64_MAX,
		  NO, true, "long past, without an overflow" },
		{ {0}, { .kind = NM_RETRY_REPLIED, .status = 409,
		  .conflict = NM_RETRY_409_NEVER }, 1, 0, NO, false,
		  "a cancel's conflict is its answer" },
		{ {0}, { .kind = NM_RETRY_REPLIED, .status = 500 }, 9, 0, NO,
		  true, "tried enough, but it may pass" },
		{ {0}, { .kind = NM_RETRY_REPLIED, .status = 400 }, 1, 0, NO,
		  false, "will never do" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_retry_verdict got = nm_retry_decide(
			&rows[i].policy, &rows[i].event, rows[i].tries,
			rows[i].elapsed_ms, 0);

		if ((int)got.when != rows[i].when ||
		    got.transient != rows[i].transient)
			fail_msg("%s: %d (%s)", rows[i].why, (int)got.when,
			         got.reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_repeated_by_the_table),
		cmocka_unit_test(other_ends_have_their_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
