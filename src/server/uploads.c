/* POST /v1/uploads, parts, complete, cancel. Contract: section 3. */
#include <fcntl.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/map.h"
#include "server/body.h"
#include "server/expires.h"
#include "server/files.h"
#include "server/member.h"

#define UPLOAD_MAX_BYTES ((int64_t)8 << 30)
#define PART_MAX_BYTES ((size_t)64 << 20)

enum {
	UPLOAD_LIVE_S = 3600,
	COPY_BYTES = 256 << 10,
	PARTS_MAX = 10000,
	MD5_DIGITS = 32
};

static const char *const state_names[] = {
	[NM_UPLOAD_PENDING] = "pending",
	[NM_UPLOAD_COMPLETED] = "completed",
	[NM_UPLOAD_CANCELLED] = "cancelled",
	[NM_UPLOAD_EXPIRED] = "expired",
};

static void
answer_upload(struct nm_call *call, const struct nm_stored_upload *upload,
              const struct nm_stored_file *file)
{
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "id", upload->id);
	nm_json_put_string(&w, "object", "upload");
	nm_json_put_int(&w, "bytes", upload->bytes);
	nm_json_put_int(&w, "created_at", upload->created_s);
	nm_json_put_string(&w, "filename", upload->filename);
	nm_json_put_string(&w, "purpose", upload->purpose);
	nm_json_put_string(&w, "status", state_names[upload->state]);
	nm_json_put_int(&w, "expires_at", upload->expires_s);
	if (file)
		nm_file_object(&w, "file", file);
	else
		nm_json_put_null(&w, "file");
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
}

/* A required text of the body that says something. */
static bool
read_text(struct nm_call *call, const char *name, const char **text)
{
	return nm_member_text(call, name, text) &&
	       (**text ||
	        nm_call_reject(call, name, "missing_required_parameter",
	                       "Missing required parameter: '%s'.", name));
}

/* Fewer than a file may have. */
static bool
purpose_fits(const char *purpose)
{
	static const char *const purposes[] = {
		"assistants", "batch", "fine-tune", "vision"
	};

	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (strcmp(purpose, purposes[i]) == 0) /* NOLINT: never NULL */
			return true;
	return false;
}

static bool
read_wish(struct nm_call *call, struct nm_stored_upload *upload)
{
	const struct nm_value *bytes = nm_json_get(call->root, "bytes");
	const char *name;

	if (!read_text(call, "filename", &name) ||
	    !read_text(call, "purpose", &upload->purpose) ||
	    !read_text(call, "mime_type", &upload->mime_type))
		return false;
	upload->filename = nm_body_base_name(nm_text_of(name)).at;
	if (nm_json_kind(bytes) == NM_JSON_ABSENT)
		return nm_call_reject(call, "bytes",
		                      "missing_required_parameter", "Missing "
		                      "required parameter: 'bytes'.");
	upload->bytes = nm_json_int(bytes, -1);
	if (upload->bytes < 1 || upload->bytes > UPLOAD_MAX_BYTES)
		return nm_call_reject(call, "bytes", "invalid_value",
		                      "Invalid 'bytes': expected an integer "
		                      "from 1 to 8589934592.");
	if (!purpose_fits(upload->purpose))
		return nm_call_reject(call, "purpose", "invalid_value",
		                      "Invalid value: '%.100s'. Supported "
		                      "values are: 'assistants', 'batch', "
		                      "'fine-tune', and 'vision'.",
		                      upload->purpose);
	return nm_expires_read(call, "expires_after",
	                       nm_json_get(call->root, "expires_after"),
	                       &upload->file_live_s) &&
	       nm_file_accept(call, upload->filename,
	                      nm_text_of(upload->purpose),
	                      (uint64_t)upload->bytes, (struct nm_text){0});
}

static enum nm_code
create(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_upload upload = { .tenant = call->tenant };
	char id[NM_ID_MAX];
	enum nm_code rc;

	if (!read_wish(call, &upload))
		return NM_OK;
	nm_store_new_id("upload_", id);
	upload.id = id;
	upload.created_s = nm_vclock_now_s(call->parts->clock);
	upload.expires_s = upload.created_s + UPLOAD_LIVE_S;
	rc = nm_store_upload_add(call->parts->store, &upload, err);
	if (rc)
		return rc;
	nm_call_note(call, "upload_id", nm_text_of(id));
	nm_call_note(call, "filename", nm_text_of(upload.filename));
	answer_upload(call, &upload, NULL);
	return NM_OK;
}

/* NM_ABSENT has been answered; so has an upload that is not pending. */
static enum nm_code
find_pending(struct nm_call *call, struct nm_stored_upload *upload,
             struct nm_err *err)
{
	enum nm_code rc;

	rc = nm_store_upload_get(call->parts->store, call->tenant, call->id,
	                         nm_vclock_now_s(call->parts->clock),
	                         &call->arena, upload, err);
	if (rc == NM_ABSENT)
		nm_call_refuse(call, &(struct nm_refusal){ .status = 404,
		               .param = "upload_id" },
		               "No such Upload object: %s", call->id);
	if (rc || upload->state == NM_UPLOAD_PENDING)
		return rc;
	nm_call_reject(call, NULL, NULL, "Upload %s is %s, not pending.",
	               upload->id, state_names[upload->state]);
	return NM_ABSENT;
}

/* Another call has ended the upload meanwhile: what was made for it goes. */
static enum nm_code
lose_race(struct nm_call *call, const char *made)
{
	struct nm_buf path = {0};

	if (made) {
		nm_store_file_path(call->parts->store, made, &path);
		unlink(nm_buf_string(&path));
		nm_buf_release(&path);
	}
	nm_call_reject(call, NULL, NULL, "The upload is not pending any more.");
	return NM_OK;
}

static void
answer_part(struct nm_call *call, const struct nm_stored_part *part)
{
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "id", part->id);
	nm_json_put_string(&w, "object", "upload.part");
	nm_json_put_int(&w, "created_at", part->created_s);
	nm_json_put_string(&w, "upload_id", part->upload_id);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
}

static enum nm_code
add_part(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_upload upload;
	struct nm_stored_part part = {0};
	char id[NM_ID_MAX];
	enum nm_code rc = find_pending(call, &upload, err);

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	if (!call->upload.fd_plus_one ||
	    !nm_text_is(call->upload.field, "data")) {
		nm_call_reject(call, "data", "missing_required_parameter",
		               "Missing required parameter: 'data'.");
		return NM_OK;
	}
	if (call->upload.bytes > PART_MAX_BYTES) {
		nm_call_reject(call, "data", NULL, "A part is 64 MB at most.");
		return NM_OK;
	}
	nm_store_new_id("part_", id);
	rc = nm_call_settle_file(call, id, err);
	if (rc)
		return rc;
	part.id = id;
	part.upload_id = upload.id;
	part.tenant = call->tenant;
	part.bytes = (int64_t)call->upload.bytes;
	part.created_s = nm_vclock_now_s(call->parts->clock);
	rc = nm_store_part_add(call->parts->store, &part, err);
	if (rc == NM_HELD)
		return lose_race(call, id);
	if (rc)
		return nm_call_unsettle_file(call, id, rc, err);
	nm_call_note(call, "part_id", nm_text_of(id));
	answer_part(call, &part);
	return NM_OK;
}

/* ---- complete ---- */

static bool
check_part_ids(struct nm_call *call, const struct nm_value *ids)
{
	if (nm_json_kind(ids) != NM_JSON_ABSENT &&
	    nm_json_kind(ids) != NM_JSON_ARRAY)
		return nm_member_refuse_type(call, "part_ids", "an array of "
		                             "strings", ids);
	if (!nm_json_count(ids))
		return nm_call_reject(call, "part_ids",
		                      "missing_required_parameter", "Missing "
		                      "required parameter: 'part_ids'.");
	return nm_json_count(ids) <= PARTS_MAX ||
	       nm_call_reject(call, "part_ids", "array_above_max_length",
	                      "Invalid 'part_ids': array too long. Expected an "
	                      "array with maximum length %d, but got an array "
	                      "with length %zu instead.", PARTS_MAX,
	                      nm_json_count(ids));
}

/* One part of the wish; a second time it would be in the file twice, and another
 * perhaps not at all. */
static enum nm_code
find_part(struct nm_call *call, const char *upload_id, struct nm_text id,
          struct nm_map *seen, struct nm_stored_part *part, bool *good,
          struct nm_err *err)
{
	uint32_t here = 0;
	enum nm_code rc = NM_ABSENT;

	*good = false;
	if (nm_map_add(seen, id, &here) == NM_MAP_KNOWN) {
		nm_call_reject(call, "part_ids", "invalid_value",
		               "The part '%.*s' is named twice.",
		               NM_TEXT_ARGS(id));
		return NM_OK;
	}
	if (id.len && !memchr(id.at, 0, id.len))
		rc = nm_store_part_get(call->parts->store, upload_id,
		                       nm_arena_text(&call->arena, id).at,
		                       &call->arena, part, err);
	*good = !rc;
	if (rc == NM_ABSENT)
		nm_call_reject(call, "part_ids", "invalid_value",
		               "No part '%.*s' in this upload.",
		               NM_TEXT_ARGS(id));
	return rc == NM_ABSENT ? NM_OK : rc;
}

/* The parts of the wish, in its order; *good is false when it was refused. */
static enum nm_code
gather_parts(struct nm_call *call, const struct nm_stored_upload *upload,
             struct nm_stored_part *parts, size_t *n, bool *good,
             struct nm_err *err)
{
	const struct nm_value *ids = nm_json_get(call->root, "part_ids"), *id;
	struct nm_json_walk walk;
	struct nm_map seen = {0};
	struct nm_text name;
	int64_t total = 0;
	enum nm_code rc = NM_OK;

	*good = check_part_ids(call, ids);
	nm_json_walk_init(&walk, ids);
	while (!rc && *good && (id = nm_json_walk_next(&walk, &name))) {
		rc = find_part(call, upload->id, nm_json_text(id), &seen,
		               &parts[*n], good, err);
		if (!rc && *good)
			total += parts[(*n)++].bytes;
	}
	nm_map_release(&seen);
	if (!rc && *good && total != upload->bytes)
		*good = nm_call_reject(call, "part_ids", "invalid_value", "The "
		                       "parts have %lld bytes in all, but the "
		                       "upload was announced with %lld.",
		                       (long long)total,
		                       (long long)upload->bytes);
	return rc;
}

/* Adds one part's bytes to the whole and, where one is wished for, its digest. */
static enum nm_code
join_part(struct nm_call *call, const struct nm_stored_part *part,
          struct nm_draft *whole, struct nm_digest *md5, struct nm_err *err)
{
	struct nm_buf path = {0};
	char *chunk = malloc(COPY_BYTES);
	int64_t at = 0;
	size_t n;
	int fd = -1;
	enum nm_code rc;

	if (!chunk)
		abort();
	nm_store_file_path(call->parts->store, part->id, &path);
	rc = nm_file_open(nm_buf_string(&path), &fd, err);
	for (; !rc && at < part->bytes; at += (int64_t)n) {
		n = part->bytes - at < COPY_BYTES ? (size_t)(part->bytes - at)
		                                  : COPY_BYTES;
		rc = nm_file_read_at(fd, (uint64_t)at, n, chunk, err);
		if (rc)
			break;
		if (md5)
			nm_digest_add(md5, chunk, n);
		nm_draft_add(whole, chunk, n);
	}
	if (fd >= 0)
		close(fd);
	nm_buf_release(&path);
	free(chunk);
	return rc;
}

static bool
refuse_md5(struct nm_call *call)
{
	return nm_call_reject(call, "md5", "invalid_value", "The md5 of the "
	                      "parts is not the one given.");
}

/* Empty: none was given. */
static bool
read_md5(struct nm_call *call, struct nm_text *md5)
{
	const struct nm_value *wish = nm_json_get(call->root, "md5");

	*md5 = nm_json_text(wish);
	if (nm_json_kind(wish) == NM_JSON_ABSENT ||
	    nm_json_kind(wish) == NM_JSON_NULL)
		return true;
	if (nm_json_kind(wish) != NM_JSON_STRING)
		return nm_member_refuse_type(call, "md5", "a string", wish);
	return md5->len == MD5_DIGITS || refuse_md5(call);
}

/* Joins the parts under `id`; *good is false when it was refused. */
static enum nm_code
join_parts(struct nm_call *call, const struct nm_stored_part *parts, size_t n,
           const char *id, bool *good, struct nm_err *err)
{
	struct nm_buf path = {0};
	struct nm_draft whole = {0};
	struct nm_digest md5;
	struct nm_text wish;
	char hex[NM_DIGEST_HEX_MAX];
	enum nm_code rc;

	*good = read_md5(call, &wish);
	if (!*good)
		return NM_OK;
	nm_digest_init(&md5, NM_MD5);
	nm_store_file_path(call->parts->store, id, &path);
	rc = nm_draft_open(&whole, nm_buf_string(&path), 0600, err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = join_part(call, &parts[i], &whole,
		               wish.len ? &md5 : NULL, err);
	if (!rc) {
		nm_digest_finish(&md5, hex);
		*good = !wish.len ||
			strncasecmp(wish.at, hex, MD5_DIGITS) == 0 ||
			refuse_md5(call);
		if (*good)
			rc = nm_draft_commit(&whole, err);
	}
	nm_draft_abandon(&whole);
	nm_digest_release(&md5);
	nm_buf_release(&path);
	return rc;
}

static enum nm_code
complete(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_upload upload;
	struct nm_stored_part *parts;
	struct nm_stored_file file = {0};
	char id[NM_ID_MAX];
	size_t n = 0;
	bool good;
	enum nm_code rc = find_pending(call, &upload, err);

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	parts = nm_arena_array(&call->arena, PARTS_MAX, sizeof(*parts));
	rc = gather_parts(call, &upload, parts, &n, &good, err);
	if (rc || !good)
		return rc;
	nm_store_new_id("file-", id);
	rc = join_parts(call, parts, n, id, &good, err);
	if (rc == NM_INPUT) /* the parts have gone with the upload */
		return lose_race(call, id);
	if (rc || !good)
		return rc;
	file.id = id;
	file.tenant = call->tenant;
	file.filename = upload.filename;
	file.purpose = upload.purpose;
	file.bytes = upload.bytes;
	file.created_s = nm_vclock_now_s(call->parts->clock);
	file.expires_s = nm_file_expiry(file.purpose, file.created_s,
	                                upload.file_live_s);
	rc = nm_store_upload_end(call->parts->store, upload.id,
	                         NM_UPLOAD_COMPLETED, &file, err);
	if (rc == NM_HELD)
		return lose_race(call, id);
	if (rc) {
		nm_store_file_drop(call->parts->store, id, err);
		return rc;
	}
	upload.state = NM_UPLOAD_COMPLETED;
	nm_call_note(call, "file_id", nm_text_of(id));
	answer_upload(call, &upload, &file);
	return NM_OK;
}

/* Gigabytes may have to be joined: others are not to wait for it. */
static enum nm_code
complete_later(struct nm_call *call, struct nm_err *err)
{
	(void)err;
	nm_call_later(call, complete);
	return NM_OK;
}

static enum nm_code
cancel(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_upload upload;
	enum nm_code rc = find_pending(call, &upload, err);

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	rc = nm_store_upload_end(call->parts->store, upload.id,
	                         NM_UPLOAD_CANCELLED, NULL, err);
	if (rc == NM_HELD)
		return lose_race(call, NULL);
	if (rc)
		return rc;
	upload.state = NM_UPLOAD_CANCELLED;
	answer_upload(call, &upload, NULL);
	return NM_OK;
}

const struct nm_route nm_upload_routes[] = {
	{ NM_POST, "/v1/uploads", NM_TAKE_JSON, 0, create, NM_DOOR_KEY },
	{ NM_POST, "/v1/uploads/{id}/parts", NM_TAKE_PARTS,
	  PART_MAX_BYTES + (1 << 20), add_part, NM_DOOR_KEY },
	{ NM_POST, "/v1/uploads/{id}/complete", NM_TAKE_JSON, 0,
	  complete_later, NM_DOOR_KEY },
	{ NM_POST, "/v1/uploads/{id}/cancel", NM_TAKE_NONE, 0, cancel,
	  NM_DOOR_KEY },
	{ .path = NULL }
};
