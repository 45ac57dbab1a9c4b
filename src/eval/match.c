/*
 * match: see match.h.
 *
 * Most pairs are told apart by two bounds, which hold for all three ways to
 * match: M, the points in common blocks, is at most the shorter length, and at
 * most the size of the two texts' common multiset of points. Rounding is
 * monotone, so a bound on M bounds 2.0*M/T as it is computed.
 */
#include "eval/match.h"

static const double THRESHOLD = 0.8;

enum {
	COUNTED_BELOW = UINT8_MAX, /* points that a histogram can count */
	POPULAR_FROM = 200, /* length of the second sequence; difflib's autojunk */
	SLOTS_MIN = 64
};

#define NOWHERE UINT32_MAX

/* A stretch of both texts that is still to be searched. */
struct span {
	size_t a_low, a_high, b_low, b_high;
};

/* A code point of b. Valid while `pass` is the scratch's. */
struct slot {
	uint64_t pass;
	uint32_t point;
	uint32_t first, last; /* places in b; first is NOWHERE when popular */
	uint32_t count;
};

struct nm_matcher_scratch {
	struct slot *slots; /* n_slots, a power of two, more than twice capacity */
	size_t       n_slots;
	size_t       capacity; /* points of a text that the arrays hold */
	uint32_t    *points[2]; /* of texts that came without */
	uint64_t     pass;
	uint64_t     row;      /* of a, over all passes; never goes back */
	uint32_t    *next;     /* place in b -> the next one of that point */
	uint32_t    *run[2];   /* place in b -> length of the run that ends there */
	uint64_t    *run_row[2]; /* …and the row for which that was found */
	struct span *spans;    /* a stack; never more than capacity + 2 */
	size_t       n_spans;
};

static void *
array(size_t count, size_t size)
{
	void *at = calloc(count, size);

	if (!at)
		nm_die("out of memory");
	return at;
}

void
nm_matcher_release(struct nm_matcher *matcher)
{
	struct nm_matcher_scratch *s = matcher ? matcher->scratch : NULL;

	if (!s)
		return;
	free(s->slots);
	free(s->next);
	for (int i = 0; i < 2; i++) {
		free(s->run[i]);
		free(s->run_row[i]);
	}
	for (int i = 0; i < 2; i++)
		free(s->points[i]);
	free(s->spans);
	free(s);
	matcher->scratch = NULL;
}

/* Scratch with room for texts of n points. */
static struct nm_matcher_scratch *
scratch_for(struct nm_matcher *matcher, size_t n)
{
	struct nm_matcher_scratch *s = matcher->scratch;
	size_t capacity = SLOTS_MIN;

	if (s && s->capacity >= n)
		return s;
	if (n >= NOWHERE / 4)
		nm_die("a text is too long to be matched");
	nm_matcher_release(matcher);
	while (capacity < n)
		capacity *= 2;
	s = array(1, sizeof(*s));
	s->capacity = capacity;
	s->n_slots = 4 * capacity;
	s->slots = array(s->n_slots, sizeof(*s->slots));
	s->next = array(capacity, sizeof(*s->next));
	for (int i = 0; i < 2; i++) {
		s->run[i] = array(capacity, sizeof(*s->run[i]));
		s->run_row[i] = array(capacity, sizeof(*s->run_row[i]));
	}
	for (int i = 0; i < 2; i++)
		s->points[i] = array(capacity, sizeof(*s->points[i]));
	s->spans = array(capacity + 2, sizeof(*s->spans));
	matcher->scratch = s;
	return s;
}

/* The text with its points at hand, the `which`th of two at a time. */
static struct nm_folded
spelled(struct nm_matcher_scratch *s, const struct nm_folded *text, int which)
{
	struct nm_folded whole = *text;
	uint32_t *points = s->points[which];

	if (whole.points)
		return whole;
	for (size_t i = 0; i < whole.n; i++)
		points[i] = (unsigned char)whole.text.at[i];
	whole.points = points;
	return whole;
}

/* The point's slot in this pass, or the free one that it would get. */
static struct slot *
slot_of(struct nm_matcher_scratch *s, uint32_t point)
{
	uint32_t hash = point * UINT32_C(0x9e3779b1);
	size_t i = (hash ^ hash >> 15) & (s->n_slots - 1);

	while (s->slots[i].pass == s->pass && s->slots[i].point != point)
		i = (i + 1) & (s->n_slots - 1);
	return &s->slots[i];
}

/* Chains the places of each point of b, in order; popular points get none. */
static void
index_places(struct nm_matcher_scratch *s, const struct nm_folded *b)
{
	size_t popular_over = b->n / 100 + 1;

	s->pass++;
	for (size_t j = 0; j < b->n; j++) {
		struct slot *slot = slot_of(s, b->points[j]);
		uint32_t place = (uint32_t)j;

		s->next[j] = NOWHERE;
		if (slot->pass != s->pass)
			*slot = (struct slot){ .pass = s->pass, .first = place,
			                       .point = b->points[j] };
		else
			s->next[slot->last] = place;
		slot->last = place;
		slot->count++;
	}
	if (b->n < POPULAR_FROM)
		return;
	for (size_t j = 0; j < b->n; j++) {
		struct slot *slot = slot_of(s, b->points[j]);

		if (slot->count > popular_over)
			slot->first = NOWHERE;
	}
}

/* A block that both texts share. */
struct block {
	size_t a, b, size;
};

/*
 * The longest block within the span: of those the one that begins first in a,
 * and of those the one that begins first in b; popular points do not count for
 * it.
 */
static struct block
longest(struct nm_matcher_scratch *s, const struct nm_folded *a,
        struct span span)
{
	struct block best = { span.a_low, span.b_low, 0 };

	s->row++; /* no run of an earlier span ends in the row before the first */
	for (size_t i = span.a_low; i < span.a_high; i++) {
		const struct slot *slot = slot_of(s, a->points[i]);
		uint64_t row = ++s->row;
		uint32_t *run = s->run[row & 1];
		uint64_t *run_row = s->run_row[row & 1];
		const uint32_t *before = s->run[~row & 1];
		const uint64_t *before_row = s->run_row[~row & 1];
		uint32_t j = slot->pass == s->pass ? slot->first : NOWHERE;

		for (; j < span.b_high; j = s->next[j]) {
			uint32_t size = 1;

			if (j < span.b_low)
				continue;
			if (j > 0 && before_row[j - 1] == row - 1)
				size += before[j - 1];
			run[j] = size;
			run_row[j] = row;
			if (size > best.size)
				best = (struct block){ i + 1 - size,
				                       j + 1 - size, size };
		}
	}
	return best;
}

/* Lengthens the block both ways, over popular points too. */
static void
lengthen(const struct nm_folded *a, const struct nm_folded *b,
         struct span span, struct block *block)
{
	while (block->a > span.a_low && block->b > span.b_low
	       && a->points[block->a - 1] == b->points[block->b - 1]) {
		block->a--;
		block->b--;
		block->size++;
	}
	while (block->a + block->size < span.a_high
	       && block->b + block->size < span.b_high
	       && a->points[block->a + block->size]
	          == b->points[block->b + block->size])
		block->size++;
}

static void
push(struct nm_matcher_scratch *s, struct span span)
{
	if (span.a_low < span.a_high && span.b_low < span.b_high)
		s->spans[s->n_spans++] = span;
}

/* M: the points in all blocks, found by halving the rest around the longest. */
static size_t
common_points(struct nm_matcher *matcher, const struct nm_folded *predicted,
              const struct nm_folded *gold)
{
	struct nm_matcher_scratch *s = scratch_for(matcher,
		predicted->n > gold->n ? predicted->n : gold->n);
	const struct nm_folded first = spelled(s, predicted, 0), *a = &first;
	const struct nm_folded second = spelled(s, gold, 1), *b = &second;
	size_t points = 0;

	index_places(s, b);
	s->n_spans = 0;
	push(s, (struct span){ 0, a->n, 0, b->n });
	while (s->n_spans) {
		struct span span = s->spans[--s->n_spans];
		struct block block = longest(s, a, span);

		lengthen(a, b, span, &block);
		if (block.size == 0)
			continue;
		points += block.size;
		push(s, (struct span){ span.a_low, block.a,
		                       span.b_low, block.b });
		push(s, (struct span){ block.a + block.size, span.a_high,
		                       block.b + block.size, span.b_high });
	}
	return points;
}

static double
ratio_of(size_t common, size_t total)
{
	return 2.0 * (double)common / (double)total;
}

double
nm_match_ratio(struct nm_matcher *matcher, const struct nm_folded *predicted,
               const struct nm_folded *gold)
{
	size_t total = predicted->n + gold->n;

	if (total == 0)
		return 1.0;
	return ratio_of(common_points(matcher, predicted, gold), total);
}

/* Fills the histogram of a text of fewer points than COUNTED_BELOW. */
static void
count_points(struct nm_folded *text)
{
	if (text->counted)
		return;
	for (size_t i = 0; i < text->n; i++) {
		uint32_t point = text->points ? text->points[i]
		               : (unsigned char)text->text.at[i];

		text->histogram[point % NM_FOLDED_BUCKETS]++;
	}
	text->counted = true;
}

/* At least the size of the common multiset of points. */
static size_t
common_bound(struct nm_folded *a, struct nm_folded *b)
{
	uint8_t common = 0; /* no more than either's points */

	count_points(a);
	count_points(b);
	for (int i = 0; i < NM_FOLDED_BUCKETS; i++)
		common = (uint8_t)(common + (a->histogram[i] < b->histogram[i]
		                             ? a->histogram[i]
		                             : b->histogram[i]));
	return common;
}

enum nm_verdict
nm_match(struct nm_matcher *matcher, struct nm_folded *predicted,
         struct nm_folded *gold)
{
	bool gold_longer = gold->n > predicted->n;
	const struct nm_folded *longer = gold_longer ? gold : predicted;
	const struct nm_folded *shorter = gold_longer ? predicted : gold;
	size_t total = longer->n + shorter->n;

	/* 2.0*M/T < 0.8 for M the shorter length, in whole numbers. */
	if (5 * shorter->n < 2 * total)
		return NM_MATCH_NO;
	if (nm_text_equal(predicted->text, gold->text))
		return NM_MATCH_YES;
	if (longer->n < COUNTED_BELOW
	    && ratio_of(common_bound(predicted, gold), total) < THRESHOLD)
		return NM_MATCH_NO;
	if ((double)shorter->n / (double)longer->n >= THRESHOLD
	    && memmem(longer->text.at, longer->text.len,
	              shorter->text.at, shorter->text.len))
		return NM_MATCH_YES;
	return nm_match_ratio(matcher, predicted, gold) >= THRESHOLD
	     ? NM_MATCH_YES : NM_MATCH_NO;
}
