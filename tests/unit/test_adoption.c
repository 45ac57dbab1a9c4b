/* adoption: batches made elsewhere find their place, whatever their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "run/adoption.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { PLACES = 3, QUESTIONS = 10, FAILED = -2 };

/* What a batch's metadata tell; NULL = they do not. */
struct told {
	const char *id, *attempt, *shard, *canary;
	int64_t     total; /* or FAILED */
};

struct place {
	const char *id;
	int64_t     attempt, number, first, count;
};

static const struct {
	struct told  told[PLACES];
	struct place places[PLACES];
	const char  *why;
} rows[] = {
	{ { { "a", NULL, NULL, NULL, 10 } }, { { "a", 1, 1, 0, 10 } },
	  "no metadata of ours: all of it" },
	{ { { "a", NULL, NULL, NULL, -1 } }, { { "a", 1, 1, 0, QUESTIONS } },
	  "no count either: as many as the source has" },
	{ { { "b", "1", "2", NULL, 4 }, { "a", "1", "1", NULL, 6 } },
	  { { "a", 1, 1, 0, 6 }, { "b", 1, 2, 6, 4 } }, "by number" },
	{ { { "c", "2", "3", NULL, 2 }, { "b", "1", "2", NULL, 4 },
	    { "a", "1", "1", NULL, 6 } },
	  { { "a", 1, 1, 0, 6 }, { "b", 1, 2, 6, 4 },
	    { "c", 2, 3, QUESTIONS, 2 } },
	  "a later attempt has no requests of its own" },
	{ { { "a", "1", "1", "3", 7 } }, { { "a", 1, 1, 3, 7 } },
	  "behind the canary" },
	{ { { "a", "1", "1", "10", 7 } }, { { "a", 1, 1, 0, 7 } },
	  "a canary of all there is would leave none: untrue" },
	{ { { "a", "x", "-2", "0", 10 } }, { { "a", 1, 1, 0, 10 } },
	  "numbers that are none" },
	{ { { "a", "99999999999", "1", NULL, 10 } }, { { "a", 1, 1, 0, 10 } },
	  "a number beyond all" },
	{ { { "a", "256", "1", NULL, 10 } },
	  { { "a", NM_RUN_ATTEMPTS_MAX, 1, QUESTIONS, 10 } },
	  "an attempt beyond the last" },
	{ { { "a", "1", "1", NULL, INT64_MAX }, { "b", "1", "2", NULL, 11 } },
	  { { "a", 1, 1, 0, QUESTIONS }, { "b", 1, 2, QUESTIONS, QUESTIONS } },
	  "no batch has more than there is to ask" },
	{ { { "b", "1", "2", NULL, 0 }, { "a", "1", "1", NULL, 0 },
	    { "c", "1", "3", NULL, 4 } },
	  { { "a", 1, 1, 0, 3 }, { "b", 1, 2, 3, 3 }, { "c", 1, 3, 6, 4 } },
	  "two that tell no number yet share the rest" },
	{ { { "a", "1", "1", "3", 0 } }, { { "a", 1, 1, 3, 7 } },
	  "the rest behind the canary" },
	{ { { "b", "1", "2", NULL, 4 }, { "a", "1", "1", NULL, 6 },
	    { "x", "1", "1", NULL, FAILED } },
	  { { "a", 1, 1, 0, 6 }, { "b", 1, 2, 6, 4 } },
	  "one that failed and was sent again is no shard" },
	{ { { "x", "1", "1", NULL, FAILED }, { "b", "1", "2", NULL, 10 } },
	  { { "x", 1, 1, 0, 0 }, { "b", 1, 2, 0, 10 } },
	  "the one that was named is, whatever became of it" },
	{ { { "c", "1", "2", NULL, FAILED }, { "a", "1", "1", NULL, 6 } },
	  { { "a", 1, 1, 0, 6 }, { "c", 1, 2, 6, 4 } },
	  "one that failed for good has the rest" },
};

static void
count_warning(void *user, const char *text)
{
	int *warnings = user;

	assert_non_null(strstr(text, "name attempt 256"));
	++*warnings;
}

static void
placing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int warnings = 0, wanted = rows[i].told[0].attempt &&
			strcmp(rows[i].told[0].attempt, "256") == 0;
		struct nm_watch watch = { .warn = count_warning,
		                          .user = &warnings };
		struct nm_source source = { .count = QUESTIONS };
		struct nm_run run = { .source = &source, .watch = &watch };
		struct nm_batch_pair pairs[PLACES][3];
		struct nm_batch batches[PLACES] = { 0 };
		struct nm_shard_record shards[PLACES];
		size_t n = 0, n_placed, n_wanted = 0;

		while (n_wanted < PLACES && rows[i].places[n_wanted].id)
			n_wanted++;
		for (; n < PLACES && rows[i].told[n].id; n++) {
			const struct told *told = &rows[i].told[n];
			const struct nm_batch_pair all[] = {
				{ "attempt", told->attempt },
				{ "shard", told->shard },
				{ "canary", told->canary },
			};
			struct nm_batch *batch = &batches[n];

			batch->id = told->id;
			batch->input_file_id = batch->status_text = "";
			batch->total = told->total;
			batch->status = told->total == FAILED
				? NM_BATCH_FAILED : NM_BATCH_COMPLETED;
			batch->metadata = pairs[n];
			for (size_t k = 0; k < COUNT(all); k++)
				if (all[k].value)
					pairs[n][batch->n_metadata++] = all[k];
		}
		n_placed = nm_adoption_place(&run, batches, n, shards);
		if (n_placed != n_wanted)
			fail_msg("%s: %zu shards", rows[i].why, n_placed);
		for (size_t k = 0; k < n_placed; k++) {
			const struct place *place = &rows[i].places[k];

			if (strcmp(shards[k].batch_id, place->id) != 0 ||
			    shards[k].attempt != place->attempt ||
			    shards[k].number != place->number ||
			    shards[k].first != place->first ||
			    shards[k].count != place->count ||
			    shards[k].state != NM_SHARD_CREATED)
				fail_msg("%s: %s is shard %lld of attempt %lld,"
				         " %lld from %lld", rows[i].why,
				         shards[k].batch_id,
				         (long long)shards[k].number,
				         (long long)shards[k].attempt,
				         (long long)shards[k].count,
				         (long long)shards[k].first);
		}
		assert_int_equal(warnings, wanted);
	}
}

/* Of the first, however they are listed; a clock that lags makes no age negative. */
static void
ages(void **state)
{
	static const struct {
		int64_t date_ms, first_s, second_s, age_ms;
	} times[] = {
		{ 9000999, 5000, 7000, 4000000 }, { 9000000, 7000, 5000, 4000000 },
		{ 9000000, 0, 8999, 1000 }, { 9000000, 9001, 9500, 0 },
		{ 9000000, 0, 0, 0 }, { 0, 5000, 7000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		const struct nm_batch batches[] = {
			{ .created_s = times[i].first_s },
			{ .created_s = times[i].second_s },
		};
		struct nm_api api = { .date_ms = times[i].date_ms };
		struct nm_run run = { .api = &api };

		assert_int_equal(nm_adoption_age_ms(&run, batches, 2),
		                 times[i].age_ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placing),
		cmocka_unit_test(ages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
