/*
 * postage: see the header.
 */
#include "task/postage.h"

#include "remote/input.h"

enum { IDS_MAX = 50000 };

/* Of some requests together. */
struct sums {
	uint64_t requests;
	uint64_t prompt_bytes;
	uint64_t messages;
	uint64_t unbounded;  /* replies without a bound */
	int64_t  output_max; /* of the others together */
};

/* A prompt that is no list of messages is framed as one. */
static uint64_t
messages_of(const struct nm_input_line *line)
{
	return line->messages ? line->messages : 1;
}

static int
may_be_long(const struct nm_price *price, const struct nm_input_line *line)
{
	struct nm_guess input = nm_guess_input(line->prompt_bytes,
	                                       messages_of(line));

	return price && input.high_tokens > price->long_over_tokens;
}

static void
add(struct sums *sums, const struct nm_input_line *line)
{
	sums->requests++;
	sums->prompt_bytes += line->prompt_bytes;
	sums->messages += messages_of(line);
	if (nm_text_is(line->url, "/v1/embeddings"))
		return; /* vectors are no tokens */
	if (line->output_tokens_max < 0)
		sums->unbounded += line->choices;
	else
		sums->output_max += line->output_tokens_max;
}

/* longs: those of them that may have a long context. */
static enum nm_code
add_up(struct nm_source *source, const struct nm_price *price,
       struct sums *all, struct sums *longs, struct nm_err *err)
{
	struct nm_source_item item;
	struct nm_input_line line;
	struct nm_finding finding;
	struct nm_input input;
	enum nm_code rc = nm_source_rewind(source, err);

	nm_input_init(&input, NULL);
	while (!rc) {
		rc = nm_source_next(source, &item, err);
		if (rc || item.ordinal < 0)
			break;
		/* Whether the service would take it is told when it is planned. */
		(void)nm_input_check_line(&input, item.line,
		                          (uint64_t)item.ordinal + 1, &line,
		                          &finding);
		add(all, &line);
		if (may_be_long(price, &line))
			add(longs, &line);
		if (input.lines % IDS_MAX == 0)
			nm_map_clear(&input.ids);
	}
	nm_input_release(&input);
	return rc ? rc : nm_source_rewind(source, err);
}

static struct nm_guess
input_of(const struct sums *sums)
{
	return nm_guess_input(sums->prompt_bytes, sums->messages);
}

static struct nm_guess
output_of(const struct sums *sums)
{
	struct nm_guess guess = nm_guess_output(sums->unbounded, 0, 0);

	guess.high_tokens += sums->output_max;
	return guess;
}

enum nm_code
nm_postage_count(struct nm_source *source, const char *model,
                 const struct nm_prices *prices, struct nm_estimate *out,
                 struct nm_err *err)
{
	const struct nm_price *price = nm_prices_find(prices,
	                                              nm_text_of(model));
	struct sums all = { 0 }, longs = { 0 };
	enum nm_code rc = add_up(source, price, &all, &longs, err);

	if (rc)
		return rc;
	*out = (struct nm_estimate){
		.model = model,
		.questions = all.requests,
		.input = input_of(&all),
		.output = output_of(&all),
		.long_input.high_tokens = input_of(&longs).high_tokens,
		.long_output.high_tokens = output_of(&longs).high_tokens,
		.prices = prices,
		.price = price,
	};
	return NM_OK;
}
