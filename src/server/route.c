#include "server/route.h"

/* The busiest first. */
static const struct nm_route *const tables[] = {
	nm_chat_routes, nm_batch_routes, nm_file_routes, nm_upload_routes,
	nm_model_routes, nm_control_routes, nm_health_routes, nm_page_routes
};

static const char *const method_names[] = {
	[NM_GET] = "GET", [NM_POST] = "POST", [NM_DELETE] = "DELETE"
};

/* "{id}" stands for one part without '/', "{all}" for all that follows, if no '/'
 * begins or ends it: models' names have some within. */
static bool
path_fits(const char *pattern, struct nm_text path, struct nm_text *id)
{
	const char *brace = strchr(pattern, '{'), *rest;
	size_t head, tail;

	*id = (struct nm_text){0};
	if (!brace)
		return nm_text_is(path, pattern);
	rest = strchr(brace, '}') + 1;
	head = (size_t)(brace - pattern);
	tail = strlen(rest);
	if (path.len < head + tail + 1 || memcmp(path.at, pattern, head) != 0 ||
	    memcmp(path.at + path.len - tail, rest, tail) != 0)
		return false;
	id->at = path.at + head;
	id->len = path.len - head - tail;
	if (strcmp(brace, "{all}") == 0)
		return id->at[0] != '/' && id->at[id->len - 1] != '/';
	return memchr(id->at, '/', id->len) == NULL;
}

enum nm_match
nm_route_find(const char *method, struct nm_text path,
              const struct nm_route **route, struct nm_text *id)
{
	enum nm_match match = NM_MATCH_NONE;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct nm_route *r = tables[i]; r->path; r++) {
			if (!path_fits(r->path, path, id))
				continue;
			match = NM_MATCH_PATH;
			if (strcmp(method, method_names[r->method]) == 0) {
				*route = r;
				return NM_MATCH_METHOD;
			}
		}
	return match;
}

void
nm_route_methods(struct nm_text path, struct nm_buf *out)
{
	static const char *const names[] = {
		[NM_GET] = "GET, HEAD", [NM_POST] = "POST", [NM_DELETE] = "DELETE"
	};
	unsigned allowed = 0;
	struct nm_text id;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct nm_route *r = tables[i]; r->path; r++)
			if (path_fits(r->path, path, &id))
				allowed |= 1u << r->method;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (allowed & 1u << i)
			nm_buf_addf(out, "%s%s", out->len ? ", " : "", names[i]);
}
