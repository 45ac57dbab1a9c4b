/*
 * score: see score.h.
 */
#include "eval/score.h"

const char *
nm_category_name(enum nm_category category)
{
	switch (category) {
	case NM_CATEGORY_PERFECT:
		return "perfect";
	case NM_CATEGORY_COMPLETE_WITH_HALLUCINATIONS:
		return "complete_with_hallucinations";
	case NM_CATEGORY_PARTIAL:
		return "partial";
	case NM_CATEGORY_HALLUCINATION_ONLY:
		return "hallucination_only";
	case NM_CATEGORY_FAILED:
		break;
	}
	return "failed";
}

static struct nm_folded *
fold_all(struct nm_arena *arena, const struct nm_text *texts, size_t n)
{
	struct nm_folded *folded = nm_arena_array(arena, n, sizeof(*folded));

	for (size_t i = 0; i < n; i++)
		nm_fold(arena, texts[i], &folded[i]);
	return folded;
}

/* All of a's texts stand in b. */
static bool
within(const struct nm_folded *a, size_t n_a, const struct nm_folded *b,
       size_t n_b)
{
	for (size_t i = 0; i < n_a; i++) {
		size_t j = 0;

		while (j < n_b && !nm_text_equal(a[i].text, b[j].text))
			j++;
		if (j == n_b)
			return false;
	}
	return true;
}

/* The first gold answer from i on that is not taken and matches; n_gold when none
 * does. */
static size_t
partner(struct nm_matcher *matcher, struct nm_folded *predicted,
        struct nm_folded *gold, const bool *taken, size_t i, size_t n_gold)
{
	while (i < n_gold
	       && (taken[i]
	           || nm_match(matcher, predicted, &gold[i]) == NM_MATCH_NO))
		i++;
	return i;
}

static enum nm_category
categorise(const struct nm_score *score)
{
	if (score->n_correct == 0)
		return score->n_incorrect ? NM_CATEGORY_HALLUCINATION_ONLY
		                          : NM_CATEGORY_FAILED;
	if (score->n_missed)
		return NM_CATEGORY_PARTIAL;
	return score->n_incorrect ? NM_CATEGORY_COMPLETE_WITH_HALLUCINATIONS
	                          : NM_CATEGORY_PERFECT;
}

/* Both sides of a question, folded, and which gold ones have found their partner. */
struct sides {
	struct nm_folded *given, *gold;
	size_t            n_given, n_gold;
	bool             *taken;
};

/* Sorts the given ones into correct and incorrect; returns how many of them are their
 * partner to the byte. */
static size_t
pair(struct nm_scorer *scorer, struct sides *sides, struct nm_score *score)
{
	struct nm_text *correct, *incorrect;
	size_t n_same = 0, first = 0; /* all before it are taken */

	correct = nm_arena_array(&scorer->arena, sides->n_given,
	                         sizeof(*correct));
	incorrect = nm_arena_array(&scorer->arena, sides->n_given,
	                           sizeof(*incorrect));
	for (size_t i = 0; i < sides->n_given; i++) {
		struct nm_folded *given = &sides->given[i];
		size_t j = partner(&scorer->matcher, given, sides->gold,
		                   sides->taken, first, sides->n_gold);

		/* Nothing is taken yet: the first finds whatever it matches. */
		if (i == 0)
			score->hit_at_1 = j < sides->n_gold;
		if (j == sides->n_gold) {
			incorrect[score->n_incorrect++] = given->text;
			continue;
		}
		sides->taken[j] = true;
		while (first < sides->n_gold && sides->taken[first])
			first++;
		n_same += nm_text_equal(given->text, sides->gold[j].text);
		correct[score->n_correct++] = given->text;
	}
	score->correct = correct;
	score->incorrect = incorrect;
	return n_same;
}

static void
list_missed(struct nm_arena *arena, const struct sides *sides,
            struct nm_score *score)
{
	struct nm_text *missed = nm_arena_array(arena, sides->n_gold,
	                                        sizeof(*missed));

	for (size_t i = 0; i < sides->n_gold; i++)
		if (!sides->taken[i])
			missed[score->n_missed++] = sides->gold[i].text;
	score->missed = missed;
}

void
nm_score(struct nm_scorer *scorer, const struct nm_text *gold, size_t n_gold,
         const struct nm_text *predicted, size_t n_predicted,
         struct nm_score *out)
{
	struct nm_arena *arena = &scorer->arena;
	struct sides sides = { .n_given = n_predicted, .n_gold = n_gold };
	struct nm_score score = { 0 };
	size_t n_same;

	nm_arena_clear(arena);
	sides.gold = fold_all(arena, gold, n_gold);
	sides.given = fold_all(arena, predicted, n_predicted);
	sides.taken = nm_arena_array(arena, n_gold, sizeof(*sides.taken));
	n_same = pair(scorer, &sides, &score);
	list_missed(arena, &sides, &score);
	score.category = categorise(&score);
	score.is_correct = score.n_correct > 0 && score.n_missed == 0;
	/* Each is the partner of one: so they are the same set. */
	score.exact_match = (n_same == n_predicted && n_same == n_gold)
	                 || (within(sides.given, n_predicted, sides.gold,
	                            n_gold)
	                     && within(sides.gold, n_gold, sides.given,
	                               n_predicted));
	*out = score;
}

double
nm_score_hallucination_rate(const struct nm_score *score)
{
	size_t n_predicted = score->n_correct + score->n_incorrect;

	return n_predicted ? (double)score->n_incorrect / (double)n_predicted
	                   : 0.0;
}

void
nm_scorer_release(struct nm_scorer *scorer)
{
	if (!scorer)
		return;
	nm_matcher_release(&scorer->matcher);
	nm_arena_release(&scorer->arena);
}
