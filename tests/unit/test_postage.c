/* postage: what a request file could cost at most is no less than what it asks for. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "run/request_file.h"
#include "task/postage.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define LINE(id, url, body) "{\"custom_id\":\"" id "\",\"method\":\"POST\"," \
	"\"url\":\"/v1/" url "\",\"body\":{\"model\":\"m\"," body "}}\n"
/* Six letters in one message: three tokens at most, and eight around it. */
#define CHAT(id, more) LINE(id, "chat/completions", \
	"\"messages\":[{\"role\":\"u\",\"content\":\"hello\"}]" more)
/* One more, which is no letter: a token. */
#define LONG(id, more) LINE(id, "chat/completions", \
	"\"messages\":[{\"role\":\"u\",\"content\":\"hello!\"}]" more)
#define EMBEDDING(id) LINE(id, "embeddings", "\"input\":\"hello!\"")

static char path[] = "/tmp/nm_postage.XXXXXX";

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static struct nm_request_file *
open_lines(const char *lines)
{
	struct nm_request_file *file = NULL;
	struct nm_err err = { 0 };

	assert_int_equal(nm_file_write(path, 0600, nm_text_of(lines), &err),
	                 NM_OK);
	if (nm_request_file_open(&file, path, &err))
		fail_msg("%s", err.text);
	return file;
}

static void
counting(void **state)
{
	static const struct {
		const char *why, *lines;
		uint64_t    requests;
		int64_t     input, low, expected, high; /* tokens */
	} rows[] = {
		{ "without a bound: by the guess of a reply",
		  CHAT("a", ""), 1, 11, 20, 150, 2000 },
		{ "by the bound that it states",
		  CHAT("a", ",\"max_tokens\":50"), 1, 11, 0, 0, 50 },
		{ "by the newer name of that",
		  CHAT("a", ",\"max_completion_tokens\":50,\"max_tokens\":9"),
		  1, 11, 0, 0, 50 },
		{ "a bound of nothing is a bound",
		  CHAT("a", ",\"max_tokens\":0"), 1, 11, 0, 0, 0 },
		{ "one below nothing is none",
		  CHAT("a", ",\"max_tokens\":-1"), 1, 11, 20, 150, 2000 },
		{ "nor is one in words, which the service refuses",
		  CHAT("a", ",\"max_tokens\":\"50\""), 1, 11, 20, 150, 2000 },
		{ "one that no model can reach is one: as large as any",
		  CHAT("a", ",\"max_tokens\":2147483647")
		  CHAT("b", ",\"max_tokens\":2147483648")
		  CHAT("c", ",\"max_tokens\":1e300"), 3, 33, 0, 0,
		  INT64_C(6442450941) },
		{ "a bound is one however it is written",
		  CHAT("a", ",\"max_tokens\":5e4") CHAT("b",
		  ",\"max_completion_tokens\":9000.0"), 2, 22, 0, 0, 59000 },
		{ "part of a token is one",
		  CHAT("a", ",\"max_tokens\":49.5"), 1, 11, 0, 0, 50 },
		{ "a bound by another endpoint's name bounds nothing",
		  CHAT("a", ",\"max_output_tokens\":5")
		  LINE("b", "responses", "\"input\":\"hello!\","
		       "\"max_tokens\":5,\"max_completion_tokens\":5")
		  LINE("c", "completions", "\"prompt\":\"hello!\","
		       "\"max_output_tokens\":5,\"max_completion_tokens\":5"),
		  3, 34, 60, 450, 6000 },
		{ "nor does it stand before the endpoint's own",
		  CHAT("a", ",\"max_completion_tokens\":50,"
		       "\"max_output_tokens\":5"), 1, 11, 0, 0, 50 },
		{ "several choices, each up to its bound",
		  CHAT("a", ",\"max_tokens\":50,\"n\":3"), 1, 11, 0, 0, 150 },
		{ "several choices, however their number is written",
		  CHAT("a", ",\"max_tokens\":50,\"n\":3.0")
		  CHAT("b", ",\"max_tokens\":50,\"n\":3e0"), 2, 22, 0, 0, 300 },
		{ "several choices, each by the guess of a reply",
		  CHAT("a", ",\"n\":3"), 1, 11, 60, 450, 6000 },
		{ "as many as the service gives",
		  CHAT("a", ",\"n\":128"), 1, 11, 2560, 19200, 256000 },
		{ "more than that are refused, and cost nothing more",
		  CHAT("a", ",\"n\":129"), 1, 11, 20, 150, 2000 },
		{ "no choice at all is no less than one",
		  CHAT("a", ",\"n\":0"), 1, 11, 20, 150, 2000 },
		{ "bounds and guesses together",
		  CHAT("a", ",\"max_tokens\":50") CHAT("b", "")
		  CHAT("c", ",\"max_tokens\":7"), 3, 33, 20, 150, 2057 },
		{ "blank lines are no requests",
		  CHAT("a", "") "\n \r\n" CHAT("b", ""), 2, 22, 40, 300, 4000 },
		{ "vectors are no tokens",
		  EMBEDDING("a") EMBEDDING("b"), 2, 23, 0, 0, 0 },
		{ "a prompt that is no list is framed as one message",
		  LINE("a", "responses", "\"input\":\"hello!\","
		       "\"max_output_tokens\":5"), 1, 12, 0, 0, 5 },
		{ "two messages have two frames",
		  LINE("a", "chat/completions", "\"messages\":["
		       "{\"role\":\"u\",\"content\":\"ab\"},"
		       "{\"role\":\"u\",\"content\":\"cd\"}]"),
		  1, 19, 20, 150, 2000 },
		{ "a reply to each of several prompts",
		  LINE("a", "completions", "\"prompt\":[\"ab\",\"cd\",\"ef\"],"
		       "\"max_tokens\":50,\"n\":2"), 1, 11, 0, 0, 300 },
		{ "tokens are one prompt",
		  LINE("a", "completions", "\"prompt\":[1,2,3],"
		       "\"max_tokens\":50"), 1, 11, 0, 0, 50 },
		{ "the best of many: all of them are made",
		  LINE("a", "completions", "\"prompt\":\"abcdef\","
		       "\"max_tokens\":50,\"n\":2,\"best_of\":5"),
		  1, 11, 0, 0, 250 },
		{ "the best of many, however their number is written",
		  LINE("a", "completions", "\"prompt\":\"abcdef\","
		       "\"max_tokens\":50,\"n\":2,\"best_of\":0.5e1"),
		  1, 11, 0, 0, 250 },
		{ "no letters: as many tokens as bytes",
		  LINE("a", "responses", "\"input\":\"\xf0\x9f\xa7\xac\","
		       "\"max_output_tokens\":5"), 1, 12, 0, 0, 5 },
		{ "tools are read by the model as well",
		  CHAT("a", ",\"tools\":[{\"name\":\"find\"}]"),
		  1, 23, 20, 150, 2000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_request_file *file = open_lines(rows[i].lines);
		struct nm_prices none = { 0 };
		struct nm_estimate got;
		struct nm_err err;

		assert_int_equal(nm_postage_count(nm_request_file_source(file),
			"m", &none, &got, &err), NM_OK);
		if (got.questions != rows[i].requests ||
		    got.input.high_tokens != rows[i].input ||
		    got.output.low_tokens != rows[i].low ||
		    got.output.expected_tokens != rows[i].expected ||
		    got.output.high_tokens != rows[i].high)
			fail_msg("%s: %d requests, at most %lld in; %lld, %lld,"
			         " %lld out", rows[i].why, (int)got.questions,
			         (long long)got.input.high_tokens,
			         (long long)got.output.low_tokens,
			         (long long)got.output.expected_tokens,
			         (long long)got.output.high_tokens);
		nm_request_file_close(file);
	}
}

/* What it is priced by, and that the batch column is what counts. */
static void
pricing(void **state)
{
	static const struct nm_price models[] = {
		{ .model = "m", .long_over_tokens = INT64_MAX,
		  .plain = { { -1, -1, -1, -1 }, { 3, 1, -1, 100 } } },
		{ .model = "direct-alone", .long_over_tokens = INT64_MAX,
		  .plain = { { 3, 1, -1, 100 }, { -1, -1, -1, -1 } } },
	};
	static const struct nm_prices prices = { .models = models,
		.n_models = COUNT(models), .snapshots = true };
	static const struct {
		const char       *model;
		enum nm_cost_kind kind;
		int64_t           high_pusd;
		const char       *why;
	} rows[] = {
		{ "m", NM_COST_KNOWN, 3 * 11 + 100 * 50, "its own name" },
		{ "m-2026-01-31", NM_COST_KNOWN, 3 * 11 + 100 * 50,
		  "its name without the date" },
		{ "who", NM_COST_UNKNOWN, 0, "one without a price" },
		{ "direct-alone", NM_COST_UNKNOWN, 0,
		  "none by batch, though there is another" },
		{ NULL, NM_COST_UNKNOWN, 0, "no model at all" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_request_file *file = open_lines(
			CHAT("a", ",\"max_tokens\":50"));
		struct nm_estimate_cost cost;
		struct nm_estimate got;
		struct nm_err err;

		assert_int_equal(nm_postage_count(nm_request_file_source(file),
			rows[i].model, &prices, &got, &err), NM_OK);
		assert_null(got.dataset);
		assert_ptr_equal(got.model, rows[i].model);
		assert_ptr_equal(got.prices, &prices);
		cost = nm_estimate_cost(&got, NM_PRICE_BATCH);
		if (cost.kind != rows[i].kind ||
		    cost.high_pusd != rows[i].high_pusd)
			fail_msg("%s: %d, %lld", rows[i].why, (int)cost.kind,
			         (long long)cost.high_pusd);
		nm_request_file_close(file);
	}
}

/* A prompt of more than eleven tokens, at two letters each and eight for its frame, may
 * be a long one: it and its reply are priced as that. */
static void
long_contexts(void **state)
{
	static const struct nm_price models[] = {
		{ .model = "m", .long_over_tokens = 11,
		  .plain = { { -1, -1, -1, -1 }, { 3, 1, -1, 100 } },
		  .long_context = { { -1, -1, -1, -1 }, { 6, 2, -1, 150 } } },
		{ .model = "n", .long_over_tokens = 11,
		  .plain = { { -1, -1, -1, -1 }, { 3, 1, -1, 100 } },
		  .long_context = { { -1, -1, -1, -1 }, { -1, -1, -1, -1 } } },
	};
	static const struct nm_prices prices = { .models = models,
		.n_models = COUNT(models) };
	static const struct {
		const char       *model, *lines;
		enum nm_cost_kind kind;
		int64_t           high_pusd;
		const char       *why;
	} rows[] = {
		{ "m", CHAT("a", ",\"max_tokens\":50"), NM_COST_KNOWN,
		  3 * 11 + 100 * 50, "at the bound it is not long" },
		{ "m", LONG("a", ",\"max_tokens\":50"), NM_COST_KNOWN,
		  6 * 12 + 150 * 50, "above it, it is" },
		{ "m", CHAT("a", ",\"max_tokens\":50")
		  LONG("b", ",\"max_tokens\":9"), NM_COST_KNOWN,
		  3 * 11 + 100 * 50 + 6 * 12 + 150 * 9,
		  "each by its own" },
		{ "m", LONG("a", ",\"n\":2"), NM_COST_KNOWN,
		  6 * 12 + 150 * 4000, "replies without a bound" },
		{ "n", CHAT("a", ",\"max_tokens\":50"), NM_COST_KNOWN,
		  3 * 11 + 100 * 50, "none is long: no price is missed" },
		{ "n", LONG("a", ",\"max_tokens\":50"), NM_COST_UNKNOWN, 0,
		  "a long one without a price" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_estimate_cost cost;
		struct nm_request_file *file = open_lines(rows[i].lines);
		struct nm_estimate got;
		struct nm_err err;

		assert_int_equal(nm_postage_count(nm_request_file_source(file),
			rows[i].model, &prices, &got, &err), NM_OK);
		cost = nm_estimate_cost(&got, NM_PRICE_BATCH);
		if (cost.kind != rows[i].kind || (cost.kind == NM_COST_KNOWN &&
		    cost.high_pusd != rows[i].high_pusd))
			fail_msg("%s: %d, %lld", rows[i].why, (int)cost.kind,
			         (long long)cost.high_pusd);
		nm_request_file_close(file);
	}
}

/* However often, and wherever the source stood; who walks it next begins anew. */
static void
standing(void **state)
{
	struct nm_request_file *file = open_lines(CHAT("a", "") CHAT("b", ""));
	struct nm_source *source = nm_request_file_source(file);
	struct nm_prices none = { 0 };
	struct nm_source_item item;
	struct nm_estimate got;
	struct nm_err err;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(nm_source_next(source, &item, &err), NM_OK);
		assert_int_equal(item.ordinal, 0);
		assert_true(nm_text_is(item.custom_id, "a"));
		assert_int_equal(nm_postage_count(source, "m", &none, &got,
		                                  &err), NM_OK);
		assert_int_equal(got.questions, 2);
		assert_int_equal(source->count, 2);
	}
	nm_request_file_close(file);
}

/* More than are looked at together for their ids. */
static void
many(void **state)
{
	enum { REQUESTS = 50001 };
	struct nm_request_file *file;
	struct nm_prices none = { 0 };
	struct nm_buf lines = { 0 };
	struct nm_estimate got;
	struct nm_err err;

	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		nm_buf_addf(&lines, "{\"custom_id\":\"%d\",\"method\":\"POST\","
		            "\"url\":\"/v1/completions\",\"body\":{\"model\":"
		            "\"m\",\"prompt\":\"hi\",\"max_tokens\":3}}\n", i);
	file = open_lines(nm_buf_string(&lines));
	assert_int_equal(nm_postage_count(nm_request_file_source(file), "m",
	                                  &none, &got, &err), NM_OK);
	assert_int_equal(got.questions, REQUESTS);
	assert_int_equal(got.output.high_tokens, 3 * REQUESTS);
	nm_request_file_close(file);
	nm_buf_release(&lines);
}

/* The file is another one meanwhile: an error, and the estimate is as it was. */
static void
changing(void **state)
{
	struct nm_request_file *file = open_lines(CHAT("a", "") CHAT("b", ""));
	struct nm_estimate got = { .questions = 7 };
	struct nm_prices none = { 0 };
	struct nm_err err = { 0 };
	int fd = open(path, O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "no", 2, 0), 2);
	close(fd);
	assert_int_equal(nm_postage_count(nm_request_file_source(file), "m",
	                                  &none, &got, &err), NM_INPUT);
	assert_non_null(strstr(err.text, ":1: "));
	assert_int_equal(got.questions, 7);
	nm_request_file_close(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counting),
		cmocka_unit_test(pricing),
		cmocka_unit_test(long_contexts),
		cmocka_unit_test(standing),
		cmocka_unit_test(many),
		cmocka_unit_test(changing),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
