/* GET /: what this server is, for whoever opens it in a browser. */
#include "server/call.h"

static enum nm_code
front(struct nm_call *call, struct nm_err *err)
{
	(void)err;
	nm_call_bytes(call, 200, "text/plain; charset=utf-8",
	              NM_TEXT("nightmail batch_server " NM_VERSION "\n"
	                      "The Batch API is served under /v1.\n"));
	return NM_OK;
}

const struct nm_route nm_page_routes[] = {
	{ NM_GET, "/", NM_TAKE_NONE, 0, front, NM_DOOR_OPEN },
	{ .path = NULL }
};
