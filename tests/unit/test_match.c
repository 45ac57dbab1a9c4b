/*
 * test_match: the verdicts, and 4,000 pairs with the ratio that Python 3.11
 * gives (tests/data/match-vectors.jsonl), to the last bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "eval/match.h"
#include "wire/json.h"
#include "wire/jsonl.h"

#define AB10 "abcdefghij"
/* 200 points: every point stands more than 3 times and is popular. */
#define LONG_200 AB10 AB10 AB10 AB10 AB10 AB10 AB10 AB10 AB10 AB10 \
                 AB10 AB10 AB10 AB10 AB10 AB10 AB10 AB10 AB10 AB10

static const struct {
	const char     *predicted, *gold;
	enum nm_verdict verdict;
	const char     *why;
} rows[] = {
	{ "The Matrix", "the matrix ", NM_MATCH_YES, "case and space" },
	{ "The Matrix (1999)", "The Matrix", NM_MATCH_NO,
	  "contained, but 10/17 is under 0.8" },
	{ "abcdefgh", "abcdefghij", NM_MATCH_YES, "contained, 8/10" },
	{ "bcdefgh", "abcdefghij", NM_MATCH_YES, "7/10, but the ratio is 14/17" },
	{ "abcdefxy", "abcdefgh", NM_MATCH_NO, "12/16 is under 0.8" },
	{ "abcdexyz", "abcdefgh", NM_MATCH_NO, "10/16" },
	{ "abcdwxyz12", "abcd345678", NM_MATCH_NO, "8/20" },
	{ "abcdefghxy", "abcdefgh12", NM_MATCH_YES, "16/20 is 0.8 itself" },
	{ "", "", NM_MATCH_YES, "two empty texts are equal" },
	{ " \t ", "", NM_MATCH_YES, "equal once stripped" },
	{ "", "x", NM_MATCH_NO, "contained, but 0/1" },
	{ "ΟΔΥΣΣΕΥΣ", "οδυσσευς", NM_MATCH_YES, "final sigma" },
	{ "listen", "silent", NM_MATCH_NO, "the same letters, another order" },
	{ "ab", "ba", NM_MATCH_NO, "2/4" },
	{ LONG_200 "x", LONG_200, NM_MATCH_YES,
	  "contained, though nothing is left of gold once popular" },
	{ "y" LONG_200, "z" LONG_200, NM_MATCH_NO,
	  "equal but for one point, and yet 0: all others are popular" },
	{ "ab" LONG_200, "ac" LONG_200, NM_MATCH_NO,
	  "popular points lengthen a block only from where one begins" },
};

static double
ratio(const char *predicted, const char *gold)
{
	struct nm_matcher matcher = { 0 };
	struct nm_arena arena = { 0 };
	struct nm_folded a, b;
	double result;

	nm_fold(&arena, nm_text_of(predicted), &a);
	nm_fold(&arena, nm_text_of(gold), &b);
	result = nm_match_ratio(&matcher, &a, &b);
	nm_matcher_release(&matcher);
	nm_arena_release(&arena);
	return result;
}

static void
verdicts(void **state)
{
	struct nm_matcher matcher = { 0 };
	struct nm_arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_folded a, b;

		nm_fold(&arena, nm_text_of(rows[i].predicted), &a);
		nm_fold(&arena, nm_text_of(rows[i].gold), &b);
		if (nm_match(&matcher, &a, &b) != rows[i].verdict)
			fail_msg("row %zu: %s (ratio %.17g)", i, rows[i].why,
			         nm_match_ratio(&matcher, &a, &b));
	}
	nm_matcher_release(&matcher);
	nm_arena_release(&arena);
}

static void
ratios_are_not_symmetric(void **state)
{
	(void)state;
	/* Known from difflib's own manual: "tide" and "diet". */
	assert_true(ratio("tide", "diet") == 0.25);
	assert_true(ratio("diet", "tide") == 0.5);
	assert_true(ratio("", "") == 1.0);
}

static void
check_vector(struct nm_matcher *matcher, const struct nm_value *vector,
             uint64_t number)
{
	struct nm_arena arena = { 0 };
	struct nm_folded a, b;
	double wanted = nm_json_double(nm_json_get(vector, "ratio"), -1.0);
	enum nm_verdict verdict = nm_json_true(nm_json_get(vector, "match"))
	                        ? NM_MATCH_YES : NM_MATCH_NO;
	double got;

	nm_fold(&arena, nm_json_text(nm_json_get(vector, "a")), &a);
	nm_fold(&arena, nm_json_text(nm_json_get(vector, "b")), &b);
	got = nm_match_ratio(matcher, &a, &b);
	if (!(got == wanted))
		fail_msg("vector %llu: ratio %.17g, not %.17g",
		         (unsigned long long)number, got, wanted);
	if (nm_match(matcher, &a, &b) != verdict)
		fail_msg("vector %llu: verdict", (unsigned long long)number);
	nm_arena_release(&arena);
}

static void
python_agrees(void **state)
{
	struct nm_buf bytes = { 0 };
	struct nm_jsonl lines = { 0 };
	struct nm_json json = { 0 };
	struct nm_matcher matcher = { 0 };
	struct nm_line line;
	uint64_t checked = 0;

	(void)state;
	assert_int_equal(nm_file_read("tests/data/match-vectors.jsonl", &bytes,
	                              NULL), NM_OK);
	nm_jsonl_feed(&lines, bytes.at, bytes.len);
	nm_jsonl_finish(&lines);
	while (nm_jsonl_next(&lines, &line)) {
		const struct nm_value *vector;

		assert_int_equal(nm_json_read(&json, line.at, line.len,
		                              &vector, NULL), NM_OK);
		check_vector(&matcher, vector, line.number);
		checked++;
	}
	assert_int_equal(checked, 4000);
	nm_matcher_release(&matcher);
	nm_json_release(&json);
	nm_jsonl_release(&lines);
	nm_buf_release(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(ratios_are_not_symmetric),
		cmocka_unit_test(python_agrees),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
