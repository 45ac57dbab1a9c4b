/*
 * load: see the header.
 */
#include "task/load.h"

#include "eval/bound.h"

enum { MESSAGES = 2 }; /* a request's: the system's and the user's */

/* So many requests whose questions have so many bytes together. */
static struct nm_guess
input_of(const struct nm_load *load, uint64_t requests, uint64_t text_bytes)
{
	return nm_guess_input(requests * nm_quiz_prompt_bytes(load->quiz) +
	                      text_bytes, MESSAGES * requests);
}

/* The same at most, of questions that weigh so much together. */
static int64_t
most_input_of(const struct nm_load *load, uint64_t requests, uint64_t weight)
{
	return nm_bound_input(
		requests * nm_quiz_prompt_weight(load->quiz) + weight,
		MESSAGES * requests);
}

static void
add_long(struct nm_load_longs *longs, uint64_t text)
{
	longs->requests++;
	longs->text += text;
}

static void
add(struct nm_load *load, struct nm_text text)
{
	struct nm_guess guess = input_of(load, 1, text.len);
	uint64_t weight = nm_bound_weigh(text.at, text.len);
	int64_t over = load->price->long_over_tokens;

	if (guess.low_tokens > over)
		add_long(&load->low, text.len);
	if (guess.expected_tokens > over)
		add_long(&load->expected, text.len);
	if (guess.high_tokens > over)
		add_long(&load->high, text.len);
	if (most_input_of(load, 1, weight) > over)
		add_long(&load->most, weight);
}

/* A bound is above every guess. */
static int
may_have_longs(const struct nm_load *load)
{
	uint64_t most = nm_quiz_facts(load->quiz)->text_weight_max;

	return load->price && most_input_of(load, 1, most) >
	                      load->price->long_over_tokens;
}

static enum nm_code
walk(struct nm_load *load, struct nm_source *source, struct nm_err *err)
{
	enum nm_code rc = nm_source_rewind(source, err);
	struct nm_source_item item;

	while (!rc) {
		rc = nm_source_pass(source, &item, err);
		if (rc || item.ordinal < 0)
			break;
		add(load, item.text);
	}
	return rc ? rc : nm_source_rewind(source, err);
}

enum nm_code
nm_load_count(struct nm_load *load, struct nm_quiz *quiz,
              const struct nm_prices *prices, struct nm_err *err)
{
	const char *model = nm_quiz_wish(quiz)->model;
	struct nm_load found = { .quiz = quiz, .prices = prices };
	enum nm_code rc = NM_OK;

	if (load->quiz)
		return NM_OK;
	if (model)
		found.price = nm_prices_find(prices, nm_text_of(model));
	if (may_have_longs(&found))
		rc = walk(&found, nm_quiz_source(quiz), err);
	if (!rc)
		*load = found;
	return rc;
}

/* Bytes of the texts of n questions: the mean, times n. */
static uint64_t
mean_bytes(const struct nm_selection_facts *facts, uint64_t n)
{
	if (n == facts->taken || !facts->taken)
		return facts->text_bytes;
	return n * (facts->text_bytes / facts->taken + 1);
}

/* And at most: none is longer than the longest, nor are all together than all. */
static uint64_t
most_text(uint64_t n, uint64_t longest, uint64_t all)
{
	uint64_t text;

	return __builtin_mul_overflow(n, longest, &text) || text > all ? all
	                                                               : text;
}

/* The longs' share of n questions of all. */
static struct nm_load_longs
share_of(const struct nm_load *load, const struct nm_load_longs *longs,
         uint64_t n)
{
	uint64_t taken = nm_quiz_facts(load->quiz)->taken;
	double share = taken > n ? (double)n / (double)taken : 1;

	return (struct nm_load_longs){
		.requests = (uint64_t)((double)longs->requests * share),
		.text = (uint64_t)((double)longs->text * share),
	};
}

/* As many of n as there are, the longest first. */
static struct nm_load_longs
most_of(const struct nm_load_longs *longs, uint64_t n, uint64_t longest)
{
	uint64_t requests = n < longs->requests ? n : longs->requests;

	return (struct nm_load_longs){
		.requests = requests,
		.text = most_text(requests, longest, longs->text),
	};
}

static void
guess_longs(const struct nm_load *load, uint64_t n, int64_t seen_tokens,
            struct nm_estimate *e)
{
	int64_t max = e->max_output_tokens;
	struct nm_load_longs low = share_of(load, &load->low, n);
	struct nm_load_longs expected = share_of(load, &load->expected, n);
	struct nm_load_longs high = most_of(&load->high, n,
		nm_quiz_facts(load->quiz)->text_bytes_max);

	e->long_input = (struct nm_guess){
		input_of(load, low.requests, low.text).low_tokens,
		input_of(load, expected.requests,
		         expected.text).expected_tokens,
		input_of(load, high.requests, high.text).high_tokens,
	};
	e->long_output = (struct nm_guess){
		nm_guess_output(low.requests, seen_tokens, max).low_tokens,
		nm_guess_output(expected.requests, seen_tokens,
		                max).expected_tokens,
		nm_guess_output(high.requests, seen_tokens, max).high_tokens,
	};
}

void
nm_load_estimate(const struct nm_load *load, int64_t count,
                 int64_t seen_tokens, struct nm_estimate *estimate)
{
	const struct nm_selection_facts *facts = nm_quiz_facts(load->quiz);
	const struct nm_quiz_wish *wish = nm_quiz_wish(load->quiz);
	uint64_t n = (uint64_t)count;

	*estimate = (struct nm_estimate){
		.dataset = nm_quiz_name(load->quiz),
		.model = wish->model,
		.questions = n,
		.input = input_of(load, n, mean_bytes(facts, n)),
		.output = nm_guess_output(n, seen_tokens,
		                          wish->max_output_tokens),
		.max_output_tokens = wish->max_output_tokens,
		.seen_tokens = seen_tokens,
		.prices = load->prices,
		.price = load->price,
	};
	estimate->input.high_tokens = input_of(load, n, most_text(n,
		facts->text_bytes_max, facts->text_bytes)).high_tokens;
	guess_longs(load, n, seen_tokens, estimate);
}

static struct nm_guess
just(int64_t tokens)
{
	return (struct nm_guess){ tokens, tokens, tokens };
}

void
nm_load_bound(const struct nm_load *load, int64_t count, int64_t reply_tokens,
              struct nm_estimate *estimate)
{
	const struct nm_selection_facts *facts = nm_quiz_facts(load->quiz);
	uint64_t n = (uint64_t)count;
	struct nm_load_longs longs = most_of(&load->most, n,
	                                     facts->text_weight_max);

	*estimate = (struct nm_estimate){
		.dataset = nm_quiz_name(load->quiz),
		.model = nm_quiz_wish(load->quiz)->model,
		.questions = n,
		.input = just(most_input_of(load, n, most_text(n,
			facts->text_weight_max, facts->text_weight))),
		.output = just(nm_bound_times(count, reply_tokens)),
		.long_input = just(most_input_of(load, longs.requests,
		                                 longs.text)),
		.long_output = just(nm_bound_times((int64_t)longs.requests,
		                                   reply_tokens)),
		.prices = load->prices,
		.price = load->price,
	};
}
