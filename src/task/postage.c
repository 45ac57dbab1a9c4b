/*
 * postage: see the header.
 */
#include "task/postage.h"

#include "remote/input.h"

enum { IDS_MAX = 50000 };

struct sums {
	uint64_t requests;
	uint64_t prompt_bytes;
	uint64_t messages;
	uint64_t unbounded;  /* replies without a bound */
	int64_t  output_max; /* of the others together */
};

static void
add(struct sums *sums, const struct nm_input_line *line)
{
	sums->requests++;
	sums->prompt_bytes += line->prompt_bytes;
	/* A prompt that is no list of messages is framed as one. */
	sums->messages += line->messages ? line->messages : 1;
	if (nm_text_is(line->url, "/v1/embeddings"))
		return; /* vectors are no tokens */
	if (line->output_tokens_max < 0)
		sums->unbounded += line->choices;
	else
		sums->output_max += line->output_tokens_max;
}

static enum nm_code
add_up(struct nm_source *source, struct sums *sums, struct nm_err *err)
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
		add(sums, &line);
		if (input.lines % IDS_MAX == 0)
			nm_map_clear(&input.ids);
	}
	nm_input_release(&input);
	return rc ? rc : nm_source_rewind(source, err);
}

enum nm_code
nm_postage_count(struct nm_source *source, const char *model,
                 const struct nm_prices *prices, struct nm_estimate *out,
                 struct nm_err *err)
{
	struct sums sums = { 0 };
	enum nm_code rc = add_up(source, &sums, err);

	if (rc)
		return rc;
	*out = (struct nm_estimate){
		.model = model,
		.questions = sums.requests,
		.input = nm_guess_input(sums.prompt_bytes, sums.messages),
		.output = nm_guess_output(sums.unbounded, 0, 0),
		.prices = prices,
		.price = nm_prices_find(prices, nm_text_of(model)),
	};
	out->output.high_tokens += sums.output_max;
	return NM_OK;
}
