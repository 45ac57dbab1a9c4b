/*
 * files: see files.h.
 */
#include "remote/files.h"

#include <stdio.h>

/* A service may take its time over a file that it has received whole. */
enum { UPLOAD_STALL_MS = 300000, FIELDS_MAX = 3, SECONDS_MAX = 32 };

static const char *
take_text(struct nm_arena *arena, const struct nm_value *object,
          const char *name)
{
	struct nm_text text = nm_json_text(nm_json_get(object, name));

	return nm_arena_text(arena, text).at;
}

static enum nm_code
read_file(const struct nm_value *object, struct nm_arena *arena,
          struct nm_remote_file *out, struct nm_err *err)
{
	struct nm_remote_file file = {0};

	file.id = take_text(arena, object, "id");
	if (!*file.id)
		return nm_fail(err, NM_PROTOCOL, 0,
		               "the service's reply is no file: it has no id");
	file.filename = take_text(arena, object, "filename");
	file.purpose = take_text(arena, object, "purpose");
	file.status = take_text(arena, object, "status");
	file.bytes = nm_json_int(nm_json_get(object, "bytes"), -1);
	file.created_s = nm_json_int(nm_json_get(object, "created_at"), 0);
	file.expires_s = nm_json_int(nm_json_get(object, "expires_at"), 0);
	*out = file;
	return NM_OK;
}

static enum nm_code
read_uploaded(const struct nm_http_reply *reply, struct nm_arena *arena,
              struct nm_remote_file *out, struct nm_err *err)
{
	struct nm_text body = nm_buf_text(&reply->body);
	const struct nm_value *root = NULL;
	struct nm_json json = {0};
	enum nm_code rc;

	rc = nm_json_read(&json, body.at ? body.at : "", body.len, &root, NULL);
	if (!rc)
		rc = read_file(root, arena, out, NULL);
	nm_json_release(&json);
	if (!rc)
		return NM_OK;
	/* Something was taken in, but under which id is not to be learnt here. */
	return nm_fail(err, NM_AMBIGUOUS, reply->status,
	               "the reply to an upload (status %d) names no file",
	               reply->status);
}

static void
tell(struct nm_api *api, const struct nm_http_reply *reply,
     const struct nm_err *err)
{
	struct nm_api_event event = {
		.method = "POST", .path = "/files", .try_number = 1,
		.status = reply->status, .elapsed_ms = reply->elapsed_ms,
		.request_id = nm_http_header(reply, "x-request-id"), .err = err,
	};

	api->tries++;
	if (api->log)
		api->log(api->log_user, &event);
}

/* What goes before the file; returns how many fields. seconds has SECONDS_MAX bytes. */
static size_t
fill_fields(const struct nm_upload *upload, char *seconds,
            struct nm_http_field *fields)
{
	size_t n = 0;

	fields[n++] = (struct nm_http_field){
		"purpose", upload->purpose ? upload->purpose : "batch"
	};
	if (upload->expires_after_s <= 0)
		return n;
	snprintf(seconds, SECONDS_MAX, "%lld",
	         (long long)upload->expires_after_s);
	fields[n++] = (struct nm_http_field){
		"expires_after[anchor]", "created_at"
	};
	fields[n++] = (struct nm_http_field){
		"expires_after[seconds]", seconds
	};
	return n;
}

enum nm_code
nm_files_upload_once(struct nm_api *api, const struct nm_upload *upload,
                     struct nm_arena *arena, struct nm_remote_file *out,
                     struct nm_err *err)
{
	struct nm_http_field fields[FIELDS_MAX];
	struct nm_http_request request = {
		.method = NM_HTTP_POST, .sending = NM_HTTP_ONCE,
		.source = upload->source, .file_name = upload->filename,
		.fields = fields, .total_ms = NM_HTTP_NEVER,
		.stall_ms = UPLOAD_STALL_MS,
	};
	struct nm_http_reply reply = {0};
	struct nm_api_address address;
	struct nm_err told = {0};
	char seconds[SECONDS_MAX];
	enum nm_code rc;

	request.n_fields = fill_fields(upload, seconds, fields);
	nm_api_address(api, "/files", &address, &request);
	rc = nm_http_call(api->http, &request, &reply, &told);
	rc = nm_api_judge(api, NM_API_CHANGES, rc, &reply, &told);
	if (!rc)
		rc = read_uploaded(&reply, arena, out, &told);
	tell(api, &reply, rc ? &told : NULL);
	if (rc && err)
		*err = told;
	nm_http_reply_release(&reply);
	nm_api_address_release(&address);
	return rc;
}

static void
put_path(struct nm_buf *out, const char *id)
{
	nm_buf_add_string(out, "/files/");
	nm_api_add_escaped(out, id);
}

enum nm_code
nm_files_get(struct nm_api *api, const char *id, struct nm_arena *arena,
             struct nm_remote_file *out, struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf path = {0};
	enum nm_code rc;

	put_path(&path, id);
	rc = nm_api_get(api, nm_buf_string(&path), &reply, err);
	if (!rc)
		rc = read_file(reply.root, arena, out, err);
	nm_reply_release(&reply);
	nm_buf_release(&path);
	return rc;
}

static void
put_query(struct nm_buf *path, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	nm_buf_add_byte(path, strchr(nm_buf_string(path), '?') ? '&' : '?');
	nm_buf_add_string(path, name);
	nm_buf_add_byte(path, '=');
	nm_api_add_escaped(path, value);
}

static void
read_page(const struct nm_value *root, const char *after,
          struct nm_arena *arena, struct nm_files_page *out)
{
	const struct nm_value *data = nm_json_get(root, "data"), *element;
	struct nm_files_page page = { .after = "" };
	struct nm_json_walk walk;

	page.files = nm_arena_array(arena, nm_json_count(data) + 1,
	                            sizeof(*page.files));
	nm_json_walk_init(&walk, data);
	while ((element = nm_json_walk_next(&walk, NULL)))
		if (!read_file(element, arena, &page.files[page.count], NULL))
			page.count++;
	if (page.count > 0)
		page.after = page.files[page.count - 1].id;
	page.more = page.count > 0 &&
		nm_json_true(nm_json_get(root, "has_more"));
	/* A service that does not know `after` gives the same for ever. */
	if (page.more && after && strcmp(page.after, after) == 0)
		page.count = 0;
	*out = page;
}

enum nm_code
nm_files_list(struct nm_api *api, const struct nm_files_query *query,
              struct nm_arena *arena, struct nm_files_page *out,
              struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf path = {0};
	char limit[16] = "";
	enum nm_code rc;

	nm_buf_add_string(&path, "/files");
	if (query->limit > 0)
		snprintf(limit, sizeof(limit), "%d", query->limit);
	put_query(&path, "purpose", query->purpose);
	put_query(&path, "limit", limit);
	put_query(&path, "order", query->order);
	put_query(&path, "after", query->after);
	rc = nm_api_get(api, nm_buf_string(&path), &reply, err);
	if (!rc)
		read_page(reply.root, query->after, arena, out);
	nm_reply_release(&reply);
	nm_buf_release(&path);
	return rc;
}

enum nm_code
nm_files_delete(struct nm_api *api, const char *id, struct nm_err *err)
{
	struct nm_reply reply = {0};
	struct nm_buf path = {0};
	enum nm_code rc;

	put_path(&path, id);
	rc = nm_api_delete(api, nm_buf_string(&path), &reply, err);
	nm_reply_release(&reply);
	nm_buf_release(&path);
	return rc;
}
