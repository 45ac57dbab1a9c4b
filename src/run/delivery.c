/*
 * delivery: see the header.
 */
#include "run/delivery.h"

#include <unistd.h>

#include "base/file.h"
#include "eval/fold.h"
#include "wire/json.h"

enum { LOOK_BYTES = 64 << 10 };

/* What the file object says of its length; 0 when it does not. */
static enum nm_code
expected_bytes(struct nm_api *api, const char *id, int64_t *bytes,
               struct nm_err *err)
{
	struct nm_arena arena = { 0 };
	struct nm_remote_file file;
	enum nm_code rc = nm_files_get(api, id, &arena, &file, err);

	if (!rc)
		*bytes = file.bytes > 0 ? file.bytes : 0;
	nm_arena_release(&arena);
	return rc;
}

static struct nm_text
without_mark(struct nm_text text)
{
	if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) {
		text.at += 3;
		text.len -= 3;
	}
	return nm_fold_strip(text);
}

static bool
has_an_object(struct nm_text text)
{
	const char *end = text.at + text.len, *at = text.at;

	while (at && at < end) {
		if (*at == '{')
			return true;
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return false;
}

/* The envelope of an error, say, with a status that tells of none. */
static bool
is_another_object(struct nm_text text)
{
	struct nm_json json = { 0 };
	const struct nm_value *root = NULL;
	bool another;

	another = nm_json_read(&json, text.at, text.len, &root, NULL) == NM_OK &&
	          !nm_json_get(root, "custom_id");
	nm_json_release(&json);
	return another;
}

bool
nm_delivery_is_likely(struct nm_text text, enum nm_delivery_part part)
{
	struct nm_text inner = without_mark(text);

	if (inner.len == 0)
		return true;
	if (inner.at[0] == '<' || !has_an_object(inner))
		return false;
	return part == NM_DELIVERY_BEGINNING || !is_another_object(inner);
}

static enum nm_code
look(const char *id, const char *path, uint64_t bytes, struct nm_err *err)
{
	size_t len = bytes < LOOK_BYTES ? (size_t)bytes : LOOK_BYTES;
	struct nm_buf text = { 0 };
	char *room = nm_buf_room(&text, len + 1);
	enum nm_code rc;
	int fd;

	rc = nm_file_open(path, &fd, err);
	if (!rc) {
		rc = nm_file_read_at(fd, 0, len, room, err);
		close(fd);
	}
	if (!rc && !nm_delivery_is_likely((struct nm_text){ room, len },
	                                  len == bytes ? NM_DELIVERY_WHOLE
	                                  : NM_DELIVERY_BEGINNING)) {
		unlink(path);
		rc = nm_fail(err, NM_UNREACHABLE, 0, "what came as %s is no "
		             "file of requests or results", id);
	}
	nm_buf_release(&text);
	return rc;
}

enum nm_code
nm_delivery_take(struct nm_api *api, const char *id, const char *path,
                 struct nm_err *err)
{
	struct nm_download wish = { .id = id, .path = path };
	struct nm_downloaded got;
	enum nm_code rc;

	rc = expected_bytes(api, id, &wish.expected_bytes, err);
	/* Another's page instead of the service's answer: its content would be such a
	 * page too, and be taken for rows that are missing. */
	if (rc == NM_PROTOCOL)
		return err->code = NM_UNREACHABLE;
	/* Some services list no result files: the content may be there. */
	if (rc && rc != NM_ABSENT && rc != NM_REFUSED)
		return rc;
	rc = nm_files_download(api, &wish, &got, err);
	if (rc || wish.expected_bytes)
		return rc;
	return look(id, path, got.bytes, err);
}
