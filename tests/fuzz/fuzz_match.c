/*
 * fuzz_match: folding twice changes nothing that counts, a ratio lies in 0 to
 * 1, and the verdict is the one that the rules give without any shortcut. The
 * bytes up to the first newline are one name, the rest is the other.
 */
#include <stdlib.h>

#include "eval/match.h"
#include "fuzz.h"
#include "wire/json.h"

static void
expect(bool promise)
{
	if (!promise)
		abort();
}

static enum nm_verdict
by_the_rules(struct nm_matcher *matcher, const struct nm_folded *a,
             const struct nm_folded *b)
{
	const struct nm_folded *longer = a->n > b->n ? a : b;
	const struct nm_folded *shorter = a->n > b->n ? b : a;

	if (nm_text_equal(a->text, b->text))
		return NM_MATCH_YES;
	if ((double)shorter->n / (double)longer->n >= 0.8
	    && memmem(longer->text.at, longer->text.len, shorter->text.at,
	              shorter->text.len))
		return NM_MATCH_YES;
	return nm_match_ratio(matcher, a, b) >= 0.8 ? NM_MATCH_YES
	                                            : NM_MATCH_NO;
}

static void
check_folded(struct nm_arena *arena, const struct nm_folded *folded)
{
	struct nm_folded again;
	size_t valid = nm_json_utf8_valid(folded->text.at, folded->text.len);

	expect(valid == folded->text.len);
	expect(folded->n <= folded->text.len);
	expect(folded->text.at[folded->text.len] == 0);
	nm_fold(arena, folded->text, &again);
	expect(again.n == folded->n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *all = (const char *)bytes;
	const char *newline = len ? memchr(all, '\n', len) : NULL;
	size_t first = newline ? (size_t)(newline - all) : len;
	size_t rest = newline ? first + 1 : len;
	struct nm_matcher matcher = { 0 };
	struct nm_arena arena = { 0 };
	struct nm_folded a, b;
	double ratio;

	nm_fold(&arena, (struct nm_text){ all, first }, &a);
	nm_fold(&arena, (struct nm_text){ all + rest, len - rest }, &b);
	check_folded(&arena, &a);
	check_folded(&arena, &b);
	ratio = nm_match_ratio(&matcher, &a, &b);
	expect(ratio >= 0.0 && ratio <= 1.0);
	expect(nm_match(&matcher, &a, &b) == by_the_rules(&matcher, &a, &b));
	nm_matcher_release(&matcher);
	nm_arena_release(&arena);
	return 0;
}
