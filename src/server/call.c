#include "server/call.h"

#include <unistd.h>

#include "server/answer.h"
#include "server/range.h"

enum { MESSAGE_MAX_BYTES = 1000 };

void
nm_call_text(struct nm_call *call, unsigned status, const char *type,
             struct nm_buf *body)
{
	struct nm_call_answer *answer = call->answer;

	nm_buf_release(&answer->body);
	answer->kind = NM_ANSWER_BUF;
	answer->status = status;
	answer->type = type;
	answer->body = *body;
	*body = (struct nm_buf){0};
}

void
nm_call_json(struct nm_call *call, unsigned status, struct nm_buf *body)
{
	nm_call_text(call, status, "application/json", body);
}

void
nm_refusal_write(struct nm_buf *out, const struct nm_refusal *refusal,
                 struct nm_text message)
{
	struct nm_json_writer w = { .out = out };

	nm_json_open_object(&w, NULL);
	nm_json_open_object(&w, "error");
	nm_json_put_text(&w, "message", message);
	nm_json_put_string(&w, "type", refusal->type ? refusal->type
	                                             : "invalid_request_error");
	nm_json_put_string(&w, "param", refusal->param);
	nm_json_put_string(&w, "code", refusal->code);
	nm_json_close_object(&w);
	nm_json_close_object(&w);
}

/* A message may hold what the client sent: of that, the beginning will do. */
static void
refuse_as(struct nm_call *call, const struct nm_refusal *refusal,
          const char *format, va_list args)
{
	struct nm_buf message = {0}, body = {0};

	nm_buf_addv(&message, format, args);
	if (message.len > MESSAGE_MAX_BYTES) {
		message.len = nm_json_utf8_valid(message.at, MESSAGE_MAX_BYTES);
		nm_buf_add_string(&message, "…");
	}
	nm_refusal_write(&body, refusal, nm_buf_text(&message));
	nm_call_json(call, refusal->status, &body);
	nm_buf_release(&message);
}

void
nm_call_refuse(struct nm_call *call, const struct nm_refusal *refusal,
               const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse_as(call, refusal, format, args);
	va_end(args);
}

bool
nm_call_reject(struct nm_call *call, const char *param, const char *code,
               const char *format, ...)
{
	struct nm_refusal refusal = { .status = 400, .param = param,
	                              .code = code };
	va_list args;

	va_start(args, format);
	refuse_as(call, &refusal, format, args);
	va_end(args);
	return false;
}

/* A file name as a header's quoted text. */
static const char *
disposition(struct nm_arena *arena, const char *filename)
{
	struct nm_buf safe = {0};
	const char *value;

	for (const char *p = filename; *p; p++)
		nm_buf_add_byte(&safe, (unsigned char)*p < ' ' || *p == '"' ||
		                       *p == '\\' || *p == 0x7f ? '_' : *p);
	value = nm_arena_printf(arena, "attachment; filename=\"%s\"",
	                        nm_buf_string(&safe));
	nm_buf_release(&safe);
	return value;
}

void
nm_call_file(struct nm_call *call, int fd, uint64_t bytes,
             const char *filename)
{
	struct nm_call_answer *answer = call->answer;
	uint64_t from = 0, len = bytes;
	bool ranges = !call->fault.no_ranges;
	enum nm_byte_range range = nm_byte_range_read(
		ranges ? call->range : (struct nm_text){0}, bytes, &from, &len);

	if (ranges)
		nm_call_header(call, "Accept-Ranges", "bytes");
	if (range == NM_RANGE_NEVER) {
		close(fd);
		nm_call_header(call, "Content-Range",
		               nm_arena_printf(&call->arena, "bytes */%llu",
		                               (unsigned long long)bytes));
		nm_call_refuse(call, &(struct nm_refusal){ .status = 416 },
		               "The requested range is not satisfiable.");
		return;
	}
	if (range == NM_RANGE_PART)
		nm_call_header(call, "Content-Range",
		               nm_arena_printf(&call->arena,
		                               "bytes %llu-%llu/%llu",
		                               (unsigned long long)from,
		                               (unsigned long long)(from + len - 1),
		                               (unsigned long long)bytes));
	nm_call_header(call, "Content-Disposition",
	               disposition(&call->arena, filename));
	answer->kind = NM_ANSWER_FILE;
	answer->status = range == NM_RANGE_PART ? 206 : 200;
	answer->type = "application/octet-stream";
	answer->fd_plus_one = fd + 1;
	answer->from = from;
	answer->bytes = len;
}

void
nm_call_bytes(struct nm_call *call, unsigned status, const char *type,
              struct nm_text bytes)
{
	call->answer->kind = NM_ANSWER_STATIC;
	call->answer->status = status;
	call->answer->type = type;
	call->answer->fixed = bytes;
}

void
nm_call_header(struct nm_call *call, const char *name, const char *value)
{
	struct nm_header *header = nm_arena_new(&call->arena, sizeof(*header));

	header->name = nm_arena_string(&call->arena, name);
	header->value = nm_arena_string(&call->arena, value);
	header->next = call->answer->headers;
	call->answer->headers = header;
}

void
nm_call_note(struct nm_call *call, const char *name, struct nm_text value)
{
	nm_buf_add_byte(&call->noted, ',');
	nm_json_add_string(&call->noted, nm_text_of(name));
	nm_buf_add_byte(&call->noted, ':');
	nm_json_add_string(&call->noted, value);
}
