/*
 * body: see body.h.
 */
#include "eval/body.h"

/* ---- errors ---- */

static struct nm_text
text_or_number(const struct nm_value *value)
{
	return nm_json_kind(value) == NM_JSON_NUMBER
	     ? nm_json_number_text(value) : nm_json_text(value);
}

void
nm_trouble_read(const struct nm_value *value, struct nm_trouble *trouble)
{
	*trouble = (struct nm_trouble){ 0 };
	switch (nm_json_kind(value)) {
	case NM_JSON_OBJECT:
		if (nm_json_count(value) == 0)
			return;
		/* Some services wrap the object once more. */
		if (nm_json_kind(nm_json_get(value, "error"))
		    == NM_JSON_OBJECT)
			value = nm_json_get(value, "error");
		trouble->present = true;
		trouble->code = text_or_number(nm_json_get(value, "code"));
		trouble->type = nm_json_text(nm_json_get(value, "type"));
		trouble->message = nm_json_text(nm_json_get(value, "message"));
		return;
	case NM_JSON_STRING:
		trouble->message = nm_json_text(value);
		trouble->present = trouble->message.len > 0;
		return;
	case NM_JSON_BOOLEAN:
		trouble->present = nm_json_true(value);
		return;
	case NM_JSON_NUMBER:
		trouble->code = nm_json_number_text(value);
		trouble->present = true;
		return;
	case NM_JSON_ARRAY:
		trouble->present = nm_json_count(value) > 0;
		return;
	case NM_JSON_NULL:
	case NM_JSON_ABSENT:
		return;
	}
}

/* ---- usage ---- */

static bool
is_number(const struct nm_value *value)
{
	return nm_json_kind(value) == NM_JSON_NUMBER;
}

/* A number of tokens; -1 for anything else. */
static int64_t
tokens(const struct nm_value *value)
{
	return is_number(value) ? nm_json_int(value, INT64_MAX) : -1;
}

/* The first of two members that is a number. */
static int64_t
either(const struct nm_value *usage, struct nm_text name,
       struct nm_text other)
{
	const struct nm_value *value = nm_json_member(usage, name);

	return tokens(is_number(value) ? value
	                               : nm_json_member(usage, other));
}

/* What usage tells of one side: in Chat Completions' words, or in Responses'. */
struct side {
	const struct nm_value *usage, *details;
	struct nm_text         other; /* the details' name in the latter */
	int64_t                whole;
};

static int64_t
detail(const struct side *side, struct nm_text name)
{
	const struct nm_value *value = nm_json_member(side->details, name);
	int64_t part;

	if (!is_number(value))
		value = nm_json_member(
			nm_json_member(side->usage, side->other), name);
	part = tokens(value);
	return part < 0 || part > side->whole ? 0 : part;
}

/* Whoever tells one side and the whole tells the other; of embeddings nothing comes out,
 * and nothing is told of it. */
static int64_t
side_of(int64_t side, int64_t other, int64_t whole)
{
	return side < 0 && other >= 0 && whole >= other ? whole - other : side;
}

static struct nm_usage
read_usage(const struct nm_value *usage)
{
	int64_t whole = tokens(nm_json_member(usage, NM_TEXT("total_tokens")));
	int64_t input = either(usage, NM_TEXT("prompt_tokens"),
	                       NM_TEXT("input_tokens"));
	int64_t output = either(usage, NM_TEXT("completion_tokens"),
	                        NM_TEXT("output_tokens"));
	struct side in = {
		usage, nm_json_get(usage, "prompt_tokens_details"),
		NM_TEXT("input_tokens_details"), side_of(input, output, whole),
	};
	struct side out = {
		usage, nm_json_get(usage, "completion_tokens_details"),
		NM_TEXT("output_tokens_details"), side_of(output, input, whole),
	};

	/* Half of it is none: nobody knows what the other would cost. */
	if (in.whole < 0 || out.whole < 0 || in.whole > NM_USAGE_MAX_TOKENS
	    || out.whole > NM_USAGE_MAX_TOKENS)
		return (struct nm_usage){ 0 };
	return (struct nm_usage){
		.present = true,
		.input_tokens = in.whole,
		.output_tokens = out.whole,
		.cached_tokens = detail(&in, NM_TEXT("cached_tokens")),
		.cache_write_tokens =
			detail(&in, NM_TEXT("cache_write_tokens")),
		.reasoning_tokens = detail(&out,
		                           NM_TEXT("reasoning_tokens")),
	};
}

/* ---- what the model wrote ---- */

/* Adds the text of a list's parts: text and output_text to content, refusal to
 * refusal; parts of other types are passed over. */
static void
join_parts(const struct nm_value *parts, struct nm_body_joints *joints)
{
	struct nm_json_walk walk;
	const struct nm_value *part;

	if (nm_json_kind(parts) != NM_JSON_ARRAY)
		return;
	nm_json_walk_init(&walk, parts);
	while ((part = nm_json_walk_next(&walk, NULL))) {
		struct nm_text type = nm_json_text(nm_json_get(part, "type"));

		if (nm_text_is(type, "text") || nm_text_is(type, "output_text"))
			nm_buf_add_text(&joints->content, nm_json_text(
				nm_json_get(part, "text")));
		else if (nm_text_is(type, "refusal"))
			nm_buf_add_text(&joints->refusal, nm_json_text(
				nm_json_get(part, "refusal")));
	}
}

static void
read_chat(const struct nm_value *choices, struct nm_body_joints *joints,
          struct nm_body *body)
{
	const struct nm_value *choice, *message, *content, *refusal;
	struct nm_json_walk walk;

	nm_json_walk_init(&walk, choices);
	choice = nm_json_walk_next(&walk, NULL);
	message = nm_json_get(choice, "message");
	content = nm_json_get(message, "content");
	refusal = nm_json_get(message, "refusal");
	body->finish_reason = nm_json_text(nm_json_get(choice,
	                                               "finish_reason"));
	if (nm_text_is(body->finish_reason, "length"))
		body->ending = NM_ENDING_LENGTH;
	else if (nm_text_is(body->finish_reason, "content_filter"))
		body->ending = NM_ENDING_FILTERED;

	join_parts(content, joints);
	body->content = nm_json_kind(content) == NM_JSON_STRING
	              ? nm_json_text(content) : nm_buf_text(&joints->content);
	body->refusal = nm_json_kind(refusal) == NM_JSON_STRING
	              ? nm_json_text(refusal) : nm_buf_text(&joints->refusal);
}

static void
read_responses(const struct nm_value *value, const struct nm_value *output,
               struct nm_body_joints *joints, struct nm_body *body)
{
	struct nm_text status = nm_json_text(nm_json_get(value, "status"));
	struct nm_text reason = nm_json_text(
		nm_json_path(value, "incomplete_details.reason"));
	struct nm_json_walk walk;
	const struct nm_value *item;

	nm_json_walk_init(&walk, output);
	while ((item = nm_json_walk_next(&walk, NULL)))
		if (nm_text_is(nm_json_text(nm_json_get(item, "type")),
		               "message"))
			join_parts(nm_json_get(item, "content"), joints);
	body->content = nm_buf_text(&joints->content);
	body->refusal = nm_buf_text(&joints->refusal);

	body->finish_reason = reason.len ? reason : status;
	if (nm_text_is(reason, "content_filter"))
		body->ending = NM_ENDING_FILTERED;
	else if (nm_text_is(status, "incomplete"))
		body->ending = NM_ENDING_LENGTH;
	/* A failed response carries an error; one without is no answer
	 * either. */
	if (nm_text_is(status, "failed") && !body->trouble.present)
		body->trouble = (struct nm_trouble){ .present = true,
		                                     .code = status };
}

/* Where a service tells its error otherwise than by `error`. */
static void
read_bare_message(const struct nm_value *value, struct nm_body *body)
{
	struct nm_text message = nm_json_text(nm_json_get(value, "message"));

	if (!message.len)
		message = nm_json_text(nm_json_get(value, "detail"));
	body->trouble.message = message;
}

void
nm_body_read(const struct nm_value *value, struct nm_body_joints *joints,
             struct nm_body *body)
{
	const struct nm_value *choices = nm_json_get(value, "choices");
	const struct nm_value *output = nm_json_get(value, "output");

	nm_buf_clear(&joints->content);
	nm_buf_clear(&joints->refusal);
	*body = (struct nm_body){ 0 };
	if (nm_json_kind(value) == NM_JSON_STRING)
		body->trouble.message = nm_json_text(value);
	if (nm_json_kind(value) != NM_JSON_OBJECT)
		return;
	nm_trouble_read(nm_json_get(value, "error"), &body->trouble);
	body->model = nm_json_text(nm_json_get(value, "model"));
	body->usage = read_usage(nm_json_get(value, "usage"));
	if (nm_json_kind(choices) == NM_JSON_ARRAY)
		read_chat(choices, joints, body);
	else if (nm_json_kind(output) == NM_JSON_ARRAY
	         || nm_text_is(nm_json_text(nm_json_get(value, "object")),
	                       "response"))
		read_responses(value, output, joints, body);
	else if (!body->trouble.present)
		read_bare_message(value, body);
}

void
nm_body_joints_release(struct nm_body_joints *joints)
{
	if (!joints)
		return;
	nm_buf_release(&joints->content);
	nm_buf_release(&joints->refusal);
}
