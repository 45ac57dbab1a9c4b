#include "server/gate.h"

#include "server/query.h"
#include "server/route.h"

struct nm_text
nm_gate_target(const char *target)
{
	static const char *const schemes[] = { "http://", "https://" };
	size_t len;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i]);
		if (strncasecmp(target, schemes[i], len) != 0)
			continue;
		target += len;
		target += strcspn(target, "/?");
		return *target == '/' ? nm_text_of(target) : NM_TEXT("/");
	}
	return nm_text_of(target);
}

static const char *
header(struct nm_visit *visit, const char *name)
{
	return MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND,
	                                   name);
}

/* The lines of a head that say where its body ends, and for whom it is. */
struct framing {
	int  lengths, codings, hosts;
	bool blank_in_name;
};

static enum MHD_Result
count_framing(void *ctx, enum MHD_ValueKind kind, const char *name,
              const char *value)
{
	struct framing *framing = ctx;

	(void)kind;
	(void)value;
	framing->lengths += strcasecmp(name, "Content-Length") == 0;
	framing->codings += strcasecmp(name, "Transfer-Encoding") == 0;
	framing->hosts += strcasecmp(name, "Host") == 0;
	if (strpbrk(name, " \t"))
		framing->blank_in_name = true;
	return MHD_YES;
}

/* A head that two readers could understand in two ways is nobody's friend. */
static bool
head_is_ambiguous(struct nm_visit *visit)
{
	const char *coding = header(visit, "Transfer-Encoding");
	struct framing framing = {0};

	MHD_get_connection_values(visit->connection, MHD_HEADER_KIND,
	                          count_framing, &framing);
	return framing.blank_in_name || framing.lengths > 1 ||
	       framing.codings > 1 || framing.hosts > 1 ||
	       (coding && (framing.lengths ||
	                   strcasecmp(coding, "chunked") != 0));
}

static void
refuse(struct nm_visit *visit, unsigned status, const char *code,
       const char *format, ...)
{
	struct nm_refusal refusal = { .status = status, .code = code };
	struct nm_buf text = {0};
	va_list args;

	va_start(args, format);
	nm_buf_addv(&text, format, args);
	va_end(args);
	nm_call_refuse(&visit->call, &refusal, "%s", nm_buf_string(&text));
	nm_buf_release(&text);
	visit->body.refused = true;
}

/* What stands behind "Bearer", without the blanks around it, which are no part of a
 * header's value (RFC 9110, 5.5); empty where there is none. */
static struct nm_text
given_key(struct nm_visit *visit)
{
	const char *given = header(visit, "Authorization");
	struct nm_text key;

	if (!given || strncasecmp(given, "Bearer ", 7) != 0)
		return (struct nm_text){0};
	key = nm_text_of(given + 7 + strspn(given + 7, " \t"));
	while (key.len && strchr(" \t", key.at[key.len - 1]))
		key.len--;
	return key;
}

/* The name that a key stands for, as the call's own. *none: no key is asked for. */
static const char *
find_key(struct nm_visit *visit, struct nm_text key, bool *none)
{
	struct nm_hall *hall = visit->hall;
	const char *name = NULL;

	pthread_rwlock_rdlock(&hall->keys_lock);
	*none = !hall->keys.n_rows;
	if (!*none && key.len)
		name = nm_keys_find(&hall->keys, key);
	if (name)
		name = nm_arena_string(&visit->call.arena, name);
	pthread_rwlock_unlock(&hall->keys_lock);
	return name;
}

static void
check_key(struct nm_visit *visit)
{
	struct nm_text key = given_key(visit);
	const char *name;
	bool none;

	visit->call.tenant = "";
	name = find_key(visit, key, &none);
	if (none)
		return;
	if (!key.len) {
		refuse(visit, 401, NULL, "You didn't provide an API key. You need "
		       "to provide your API key in an Authorization header using "
		       "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).");
		return;
	}
	if (name)
		visit->call.tenant = name;
	else
		refuse(visit, 401, "invalid_api_key",
		       "Incorrect API key provided.");
}

/* It says which are served (RFC 9110, 15.5.6). */
static void
refuse_method(struct nm_visit *visit)
{
	struct nm_call *call = &visit->call;
	struct nm_buf methods = {0};

	nm_route_methods(call->path, &methods);
	nm_call_header(call, "Allow", nm_arena_text(&call->arena,
	               nm_buf_text(&methods)).at);
	nm_buf_release(&methods);
	refuse(visit, 405, "method_not_supported", "Not allowed to %s on %.*s. "
	       "(HINT: Perhaps you meant to use a different HTTP method?)",
	       visit->verb, NM_TEXT_ARGS(call->path));
}

static void
find_route(struct nm_visit *visit)
{
	struct nm_call *call = &visit->call;
	struct nm_text id = {0};
	enum nm_match match = NM_MATCH_NONE;

	if (!memchr(call->path.at, 0, call->path.len))
		match = nm_route_find(visit->verb, call->path, &call->route, &id);
	if (match == NM_MATCH_METHOD) {
		call->method = call->route->method;
		call->id = nm_arena_text(&call->arena, id).at;
	}
	if (match != NM_MATCH_METHOD || call->route->door == NM_DOOR_KEY)
		check_key(visit);
	if (visit->body.refused)
		return;
	if (match == NM_MATCH_NONE)
		refuse(visit, 404, NULL, "Invalid URL (%s %.*s)", visit->verb,
		       NM_TEXT_ARGS(call->path));
	else if (match == NM_MATCH_PATH)
		refuse_method(visit);
}

/* Browsers say where a call comes from. One that a page of another site makes
 * them send is not its user's wish, and no key may stand in its way. */
static bool
comes_from_elsewhere(struct nm_visit *visit)
{
	const char *site;

	if (strcmp(visit->verb, "GET") == 0 || strcmp(visit->verb, "HEAD") == 0)
		return false;
	site = header(visit, "Sec-Fetch-Site");
	return site && strcmp(site, "same-origin") != 0 &&
	       strcmp(site, "none") != 0;
}

static uint64_t
announced_bytes(struct nm_visit *visit)
{
	const char *text = header(visit, "Content-Length");
	int64_t number;

	if (text && nm_query_number(nm_text_of(text), &number) && number >= 0)
		return (uint64_t)number;
	if (text)
		return UINT64_MAX - 1; /* more digits than any length has */
	return header(visit, "Transfer-Encoding") ? UINT64_MAX : 0;
}

static const struct nm_route nowhere = { .path = "", .taking = NM_TAKE_NONE };

/* What server and client call it. */
static void
introduce(struct nm_visit *visit, const char *method)
{
	struct nm_call *call = &visit->call;

	visit->verb = nm_arena_string(&call->arena, method);
	nm_store_new_id("req_", visit->request_id);
	call->request_id = visit->request_id;
	call->client_id = header(visit, "X-Client-Request-Id");
	call->client_id = nm_arena_string(&call->arena,
	                                  call->client_id ? call->client_id : "");
	call->tenant = "";
}

static void
refuse_ambiguous(struct nm_visit *visit)
{
	visit->hang_up = true;
	refuse(visit, 400, NULL, "The request has a Content-Length besides a "
	       "Transfer-Encoding, or several of either, or a Transfer-Encoding "
	       "other than chunked, or several Hosts, or a blank before a "
	       "header's colon.");
}

/* Of GET alone a range is defined; no validator of ours is there to fit. */
static void
note_range(struct nm_visit *visit)
{
	struct nm_call *call = &visit->call;
	const char *range = header(visit, "Range");

	if (range && strcmp(visit->verb, "GET") == 0 &&
	    !header(visit, "If-Range"))
		call->range = nm_arena_text(&call->arena, nm_text_of(range));
}

enum nm_gate_word
nm_gate_look(struct nm_visit *visit, const char *method)
{
	struct nm_call *call = &visit->call;
	const struct nm_parts *parts = call->parts;
	const char *type = header(visit, "Content-Type");
	uint64_t announced;

	introduce(visit, method);
	visit->body.call = call;
	if (head_is_ambiguous(visit)) {
		refuse_ambiguous(visit);
		return NM_GATE_ANSWER;
	}
	find_route(visit);
	if (!visit->body.refused && comes_from_elsewhere(visit))
		refuse(visit, 403, NULL, "This call comes from a page of another "
		       "site.");
	if (!call->route)
		call->route = &nowhere;
	if (call->route->door == NM_DOOR_KEY)
		nm_faults_call(parts->faults, visit->verb, call->path,
		               nm_vclock_now_ms(parts->clock), &call->arena,
		               &call->fault);
	note_range(visit);
	announced = announced_bytes(visit);
	if (!visit->body.refused)
		nm_body_begin(&visit->body, call, type, announced);
	return visit->body.refused && (announced > NM_GATE_DRAIN_BYTES ||
	                               header(visit, "Expect"))
		? NM_GATE_ANSWER : NM_GATE_TAKE_BODY;
}
