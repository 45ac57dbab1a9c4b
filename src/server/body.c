#include "server/body.h"

#include "server/options.h"
#include "server/upload_file.h"

enum {
	HEAD_BYTES = 4096,
	KEPT_BYTES = 64 << 10   /* memory a body may keep between calls */
};

static void
refuse(struct nm_body *body, unsigned status, const char *code,
       const char *message)
{
	struct nm_refusal refusal = { .status = status, .code = code };

	if (body->refused)
		return;
	body->refused = true;
	nm_call_refuse(body->call, &refusal, "%s", message);
}

static void
refuse_size(struct nm_body *body)
{
	if (body->call->route->taking == NM_TAKE_PARTS)
		refuse(body, 413, NULL, "File is too large.");
	else
		refuse(body, 413, NULL, "The request body is too large.");
}

static void
refuse_for_room(struct nm_call *call)
{
	struct nm_refusal refusal = { .status = 400,
		.code = "storage_quota_exceeded" };

	nm_call_refuse(call, &refusal, "This file would exceed the storage quota "
	               "of this server. Delete files that are no longer needed.");
}

static void
refuse_quota(struct nm_body *body)
{
	if (body->refused)
		return;
	body->refused = true;
	refuse_for_room(body->call);
}

/* What --disk-quota leaves; a store that cannot tell is not the client's fault. */
static uint64_t
quota_room(const struct nm_call *call)
{
	const struct nm_parts *parts = call->parts;
	int64_t quota = parts->options->disk_quota_bytes, used = 0;

	if (!quota || nm_store_bytes(parts->store, call->tenant, &used, NULL))
		return UINT64_MAX;
	return used < quota ? (uint64_t)(quota - used) : 0;
}

void
nm_body_begin(struct nm_body *body, struct nm_call *call,
              const char *content_type, uint64_t announced)
{
	const struct nm_route *route = call->route;
	struct nm_err err;

	body->call = call;
	body->max_bytes = route->body_max_bytes ? route->body_max_bytes
	                                        : NM_BODY_JSON_MAX_BYTES;
	body->room_bytes = UINT64_MAX;
	body->whole.max = (size_t)body->max_bytes;
	if (announced != UINT64_MAX && announced > body->max_bytes)
		refuse_size(body);
	if (route->taking != NM_TAKE_PARTS || body->refused)
		return;
	body->room_bytes = quota_room(call);
	if (announced != UINT64_MAX && announced > body->room_bytes)
		refuse_quota(body);
	if (nm_multipart_init(&body->parts, content_type, &err))
		refuse(body, 400, NULL, "Could not parse multipart form: the "
		       "Content-Type must be multipart/form-data with a boundary.");
}

static void
begin_part(struct nm_body *body)
{
	struct nm_multipart *parts = &body->parts;
	struct nm_upload_file *file = &body->call->upload;
	struct nm_arena *arena = &body->call->arena;

	if (!parts->named && !nm_text_is(parts->name, "file") &&
	    !nm_text_is(parts->name, "data")) {
		body->inside = NM_BODY_IN_FIELD;
		nm_buf_clear(&body->value);
		if (++body->n_fields > NM_BODY_FIELDS_MAX)
			refuse(body, 400, NULL, "Too many fields in the form.");
		return;
	}
	body->inside = NM_BODY_IN_FILE;
	if (file->fd_plus_one) {
		refuse(body, 400, NULL, "Only one file may be sent at a time.");
		return;
	}
	file->field = nm_arena_text(arena, parts->name);
	file->filename = nm_arena_text(arena,
	                               nm_upload_file_base_name(parts->filename));
	file->named = parts->named;
	if (!body->failed.code)
		(void)!nm_upload_file_open(file, body->call->parts->store,
		                           &body->failed);
}

static void
take_file_bytes(struct nm_body *body, struct nm_text bytes)
{
	struct nm_upload_file *file = &body->call->upload;

	if (!file->fd_plus_one || body->failed.code)
		return;
	if (file->bytes + bytes.len > body->room_bytes) {
		refuse_quota(body);
		return;
	}
	if (body->head.len < HEAD_BYTES)
		nm_buf_add(&body->head, bytes.at,
		           bytes.len < HEAD_BYTES - body->head.len
		           ? bytes.len : HEAD_BYTES - body->head.len);
	(void)!nm_upload_file_add(file, bytes, &body->failed);
}

static void
end_part(struct nm_body *body)
{
	struct nm_call *call = body->call;
	struct nm_field **last = &call->fields, *field;

	if (body->inside == NM_BODY_IN_FIELD) {
		field = nm_arena_new(&call->arena, sizeof(*field));
		field->name = nm_arena_text(&call->arena, body->parts.name);
		field->value = nm_arena_text(&call->arena,
		                             nm_buf_text(&body->value));
		while (*last)
			last = &(*last)->next;
		*last = field;
	} else if (body->inside == NM_BODY_IN_FILE) {
		call->upload.head = nm_buf_text(&body->head);
	}
	body->inside = NM_BODY_BETWEEN;
}

static void
take_parts(struct nm_body *body, const void *bytes, size_t len)
{
	enum nm_part_event event;

	nm_multipart_feed(&body->parts, bytes, len);
	while (!body->refused &&
	       (event = nm_multipart_next(&body->parts)) != NM_PART_MORE) {
		if (event == NM_PART_BROKEN)
			refuse(body, 400, NULL, "Could not parse multipart form.");
		else if (event == NM_PART_BEGIN)
			begin_part(body);
		else if (event == NM_PART_END)
			end_part(body);
		else if (event != NM_PART_BYTES)
			continue;
		else if (body->inside == NM_BODY_IN_FILE)
			take_file_bytes(body, body->parts.bytes);
		else
			nm_buf_add_text(&body->value, body->parts.bytes);
		if (body->value.over)
			refuse(body, 400, NULL, "A field of the form is too long.");
	}
}

void
nm_body_take(struct nm_body *body, const void *bytes, size_t len)
{
	struct nm_call *call = body->call;

	call->body_bytes += len;
	if (body->refused)
		return;
	if (call->body_bytes > body->max_bytes)
		refuse_size(body);
	else if (call->route->taking == NM_TAKE_PARTS)
		take_parts(body, bytes, len);
	else if (call->route->taking == NM_TAKE_JSON)
		nm_buf_add(&body->whole, bytes, len);
}

static void
finish_json(struct nm_body *body)
{
	struct nm_call *call = body->call;
	struct nm_err err;

	call->body = nm_buf_text(&body->whole);
	if (nm_json_read(&body->json, call->body.at ? call->body.at : "",
	                 call->body.len, &call->root, &err) ||
	    nm_json_kind(call->root) != NM_JSON_OBJECT)
		refuse(body, 400, NULL, "We could not parse the JSON body of your "
		       "request. (HINT: This likely means you aren't using your "
		       "HTTP library correctly. The request body must be one JSON "
		       "object.)");
}

enum nm_code
nm_body_finish(struct nm_body *body, struct nm_err *err)
{
	if (body->failed.code) {
		*err = body->failed;
		return err->code;
	}
	if (body->refused)
		return NM_OK;
	if (body->call->route->taking == NM_TAKE_JSON)
		finish_json(body);
	else if (body->call->route->taking == NM_TAKE_PARTS &&
	         !nm_multipart_complete(&body->parts))
		refuse(body, 400, NULL, "Could not parse multipart form: it ends "
		       "before its last boundary.");
	return NM_OK;
}

/* Empties; a buf that one large body blew up is given back. */
static void
shrink(struct nm_buf *buf)
{
	if (buf->cap > KEPT_BYTES)
		nm_buf_release(buf);
	else
		nm_buf_clear(buf);
}

void
nm_body_clear(struct nm_body *body)
{
	struct nm_upload_file *file = body->call ? &body->call->upload : NULL;

	if (file)
		nm_upload_file_close(file);
	shrink(&body->whole);
	shrink(&body->value);
	shrink(&body->head);
	nm_multipart_release(&body->parts);
	if (body->json.pool_bytes > KEPT_BYTES ||
	    body->json.mended.cap > KEPT_BYTES)
		nm_json_release(&body->json);
	body->value.max = NM_BODY_FIELD_MAX_BYTES;
	body->call = NULL;
	body->n_fields = 0;
	body->inside = NM_BODY_BETWEEN;
	body->refused = false;
	body->failed.code = NM_OK;
}

void
nm_body_release(struct nm_body *body)
{
	nm_body_clear(body);
	nm_buf_release(&body->whole);
	nm_buf_release(&body->value);
	nm_buf_release(&body->head);
	nm_json_release(&body->json);
}

const struct nm_field *
nm_call_field(const struct nm_call *call, const char *name)
{
	const struct nm_field *field = call->fields;

	while (field && !nm_text_is(field->name, name))
		field = field->next;
	return field;
}

enum nm_code
nm_call_unsettle_file(struct nm_call *call, const char *id, enum nm_code rc,
                      const struct nm_err *err)
{
	nm_store_file_drop(call->parts->store, id, err);
	if (rc != NM_LIMIT)
		return rc;
	refuse_for_room(call);
	return NM_OK;
}
