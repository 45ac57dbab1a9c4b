/* leaf: full by lines or by bytes, whatever is large; what is laid on it is a copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "task/leaf.h"

static const struct nm_prices no_prices;

static struct nm_question
question_of(const char *text, size_t len, const struct nm_text *gold)
{
	return (struct nm_question){ .id = 7, .text = text, .text_len = len,
		.gold = gold, .n_gold = 1 };
}

/* Lines of so many bytes, in the question, its answer or its row, until it is full. */
static size_t
fill(struct nm_leaf *leaf, size_t text, size_t gold, size_t row)
{
	char *bytes = calloc(1, (4 << 20) + 1);
	struct nm_text wanted = { bytes, gold };
	size_t n = 0;

	memset(bytes, 'x', 4 << 20);
	while (!nm_leaf_is_full(leaf)) {
		struct nm_question q = question_of(bytes, text, &wanted);

		nm_leaf_add(leaf, &q, (struct nm_text){ bytes, row },
		            (struct nm_origin){ 1, NM_WAY_BATCH });
		n++;
	}
	free(bytes);
	return n;
}

static void
full(void **state)
{
	static const struct {
		size_t text, gold, row, least, most;
		const char *why;
	} rows[] = {
		{ 50, 10, 100, 256, 256, "short ones" },
		{ 1 << 20, 1, 1, 1, 1, "a long question" },
		{ 1, 1 << 20, 1, 1, 1, "a long answer" },
		{ 1, 1, 4 << 20, 1, 1, "a long row" },
		{ 1000, 1000, 1000, 85, 88, "all of some length" },
	};
	struct nm_leaf leaf = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = fill(&leaf, rows[i].text, rows[i].gold,
		                rows[i].row);

		if (n < rows[i].least || n > rows[i].most)
			fail_msg("%s: %zu", rows[i].why, n);
		nm_leaf_clear(&leaf);
		assert_false(nm_leaf_is_full(&leaf));
	}
	nm_leaf_release(&leaf);
	nm_leaf_release(&leaf);
}

/* One answered, one that never came; what was lent is gone by then. */
static void
add_two(struct nm_leaf *leaf)
{
	char text[] = "who?", gold[] = "Ann", given[] = "ann", model[] = "m";
	struct nm_text wanted = { gold, 3 }, answer = { given, 3 };
	struct nm_question q = question_of(text, 4, &wanted);
	struct nm_row row = { .kind = NM_ROW_READ, .answers = &answer,
		.n_answers = 1, .status_code = 200, .model = { model, 1 } };
	struct nm_buf packed = { 0 };

	nm_row_pack(&row, &packed);
	nm_leaf_add(leaf, &q, nm_buf_text(&packed),
	            (struct nm_origin){ 2, NM_WAY_BATCH });
	nm_leaf_add(leaf, &q, (struct nm_text){ 0 }, (struct nm_origin){ 0 });
	memset(text, '#', 4);
	memset(gold, '#', 3);
	memset(packed.at, '#', packed.len);
	nm_buf_release(&packed);
}

static void
worked_on(void **state)
{
	struct nm_collect collect = { .model = NM_COLLECT_REAL };
	struct nm_spending spending = { .collect = &collect, .model = "m",
		.prices = &no_prices };
	struct nm_leaf leaf = { .spending = &spending };

	(void)state;
	leaf.wish = NM_LEAF_COUNTED;
	add_two(&leaf);
	nm_leaf_work(&leaf);
	assert_int_equal(leaf.tally.questions, 2);
	assert_int_equal(leaf.tally.correct_questions, 1);
	assert_int_equal(leaf.ledger.by_class[NM_CLASS_ANSWERED], 1);
	assert_int_equal(leaf.ledger.by_class[NM_CLASS_MISSING], 1);
	assert_int_equal(leaf.text.len, 0);

	nm_leaf_clear(&leaf);
	assert_int_equal(leaf.tally.questions, 0);
	add_two(&leaf);
	leaf.wish = NM_LEAF_WRITTEN;
	leaf.first = 5;
	nm_leaf_work(&leaf);
	assert_int_equal(leaf.tally.questions, 0);
	assert_int_equal(leaf.text.at[0], ','); /* behind another row */
	assert_non_null(strstr(leaf.text.at, "\"question_text\": \"who?\""));
	assert_non_null(strstr(leaf.text.at, "\"correct_answers\": [\n"
	                       "          \"ann\"\n"));
	assert_non_null(strstr(leaf.text.at, "\"attempts\": 2"));
	assert_non_null(strstr(leaf.text.at, "\"class\": \"missing\""));

	nm_leaf_clear(&leaf);
	add_two(&leaf);
	leaf.wish = NM_LEAF_COUNTED | NM_LEAF_WRITTEN;
	nm_leaf_work(&leaf);
	assert_int_equal(leaf.tally.questions, 2);
	assert_non_null(strstr(leaf.text.at, "\"attempts\": 2"));
	nm_leaf_release(&leaf);
}

/* It is told when it holds a long line, and what that took is not kept. */
static void
heavy(void **state)
{
	static const struct {
		size_t text, gold, row;
		int    heavy;
		const char *why;
	} rows[] = {
		{ 50, 10, 100, 0, "short ones" },
		{ 1000, 1000, 1000, 0, "all of some length" },
		{ 100000, 10, 10, 0, "some hundred kB" },
		{ 500000, 10, 10, 1, "a long question" },
		{ 1, 500000, 1, 1, "a long answer" },
		{ 1, 1, 4 << 20, 1, "a long row" },
	};
	struct nm_leaf leaf = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_false(nm_leaf_is_heavy(&leaf));
		(void)fill(&leaf, rows[i].text, rows[i].gold, rows[i].row);
		if (nm_leaf_is_heavy(&leaf) != rows[i].heavy)
			fail_msg("%s", rows[i].why);
		assert_non_null(nm_buf_room(&leaf.text, 8 * rows[i].row));
		nm_leaf_clear(&leaf);
		assert_true(leaf.arena.bytes + leaf.packed.cap
		            + leaf.text.cap <= 4 << 20);
	}
	nm_leaf_release(&leaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full),
		cmocka_unit_test(worked_on),
		cmocka_unit_test(heavy),
	};

	return cmocka_run_group_tests_name("leaf", tests, NULL, NULL);
}
