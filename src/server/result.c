#include "server/result.h"

#include "server/shape.h"
#include "wire/json.h"

#define ADD(out, literal) nm_buf_add(out, literal, sizeof(literal) - 1)

static void
begin(struct nm_buf *out, const struct nm_result_head *head)
{
	ADD(out, "{\"id\":\"" NM_RESULT_ID_PREFIX);
	nm_shape_add_hex(out, head->salt);
	ADD(out, "\",\"custom_id\":");
	nm_json_add_string(out, head->custom_id);
}

void
nm_result_begin(struct nm_buf *out, const struct nm_result_head *head,
                unsigned status)
{
	begin(out, head);
	ADD(out, ",\"response\":{\"status_code\":");
	nm_buf_add_int(out, status);
	ADD(out, ",\"request_id\":\"");
	nm_shape_add_hex(out, head->salt * UINT64_C(0x9e3779b97f4a7c15));
	nm_shape_add_hex(out, ~head->salt);
	ADD(out, "\",\"body\":");
}

void
nm_result_end(struct nm_buf *out)
{
	ADD(out, "},\"error\":null}\n");
}

void
nm_result_never(struct nm_buf *out, const struct nm_result_head *head,
                const char *code, const char *message)
{
	begin(out, head);
	ADD(out, ",\"response\":null,\"error\":{\"code\":");
	nm_json_add_string(out, nm_text_of(code));
	ADD(out, ",\"message\":");
	nm_json_add_string(out, nm_text_of(message));
	ADD(out, "}}\n");
}

void
nm_result_expired(struct nm_buf *out, const struct nm_result_head *head)
{
	nm_result_never(out, head, "batch_expired", "This request could not be "
		"executed before the completion window expired.");
}

void
nm_result_cancelled(struct nm_buf *out, const struct nm_result_head *head)
{
	nm_result_never(out, head, "batch_cancelled", "This request was not "
		"executed because the batch was cancelled.");
}

void
nm_result_add_error(struct nm_buf *out, unsigned status, const char *code,
                    const char *message)
{
	static const struct {
		unsigned    from, to;
		const char *type, *code, *message;
	} known[] = {
		{ 401, 401, "invalid_request_error", "invalid_api_key",
		  "Incorrect API key provided." },
		{ 404, 404, "invalid_request_error", "model_not_found",
		  "The model does not exist or you do not have access to it." },
		{ 429, 429, "requests", "rate_limit_exceeded",
		  "Rate limit reached for requests. Please try again later." },
		{ 503, 503, "server_error", "server_is_overloaded",
		  "The engine is currently overloaded, please try again later." },
		{ 500, 599, "server_error", NULL,
		  "The server had an error while processing your request. Sorry "
		  "about that!" },
		{ 0, 599, "invalid_request_error", "invalid_value",
		  "The request was refused." },
	};
	struct nm_json_writer w = { .out = out };
	size_t i = 0;

	while (status < known[i].from || status > known[i].to)
		i++;
	nm_json_open_object(&w, NULL);
	nm_json_open_object(&w, "error");
	nm_json_put_string(&w, "message", message ? message : known[i].message);
	nm_json_put_string(&w, "type", known[i].type);
	nm_json_put_null(&w, "param");
	nm_json_put_string(&w, "code", code ? code : known[i].code);
	nm_json_close_object(&w);
	nm_json_close_object(&w);
}
