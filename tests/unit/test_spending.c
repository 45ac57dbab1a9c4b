/* spending: what came is paid once, by the way it came and the model that replied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "result_rows.h"
#include "task/spending.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { QUESTIONS = 4, LONG_OVER_TOKENS = 1000 };

/* In, cached, written and out; directly and by batch; then over so many tokens. */
static const struct nm_price models[] = {
	{ .model = "m", .long_over_tokens = LONG_OVER_TOKENS,
	  .plain = { { 100, 10, -1, 1000 }, { 50, 5, -1, 500 } },
	  .long_context = { { 200, 20, -1, 3000 }, { 150, 15, -1, 1500 } } },
	{ .model = "n", .long_over_tokens = INT64_MAX,
	  .plain = { { 7, 7, -1, 7 }, { 3, 3, -1, 3 } } },
	{ .model = "standard-alone", .long_over_tokens = INT64_MAX,
	  .plain = { { 1, 1, 1, 1 }, { -1, -1, -1, -1 } } },
	{ .model = "dear", .long_over_tokens = INT64_MAX,
	  .plain = { { 1, 1, 1, INT64_MAX / 2 }, { 1, 1, 1, INT64_MAX / 2 } } },
};
static const struct nm_prices prices = { .models = models,
	.n_models = COUNT(models) };

struct reply {
	int         id;
	const char *model;  /* NULL = the row ends; "" = it does not tell */
	int         input, cached, output; /* tokens; input -1 = untold */
	int         status; /* 0 = 200 */
};

struct case_ {
	const char  *why;
	const char  *asked; /* the model; NULL = "m" */
	struct {
		enum nm_way  way;
		int64_t      attempt; /* 0 = no such file */
		struct reply replies[4];
	} files[2];
	struct {
		const char *id, *status; /* NULL = no such shard */
		int64_t     input, output, cached, reasoning;
	} shards[2];
	struct nm_cost cost;
	uint64_t       replies;
	int64_t        mute_batch, mute_direct;
	int64_t        seen; /* tokens out a reply */
	int64_t        told_input, told_output, told_cached, told_reasoning;
};

static const struct case_ cases[] = {
	{ .why = "nothing came, nothing is owed" },
	{ .why = "directly, by the standard price",
	  .files = { { NM_WAY_DIRECT, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 3000 }, .replies = 1, .seen = 2 },
	{ .why = "the same by batch, by that price",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2 },
	{ .why = "a canary and a batch, each by its own",
	  .files = { { NM_WAY_DIRECT, 1, { { 0, "m", 10, 0, 2, 0 } } },
	             { NM_WAY_BATCH, 1, { { 1, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 4500 }, .replies = 2, .seen = 2 },
	{ .why = "what was cached costs less",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 4, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 1320 }, .replies = 1, .seen = 2 },
	{ .why = "at the bound the context is not long yet",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 1000, 0, 0, 0 } } } },
	  .cost = { NM_COST_KNOWN, 50000 }, .replies = 1 },
	{ .why = "above it, it is",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 1001, 0, 0, 0 } } } },
	  .cost = { NM_COST_KNOWN, 150150 }, .replies = 1 },
	{ .why = "the model that replied is paid, not the one asked",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "n", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 36 }, .replies = 1, .seen = 2 },
	{ .why = "where a reply names none, the one asked is",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2 },
	{ .why = "a reply that tells no usage may have cost something",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", -1, 0, 0, 0 } } } },
	  .mute_batch = 1 },
	{ .why = "also directly, and beside one that failed",
	  .files = { { NM_WAY_DIRECT, 1, { { 0, "m", -1, 0, 0, 0 },
	                                   { 1, "m", -1, 0, 0, 500 } } } },
	  .mute_direct = 1 },
	{ .why = "its batch's own usage tells what it took",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", -1, 0, 0, 0 } } } },
	  .shards = { { "b", "completed", 10, 2 } },
	  .cost = { NM_COST_KNOWN, 1500 },
	  .told_input = 10, .told_output = 2 },
	{ .why = "what was simulated was free, whatever it tells",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "simulated-1", -1, 0, 0, 0 } } } } },
	{ .why = "a failed one costs nothing, beside one that came",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", -1, 0, 0, 500 },
	                                  { 1, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2 },
	{ .why = "a usage of nothing is a known nothing",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 0, 0, 0, 0 } } } },
	  .cost = { NM_COST_KNOWN, 0 }, .replies = 1 },
	{ .why = "one reply without a price makes all of it unknown",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 },
	                                  { 1, "who", 10, 0, 2, 0 },
	                                  { 2, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_UNKNOWN, 0 }, .replies = 3, .seen = 2 },
	{ .why = "so does a column without one",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "standard-alone", 1, 0, 1, 0 } } } },
	  .cost = { NM_COST_UNKNOWN, 0 }, .replies = 1, .seen = 1 },
	{ .why = "the other column of it has one",
	  .files = { { NM_WAY_DIRECT, 1, { { 0, "standard-alone", 1, 0, 1, 0 } } } },
	  .cost = { NM_COST_KNOWN, 2 }, .replies = 1, .seen = 1 },
	{ .why = "what was simulated was free",
	  .asked = "who",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "simulated-1", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "completed", 20, 4 } },
	  .cost = { NM_COST_KNOWN, 0 }, .replies = 1, .seen = 2,
	  .told_input = 20, .told_output = 4 },
	{ .why = "an attempt that another one displaced was paid too",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 500 } } },
	             { NM_WAY_BATCH, 2, { { 0, "m", 20, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 3500 }, .replies = 2, .seen = 2 },
	{ .why = "a further row of one attempt is no further reply",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 },
	                                  { 0, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2 },
	{ .why = "nor where the row of an earlier attempt stands",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } },
	             { NM_WAY_BATCH, 2, { { 0, "m", 10, 0, 2, 0 },
	                                  { 0, "m", 10, 0, 2, 0 } } } },
	  .cost = { NM_COST_KNOWN, 3000 }, .replies = 2, .seen = 2 },
	{ .why = "a row that nobody asked for is not ours to pay",
	  .files = { { NM_WAY_BATCH, 1, { { 9, "m", 10, 0, 2, 0 } } } } },
	{ .why = "the batch tells what its rows tell",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "completed", 10, 2 } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2,
	  .told_input = 10, .told_output = 2 },
	{ .why = "less than its rows: nothing is given back, or lost",
	  .asked = "who",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "completed", 1, 1 } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2,
	  .told_input = 1, .told_output = 1 },
	{ .why = "more: what is lost was paid, by batch",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "expired", 20, 3 } },
	  .cost = { NM_COST_KNOWN, 2500 }, .replies = 1, .seen = 2,
	  .told_input = 20, .told_output = 3 },
	{ .why = "direct replies are no part of what batches tell",
	  .files = { { NM_WAY_DIRECT, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "cancelled", 10, 2 } },
	  .cost = { NM_COST_KNOWN, 4500 }, .replies = 1, .seen = 2,
	  .told_input = 10, .told_output = 2 },
	{ .why = "all is lost, and yet paid",
	  .shards = { { "b", "completed", 6, 0 }, { "c", "expired", 4, 2 } },
	  .cost = { NM_COST_KNOWN, 1500 },
	  .told_input = 10, .told_output = 2 },
	{ .why = "a sum over many need not have had a long context",
	  .shards = { { "b", "completed", 5000, 0 } },
	  .cost = { NM_COST_KNOWN, 250000 }, .told_input = 5000 },
	{ .why = "what is lost is of the model that was asked",
	  .asked = "n",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "completed", 11, 2 } },
	  .cost = { NM_COST_KNOWN, 1503 }, .replies = 1, .seen = 2,
	  .told_input = 11, .told_output = 2 },
	{ .why = "and unknown where that has no price",
	  .asked = "who", .shards = { { "b", "completed", 1, 0 } },
	  .cost = { NM_COST_UNKNOWN, 0 }, .told_input = 1 },
	{ .why = "nothing lost needs no price",
	  .asked = "who",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "completed", 10, 2 } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2,
	  .told_input = 10, .told_output = 2 },
	{ .why = "one batch that does not tell, and none of them do",
	  .shards = { { "b", "completed", 5000, 9 },
	              { "c", "completed", -1, -1 } },
	  .told_input = -1, .told_output = -1,
	  .told_cached = -1, .told_reasoning = -1 },
	{ .why = "one that failed never ran, and has nothing to tell",
	  .shards = { { "b", "completed", 10, 2 }, { "c", "failed", -1, -1 } },
	  .cost = { NM_COST_KNOWN, 1500 },
	  .told_input = 10, .told_output = 2 },
	{ .why = "nor has a shard that is no batch yet",
	  .shards = { { "", "", -1, -1 }, { "c", "completed", 10, 2 } },
	  .cost = { NM_COST_KNOWN, 1500 },
	  .told_input = 10, .told_output = 2 },
	{ .why = "of what is lost, cached costs less",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 4, 2, 0 } } } },
	  .shards = { { "b", "completed", 20, 4, 10, 3 } },
	  .cost = { NM_COST_KNOWN, 1320 + 4 * 50 + 6 * 5 + 2 * 500 },
	  .replies = 1, .seen = 2, .told_input = 20, .told_output = 4,
	  .told_cached = 10, .told_reasoning = 3 },
	{ .why = "not so where one batch does not tell what was cached",
	  .shards = { { "b", "completed", 6, 1, 6, 1 },
	              { "c", "expired", 4, 1, -1, 1 } },
	  .cost = { NM_COST_KNOWN, 1500 },
	  .told_input = 10, .told_output = 2,
	  .told_cached = -1, .told_reasoning = 2 },
	{ .why = "each detail is told by itself",
	  .shards = { { "b", "completed", 6, 1, 6, -1 },
	              { "c", "expired", 4, 1, 4, 1 } },
	  .cost = { NM_COST_KNOWN, 1050 },
	  .told_input = 10, .told_output = 2,
	  .told_cached = 10, .told_reasoning = -1 },
	{ .why = "no more is cached than went in",
	  .shards = { { "b", "completed", 10, 2, 11, 3 } },
	  .cost = { NM_COST_KNOWN, 1050 },
	  .told_input = 10, .told_output = 2,
	  .told_cached = 11, .told_reasoning = 3 },
	{ .why = "what rows do not tell to be cached stays dear, and is paid once",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 0, 2, 0 } } } },
	  .shards = { { "b", "completed", 10, 2, 4, 0 } },
	  .cost = { NM_COST_KNOWN, 1500 }, .replies = 1, .seen = 2,
	  .told_input = 10, .told_output = 2, .told_cached = 4 },
	{ .why = "what rows tell beyond the batch is none of what is lost",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "m", 10, 4, 2, 0 } } } },
	  .shards = { { "b", "completed", 20, 2, 3, 0 } },
	  .cost = { NM_COST_KNOWN, 1320 + 10 * 50 }, .replies = 1, .seen = 2,
	  .told_input = 20, .told_output = 2, .told_cached = 3 },
	{ .why = "details without their whole are none",
	  .shards = { { "b", "completed", -1, -1, 4, 1 } },
	  .told_input = -1, .told_output = -1,
	  .told_cached = -1, .told_reasoning = -1 },
	{ .why = "the mean goes upwards",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "n", 0, 0, 10, 0 },
	                                  { 1, "n", 0, 0, 10, 0 },
	                                  { 2, "n", 0, 0, 11, 0 } } } },
	  .cost = { NM_COST_KNOWN, 93 }, .replies = 3, .seen = 11 },
	{ .why = "more than can be counted stays at the most",
	  .files = { { NM_WAY_BATCH, 1, { { 0, "dear", 1, 0, 2, 0 },
	                                  { 1, "dear", 1, 0, 3, 0 } } } },
	  .cost = { NM_COST_KNOWN, INT64_MAX }, .replies = 2, .seen = 3 },
	{ .why = "so do the tokens that batches tell",
	  .asked = "dear",
	  .shards = { { "b", "completed", INT64_MAX, INT64_MAX, 1, INT64_MAX },
	              { "c", "completed", INT64_MAX, 1, INT64_MAX, INT64_MAX } },
	  .cost = { NM_COST_KNOWN, INT64_MAX },
	  .told_input = INT64_MAX, .told_output = INT64_MAX,
	  .told_cached = INT64_MAX, .told_reasoning = INT64_MAX },
};

static void
add_line(struct nm_buf *out, const struct reply *reply)
{
	nm_buf_addf(out, "{\"custom_id\":\"request-%d\",\"response\":"
	            "{\"status_code\":%d,\"body\":{", reply->id,
	            reply->status ? reply->status : 200);
	if (reply->model[0])
		nm_buf_addf(out, "\"model\":\"%s\",", reply->model);
	if (reply->input >= 0)
		nm_buf_addf(out, "\"usage\":{\"prompt_tokens\":%d,"
		            "\"prompt_tokens_details\":{\"cached_tokens\":%d},"
		            "\"completion_tokens\":%d},", reply->input,
		            reply->cached, reply->output);
	nm_buf_add_string(out, "\"choices\":[{\"finish_reason\":\"stop\","
	                  "\"message\":{\"content\":\"hm\"}}]}}}\n");
}

static void
add_file(struct nm_collect *collect, const struct case_ *c, size_t which)
{
	char path[] = "/tmp/nm_spending.XXXXXX";
	struct nm_buf text = { 0 };
	struct nm_err err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < COUNT(c->files[which].replies); i++)
		if (c->files[which].replies[i].model)
			add_line(&text, &c->files[which].replies[i]);
	assert_int_equal(nm_file_write_all(fd, nm_buf_string(&text), text.len,
	                                   &err), NM_OK);
	close(fd);
	assert_int_equal(nm_collect_add_file(collect, path,
		c->files[which].attempt, c->files[which].way, &err), NM_OK);
	unlink(path);
	nm_buf_release(&text);
}

/* What its files and shards come to. */
static void
spend(const struct case_ *c, struct nm_spending *spending)
{
	struct nm_shard_record shards[COUNT(c->shards)] = { 0 };
	struct nm_run run = { .shards = shards };
	struct nm_source source = { .count = QUESTIONS, .find = find };
	struct nm_collect collect;

	run.record.model = c->asked ? c->asked : "m";
	for (size_t i = 0; i < COUNT(shards) && c->shards[i].id; i++)
		shards[run.n_shards++] = (struct nm_shard_record){
			.batch_id = c->shards[i].id,
			.status = c->shards[i].status,
			.input_tokens = c->shards[i].input,
			.cached_tokens = c->shards[i].cached,
			.output_tokens = c->shards[i].output,
			.reasoning_tokens = c->shards[i].reasoning,
		};
	nm_collect_init(&collect, &source, NM_READING_STRICT);
	nm_spending_attach(spending, &prices, &run, &collect);
	for (size_t i = 0; i < COUNT(c->files); i++)
		if (c->files[i].attempt)
			add_file(&collect, c, i);
	nm_spending_close(spending, &run);
	nm_collect_release(&collect);
}

static void
sums(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct case_ *c = &cases[i];
		struct nm_spending s;
		struct nm_cost cost;

		spend(c, &s);
		cost = nm_spending_cost(&s);
		if (cost.kind != c->cost.kind || cost.pusd != c->cost.pusd)
			fail_msg("%s: %d, %lld", c->why, (int)cost.kind,
			         (long long)cost.pusd);
		if (s.replies != c->replies ||
		    nm_seen_mean(&s.seen) != c->seen)
			fail_msg("%s: %d replies, %d tokens each", c->why,
			         (int)s.replies,
			         (int)nm_seen_mean(&s.seen));
		if (s.mute[NM_WAY_BATCH] != c->mute_batch ||
		    s.mute[NM_WAY_DIRECT] != c->mute_direct)
			fail_msg("%s: %d and %d told no usage", c->why,
			         (int)s.mute[NM_WAY_BATCH],
			         (int)s.mute[NM_WAY_DIRECT]);
		if (s.told_input_tokens != c->told_input ||
		    s.told_output_tokens != c->told_output)
			fail_msg("%s: %lld in and %lld out are told", c->why,
			         (long long)s.told_input_tokens,
			         (long long)s.told_output_tokens);
		if (s.told_cached_tokens != c->told_cached ||
		    s.told_reasoning_tokens != c->told_reasoning)
			fail_msg("%s: %lld cached and %lld reasoning are told",
			         c->why, (long long)s.told_cached_tokens,
			         (long long)s.told_reasoning_tokens);
	}
}

/* A row's own cost, as tables show it: never a sum, and of nobody's else. */
static void
of_one_row(void **state)
{
	static const struct {
		const char    *model;
		enum nm_way    way;
		struct nm_cost cost;
		const char    *why;
	} rows[] = {
		{ "m", NM_WAY_DIRECT, { NM_COST_KNOWN, 3000 }, "directly" },
		{ "m", NM_WAY_BATCH, { NM_COST_KNOWN, 1500 }, "by batch" },
		{ "", NM_WAY_BATCH, { NM_COST_KNOWN, 36 }, "the one asked" },
		{ "who", NM_WAY_BATCH, { NM_COST_UNKNOWN, 0 }, "no price" },
		{ NULL, NM_WAY_BATCH, { NM_COST_NONE, 0 }, "no usage" },
	};
	struct nm_source source = { .count = QUESTIONS, .find = find };
	struct nm_run run = { .record = { .model = "n" } };
	struct nm_spending spending;
	struct nm_collect collect;

	(void)state;
	nm_collect_init(&collect, &source, NM_READING_STRICT);
	nm_spending_attach(&spending, &prices, &run, &collect);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_row row = { .model = nm_text_of(rows[i].model),
			.usage = { .present = rows[i].model != NULL,
			           .input_tokens = 10, .output_tokens = 2 } };
		struct nm_cost cost = nm_spending_of(&spending, &row,
		                                     rows[i].way);

		if (cost.kind != rows[i].cost.kind ||
		    cost.pusd != rows[i].cost.pusd)
			fail_msg("%s: %d, %lld", rows[i].why, (int)cost.kind,
			         (long long)cost.pusd);
	}
	assert_int_equal(spending.replies, 0);
	assert_int_equal(nm_spending_cost(&spending).kind, NM_COST_NONE);
	nm_collect_release(&collect);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(of_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
