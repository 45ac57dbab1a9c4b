/*
 * tally: see tally.h.
 */
#include "eval/tally.h"

#include "eval/random.h"

static void
add_usage(struct nm_tally *tally, const struct nm_row *row)
{
	if (!row->usage.present) {
		tally->rows_mute += !nm_class_is_instrument(row->class);
		return;
	}
	nm_price_add_usage(&tally->usage, &row->usage);
	tally->rows_with_usage++;
}

static void
add_cost(struct nm_tally *tally, struct nm_cost cost)
{
	if (cost.kind == NM_COST_KNOWN)
		tally->cost_pusd = nm_price_add(tally->cost_pusd, cost.pusd);
	else if (cost.kind == NM_COST_UNKNOWN)
		tally->rows_unpriced++;
}

/* The table's entry for these counts, a new one when there is none. */
static struct nm_triple *
entry(struct nm_tally *tally, const uint32_t counts[3])
{
	uint32_t place = (uint32_t)tally->n_triples;
	struct nm_text key = { (const char *)counts, 3 * sizeof(*counts) };

	if (nm_map_add(&tally->index, key, &place) == NM_MAP_KNOWN)
		return &tally->triples[place];
	if (tally->n_triples == tally->triples_capacity) {
		size_t capacity = tally->triples_capacity
		                ? 2 * tally->triples_capacity : 64;
		struct nm_triple *more = reallocarray(
			tally->triples, capacity, sizeof(*more));

		if (!more)
			nm_die("out of memory");
		tally->triples = more;
		tally->triples_capacity = capacity;
	}
	tally->triples[tally->n_triples] = (struct nm_triple){
		counts[0], counts[1], counts[2], 0
	};
	return &tally->triples[tally->n_triples++];
}

void
nm_tally_add(struct nm_tally *tally, const struct nm_score *score,
             const struct nm_row *row, struct nm_cost cost)
{
	const uint32_t counts[3] = {
		(uint32_t)score->n_correct,
		(uint32_t)score->n_incorrect,
		(uint32_t)score->n_missed,
	};

	tally->questions++;
	tally->by_class[row->class]++;
	tally->by_category[score->category]++;
	tally->correct_questions += score->is_correct;
	tally->successful += score->n_correct + score->n_incorrect > 0;
	tally->hits_at_1 += score->hit_at_1;
	tally->exact_matches += score->exact_match;
	tally->correct_answers += score->n_correct;
	tally->incorrect_answers += score->n_incorrect;
	tally->missed_answers += score->n_missed;
	tally->dropped_entries += row->n_dropped;
	tally->lenient_read += row->lenient;
	tally->lenient_would_save += row->lenient_would_save;
	entry(tally, counts)->questions++;
	add_usage(tally, row);
	add_cost(tally, cost);
}

static void
add_counts(uint64_t *sums, const uint64_t *counts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sums[i] += counts[i];
}

static void
join_triples(struct nm_tally *tally, const struct nm_tally *other)
{
	for (size_t i = 0; i < other->n_triples; i++) {
		const struct nm_triple *triple = &other->triples[i];
		const uint32_t counts[3] = { triple->correct, triple->incorrect,
		                             triple->missed };

		entry(tally, counts)->questions += triple->questions;
	}
}

void
nm_tally_join(struct nm_tally *tally, const struct nm_tally *other)
{
	tally->questions += other->questions;
	add_counts(tally->by_class, other->by_class, NM_N_CLASSES);
	add_counts(tally->by_category, other->by_category, NM_N_CATEGORIES);
	tally->correct_questions += other->correct_questions;
	tally->successful += other->successful;
	tally->hits_at_1 += other->hits_at_1;
	tally->exact_matches += other->exact_matches;
	tally->correct_answers += other->correct_answers;
	tally->incorrect_answers += other->incorrect_answers;
	tally->missed_answers += other->missed_answers;
	tally->dropped_entries += other->dropped_entries;
	tally->lenient_read += other->lenient_read;
	tally->lenient_would_save += other->lenient_would_save;
	nm_price_add_usage(&tally->usage, &other->usage);
	tally->rows_with_usage += other->rows_with_usage;
	tally->rows_mute += other->rows_mute;
	tally->rows_unpriced += other->rows_unpriced;
	tally->cost_pusd = nm_price_add(tally->cost_pusd, other->cost_pusd);
	join_triples(tally, other);
}

void
nm_tally_release(struct nm_tally *tally)
{
	if (!tally)
		return;
	free(tally->triples);
	nm_map_release(&tally->index);
	*tally = (struct nm_tally){ 0 };
}

/* ---- metrics ---- */

static struct nm_share
share(uint64_t part, uint64_t whole)
{
	return (struct nm_share){
		.value = whole ? (double)part / (double)whole : 0.0,
		.interval = nm_stats_wilson(part, whole),
	};
}

static int
compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
in_order(const void *a, const void *b)
{
	const struct nm_triple *x = a, *y = b;
	int order = compare(x->correct, y->correct);

	if (order == 0)
		order = compare(x->incorrect, y->incorrect);
	return order ? order : compare(x->missed, y->missed);
}

/* Sorted first: sums and draws must not depend on the order of arrival. */
static void
add_means(const struct nm_tally *tally, struct nm_metrics *out)
{
	size_t n = tally->n_triples;
	struct nm_triple *sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		nm_die("out of memory");
	if (n) {
		memcpy(sorted, tally->triples, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), in_order);
	}
	nm_stats_means(sorted, n, out->means);
	nm_stats_bootstrap(sorted, n, NM_STATS_SEED, out->intervals);
	out->bootstrap_seed = NM_STATS_SEED;
	out->bootstrap_resamples = NM_STATS_RESAMPLES;
	out->bootstrap_generator = NM_RANDOM_NAME;
	free(sorted);
}

static void
add_bounds(const struct nm_tally *tally, struct nm_metrics *out)
{
	uint64_t failures = 0;

	for (int i = 0; i < NM_N_CLASSES; i++)
		if (nm_class_is_instrument((enum nm_class)i))
			failures += tally->by_class[i];
	out->instrument_failures = failures;
	out->accuracy_answered = share(tally->correct_questions,
	                               tally->by_class[NM_CLASS_ANSWERED]);
	out->accuracy_low = out->accuracy.value;
	out->accuracy_high = share(tally->correct_questions + failures,
	                           tally->questions).value;
}

void
nm_tally_metrics(const struct nm_tally *tally, struct nm_metrics *out)
{
	uint64_t n = tally->questions;

	*out = (struct nm_metrics){
		.accuracy = share(tally->correct_questions, n),
		.success_rate = share(tally->successful, n),
		.hits_at_1 = share(tally->hits_at_1, n),
		.exact_match_accuracy = share(tally->exact_matches, n),
		.cost_kind = tally->rows_unpriced ? NM_COST_UNKNOWN
		           : tally->rows_with_usage ? NM_COST_KNOWN
		           : NM_COST_NONE,
		.cost_pusd = tally->cost_pusd,
	};
	for (int i = 0; i < NM_N_CATEGORIES; i++)
		out->by_category[i] = share(tally->by_category[i], n);
	add_bounds(tally, out);
	add_means(tally, out);
}
