/*
 * load: a long context is priced as one, and no choice of questions could cost more
 * than is guessed of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "task/load.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
/* With the prompt 23 and 59 bytes, at 5, 4 and 3 bytes a token, and 6, 8 and 16 tokens
 * around two messages. */
#define TEXT_12 "what is it  "
#define TEXT_48 TEXT_12 TEXT_12 TEXT_12 TEXT_12
#define LINE(text) text "?\tA\n"

static const char template[] = "Say.\n---\nJSON: {question}";

static struct nm_quiz *
open_quiz(const char *lines, char *path)
{
	struct nm_quiz_wish wish = { .path = path, .name = "q", .model = "m",
	                             .prompt_template = template };
	struct nm_quiz *quiz = NULL;
	struct nm_err err;
	int fd;

	snprintf(path, 64, "/tmp/nm_load.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(nm_file_write(path, 0600, nm_text_of(lines), &err),
	                 NM_OK);
	assert_int_equal(nm_quiz_open(&quiz, &wish, &err), NM_OK);
	return quiz;
}

static struct nm_prices
prices_with(struct nm_price *price, int64_t over)
{
	*price = (struct nm_price){ .model = "m", .long_over_tokens = over,
		.plain = { { 1, 0, 1, 0 }, { 1, 0, 1, 0 } },
		.long_context = { { 2, 0, 2, 0 }, { 2, 0, 2, 0 } } };
	return (struct nm_prices){ .models = price, .n_models = 1 };
}

enum what { ESTIMATE, BOUND };

static void
reckon(enum what what, const char *lines, int64_t over, int64_t count,
       int64_t reply_tokens, struct nm_estimate *out)
{
	struct nm_load load = { 0 };
	struct nm_price price;
	struct nm_prices prices = prices_with(&price, over);
	struct nm_quiz *quiz;
	struct nm_err err;
	char path[64];

	quiz = open_quiz(lines, path);
	assert_int_equal(nm_load_count(&load, quiz, &prices, &err), NM_OK);
	if (what == BOUND)
		nm_load_bound(&load, count, reply_tokens, out);
	else
		nm_load_estimate(&load, count, reply_tokens, out);
	nm_quiz_close(quiz);
	unlink(path);
}

static void
estimate(const char *lines, int64_t over, int64_t count,
         struct nm_estimate *out)
{
	reckon(ESTIMATE, lines, over, count, 10, out);
}

static void
bound(const char *lines, int64_t over, int64_t count, int64_t reply_tokens,
      struct nm_estimate *out)
{
	reckon(BOUND, lines, over, count, reply_tokens, out);
}

static int
same(const struct nm_guess *a, const struct nm_guess *b)
{
	return a->low_tokens == b->low_tokens &&
	       a->expected_tokens == b->expected_tokens &&
	       a->high_tokens == b->high_tokens;
}

static void
long_contexts(void **state)
{
	static const struct {
		const char *why, *lines;
		int64_t     over, count;
		struct nm_guess input, long_input, long_output;
	} rows[] = {
		{ "no long one", LINE(TEXT_12), 100, 1,
		  { 11, 14, 24 }, { 0, 0, 0 }, { 0, 0, 0 } },
		{ "over the bound at the high guess alone", LINE(TEXT_12), 23,
		  1, { 11, 14, 24 }, { 0, 0, 24 }, { 0, 0, 30 } },
		{ "just as many as the bound are not over it", LINE(TEXT_12),
		  24, 1, { 11, 14, 24 }, { 0, 0, 0 }, { 0, 0, 0 } },
		{ "by every guess", LINE(TEXT_12), 10, 1,
		  { 11, 14, 24 }, { 11, 14, 24 }, { 5, 10, 30 } },
		{ "one of two", LINE(TEXT_12) LINE(TEXT_48), 35, 2,
		  { 29, 37, 60 }, { 0, 0, 36 }, { 0, 0, 30 } },
		{ "any one of the two: the long one, at the most",
		  LINE(TEXT_12) LINE(TEXT_48), 35, 1,
		  { 15, 19, 36 }, { 0, 0, 36 }, { 0, 0, 30 } },
		{ "any two of three: no more than all long ones",
		  LINE(TEXT_12) LINE(TEXT_12) LINE(TEXT_48), 35, 2,
		  { 27, 34, 64 }, { 0, 0, 36 }, { 0, 0, 30 } },
		{ "none", LINE(TEXT_48), 10, 0,
		  { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_estimate got;

		estimate(rows[i].lines, rows[i].over, rows[i].count, &got);
		if (!same(&got.input, &rows[i].input) ||
		    !same(&got.long_input, &rows[i].long_input) ||
		    !same(&got.long_output, &rows[i].long_output))
			fail_msg("%s: %lld %lld %lld, %lld %lld %lld,"
			         " %lld %lld %lld", rows[i].why,
			         (long long)got.input.low_tokens,
			         (long long)got.input.expected_tokens,
			         (long long)got.input.high_tokens,
			         (long long)got.long_input.low_tokens,
			         (long long)got.long_input.expected_tokens,
			         (long long)got.long_input.high_tokens,
			         (long long)got.long_output.low_tokens,
			         (long long)got.long_output.expected_tokens,
			         (long long)got.long_output.high_tokens);
	}
}

/* Half tokens: 14 and 50 of the questions, 17 of the prompt; and 16 tokens around two
 * messages. */
static void
bounds(void **state)
{
	static const struct {
		const char *why, *lines;
		int64_t     over, count, input, long_input, long_output;
	} rows[] = {
		{ "no long one", LINE(TEXT_12), 100, 1, 32, 0, 0 },
		{ "just as many as the threshold", LINE(TEXT_12), 32, 1, 32, 0,
		  0 },
		{ "over it at the bound alone", LINE(TEXT_12), 31, 1, 32, 32,
		  7000 },
		{ "one of two", LINE(TEXT_12) LINE(TEXT_48), 40, 2, 81, 50,
		  7000 },
		{ "any one of the two: the long one",
		  LINE(TEXT_12) LINE(TEXT_48), 40, 1, 50, 50, 7000 },
		{ "both", LINE(TEXT_12) LINE(TEXT_48), 10, 2, 81, 81, 14000 },
		{ "none", LINE(TEXT_48), 10, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_estimate got;

		bound(rows[i].lines, rows[i].over, rows[i].count, 7000, &got);
		if (got.input.high_tokens != rows[i].input ||
		    got.long_input.high_tokens != rows[i].long_input ||
		    got.long_output.high_tokens != rows[i].long_output ||
		    got.output.high_tokens != 7000 * rows[i].count)
			fail_msg("%s: %lld, %lld, %lld", rows[i].why,
			         (long long)got.input.high_tokens,
			         (long long)got.long_input.high_tokens,
			         (long long)got.long_output.high_tokens);
	}
}

/* A model without a price has no bound either. */
static void
no_price(void **state)
{
	struct nm_load load = { 0 };
	struct nm_prices none = { 0 };
	struct nm_estimate got;
	struct nm_quiz *quiz;
	struct nm_err err;
	char path[64];

	(void)state;
	quiz = open_quiz(LINE(TEXT_12), path);
	assert_int_equal(nm_load_count(&load, quiz, &none, &err), NM_OK);
	nm_load_estimate(&load, 1, 0, &got);
	assert_null(got.price);
	assert_int_equal(got.long_input.high_tokens, 0);
	assert_int_equal(got.output.high_tokens, 2000);
	assert_int_equal(nm_estimate_cost(&got, NM_PRICE_BATCH).kind,
	                 NM_COST_UNKNOWN);
	nm_quiz_close(quiz);
	unlink(path);
}

/* The file was cut since it was opened: that is told, and nothing is counted. */
static void
changed(void **state)
{
	struct nm_load load = { 0 };
	struct nm_price price;
	struct nm_prices prices = prices_with(&price, 1);
	struct nm_quiz *quiz;
	struct nm_err err;
	char path[64];

	(void)state;
	quiz = open_quiz(LINE(TEXT_12) LINE(TEXT_12), path);
	assert_int_equal(truncate(path, 16), 0);
	assert_int_equal(nm_load_count(&load, quiz, &prices, &err), NM_INPUT);
	assert_null(load.quiz);
	nm_quiz_close(quiz);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_contexts),
		cmocka_unit_test(bounds),
		cmocka_unit_test(no_price),
		cmocka_unit_test(changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
