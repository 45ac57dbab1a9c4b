/*
 * input_request: see the header.
 */
#include "remote/input_request.h"

#include "remote/input_body.h"

enum { QUOTED_MAX_BYTES = 120 };

static const char *const endpoints[] = {
	"/v1/chat/completions", "/v1/responses", "/v1/embeddings",
	"/v1/completions", "/v1/moderations", "/v1/images/generations",
	"/v1/images/edits", "/v1/videos"
};

static bool
knows_endpoint(struct nm_text endpoint)
{
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if (nm_text_is(endpoint, endpoints[i]))
			return true;
	return false;
}

/* A finding without its message. Returned false: the caller passes it on. */
static bool
find(struct nm_finding *finding, const char *code, const char *param,
     const char *message)
{
	finding->code = code;
	finding->param = param;
	finding->message = message;
	return false;
}

void
nm_input_add_escaped(struct nm_buf *out, struct nm_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i])
			nm_buf_add_byte(out, text.at[i]);
		else
			nm_buf_add_string(out, "\\u0000");
}

void
nm_input_add_quoted(struct nm_buf *out, struct nm_text text)
{
	size_t len = nm_json_utf8_valid(text.at, text.len < QUOTED_MAX_BYTES
	                                         ? text.len : QUOTED_MAX_BYTES);

	nm_input_add_escaped(out, (struct nm_text){ text.at, len });
	if (len < text.len)
		nm_buf_add_string(out, "…");
}

static const char *
quote(struct nm_input *input, struct nm_text text)
{
	nm_buf_clear(&input->quoted);
	nm_input_add_quoted(&input->quoted, text);
	return nm_buf_string(&input->quoted);
}

static bool
has(const struct nm_value *value)
{
	enum nm_kind kind = nm_json_kind(value);

	return kind != NM_JSON_ABSENT && kind != NM_JSON_NULL;
}

/* The members of one line, each looked up once. */
struct members {
	const struct nm_value *custom_id, *method, *url, *body;
};

static struct members
look_up(const struct nm_value *root)
{
	struct members members = {0};
	const struct nm_value *value;
	struct nm_json_walk walk;
	struct nm_text name;

	nm_json_walk_init(&walk, root);
	while ((value = nm_json_walk_next(&walk, &name))) {
		if (nm_text_is(name, "custom_id"))
			members.custom_id = value;
		else if (nm_text_is(name, "method"))
			members.method = value;
		else if (nm_text_is(name, "url"))
			members.url = value;
		else if (nm_text_is(name, "body"))
			members.body = value;
	}
	return members;
}

static const char *
kind_name(const struct nm_value *value)
{
	struct nm_text number = nm_json_number_text(value);

	switch (nm_json_kind(value)) {
	case NM_JSON_BOOLEAN: return "a boolean";
	case NM_JSON_NUMBER:
		for (size_t i = 0; i < number.len; i++)
			if (strchr(".eE", number.at[i]))
				return "a decimal number";
		return "an integer";
	case NM_JSON_STRING:  return "a string";
	case NM_JSON_ARRAY:   return "an array";
	default:              return "an object";
	}
}

/* Each is there, and of its type. A wrong type is refused for certain, but in
 * words that were recorded of other calls. */
static bool
check_members(struct nm_input *input, const struct members *members,
              struct nm_finding *finding)
{
	const struct {
		const struct nm_value *value;
		const char *name;
		enum nm_kind kind;
	} wanted[] = {
		{ members->custom_id, "custom_id", NM_JSON_STRING },
		{ members->method, "method", NM_JSON_STRING },
		{ members->url, "url", NM_JSON_STRING },
		{ members->body, "body", NM_JSON_OBJECT },
	};

	nm_buf_clear(&input->message);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		enum nm_kind kind = nm_json_kind(wanted[i].value);
		const char *name = wanted[i].name;

		if (kind == wanted[i].kind)
			continue;
		if (!has(wanted[i].value)) {
			nm_buf_addf(&input->message, "Missing required "
			            "parameter: '%s'.", name);
			return find(finding, "missing_required_parameter",
			            name, nm_buf_string(&input->message));
		}
		nm_buf_addf(&input->message, "Invalid type for '%s': expected "
		            "%s, but got %s instead.", name,
		            wanted[i].kind == NM_JSON_STRING ? "a string"
		                                             : "an object",
		            kind_name(wanted[i].value));
		finding->certain = false;
		return find(finding, "invalid_type", name,
		            nm_buf_string(&input->message));
	}
	return true;
}

static bool
check_id(struct nm_input *input, struct nm_text id, uint64_t number,
         struct nm_finding *finding)
{
	uint32_t line = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;

	if (nm_map_add(&input->ids, id, &line) == NM_MAP_NEW)
		return true;
	finding->earlier_line = line;
	nm_buf_clear(&input->message);
	nm_buf_addf(&input->message, "The custom_id '%s' for this request is "
	            "a duplicate of another request. The custom_id parameter "
	            "must be unique for each request in a batch.",
	            quote(input, id));
	return find(finding, "duplicate_custom_id", "custom_id",
	            nm_buf_string(&input->message));
}

static bool
check_method(struct nm_input *input, struct nm_text method,
             struct nm_finding *finding)
{
	if (nm_text_is(method, "POST"))
		return true;
	finding->certain = false;
	nm_buf_clear(&input->message);
	nm_buf_addf(&input->message, "Invalid value: '%s'. Supported values "
	            "are: 'POST'.", quote(input, method));
	return find(finding, "invalid_value", "method",
	            nm_buf_string(&input->message));
}

static bool
check_url(struct nm_input *input, struct nm_text url,
          struct nm_finding *finding)
{
	static const char words[] = "The URL provided for this request does "
		"not match the batch endpoint.";

	if (input->endpoint.len == 0 && !knows_endpoint(url)) {
		finding->hint = "no endpoint that batches may have";
		return find(finding, "invalid_url", "url", words);
	}
	if (input->endpoint.len == 0)
		nm_buf_add_text(&input->endpoint, url);
	if (!nm_text_equal(url, nm_buf_text(&input->endpoint)))
		return find(finding, "invalid_url", "url", words);
	return true;
}

/* Endpoints where a model may be left out have other rules of their own. */
static bool
wants_model(struct nm_text url)
{
	return nm_text_is(url, "/v1/chat/completions") ||
		nm_text_is(url, "/v1/responses") ||
		nm_text_is(url, "/v1/completions") ||
		nm_text_is(url, "/v1/embeddings");
}

static bool
check_model(struct nm_input *input, struct nm_text model, struct nm_text url,
            struct nm_finding *finding)
{
	if (model.len == 0 && !wants_model(url))
		return true;
	if (model.len == 0)
		return find(finding, "invalid_request", "body.model",
		            "Model parameter is required.");
	if (input->model.len == 0)
		nm_buf_add_text(&input->model, model);
	if (nm_text_equal(model, nm_buf_text(&input->model)))
		return true;
	nm_buf_clear(&input->message);
	nm_buf_addf(&input->message, "The model '%s' for this request does not "
	            "match the rest of the batch. Each batch must contain "
	            "requests for a single model.", quote(input, model));
	return find(finding, "mismatched_model", "body.model",
	            nm_buf_string(&input->message));
}

/* What is asked, and the endpoint's name in a message: recorded of chat alone. */
static const struct shape {
	const char *url, *param, *absent, *streaming;
} shapes[] = {
	{ "/v1/chat/completions", "body.messages",
	  "Messages parameter is required.",
	  "Chat Completions: Streaming is not supported in the Batch API." },
	{ "/v1/responses", "body.input", "Input parameter is required.",
	  "Responses: Streaming is not supported in the Batch API." },
	{ "/v1/embeddings", "body.input", "Input parameter is required.",
	  "Embeddings: Streaming is not supported in the Batch API." },
	{ "/v1/completions", "body.prompt", "Prompt parameter is required.",
	  "Completions: Streaming is not supported in the Batch API." },
	{ NULL, NULL, NULL, "Streaming is not supported in the Batch API." },
};

static const struct nm_value *
asked(const struct nm_input_body *body, const struct shape *shape)
{
	switch (shape - shapes) {
	case 0:  return body->messages;
	case 3:  return body->prompt;
	default: return body->input;
	}
}

static bool
check_body(const struct nm_input_body *body, struct nm_text url,
           struct nm_finding *finding)
{
	const struct shape *shape = shapes;

	while (shape->url && !nm_text_is(url, shape->url))
		shape++;
	finding->certain = shape == shapes;
	if (shape->url && !has(asked(body, shape)))
		return find(finding, "invalid_request", shape->param,
		            shape->absent);
	if (nm_json_true(body->stream))
		return find(finding, "streaming_unsupported", "body.stream",
		            shape->streaming);
	finding->certain = true;
	return true;
}

bool
nm_input_judge(struct nm_input *input, const struct nm_value *root,
               struct nm_input_line *line, struct nm_finding *finding)
{
	struct members members = look_up(root);
	struct nm_input_body body;

	line->custom_id = nm_json_text(members.custom_id);
	line->url = nm_json_text(members.url);
	line->body = members.body;
	body = nm_input_body_read(members.body);
	line->model = nm_json_text(body.model);
	nm_input_body_guess(&body, line);
	line->embeddings = nm_input_body_embeddings(&body, line->url);
	return check_members(input, &members, finding) &&
	       check_id(input, line->custom_id, finding->line, finding) &&
	       check_method(input, nm_json_text(members.method), finding) &&
	       check_url(input, line->url, finding) &&
	       check_model(input, line->model, line->url, finding) &&
	       check_body(&body, line->url, finding);
}
