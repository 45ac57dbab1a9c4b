#include "server/assembly.h"

#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/map.h"
#include "server/member.h"

enum {
	COPY_BYTES = 256 << 10,
	PARTS_MAX = 10000,
	MD5_DIGITS = 32
};

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

enum nm_code
nm_assembly_make(struct nm_call *call, const struct nm_stored_upload *upload,
                 const char *id, enum nm_assembly *came, struct nm_err *err)
{
	struct nm_stored_part *parts = nm_arena_array(&call->arena, PARTS_MAX,
	                                              sizeof(*parts));
	bool good = false;
	size_t n = 0;
	enum nm_code rc;

	rc = gather_parts(call, upload, parts, &n, &good, err);
	if (!rc && good)
		rc = join_parts(call, parts, n, id, &good, err);
	*came = good ? NM_ASSEMBLY_MADE : NM_ASSEMBLY_REFUSED;
	return rc;
}
