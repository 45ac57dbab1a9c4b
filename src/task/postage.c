/*
 * postage: see the header.
 */
#include "task/postage.h"

#include "eval/bound.h"
#include "remote/input.h"

enum { IDS_MAX = 50000, DEPTH_MAX = 100 };

/* Of some requests together. */
struct sums {
	uint64_t requests;
	uint64_t prompt_bytes;
	uint64_t weight; /* of these, and of what comes with them */
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

/* Half tokens of what is around a text: names and marks are written out for the model,
 * in a form of the service's own. */
enum frame { FRAME_NONE = 0, FRAME_WRITTEN = 8 };

static uint64_t
weigh(const struct nm_value *value, enum frame frame, int depth)
{
	const struct nm_value *element;
	struct nm_json_walk walk;
	struct nm_text text, name;
	uint64_t weight = 0;

	switch (nm_json_kind(value)) {
	case NM_JSON_STRING:
		text = nm_json_text(value);
		return nm_bound_weigh(text.at, text.len);
	case NM_JSON_ARRAY:
	case NM_JSON_OBJECT:
		break;
	case NM_JSON_ABSENT:
		return 0;
	default:
		return 2 + (uint64_t)frame; /* a number may be a token */
	}
	nm_json_walk_init(&walk, value);
	while (depth < DEPTH_MAX &&
	       (element = nm_json_walk_next(&walk, &name))) {
		/* Pictures and sounds are priced by other rules than length. */
		if (frame == FRAME_NONE && (nm_text_is(name, "image_url") ||
		    nm_text_is(name, "input_audio") || nm_text_is(name, "type")))
			continue;
		if (frame == FRAME_WRITTEN)
			weight += nm_bound_weigh(name.at, name.len) +
			          FRAME_WRITTEN;
		weight += weigh(element, frame, depth + 1);
	}
	return weight;
}

/* All that the model may read. */
static uint64_t
weight_of(const struct nm_value *body)
{
	static const struct {
		const char *name;
		enum frame  frame;
	} members[] = {
		{ "messages", FRAME_NONE }, { "input", FRAME_NONE },
		{ "prompt", FRAME_NONE }, { "suffix", FRAME_NONE },
		{ "instructions", FRAME_NONE }, { "tools", FRAME_WRITTEN },
		{ "functions", FRAME_WRITTEN }, { "text", FRAME_WRITTEN },
		{ "response_format", FRAME_WRITTEN },
	};
	uint64_t weight = 0;
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(*members); i++)
		weight += weigh(nm_json_get(body, members[i].name),
		                members[i].frame, 0);
	return weight;
}

static int
may_be_long(const struct nm_price *price, const struct nm_input_line *line,
            uint64_t weight)
{
	return price && nm_bound_input(weight, messages_of(line)) >
	                price->long_over_tokens;
}

static void
add(struct sums *sums, const struct nm_input_line *line, uint64_t weight)
{
	sums->requests++;
	sums->prompt_bytes += line->prompt_bytes;
	sums->weight += weight;
	sums->messages += messages_of(line);
	if (nm_text_is(line->url, "/v1/embeddings"))
		return; /* vectors are no tokens */
	if (line->output_tokens_max < 0)
		sums->unbounded += line->choices;
	else
		sums->output_max = nm_price_add(sums->output_max,
		                                line->output_tokens_max);
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
	uint64_t weight;
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
		weight = weight_of(line.body);
		add(all, &line, weight);
		if (may_be_long(price, &line, weight))
			add(longs, &line, weight);
		if (input.lines % IDS_MAX == 0)
			nm_map_clear(&input.ids);
	}
	nm_input_release(&input);
	return rc ? rc : nm_source_rewind(source, err);
}

static struct nm_guess
input_of(const struct sums *sums)
{
	struct nm_guess guess = nm_guess_input(sums->prompt_bytes,
	                                       sums->messages);

	guess.high_tokens = nm_bound_input(sums->weight, sums->messages);
	return guess;
}

static struct nm_guess
output_of(const struct sums *sums)
{
	struct nm_guess guess = nm_guess_output(sums->unbounded, 0, 0);

	guess.high_tokens = nm_price_add(guess.high_tokens, sums->output_max);
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
