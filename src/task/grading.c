/*
 * grading: see the header.
 */
#include "task/grading.h"

#include "base/crew.h"

enum { ALONE_QUESTIONS = 2000 }; /* so few are not worth a thread */

struct pass {
	const struct nm_grading *grading;
	unsigned                 wish; /* nm_leaf_wish */
	int64_t                  next; /* the ordinal that is laid out next */
};

static void
work(void *piece)
{
	nm_leaf_work(piece);
}

static void
release(void *piece)
{
	nm_leaf_release(piece);
}

static void
take_leaf(struct pass *pass, struct nm_leaf *leaf)
{
	const struct nm_grading *grading = pass->grading;

	if (pass->wish & NM_LEAF_COUNTED) {
		nm_tally_join(grading->tally, &leaf->tally);
		nm_ledger_join(grading->ledger, &leaf->ledger);
	}
	if (pass->wish & NM_LEAF_WRITTEN)
		nm_results_take(grading->results, &leaf->text);
	nm_leaf_clear(leaf);
}

static enum nm_code
add_line(struct pass *pass, struct nm_leaf *leaf, struct nm_err *err)
{
	const struct nm_grading *grading = pass->grading;
	struct nm_question question;
	struct nm_origin origin;
	struct nm_text packed;
	enum nm_code rc;

	rc = nm_quiz_question(grading->quiz, pass->next, &question, err);
	if (!rc)
		rc = nm_collect_packed(grading->collect, pass->next, &packed,
		                       &origin, err);
	if (rc)
		return rc;
	nm_leaf_add(leaf, &question, packed, origin);
	pass->next++;
	return NM_OK;
}

/* Lays questions out on an empty leaf; none when there are no more. */
static enum nm_code
fill_leaf(struct pass *pass, struct nm_leaf *leaf, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	leaf->wish = pass->wish;
	leaf->spending = pass->grading->spending;
	leaf->first = (uint64_t)pass->next;
	while (!rc && pass->next < pass->grading->collect->count &&
	       !nm_leaf_is_full(leaf))
		rc = add_line(pass, leaf, err);
	return rc;
}

static void
take_rest(struct pass *pass, struct nm_crew *crew)
{
	struct nm_leaf *leaf;

	while ((leaf = nm_crew_rest(crew)))
		take_leaf(pass, leaf);
}

/* A leaf that is heavy is worked on here, while no other is held. */
static enum nm_code
go_through(struct pass *pass, struct nm_err *err)
{
	const struct nm_crew_options options = {
		.piece_bytes = sizeof(struct nm_leaf),
		.work = work,
		.release = release,
		.hands = pass->grading->collect->count < ALONE_QUESTIONS ? 1 : 0,
	};
	struct nm_crew *crew = nm_crew_open(&options);
	struct nm_leaf *leaf;
	enum nm_code rc;

	for (;;) {
		leaf = nm_crew_turn(crew);
		take_leaf(pass, leaf);
		rc = fill_leaf(pass, leaf, err);
		if (rc || !leaf->n_lines)
			break;
		if (!nm_leaf_is_heavy(leaf)) {
			nm_crew_give(crew);
			continue;
		}
		take_rest(pass, crew);
		nm_leaf_work(leaf);
	}
	if (!rc)
		rc = nm_quiz_end(pass->grading->quiz, err);
	if (!rc)
		take_rest(pass, crew);
	nm_crew_close(crew);
	return rc;
}

enum nm_code
nm_grading_make(const struct nm_grading *grading, struct nm_err *err)
{
	struct pass pass = {
		.grading = grading,
		.wish = (grading->tally ? NM_LEAF_COUNTED : 0U) |
		        (grading->results ? NM_LEAF_WRITTEN : 0U),
	};

	return go_through(&pass, err);
}
