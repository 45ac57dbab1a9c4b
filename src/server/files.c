/* POST, GET, DELETE /v1/files. Contract: sections 2.1 to 2.4. */
#include "server/files.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "server/body.h"
#include "server/expires.h"
#include "server/list.h"
#include "server/member.h"

enum { LIST_MAX = 10000 };

static const char *const purposes[] = {
	"assistants", "batch", "fine-tune", "vision", "user_data", "evals"
};

static bool
purpose_known(struct nm_text purpose)
{
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (nm_text_is(purpose, purposes[i]))
			return true;
	return false;
}

void
nm_file_object(struct nm_json_writer *w, const char *name,
               const struct nm_stored_file *file)
{
	nm_json_open_object(w, name);
	nm_json_put_string(w, "object", "file");
	nm_json_put_string(w, "id", file->id);
	nm_json_put_string(w, "purpose", file->purpose);
	nm_json_put_string(w, "filename", file->filename);
	nm_json_put_int(w, "bytes", file->bytes);
	nm_json_put_int(w, "created_at", file->created_s);
	nm_json_put_nonzero(w, "expires_at", file->expires_s);
	nm_json_put_string(w, "status", "processed");
	nm_json_put_null(w, "status_details");
	nm_json_close_object(w);
}

static void
answer_file(struct nm_call *call, const struct nm_stored_file *file)
{
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };

	nm_file_object(&w, NULL, file);
	nm_call_json(call, 200, &body);
}

static void
refuse(struct nm_call *call, unsigned status, const char *param,
       const char *text)
{
	struct nm_refusal refusal = { .status = status, .param = param };

	nm_call_refuse(call, &refusal, "%s", text);
}

/* With the sibling "detail" that the service was seen to send here. */
static void
refuse_format(struct nm_call *call)
{
	static const char text[] =
		"Invalid file format for Batch API. Must be .jsonl";
	struct nm_refusal refusal = { .status = 400 };
	struct nm_buf body = {0};

	nm_refusal_write(&body, &refusal, NM_TEXT(text));
	body.len--; /* reopen the object */
	nm_buf_addf(&body, ",\"detail\":\"%s\"}", text);
	nm_call_json(call, 400, &body);
}

/* The first line alone is looked at, and only if it ends within the head. */
static bool
first_line_is_json(struct nm_text head, uint64_t bytes)
{
	const char *end = memchr(head.at, '\n', head.len);
	const struct nm_value *root;
	struct nm_json json = {0};
	struct nm_err err;
	bool good;

	if (!end && head.len < bytes) {
		while (head.len && (*head.at == ' ' || *head.at == '\t')) {
			head.at++;
			head.len--;
		}
		return head.len && *head.at == '{';
	}
	good = nm_json_read(&json, head.at,
	                    end ? (size_t)(end - head.at) : head.len, &root,
	                    &err) == NM_OK;
	nm_json_release(&json);
	return good;
}

bool
nm_file_accept(struct nm_call *call, const char *filename,
               struct nm_text purpose, uint64_t bytes, struct nm_text head)
{
	size_t len = strlen(filename);

	if (!nm_member_fits(call, "filename", nm_text_of(filename),
	                    NM_MEMBER_MAX_CHARS))
		return false;
	if (!nm_text_is(purpose, "batch"))
		return true;
	if (len < 6 || strcmp(filename + len - 6, ".jsonl") != 0) {
		refuse_format(call);
		return false;
	}
	if (bytes > NM_FILE_BATCH_MAX_BYTES) {
		refuse(call, 400, NULL, "File is too large.");
		return false;
	}
	if (!bytes || (head.len && !first_line_is_json(head, bytes))) {
		refuse(call, 400, NULL, "Invalid file format. Expected jsonl: one "
		       "JSON object a line.");
		return false;
	}
	return true;
}

int64_t
nm_file_expiry(const char *purpose, int64_t now_s, int64_t live_s)
{
	if (live_s)
		return now_s + live_s;
	return strcmp(purpose, "batch") == 0 ? now_s + NM_EXPIRES_DEFAULT_S : 0;
}

/* The form, looked at as the service does; false when it was refused. */
static bool
check_form(struct nm_call *call, int64_t *live_s)
{
	const struct nm_field *purpose = nm_call_field(call, "purpose");
	const struct nm_upload_file *file = &call->upload;

	if (!file->fd_plus_one || !nm_text_is(file->field, "file") ||
	    !file->named) {
		refuse(call, 400, "file", "Missing required parameter: 'file'.");
		return false;
	}
	if (!purpose || !purpose->value.len) {
		refuse(call, 400, "purpose",
		       "Missing required parameter: 'purpose'.");
		return false;
	}
	if (!purpose_known(purpose->value)) {
		refuse(call, 400, "purpose",
		       nm_arena_printf(
			       &call->arena,
			       "'%.*s' is not one of ['assistants', 'batch',"
			       " 'fine-tune', 'vision', 'user_data', 'evals'] - 'purpose'",
			       NM_TEXT_ARGS(purpose->value)));
		return false;
	}
	if (file->bytes > NM_FILE_MAX_BYTES) {
		refuse(call, 413, NULL, "File is too large.");
		return false;
	}
	return nm_expires_read_form(call, "expires_after", live_s) &&
	       nm_file_accept(call, nm_arena_text(&call->arena,
	                                          file->filename).at,
	                      purpose->value, file->bytes, file->head);
}

static enum nm_code
create(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_file file = {0};
	char id[NM_ID_MAX];
	int64_t live_s;
	enum nm_code rc;

	if (!check_form(call, &live_s))
		return NM_OK;
	nm_store_new_id("file-", id);
	rc = nm_upload_file_settle(&call->upload, call->parts->store, id, err);
	if (rc)
		return rc;
	file.id = id;
	file.tenant = call->tenant;
	file.filename = nm_arena_text(&call->arena, call->upload.filename).at;
	file.purpose = nm_arena_text(&call->arena,
	                             nm_call_field(call, "purpose")->value).at;
	file.bytes = (int64_t)call->upload.bytes;
	file.created_s = nm_vclock_now_s(call->parts->clock);
	file.expires_s = nm_file_expiry(file.purpose, file.created_s, live_s);
	rc = nm_store_file_add(call->parts->store, &file, err);
	if (rc)
		return nm_call_unsettle_file(call, id, rc, err);
	nm_call_note(call, "file_id", nm_text_of(id));
	nm_call_note(call, "filename", nm_text_of(file.filename));
	nm_call_note(call, "purpose", nm_text_of(file.purpose));
	answer_file(call, &file);
	return NM_OK;
}

static void
refuse_unknown(struct nm_call *call)
{
	struct nm_refusal refusal = { .status = 404, .param = "id" };

	nm_call_refuse(call, &refusal, "No such File object: %s", call->id);
}

/* NM_ABSENT has been answered. A scripted stale read hides the young. */
static enum nm_code
find(struct nm_call *call, struct nm_stored_file *file, struct nm_err *err)
{
	int64_t now_s = nm_vclock_now_s(call->parts->clock);
	enum nm_code rc;

	rc = nm_store_file_get(call->parts->store, call->tenant, call->id,
	                       now_s, &call->arena, file, err);
	if (!rc && call->fault.stale_s &&
	    file->created_s > now_s - call->fault.stale_s)
		rc = NM_ABSENT;
	if (rc == NM_ABSENT)
		refuse_unknown(call);
	return rc;
}

static enum nm_code
get(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_file file;
	enum nm_code rc = find(call, &file, err);

	if (!rc)
		answer_file(call, &file);
	return rc == NM_ABSENT ? NM_OK : rc;
}

/* What is given to be read by models is not given back. */
static bool
may_be_read(const char *purpose)
{
	return strcmp(purpose, "assistants") != 0 &&
	       strcmp(purpose, "user_data") != 0;
}

/* Bytes that a row speaks for are there, or it is our failure; unless the file was
 * deleted just now, which has been answered then (NM_ABSENT). */
static enum nm_code
open_bytes(struct nm_call *call, struct nm_stored_file *file, int *fd,
           struct nm_err *err)
{
	struct nm_buf path = {0};
	enum nm_code rc = NM_OK;
	int why;

	nm_store_file_path(call->parts->store, file->id, &path);
	*fd = open(nm_buf_string(&path), O_RDONLY | O_CLOEXEC);
	why = errno;
	if (*fd < 0)
		rc = find(call, file, err);
	if (*fd < 0 && !rc)
		rc = nm_fail(err, NM_IO, why, "%s: cannot open: %s",
		             nm_buf_string(&path), strerror(why));
	nm_buf_release(&path);
	return rc;
}

static enum nm_code
content(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_file file;
	enum nm_code rc = find(call, &file, err);
	int fd = -1;

	if (!rc && !may_be_read(file.purpose)) {
		nm_call_reject(call, NULL, NULL, "Not allowed to download files of "
		               "purpose: %s", file.purpose);
		return NM_OK;
	}
	if (!rc)
		rc = open_bytes(call, &file, &fd, err);
	if (!rc)
		nm_call_file(call, fd, (uint64_t)file.bytes, file.filename);
	return rc == NM_ABSENT ? NM_OK : rc;
}

static enum nm_code
remove_file(struct nm_call *call, struct nm_err *err)
{
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };
	struct nm_stored_file file;
	enum nm_code rc;

	if (call->fault.stale_s) {
		rc = find(call, &file, err);
		if (rc)
			return rc == NM_ABSENT ? NM_OK : rc;
	}
	rc = nm_store_file_remove(call->parts->store, call->tenant, call->id,
	                          nm_vclock_now_s(call->parts->clock), err);
	if (rc == NM_ABSENT)
		refuse_unknown(call);
	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "object", "file");
	nm_json_put_true(&w, "deleted", 1);
	nm_json_put_string(&w, "id", call->id);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
	return NM_OK;
}

static void
list_one(void *ctx, const struct nm_stored_file *file)
{
	struct nm_list *list = ctx;

	nm_list_add_id(list, file->id);
	nm_file_object(&list->w, NULL, file);
}

static enum nm_code
list_files(struct nm_call *call, struct nm_err *err)
{
	struct nm_store_page page = { .limit = LIST_MAX };
	struct nm_list list;
	enum nm_code rc;

	if (!nm_list_read(call, LIST_MAX, &page))
		return NM_OK;
	nm_list_open(&list);
	rc = nm_store_files(call->parts->store, &page, list_one, &list,
	                    &list.more, err);
	nm_list_close(&list);
	if (!rc)
		nm_call_json(call, 200, &list.body);
	nm_buf_release(&list.body);
	if (rc != NM_ABSENT)
		return rc;
	nm_call_refuse(call, &(struct nm_refusal){ .status = 400,
	               .param = "after", .code = "invalid_value" },
	               "No such File object: %s", page.after);
	return NM_OK;
}

const struct nm_route nm_file_routes[] = {
	{ NM_GET, "/v1/files/{id}", NM_TAKE_NONE, 0, get, NM_DOOR_KEY },
	{ NM_GET, "/v1/files/{id}/content", NM_TAKE_NONE, 0, content,
	  NM_DOOR_KEY },
	{ NM_POST, "/v1/files", NM_TAKE_PARTS, NM_FILE_MAX_BYTES + (1 << 20),
	  create, NM_DOOR_KEY },
	{ NM_GET, "/v1/files", NM_TAKE_NONE, 0, list_files, NM_DOOR_KEY },
	{ NM_DELETE, "/v1/files/{id}", NM_TAKE_NONE, 0, remove_file,
	  NM_DOOR_KEY },
	{ .path = NULL }
};
