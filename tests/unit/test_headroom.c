/* headroom: what was learnt of the account holds creations back; waiting or splitting
 * ends each refusal, and nothing is halved beside another batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "run/headroom.h"
#include "scene.h"
#include "state/limits.h"

#include "own_folder.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { OTHERS = 3 };

/* A run in a journal, its first shard the one at stake. Its clock is the machine's,
 * so that no hold passes while a test runs. */
struct small {
	struct nm_journal *journal;
	struct nm_clock    clock;
	struct nm_run      run;
	struct nm_err      err;
};

static void
small_begin(struct small *s, struct nm_api *api,
            const struct nm_shard_record *shards, size_t n_shards)
{
	memset(s, 0, sizeof(*s));
	assert_int_equal(nm_journal_open(folder, &s->journal, &s->err), NM_OK);
	s->run.journal = s->journal;
	s->run.clock = &s->clock;
	s->run.api = api;
	s->run.record = (struct nm_run_record){
		.id = "r1", .key = "k", .mode = "batch", .name = "n",
		.model = "m", .endpoint = "/v1/chat/completions",
		.account = "a", .spec = "{}", .results_path = "",
	};
	assert_int_equal(nm_runs_add(s->journal, &s->run.record, &s->err),
	                 NM_OK);
	assert_int_equal(nm_run_add_shards(&s->run, shards, n_shards, &s->err),
	                 NM_OK);
}

static void
small_end(struct small *s)
{
	nm_run_release(&s->run);
	nm_journal_close(s->journal);
	unlink(in_folder("journal.db"));
}

static void
learn(struct small *s, const char *kind, int64_t value)
{
	if (value)
		assert_int_equal(nm_limits_set(s->journal, "a", "m", kind,
			value, nm_clock_wall_ms(NULL), &s->err), NM_OK);
}

/* One row: limits that were learnt (0 = none), the shard, and the run's others. */
static const struct {
	int64_t requests_max, tokens_max;
	struct {
		int64_t count, tokens;
	} shard;
	struct {
		enum nm_shard_state state;
		int64_t             count, tokens;
		const char         *status;
	} others[OTHERS];
	enum nm_headroom wanted;
	const char *why;
} rooms[] = {
	{ 0, 0, { 50000, 9000000 }, { { 0 } }, NM_HEADROOM_YES,
	  "nothing was learnt" },
	{ 0, 100, { 5, 100 }, { { 0 } }, NM_HEADROOM_YES, "just as large" },
	{ 0, 100, { 5, 101 }, { { 0 } }, NM_HEADROOM_NEVER,
	  "larger than all there is: more than one request can be split" },
	{ 0, 100, { 1, 101 }, { { 0 } }, NM_HEADROOM_YES,
	  "a single one is tried: our count is an estimate" },
	{ 5, 0, { 5, 1 }, { { 0 } }, NM_HEADROOM_YES, "as many as there may be" },
	{ 5, 0, { 6, 1 }, { { 0 } }, NM_HEADROOM_NEVER, "one more than that" },
	{ 0, 100, { 5, 60 },
	  { { NM_SHARD_CREATED, 5, 40, "in_progress" } }, NM_HEADROOM_YES,
	  "beside another, both just fit" },
	{ 0, 100, { 5, 61 },
	  { { NM_SHARD_CREATED, 5, 40, "in_progress" } }, NM_HEADROOM_LATER,
	  "beside another, one token too many" },
	{ 9, 0, { 5, 1 },
	  { { NM_SHARD_CREATED, 3, 1, "in_progress" },
	    { NM_SHARD_CREATING, 2, 1, "" } }, NM_HEADROOM_LATER,
	  "one that may have been created counts as well" },
	{ 0, 100, { 5, 61 },
	  { { NM_SHARD_ENDED, 5, 90, "completed" },
	    { NM_SHARD_COLLECTED, 5, 90, "expired" },
	    { NM_SHARD_UPLOADED, 5, 90, "" } }, NM_HEADROOM_YES,
	  "what has ended, or was not created, takes no room" },
	{ 0, 100, { 1, 101 },
	  { { NM_SHARD_CREATED, 1, 1, "in_progress" } }, NM_HEADROOM_LATER,
	  "a single one above the limit is tried alone" },
};

static void
room_by_what_was_learnt(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rooms); i++) {
		struct nm_shard_record shards[1 + OTHERS] = { {
			.attempt = 1, .state = NM_SHARD_UPLOADED,
			.count = rooms[i].shard.count,
			.tokens = rooms[i].shard.tokens,
		} };
		struct nm_plan_bounds bounds;
		struct small s;
		size_t n = 1;

		for (; n <= OTHERS && rooms[i].others[n - 1].status; n++)
			shards[n] = (struct nm_shard_record){
				.attempt = 1,
				.state = rooms[i].others[n - 1].state,
				.count = rooms[i].others[n - 1].count,
				.tokens = rooms[i].others[n - 1].tokens,
				.status = rooms[i].others[n - 1].status,
			};
		small_begin(&s, NULL, shards, n);
		learn(&s, "enqueued_requests", rooms[i].requests_max);
		learn(&s, "enqueued_tokens", rooms[i].tokens_max);
		if (nm_headroom_for(&s.run, &s.run.shards[0], &bounds) !=
		    rooms[i].wanted)
			fail_msg("%s", rooms[i].why);
		small_end(&s);
	}
}

/* The account may have grown: one more refusal tells. */
static void
what_was_learnt_last_week_is_asked_again(void **state)
{
	struct nm_shard_record shard = { .attempt = 1, .count = 9, .tokens = 9 };
	int64_t then_ms = nm_clock_wall_ms(NULL) - NM_LIMITS_LAST_MS;
	struct nm_plan_bounds bounds;
	struct small s;

	(void)state;
	small_begin(&s, NULL, &shard, 1);
	assert_int_equal(nm_limits_set(s.journal, "a", "m", "enqueued_tokens",
		5, then_ms + 60000, &s.err), NM_OK);
	assert_int_equal(nm_headroom_for(&s.run, &s.run.shards[0], &bounds),
	                 NM_HEADROOM_NEVER);
	assert_int_equal(nm_limits_set(s.journal, "a", "m", "enqueued_tokens",
		5, then_ms, &s.err), NM_OK);
	assert_int_equal(nm_headroom_for(&s.run, &s.run.shards[0], &bounds),
	                 NM_HEADROOM_YES);
	small_end(&s);
}

/* What a refusal's text teaches; it holds creations back where it speaks of room. */
static const struct {
	int         status;
	const char *code, *message;
	enum nm_limit_kind kind;
	const char *learnt;
	int64_t     value;
	const char *why;
} lessons[] = {
	{ 429, "token_limit_exceeded", "Enqueued token limit reached for m in"
	  " organization org-1. Limit: 2,000,000 enqueued tokens. Please try"
	  " again once some in_progress batches have been completed.",
	  NM_LIMIT_TOKENS, "enqueued_tokens", 2000000, "tokens, with the number" },
	{ 0, "token_limit_exceeded", "Enqueued token limit reached.",
	  NM_LIMIT_TOKENS, NULL, 0, "a failed batch that names no number" },
	{ 429, "rate_limit_exceeded", "You may create 5 batches per hour.",
	  NM_LIMIT_CREATIONS, "creations_per_hour", 5, "creations an hour" },
	{ 413, "", "too much", NM_LIMIT_NONE, NULL, 0,
	  "a file's size is no want of room" },
	{ 400, "invalid_request", "Invalid 'endpoint'.", NM_LIMIT_NONE, NULL, 0,
	  "another refusal" },
};

static void
learning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lessons); i++) {
		struct nm_shard_record shard = { .attempt = 1, .count = 2 };
		enum nm_limit_kind kind;
		struct nm_plan_bounds bounds;
		struct small s;
		int64_t value = 0;

		small_begin(&s, NULL, &shard, 1);
		assert_int_equal(nm_headroom_learn(&s.run, lessons[i].status,
			lessons[i].code, lessons[i].message, -1, &kind,
			&s.err), NM_OK);
		if (kind != lessons[i].kind)
			fail_msg("%s: kind %d", lessons[i].why, (int)kind);
		if (lessons[i].learnt)
			assert_int_equal(nm_limits_get(s.journal, "a", "m",
				lessons[i].learnt, nm_clock_wall_ms(NULL),
				&value, &s.err), NM_OK);
		if (value != lessons[i].value)
			fail_msg("%s: %" PRId64, lessons[i].why, value);
		if (nm_headroom_for(&s.run, &s.run.shards[0], &bounds) !=
		    (kind ? NM_HEADROOM_LATER : NM_HEADROOM_YES))
			fail_msg("%s: held back?", lessons[i].why);
		nm_headroom_taken(&s.run);
		if (nm_headroom_for(&s.run, &s.run.shards[0], &bounds) !=
		    NM_HEADROOM_YES)
			fail_msg("%s: after one was taken", lessons[i].why);
		small_end(&s);
	}
}

static void
holds_grow_up_to_a_quarter_of_an_hour(void **state)
{
	static const int64_t holds[] = {
		5000, 10000, 20000, 40000, 80000, 160000, 320000, 640000,
		900000, 900000,
	};
	struct nm_shard_record shards[] = {
		{ .attempt = 1, .count = 2, .state = NM_SHARD_UPLOADED },
		{ .attempt = 1, .count = 2, .state = NM_SHARD_CREATED,
		  .status = "validating" },
	};
	enum nm_limit_kind kind;
	struct nm_plan_bounds bounds;
	struct small s;
	int64_t before_ms;

	(void)state;
	small_begin(&s, NULL, shards, 2);
	for (size_t i = 0; i < COUNT(holds); i++) {
		before_ms = nm_clock_mono_ms(&s.clock);
		nm_headroom_hold(&s.run);
		assert_true(s.run.hold_until_ms >= before_ms + holds[i]);
		assert_true(s.run.hold_until_ms <=
		            nm_clock_mono_ms(&s.clock) + holds[i]);
	}
	/* Over, but one that was just created may be refused yet: it goes ahead. */
	s.run.hold_until_ms = 0;
	assert_int_equal(nm_headroom_for(&s.run, &s.run.shards[0], &bounds),
	                 NM_HEADROOM_LATER);
	s.run.parts[1].status = "in_progress";
	assert_int_equal(nm_headroom_for(&s.run, &s.run.shards[0], &bounds),
	                 NM_HEADROOM_YES);
	nm_headroom_taken(&s.run);
	/* What the service asks for counts where it is longer. */
	before_ms = nm_clock_mono_ms(&s.clock);
	assert_int_equal(nm_headroom_learn(&s.run, 429, "", "enqueued tokens",
	                                   60000, &kind, &s.err), NM_OK);
	assert_true(s.run.hold_until_ms >= before_ms + 60000);
	assert_int_equal(s.run.hold_ms, 5000);
	small_end(&s);
}

#define LIST(batches) "{\"object\":\"list\",\"data\":[" batches "]," \
	"\"has_more\":false}"
#define BATCH(status, model) "{\"id\":\"batch_1\",\"status\":\"" status \
	"\",\"model\":" model "}"

/* One row: refused for want of room while the account's list says so. */
static const struct {
	enum nm_limit_kind  kind;
	int64_t             count, tokens, refusals; /* of the shard, before */
	const char         *status, *body;           /* NULL = it is not asked */
	int64_t             refusals_after;
	enum nm_shard_state state;
	int64_t             half; /* it is split into parts of so many; 0 = not */
	const char         *why;
} refusals[] = {
	{ NM_LIMIT_TOKENS, 5, 50, 0, "200 OK", LIST(""), 1, NM_SHARD_UPLOADED, 0,
	  "alone: counted" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "200 OK", LIST(""), 3, NM_SHARD_UPLOADED, 3,
	  "three times alone: in halves" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "200 OK",
	  LIST(BATCH("in_progress", "\"m-2026-01-01\"")), 2, NM_SHARD_UPLOADED, 0,
	  "beside a batch of the model's snapshot it waits" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "200 OK", LIST(BATCH("validating", "null")),
	  2, NM_SHARD_UPLOADED, 0, "beside one whose model is not told, too" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "200 OK",
	  LIST(BATCH("in_progress", "\"other\"")), 3, NM_SHARD_UPLOADED, 3,
	  "another model's takes none of its room" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "200 OK", LIST(BATCH("completed", "\"m\"")),
	  3, NM_SHARD_UPLOADED, 3, "nor does one that has ended" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "404 Not Found", "{}", 3,
	  NM_SHARD_UPLOADED, 3, "a service without lists" },
	{ NM_LIMIT_TOKENS, 5, 50, 2, "500 No", "{}", 2, NM_SHARD_UPLOADED, 0,
	  "a list that cannot be had for now tells nothing" },
	{ NM_LIMIT_CREATIONS, 5, 50, 2, NULL, NULL, 2, NM_SHARD_UPLOADED, 0,
	  "creations an hour: time passes, nothing else helps" },
	{ NM_LIMIT_TOKENS, 1, 50, 5, "200 OK", LIST(""), 6, NM_SHARD_UPLOADED, 0,
	  "a single one that should fit waits on" },
	{ NM_LIMIT_TOKENS, 1, 50, 149, "200 OK", LIST(""), 150,
	  NM_SHARD_REFUSED, 0, "for some days" },
	{ NM_LIMIT_TOKENS, 1, 101, 1, NULL, NULL, 2, NM_SHARD_UPLOADED, 0,
	  "a single one above the limit: nothing that ends makes room" },
	{ NM_LIMIT_TOKENS, 1, 101, 2, NULL, NULL, 3, NM_SHARD_REFUSED, 0,
	  "three times are enough then" },
};

static void
refuse(size_t i, struct scene *scene)
{
	struct nm_shard_record shards[] = { {
		.attempt = 1, .state = NM_SHARD_UPLOADED,
		.count = refusals[i].count, .tokens = refusals[i].tokens,
		.refusals = refusals[i].refusals,
	} }, *kept;
	struct nm_plan_bounds bounds;
	struct nm_arena arena = { 0 };
	struct small s;
	size_t n;

	small_begin(&s, &scene->api, shards, 1);
	learn(&s, "enqueued_tokens", 100);
	assert_int_equal(nm_headroom_refused(&s.run, &s.run.shards[0],
		refusals[i].kind, "no room", &s.err), NM_OK);
	assert_int_equal(nm_shards_list(s.journal, "r1", &arena, &kept, &n,
	                                &s.err), NM_OK);
	if (kept->refusals != refusals[i].refusals_after ||
	    kept->state != refusals[i].state)
		fail_msg("%s: %" PRId64 " refusals, state %d", refusals[i].why,
		         kept->refusals, (int)kept->state);
	if (kept->state == NM_SHARD_REFUSED)
		assert_string_equal(kept->note, "no room");
	if ((nm_headroom_for(&s.run, &s.run.shards[0], &bounds) ==
	     NM_HEADROOM_NEVER) != (refusals[i].half > 0))
		fail_msg("%s: split?", refusals[i].why);
	if (refusals[i].half)
		assert_int_equal(bounds.requests, refusals[i].half);
	nm_arena_release(&arena);
	small_end(&s);
}

static void
refused_for_want_of_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct nm_buf reply = { 0 };
		struct canned_step step = { .end = CANNED_CLOSE };
		struct scene scene;

		/* Whoever need not ask would hear that nobody is there. */
		const char *body = refusals[i].body ? refusals[i].body : LIST("");

		nm_buf_addf(&reply, "HTTP/1.1 %s\r\nContent-Length: %zu"
		            "\r\n\r\n%s", refusals[i].status
		            ? refusals[i].status : "200 OK", strlen(body), body);
		step.reply = nm_buf_string(&reply);
		scene_begin(&scene, &step, 1);
		scene.api.retry.retries_max = -1;
		refuse(i, &scene);
		scene_stop(&scene);
		assert_int_equal(scene.canned.n_seen, refusals[i].body != NULL);
		if (refusals[i].body)
			scene_expect(&scene, 0, "GET /v1/batches?limit=100 ");
		scene_release(&scene);
		nm_buf_release(&reply);
	}
}

static const struct {
	int         status;
	const char *message;
	int64_t     count;
	int         will;
	const char *why;
} sizes[] = {
	{ 413, "too much", 5, 1, "a proxy's refusal: no waiting mends that" },
	{ 400, "File is too large.", 2, 1, "the service's own" },
	{ 413, "too much", 1, 0, "a single request cannot be split" },
	{ 400, "Invalid purpose.", 5, 0, "another refusal" },
};

static void
too_large_a_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct nm_shard_record shard = { .attempt = 1,
			.state = NM_SHARD_PLANNED, .count = sizes[i].count };
		struct nm_api api = { 0 };
		struct nm_plan_bounds bounds;
		struct small s;
		int will;

		api.refusal.status = sizes[i].status;
		snprintf(api.refusal.message, sizeof(api.refusal.message),
		         "%s", sizes[i].message);
		small_begin(&s, &api, &shard, 1);
		assert_int_equal(nm_headroom_too_large(&s.run,
			&s.run.shards[0], &will, &s.err), NM_OK);
		if (will != sizes[i].will ||
		    (nm_headroom_for(&s.run, &s.run.shards[0], &bounds) ==
		     NM_HEADROOM_NEVER) != sizes[i].will)
			fail_msg("%s", sizes[i].why);
		small_end(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(room_by_what_was_learnt),
		IN_FOLDER(what_was_learnt_last_week_is_asked_again),
		IN_FOLDER(learning),
		IN_FOLDER(holds_grow_up_to_a_quarter_of_an_hour),
		IN_FOLDER(refused_for_want_of_room),
		IN_FOLDER(too_large_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
