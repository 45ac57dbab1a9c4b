#include "server/census.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/map.h"
#include "server/shelf.h"
#include "server/stranger.h"
#include "server/usage.h"
#include "wire/json.h"
#include "wire/jsonl.h"

enum {
	CHUNK_BYTES = 1 << 16,
	LINE_MAX_BYTES = 256 << 20 /* any reply that may come, and more */
};

/* Did its row run well? A script may put others into the output file too. */
static bool
is_well(const struct nm_value *line)
{
	int64_t status = nm_json_int(nm_json_path(line, "response.status_code"),
	                             0);

	return status == 0 || (status >= 200 && status <= 299);
}

static void
read_line(struct nm_map *answered, struct nm_json *json,
          const struct nm_line *line, enum nm_shelf_side side,
          struct nm_batch_books *books)
{
	const struct nm_value *root;
	struct nm_usage usage;
	uint32_t value = 0;

	if (nm_json_read(json, line->at, line->len, &root, NULL) ||
	    nm_stranger_is_extra(root) ||
	    nm_map_add(answered,
	               nm_json_text(nm_json_get(root, "custom_id")), &value) ==
	    NM_MAP_KNOWN)
		return;
	if (side == NM_SHELF_ERROR || !is_well(root)) {
		/* Rows that ran and failed, not those that never ran. */
		books->failed += nm_json_kind(nm_json_get(root, "response")) ==
			NM_JSON_OBJECT;
		return;
	}
	nm_usage_read(nm_json_path(root, "response.body"), &usage);
	books->completed++;
	books->input_tokens += usage.input_tokens;
	books->cached_tokens += usage.cached_tokens;
	books->output_tokens += usage.output_tokens;
	books->reasoning_tokens += usage.reasoning_tokens;
}

/* Reads one side; *bytes is the length of its whole lines. */
static enum nm_code
read_side(struct nm_map *answered, int fd, enum nm_shelf_side side,
          struct nm_batch_books *books, int64_t *bytes, struct nm_err *err)
{
	struct nm_jsonl jsonl = { .line_max_bytes = LINE_MAX_BYTES };
	struct nm_json json = {0};
	struct nm_buf chunk = {0};
	struct nm_line line;
	ssize_t got;
	enum nm_code rc = NM_OK;

	*bytes = 0;
	do {
		nm_buf_clear(&chunk);
		got = read(fd, nm_buf_room(&chunk, CHUNK_BYTES), CHUNK_BYTES);
		if (got < 0 && errno != EINTR)
			rc = nm_fail(err, NM_IO, errno, "cannot read results: %s",
			             strerror(errno));
		if (got > 0)
			nm_jsonl_feed(&jsonl, chunk.at, (size_t)got);
		while (got > 0 && nm_jsonl_next(&jsonl, &line)) {
			read_line(answered, &json, &line, side, books);
			*bytes = (int64_t)jsonl.offset;
		}
	} while (!rc && got);
	nm_json_release(&json);
	nm_jsonl_release(&jsonl);
	nm_buf_release(&chunk);
	return rc;
}

static enum nm_code
cannot_read(struct nm_err *err, struct nm_buf *path)
{
	enum nm_code rc = nm_fail(err, NM_IO, errno, "%s: cannot read: %s",
	                          nm_buf_string(path), strerror(errno));

	nm_buf_release(path);
	return rc;
}

enum nm_code
nm_census_take(struct nm_store *store, const char *id,
               struct nm_map *answered, struct nm_batch_books *books,
               struct nm_err *err)
{
	int64_t bytes[NM_SHELF_SIDES] = {0};
	struct nm_buf path = {0};
	enum nm_code rc = NM_OK;
	int fd;

	for (int side = 0; side < NM_SHELF_SIDES && !rc; side++) {
		nm_buf_clear(&path);
		nm_shelf_path(store, id, (enum nm_shelf_side)side, &path);
		fd = open(nm_buf_string(&path), O_RDONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		/* What cannot be read now was answered all the same. */
		if (fd < 0)
			return cannot_read(err, &path);
		rc = read_side(answered, fd, (enum nm_shelf_side)side, books,
		               &bytes[side], err);
		close(fd);
	}
	books->output_bytes = bytes[NM_SHELF_OUTPUT];
	books->error_bytes = bytes[NM_SHELF_ERROR];
	if (books->output_bytes + books->error_bytes > 0)
		books->by_id = 1;
	nm_buf_release(&path);
	return rc;
}
