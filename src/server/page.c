/*
 * GET /: a page that shows in a browser what the API tells. Its files are built
 * in; it asks the API like any client, so it needs a key where the API does.
 */
#include "server/call.h"
#include "server/page_bytes.h"

/* Nothing from elsewhere, nothing inline, in nobody's frame. */
static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; "
	"connect-src 'self'; img-src data:; base-uri 'none'; "
	"form-action 'none'; frame-ancestors 'none'";

static enum nm_code
send_file(struct nm_call *call, const char *type, struct nm_text bytes)
{
	nm_call_header(call, "Content-Security-Policy", policy);
	nm_call_header(call, "X-Content-Type-Options", "nosniff");
	nm_call_header(call, "Referrer-Policy", "no-referrer");
	nm_call_header(call, "Cache-Control", "no-cache");
	nm_call_bytes(call, 200, type, bytes);
	return NM_OK;
}

#define PAGE_FILE(name, type) \
	static enum nm_code send_##name(struct nm_call *call, \
	                                struct nm_err *err) \
	{ \
		(void)err; \
		return send_file(call, type "; charset=utf-8", \
		                 (struct nm_text){ page_##name, \
		                                   sizeof(page_##name) }); \
	}

PAGE_FILE(html, "text/html")
PAGE_FILE(css, "text/css")
PAGE_FILE(js, "text/javascript")
PAGE_FILE(api, "text/javascript")
PAGE_FILE(parts, "text/javascript")
PAGE_FILE(rows, "text/javascript")

#define PAGE_ROUTE(path, name) \
	{ NM_GET, path, NM_TAKE_NONE, 0, send_##name, NM_DOOR_OPEN }

const struct nm_route nm_page_routes[] = {
	PAGE_ROUTE("/", html),
	PAGE_ROUTE("/page.css", css),
	PAGE_ROUTE("/page.js", js),
	PAGE_ROUTE("/page/api.js", api),
	PAGE_ROUTE("/page/parts.js", parts),
	PAGE_ROUTE("/page/rows.js", rows),
	{ .path = NULL }
};
