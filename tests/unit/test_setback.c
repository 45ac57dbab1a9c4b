/* setback: what fails is tried again, ever later and not for ever, and told of once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "run/run.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum {
	TRIES = 10,
	OUTAGE_MS = 3600000,
	PATIENCE_MS = 15000,
	LATER = -1 /* in a row of pauses: there are no more */
};

/* A run of a service that has answered, and whom it tells. */
struct scene {
	struct nm_clock   clock;
	struct nm_account account;
	struct nm_api     api;
	struct nm_watch   watch;
	struct nm_run     run;
	int               warnings, notes;
	char              said[NM_ERR_TEXT_MAX];
};

static void
take_warning(void *user, const char *text)
{
	struct scene *s = user;

	s->warnings++;
	snprintf(s->said, sizeof(s->said), "%s", text);
}

static void
take_note(void *user, const char *text)
{
	struct scene *s = user;

	s->notes++;
	snprintf(s->said, sizeof(s->said), "%s", text);
}

static void
begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->api.account = &s->account;
	s->api.reached = true;
	s->watch = (struct nm_watch){
		.warn = take_warning, .note = take_note, .user = s,
	};
	s->run.clock = &s->clock;
	s->run.api = &s->api;
	s->run.watch = &s->watch;
	s->run.settings.outage_ms = OUTAGE_MS;
	s->run.settings.patience_ms = PATIENCE_MS;
}

static void
end(struct scene *s)
{
	nm_arena_release(&s->run.arena);
}

/* One failure, as the service told it. */
static enum nm_code
bear(struct scene *s, struct nm_setback *own, enum nm_code rc, int status,
     const struct nm_setback_terms *terms, struct nm_err *err)
{
	s->api.refusal.status = status;
	nm_fail(err, rc, status, "asking for batch_1");
	return nm_setback_bear(&s->run, own, rc, terms, err);
}

static const struct {
	enum nm_code rc;
	int          status;
	int64_t      asked_ms;
	int64_t      pauses[TRIES];
	const char  *why;
} pauses[] = {
	{ NM_UNREACHABLE, 503, -1,
	  { 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, LATER },
	  "twice as long each time, a minute at most" },
	{ NM_UNREACHABLE, 0, -1, { 500, 1000, 2000, LATER },
	  "nobody answered: the same" },
	{ NM_PROTOCOL, 0, -1, { 500, 1000, LATER },
	  "an answer that is none: the same" },
	{ NM_UNREACHABLE, 429, -1,
	  { 5000, 10000, 20000, 40000, 80000, 160000, 320000, 640000, 900000,
	    900000 },
	  "a rate comes back later: a quarter of an hour at most" },
	{ NM_AMBIGUOUS, 0, -1, { 0, 500, 1000, LATER },
	  "it may have been done: the look comes at once, and is the pause" },
	{ NM_UNREACHABLE, 503, 3000, { 3000, 3000, 3000, 4000, 8000, LATER },
	  "what the service asks for is granted, where it is more" },
	{ NM_UNREACHABLE, 503, 600000, { 500, 1000, LATER },
	  "but no ten minutes" },
	{ NM_UNREACHABLE, 0, 3000, { 500, LATER },
	  "of what was asked before nothing holds where nobody answered" },
};

static void
pausing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pauses); i++) {
		struct nm_setback own = { 0 };
		struct scene s;
		struct nm_err err;

		begin(&s);
		s.api.refusal.retry_after_ms = pauses[i].asked_ms;
		for (size_t k = 0; k < TRIES; k++) {
			int64_t pause_ms = pauses[i].pauses[k];
			int64_t before_ms = nm_clock_mono_ms(&s.clock);

			if (pause_ms == LATER)
				break;
			assert_int_equal(bear(&s, &own, pauses[i].rc,
				pauses[i].status, NULL, &err), NM_OK);
			if (own.next_ms < before_ms + pause_ms ||
			    own.next_ms > nm_clock_mono_ms(&s.clock) + pause_ms)
				fail_msg("%s: pause %zu is %lld ms",
				         pauses[i].why, k,
				         (long long)(own.next_ms - before_ms));
		}
		end(&s);
	}
}

/* The longer one of what the terms want and what it has grown to. */
static void
the_terms_pause(void **state)
{
	static const struct { int64_t terms_ms, wanted_ms; } rows[] = {
		{ 0, 5000 }, { 14900, 14900 }, { 14900, 20000 },
	};
	struct nm_setback own = { 0 };
	struct scene s;
	struct nm_err err;

	(void)state;
	begin(&s);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_setback_terms terms = { .pause_ms = rows[i].terms_ms };
		int64_t before_ms = nm_clock_mono_ms(&s.clock);

		assert_int_equal(bear(&s, &own, NM_UNREACHABLE, 429, &terms,
		                      &err), NM_OK);
		assert_true(own.next_ms >= before_ms + rows[i].wanted_ms);
		assert_true(own.next_ms <= nm_clock_mono_ms(&s.clock) +
		                           rows[i].wanted_ms);
	}
	end(&s);
}

static void
what_is_for_good_is_not_borne(void **state)
{
	static const enum nm_code codes[] = {
		NM_REFUSED, NM_ABSENT, NM_INPUT, NM_IO, NM_STATE, NM_LIMIT,
		NM_INTERRUPTED,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct nm_setback own = { 0 };
		struct scene s;
		struct nm_err err;

		begin(&s);
		assert_int_equal(bear(&s, &own, codes[i], 400, NULL, &err),
		                 codes[i]);
		assert_int_equal(own.since_ms, 0);
		assert_int_equal(own.pause_ms, 0);
		assert_int_equal(s.warnings, 0);
		end(&s);
	}
}

static const struct {
	int64_t      age_ms, limit_ms; /* of the terms */
	int          reached;
	enum nm_code wanted;
	const char  *words; /* of the error at the end */
	const char  *why;
} limits[] = {
	{ OUTAGE_MS - 60000, 0, 1, NM_OK, NULL, "within the outage" },
	{ OUTAGE_MS, 0, 1, NM_UNREACHABLE, "trying for 1h 00m", "beyond it" },
	{ PATIENCE_MS - 10000, 0, 0, NM_OK, NULL,
	  "within the patience, where nobody ever answered" },
	{ PATIENCE_MS, 0, 0, NM_UNREACHABLE, "is that its address?",
	  "beyond that the address may be wrong" },
	{ PATIENCE_MS, 0, 1, NM_OK, NULL, "a service that answered is borne on" },
	{ 2000, 1000, 1, NM_UNREACHABLE, "trying for",
	  "the terms say how long" },
	{ PATIENCE_MS + 1000, 60000, 0, NM_OK, NULL, "also if that is longer" },
};

static void
limiting(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		struct nm_setback_terms terms = { .limit_ms = limits[i].limit_ms };
		struct nm_setback own = { 0 };
		struct scene s;
		struct nm_err err;

		begin(&s);
		s.api.reached = limits[i].reached;
		own.since_ms = nm_clock_mono_ms(&s.clock) - limits[i].age_ms;
		if (bear(&s, &own, NM_UNREACHABLE, 503, &terms, &err) !=
		    limits[i].wanted)
			fail_msg("%s: %s", limits[i].why, err.text);
		if (limits[i].words && !strstr(err.text, limits[i].words))
			fail_msg("%s: %s", limits[i].why, err.text);
		end(&s);
	}
}

static const struct {
	enum nm_code rc;
	int          status;
	int          own; /* the terms' silence */
	int          quiet;
	const char  *why;
} silences[] = {
	{ NM_UNREACHABLE, 0, 0, 1, "no reply at all: the others wait too" },
	{ NM_UNREACHABLE, 503, 0, 0, "a reply: the service is there" },
	{ NM_UNREACHABLE, 0, 1, 0, "a long transfer may be cut by itself" },
	{ NM_AMBIGUOUS, 0, 0, 0, "a lost reply has to be looked for" },
};

static void
silence_holds_all_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(silences); i++) {
		struct nm_setback_terms terms = {
			.silence = silences[i].own ? NM_SETBACK_OWN
			                           : NM_SETBACK_ALL_AWAY,
		};
		struct nm_setback own = { 0 }, other = { 0 };
		struct scene s;
		struct nm_err err;

		begin(&s);
		/* A long pause: the machine may take its time. */
		own.pause_ms = 60000;
		assert_int_equal(bear(&s, &own, silences[i].rc,
			silences[i].status, &terms, &err), NM_OK);
		if ((nm_setback_wait_ms(&s.run, &other) > 0) !=
		    silences[i].quiet)
			fail_msg("%s", silences[i].why);
		assert_true(nm_setback_wait_ms(&s.run, &own) > 0);
		nm_setback_over(&s.run, &own);
		assert_int_equal(nm_setback_wait_ms(&s.run, &other), 0);
		assert_int_equal(nm_setback_wait_ms(&s.run, &own), 0);
		end(&s);
	}
}

static void
an_outage_is_told_once(void **state)
{
	struct nm_setback one = { 0 }, other = { 0 };
	struct scene s;
	struct nm_err err;

	(void)state;
	begin(&s);
	assert_int_equal(bear(&s, &one, NM_UNREACHABLE, 503, NULL, &err), NM_OK);
	assert_int_equal(s.warnings, 1);
	assert_string_equal(s.said,
	                    "asking for batch_1: trying again, for up to 1h 00m");
	assert_int_equal(bear(&s, &one, NM_UNREACHABLE, 503, NULL, &err), NM_OK);
	assert_int_equal(bear(&s, &other, NM_UNREACHABLE, 0, NULL, &err), NM_OK);
	assert_int_equal(s.warnings, 1);
	nm_setback_over(&s.run, &other);
	assert_int_equal(s.notes, 1);
	assert_non_null(strstr(s.said, "it went well again after"));
	/* That was its end for all. */
	nm_setback_over(&s.run, &one);
	assert_int_equal(s.notes, 1);
	assert_int_equal(bear(&s, &one, NM_AMBIGUOUS, 0, NULL, &err), NM_OK);
	assert_int_equal(s.warnings, 2);
	assert_non_null(strstr(s.said, "looking for it before it is sent again"));
	end(&s);

	begin(&s);
	s.api.reached = false;
	one = (struct nm_setback){ 0 };
	assert_int_equal(bear(&s, &one, NM_UNREACHABLE, 0, NULL, &err), NM_OK);
	assert_int_equal(s.warnings, 0); /* the end tells all */
	end(&s);
}

/* A shard that is split has others behind it: what is known of it stays. */
static void
each_shard_has_its_own(void **state)
{
	struct nm_shard_record shards[40] = { { 0 } };
	struct scene s;

	(void)state;
	begin(&s);
	s.run.shards = shards;
	s.run.n_shards = 2;
	nm_setback_of(&s.run, &shards[1])->pause_ms = 7;
	s.run.n_shards = COUNT(shards);
	assert_int_equal(nm_setback_of(&s.run, &shards[39])->pause_ms, 0);
	assert_int_equal(nm_setback_of(&s.run, &shards[1])->pause_ms, 7);
	assert_int_equal(nm_setback_of(&s.run, &shards[0])->pause_ms, 0);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pausing),
		cmocka_unit_test(the_terms_pause),
		cmocka_unit_test(what_is_for_good_is_not_borne),
		cmocka_unit_test(limiting),
		cmocka_unit_test(silence_holds_all_back),
		cmocka_unit_test(an_outage_is_told_once),
		cmocka_unit_test(each_shard_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
