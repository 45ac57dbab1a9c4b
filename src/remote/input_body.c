/*
 * input_body: see input_body.h.
 */
#include "remote/input_body.h"

#include <math.h>

enum { CHOICES_MAX = 128 }; /* the service refuses more */

struct nm_input_body
nm_input_body_read(const struct nm_value *object)
{
	struct nm_input_body body = {0};
	const struct nm_value *value;
	struct nm_json_walk walk;
	struct nm_text name;

	nm_json_walk_init(&walk, object);
	while ((value = nm_json_walk_next(&walk, &name))) {
		if (nm_text_is(name, "model"))
			body.model = value;
		else if (nm_text_is(name, "messages"))
			body.messages = value;
		else if (nm_text_is(name, "input"))
			body.input = value;
		else if (nm_text_is(name, "prompt"))
			body.prompt = value;
		else if (nm_text_is(name, "stream"))
			body.stream = value;
		else if (nm_text_is(name, "instructions"))
			body.instructions = value;
		else if (nm_text_is(name, "n"))
			body.n = value;
		else if (nm_text_is(name, "best_of"))
			body.best_of = value;
		else if (nm_text_is(name, "max_tokens"))
			body.max_tokens = value;
		else if (nm_text_is(name, "max_completion_tokens"))
			body.max_completion_tokens = value;
		else if (nm_text_is(name, "max_output_tokens"))
			body.max_output_tokens = value;
	}
	return body;
}

static bool
has(const struct nm_value *value)
{
	enum nm_kind kind = nm_json_kind(value);

	return kind != NM_JSON_ABSENT && kind != NM_JSON_NULL;
}

/* Bytes of all texts in a value: contents, parts, inputs. Tokens and numbers that
 * stand for tokens already (embeddings) count four bytes each. */
static uint64_t
text_bytes(const struct nm_value *value, int depth)
{
	const struct nm_value *element;
	struct nm_json_walk walk;
	uint64_t bytes = 0;
	struct nm_text name;

	switch (nm_json_kind(value)) {
	case NM_JSON_STRING:
		return nm_json_text(value).len;
	case NM_JSON_NUMBER:
		return 4;
	case NM_JSON_ARRAY:
	case NM_JSON_OBJECT:
		break;
	default:
		return 0;
	}
	if (depth == 0)
		return 0;
	nm_json_walk_init(&walk, value);
	while ((element = nm_json_walk_next(&walk, &name)))
		/* Pictures and sounds are priced by other rules than length. */
		if (!nm_text_is(name, "image_url") &&
		    !nm_text_is(name, "input_audio") &&
		    !nm_text_is(name, "type"))
			bytes += text_bytes(element, depth - 1);
	return bytes;
}

uint64_t
nm_input_guess_tokens(uint64_t prompt_bytes, uint64_t messages)
{
	/* A message's frame costs about three tokens, the reply's three more. */
	return (prompt_bytes + 3) / 4 + 3 + 3 * messages;
}

static bool
is_list_of_lists(const struct nm_value *value)
{
	const struct nm_value *first;
	struct nm_json_walk walk;

	if (nm_json_kind(value) != NM_JSON_ARRAY)
		return false;
	nm_json_walk_init(&walk, value);
	first = nm_json_walk_next(&walk, NULL);
	/* A text is one prompt, and so is an array of its tokens. */
	return first && nm_json_kind(first) != NM_JSON_NUMBER;
}

/* However it is written, 3.0 or 3e0 say. Of what is no number, or out of bounds, the
 * request is refused when it is asked. */
static uint64_t
count_of(const struct nm_value *value)
{
	double count = ceil(nm_json_double(value, 1));

	return count >= 1 && count <= CHOICES_MAX ? (uint64_t)count : 1;
}

/* Replies that are made, and paid for: of several prompts each has its own, and of the
 * best of many all are. */
static uint64_t
choices_of(const struct nm_input_body *body)
{
	uint64_t n = count_of(body->n), best_of = count_of(body->best_of);
	uint64_t choices = n > best_of ? n : best_of;

	return is_list_of_lists(body->prompt)
		? choices * nm_json_count(body->prompt) : choices;
}

static bool
ends_in(struct nm_text text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len &&
	       !memcmp(text.at + text.len - len, end, len);
}

/* What bounds another endpoint's replies does not bound this one's. */
static const struct nm_value *
bound_of(const struct nm_input_body *body, struct nm_text url)
{
	if (ends_in(url, "/responses"))
		return body->max_output_tokens;
	if (ends_in(url, "/chat/completions") &&
	    has(body->max_completion_tokens))
		return body->max_completion_tokens;
	return body->max_tokens;
}

/* However it is written, 1e5 say; one that no model can reach is as good as another.
 * One that is no number, or below nothing, is none: the request is refused when it is
 * asked, and takes nothing. */
static int64_t
bound_tokens(const struct nm_value *bound)
{
	double tokens = nm_json_double(bound, -1);

	if (tokens > INT32_MAX)
		return INT32_MAX;
	return tokens >= 0 ? (int64_t)ceil(tokens) : -1;
}

static const char *
odd_bound(const struct nm_input_body *body, const struct nm_value *bound)
{
	if (!has(bound) || nm_json_kind(bound) == NM_JSON_NUMBER)
		return NULL;
	if (bound == body->max_tokens)
		return "body.max_tokens";
	return bound == body->max_output_tokens ? "body.max_output_tokens"
	                                        : "body.max_completion_tokens";
}

void
nm_input_body_guess(const struct nm_input_body *body,
                    struct nm_input_line *line)
{
	const struct nm_value *bound = bound_of(body, line->url);

	line->prompt_bytes = text_bytes(body->messages, 4) +
		text_bytes(body->input, 4) + text_bytes(body->prompt, 4) +
		text_bytes(body->instructions, 1);
	line->messages = nm_json_count(body->messages);
	line->prompt_tokens_guess = nm_input_guess_tokens(line->prompt_bytes,
	                                                  line->messages);
	line->choices = choices_of(body);
	line->output_tokens_max = bound_tokens(bound);
	line->odd_bound = odd_bound(body, bound);
	if (line->output_tokens_max >= 0 &&
	    __builtin_mul_overflow(line->output_tokens_max,
	                           (int64_t)line->choices,
	                           &line->output_tokens_max))
		line->output_tokens_max = INT64_MAX;
}

uint64_t
nm_input_body_embeddings(const struct nm_input_body *body,
                         struct nm_text url)
{
	const struct nm_value *first;
	struct nm_json_walk walk;

	if (!nm_text_is(url, "/v1/embeddings"))
		return 0;
	nm_json_walk_init(&walk, body->input);
	first = nm_json_walk_next(&walk, NULL);
	/* A text is one input, and so is an array of its tokens. */
	if (nm_json_kind(body->input) != NM_JSON_ARRAY ||
	    nm_json_kind(first) == NM_JSON_NUMBER)
		return 1;
	return nm_json_count(body->input);
}
