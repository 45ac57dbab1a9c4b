/*
 * verdict: see the header.
 */
#include "server/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "wire/json.h"

void
nm_verdict_set(struct nm_verdict *verdict, unsigned status, const char *param,
               const char *code, const char *format, ...)
{
	va_list args;

	verdict->status = status;
	verdict->code = code;
	snprintf(verdict->param, sizeof(verdict->param), "%s",
	         param ? param : "");
	nm_buf_clear(&verdict->message);
	va_start(args, format);
	nm_buf_addv(&verdict->message, format, args);
	va_end(args);
}

void
nm_verdict_write(const struct nm_verdict *verdict, struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out };

	nm_json_open_object(&w, NULL);
	nm_json_open_object(&w, "error");
	nm_json_put_text(&w, "message", nm_buf_text(&verdict->message));
	nm_json_put_string(&w, "type", "invalid_request_error");
	nm_json_put_string(&w, "param",
		verdict->param[0] ? verdict->param : NULL);
	nm_json_put_string(&w, "code", verdict->code);
	nm_json_close_object(&w);
	nm_json_close_object(&w);
}

void
nm_verdict_release(struct nm_verdict *verdict)
{
	nm_buf_release(&verdict->message);
	*verdict = (struct nm_verdict){0};
}
