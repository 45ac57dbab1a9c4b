/* POST /v1/uploads, parts, complete, cancel. Contract: section 3. */
#include <unistd.h>

#include "server/assembly.h"
#include "server/body.h"
#include "server/expires.h"
#include "server/files.h"
#include "server/member.h"

#define UPLOAD_MAX_BYTES ((int64_t)8 << 30)
#define PART_MAX_BYTES ((size_t)64 << 20)

enum {
	UPLOAD_LIVE_S = 3600
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

static bool
refuse_missing(struct nm_call *call, const char *name)
{
	return nm_call_reject(call, name, "missing_required_parameter",
	                      "Missing required parameter: '%s'.", name);
}

/* A required text of the body that says something. */
static bool
read_text(struct nm_call *call, const char *name, const char **text)
{
	return nm_member_text(call, name, text) &&
	       (**text || refuse_missing(call, name));
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
	upload->filename = nm_upload_file_base_name(nm_text_of(name)).at;
	if (!*upload->filename)
		return refuse_missing(call, "filename");
	if (nm_json_kind(bytes) == NM_JSON_ABSENT)
		return refuse_missing(call, "bytes");
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
keep_part(struct nm_call *call, const char *upload_id, struct nm_err *err)
{
	struct nm_stored_part part = { .upload_id = upload_id,
		.tenant = call->tenant, .bytes = (int64_t)call->upload.bytes,
		.created_s = nm_vclock_now_s(call->parts->clock) };
	char id[NM_ID_MAX];
	enum nm_code rc;

	nm_store_new_id("part_", id);
	part.id = id;
	rc = nm_upload_file_settle(&call->upload, call->parts->store, id, err);
	if (rc)
		return rc;
	rc = nm_store_part_add(call->parts->store, &part, err);
	if (rc == NM_HELD)
		return lose_race(call, id);
	if (rc)
		return nm_call_unsettle_file(call, id, rc, err);
	nm_call_note(call, "part_id", nm_text_of(id));
	answer_part(call, &part);
	return NM_OK;
}

static enum nm_code
add_part(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_upload upload;
	enum nm_code rc = find_pending(call, &upload, err);

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	if (!call->upload.fd_plus_one ||
	    !nm_text_is(call->upload.field, "data")) {
		refuse_missing(call, "data");
		return NM_OK;
	}
	if (call->upload.bytes > PART_MAX_BYTES) {
		nm_call_reject(call, "data", NULL, "A part is 64 MB at most.");
		return NM_OK;
	}
	return keep_part(call, upload.id, err);
}

/* The row of the file that stands as `id`, and the upload's end by it. */
static enum nm_code
end_by_file(struct nm_call *call, struct nm_stored_upload *upload,
            const char *id, struct nm_err *err)
{
	struct nm_stored_file file = { .id = id, .tenant = call->tenant,
		.filename = upload->filename, .purpose = upload->purpose,
		.bytes = upload->bytes,
		.created_s = nm_vclock_now_s(call->parts->clock) };
	enum nm_code rc;

	file.expires_s = nm_file_expiry(file.purpose, file.created_s,
	                                upload->file_live_s);
	rc = nm_store_upload_end(call->parts->store, upload->id,
	                         NM_UPLOAD_COMPLETED, &file, err);
	if (rc == NM_HELD)
		return lose_race(call, id);
	if (rc) {
		nm_store_file_drop(call->parts->store, id, err);
		return rc;
	}
	upload->state = NM_UPLOAD_COMPLETED;
	nm_call_note(call, "file_id", nm_text_of(id));
	answer_upload(call, upload, &file);
	return NM_OK;
}

static enum nm_code
complete(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_upload upload;
	char id[NM_ID_MAX];
	enum nm_assembly came;
	enum nm_code rc = find_pending(call, &upload, err);

	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	nm_store_new_id("file-", id);
	rc = nm_assembly_make(call, &upload, id, &came, err);
	if (rc == NM_INPUT) /* the parts have gone with the upload */
		return lose_race(call, id);
	if (rc || came == NM_ASSEMBLY_REFUSED)
		return rc;
	return end_by_file(call, &upload, id, err);
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
