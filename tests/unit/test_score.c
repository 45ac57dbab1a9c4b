/* test_score: gold and predicted answers -> counts, lists, category. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/score.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { MANY = 8 };

/* Lists are written with '|' between; NULL = an empty list. */
struct row {
	const char      *gold, *predicted;
	const char      *correct, *incorrect, *missed;
	enum nm_category category;
	bool             hit_at_1, exact;
	const char      *why;
};

static const struct row rows[] = {
	{ "Heat|Ali", "ali|HEAT ", "ali|heat", NULL, NULL,
	  NM_CATEGORY_PERFECT, true, true, "another order and case" },
	{ "Heat", "Heat|Thief", "heat", "thief", NULL,
	  NM_CATEGORY_COMPLETE_WITH_HALLUCINATIONS, true, false,
	  "all and one more" },
	{ "Heat|Ali", "Thief|Ali", "ali", "thief", "heat",
	  NM_CATEGORY_PARTIAL, false, false, "some; the first is wrong" },
	{ "Heat|Ali", "Heat", "heat", NULL, "ali", NM_CATEGORY_PARTIAL, true,
	  false, "some, none wrong" },
	{ "Heat|Ali", "Thief", NULL, "thief", "heat|ali",
	  NM_CATEGORY_HALLUCINATION_ONLY, false, false, "none" },
	{ "Heat", NULL, NULL, NULL, "heat", NM_CATEGORY_FAILED, false, false,
	  "nothing predicted" },
	{ "Heat", "", NULL, "", "heat", NM_CATEGORY_HALLUCINATION_ONLY, false,
	  false, "an empty string is an answer" },
	{ "", " ", "", NULL, NULL, NM_CATEGORY_PERFECT, true, true,
	  "two empty ones are equal" },
	{ "Heat", "Heat|heat", "heat", "heat", NULL,
	  NM_CATEGORY_COMPLETE_WITH_HALLUCINATIONS, true, true,
	  "a gold answer is taken once; as sets they are equal" },
	{ "Heat|Heat", "Heat", "heat", NULL, "heat", NM_CATEGORY_PARTIAL,
	  true, true, "a gold answer that stands twice" },
	{ "abcdefghij|abcdefghxy", "abcdefghxy", "abcdefghxy", NULL,
	  "abcdefghxy", NM_CATEGORY_PARTIAL, true, false,
	  "the first that matches is taken, not the best" },
	{ "abcdefghij|abcdefghxy", "abcdefghxy|abcdefghij",
	  "abcdefghxy|abcdefghij", NULL, NULL, NM_CATEGORY_PERFECT, true, true,
	  "…the next gets what is left" },
	{ "Joel Coen", "Joel Cohen", "joel cohen", NULL, NULL,
	  NM_CATEGORY_PERFECT, true, false, "near, but not the same" },
};

static size_t
split(const char *list, struct nm_text *out)
{
	size_t n = 0;

	while (list) {
		size_t len = strcspn(list, "|");

		out[n++] = (struct nm_text){ list, len };
		list = list[len] ? list + len + 1 : NULL;
	}
	return n;
}

static void
expect_list(const char *why, const char *name, const char *wanted,
            const struct nm_text *got, size_t n_got)
{
	struct nm_text texts[MANY];
	size_t n = split(wanted, texts);

	if (n != n_got)
		fail_msg("%s: %s: %zu", why, name, n_got);
	for (size_t i = 0; i < n; i++)
		if (!nm_text_equal(texts[i], got[i]))
			fail_msg("%s: %s: \"%.*s\"", why, name,
			         NM_TEXT_ARGS(got[i]));
}

static void
questions(void **state)
{
	struct nm_scorer scorer = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct nm_text gold[MANY], predicted[MANY];
		size_t n_gold = split(row->gold, gold);
		size_t n_predicted = split(row->predicted, predicted);
		struct nm_score score;

		nm_score(&scorer, gold, n_gold, predicted, n_predicted, &score);
		expect_list(row->why, "correct", row->correct, score.correct,
		            score.n_correct);
		expect_list(row->why, "incorrect", row->incorrect,
		            score.incorrect, score.n_incorrect);
		expect_list(row->why, "missed", row->missed, score.missed,
		            score.n_missed);
		if (score.category != row->category
		    || score.hit_at_1 != row->hit_at_1
		    || score.exact_match != row->exact
		    || score.is_correct != (row->correct && !row->missed))
			fail_msg("%s: %s", row->why,
			         nm_category_name(score.category));
	}
	nm_scorer_release(&scorer);
	nm_scorer_release(NULL);
}

static void
hallucination_rate(void **state)
{
	struct nm_score score = { .n_correct = 1, .n_incorrect = 3 };

	(void)state;
	assert_true(nm_score_hallucination_rate(&score) == 0.75);
	score = (struct nm_score){ 0 };
	assert_true(nm_score_hallucination_rate(&score) == 0.0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(hallucination_rate),
	};

	return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
