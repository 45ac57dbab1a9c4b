/*
 * request_file: see the header.
 */
#include "run/request_file.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "remote/input.h"
#include "run/request_marks.h"
#include "wire/json.h"
#include "wire/jsonl.h"

enum { CHUNK_BYTES = 256 << 10 };

struct nm_request_file {
	struct nm_source             source; /* first */
	struct nm_request_file_facts facts;
	struct nm_buf                path;   /* absolute */
	int                          fd;
	char                        *chunk;
	struct nm_jsonl              jsonl;
	struct nm_json               json;
	struct nm_map                ids;    /* custom_id -> ordinal */
	struct nm_buf                line, body, model, endpoint;
	uint64_t                     number; /* of the line lent last */
	struct nm_request_marks      marks;  /* of the first walk */
	struct nm_digest             digest; /* during the first walk */
	int                          walked;
};

static struct nm_request_file *
of_source(const struct nm_source *source)
{
	/* source is the first member. */
	return (struct nm_request_file *)source;
}

/* By the first of its bytes; these are `got`, if no line came before. */
static bool
is_foreign(const struct nm_request_file *file, size_t got, struct nm_err *err)
{
	struct nm_text chunk = { file->chunk, got };
	const char *foreign = file->jsonl.offset || file->jsonl.begun_bytes
		? NULL : nm_input_foreign(chunk);

	if (foreign)
		(void)nm_fail(err, NM_INPUT, 0, "%s %s",
		              nm_buf_string(&file->path), foreign);
	return foreign != NULL;
}

/* 1 = a line, 0 = no more, -1 = err. */
static int
next_line(struct nm_request_file *file, struct nm_line *line,
          struct nm_err *err)
{
	while (!nm_jsonl_next(&file->jsonl, line)) {
		ssize_t got;

		if (file->jsonl.finished)
			return 0;
		got = read(file->fd, file->chunk, CHUNK_BYTES);
		if (got < 0) {
			nm_fail(err, NM_IO, 0, "cannot read %s",
			        nm_buf_string(&file->path));
			return -1;
		}
		if (!file->walked && is_foreign(file, (size_t)got, err))
			return -1;
		if (!file->walked)
			nm_digest_add(&file->digest, file->chunk, (size_t)got);
		if (got)
			nm_jsonl_feed(&file->jsonl, file->chunk, (size_t)got);
		else
			nm_jsonl_finish(&file->jsonl);
	}
	if (!line->over)
		return 1;
	nm_fail(err, NM_LIMIT, 0, "%s:%llu: longer than any request may be",
	        nm_buf_string(&file->path), (unsigned long long)line->number);
	return -1;
}

static int
is_blank(const struct nm_line *line)
{
	return nm_input_is_blank((struct nm_text){ line->at, line->len });
}

static enum nm_code
fail_at(const struct nm_request_file *file, const char *why,
        struct nm_err *err)
{
	return nm_fail(err, NM_INPUT, 0, "%s:%llu: %s",
	               nm_buf_string(&file->path),
	               (unsigned long long)file->number, why);
}

/* Of a line that the service would refuse; there may be more of them. */
static enum nm_code
refuse_line(const struct nm_request_file *file, const char *why,
            struct nm_err *err)
{
	return nm_fail(err, NM_INPUT, 0, "%s:%llu: %s; batch_manager --check"
	               " tells of every line", nm_buf_string(&file->path),
	               (unsigned long long)file->number, why);
}

/* The line as JSON, with a custom_id that is a string. */
static enum nm_code
read_request(struct nm_request_file *file, const struct nm_line *line,
             const struct nm_value **root, struct nm_err *err)
{
	file->number = line->number;
	if (nm_json_read(&file->json, line->at, line->len, root, NULL))
		return refuse_line(file, "This line is not parseable as valid"
		                   " JSON (invalid_json_line)", err);
	if (nm_json_kind(nm_json_get(*root, "custom_id")) != NM_JSON_STRING)
		return refuse_line(file, "Missing required parameter:"
		                   " 'custom_id' (missing_required_parameter)",
		                   err);
	return NM_OK;
}

/* What is sent is what was digested, or the run would have rows of other requests. A
 * time would not tell: of two writes it may have one. */
static enum nm_code
check_same(struct nm_request_file *file, const struct nm_line *line,
           struct nm_err *err)
{
	uint64_t at = (uint64_t)file->source.position;

	if (line ? nm_request_marks_know(&file->marks, at, line)
	         : at == file->facts.requests)
		return NM_OK;
	if (line)
		file->number = line->number;
	return fail_at(file, "the file has changed since it was first read: "
	               "bring the old one back", err);
}

static enum nm_code
next_item(struct nm_source *source, struct nm_source_item *item,
          struct nm_err *err)
{
	struct nm_request_file *file = of_source(source);
	const struct nm_value *root;
	struct nm_line line;
	enum nm_code rc;
	int some;

	do {
		some = next_line(file, &line, err);
	} while (some > 0 && is_blank(&line));
	if (some < 0)
		return err->code;
	rc = check_same(file, some ? &line : NULL, err);
	if (rc)
		return rc;
	if (!some) {
		item->ordinal = -1;
		return NM_OK;
	}
	rc = read_request(file, &line, &root, err);
	if (rc)
		return rc;
	nm_buf_clear(&file->line);
	nm_buf_add(&file->line, line.at, line.len);
	nm_buf_add_byte(&file->line, '\n');
	nm_buf_clear(&file->body);
	nm_json_write(&file->body, nm_json_get(root, "body"));
	item->ordinal = source->position;
	item->line = nm_buf_text(&file->line);
	item->line_bytes = (int64_t)item->line.len;
	item->text = (struct nm_text){ 0 };
	item->body = nm_buf_text(&file->body);
	item->custom_id = nm_json_text(nm_json_get(root, "custom_id"));
	return NM_OK;
}

static enum nm_code
rewind_file(struct nm_source *source, struct nm_err *err)
{
	struct nm_request_file *file = of_source(source);

	nm_jsonl_release(&file->jsonl);
	memset(&file->jsonl, 0, sizeof(file->jsonl));
	if (lseek(file->fd, 0, SEEK_SET) < 0)
		return nm_fail(err, NM_INPUT, 0,
			"%s cannot be read twice: give a file, not a pipe",
			nm_buf_string(&file->path));
	return NM_OK;
}

static int64_t
find(const struct nm_source *source, struct nm_text custom_id)
{
	uint32_t ordinal;

	if (nm_map_find(&of_source(source)->ids, custom_id, &ordinal) ==
	    NM_MAP_NEW)
		return -1;
	return ordinal;
}

static void
name(const struct nm_source *source, int64_t ordinal, struct nm_buf *out)
{
	const struct nm_request_file *file = of_source(source);

	nm_buf_addf(out, "%s:%llu", nm_buf_string(&file->path),
	            (unsigned long long)nm_request_marks_number(
			&file->marks, (uint64_t)ordinal));
}

static enum nm_code
fail_twice(const struct nm_request_file *file, struct nm_text id,
           struct nm_err *err)
{
	struct nm_buf quoted = { 0 }, why = { 0 };
	enum nm_code rc;

	nm_input_add_quoted(&quoted, id);
	nm_buf_addf(&why, "the custom_id '%.80s' is that of an earlier line"
	            " (duplicate_custom_id)", nm_buf_string(&quoted));
	rc = refuse_line(file, nm_buf_string(&why), err);
	nm_buf_release(&quoted);
	nm_buf_release(&why);
	return rc;
}

static enum nm_code
note_request(struct nm_request_file *file, const struct nm_line *line,
             struct nm_err *err)
{
	uint32_t ordinal = (uint32_t)file->facts.requests, earlier = ordinal;
	const struct nm_value *root;
	struct nm_text id;
	enum nm_code rc = read_request(file, line, &root, err);

	if (rc)
		return rc;
	if (file->facts.requests >= NM_REQUEST_FILE_LINES_MAX)
		return fail_at(file, "more requests than can be kept", err);
	id = nm_json_text(nm_json_get(root, "custom_id"));
	if (nm_map_add(&file->ids, id, &earlier) == NM_MAP_KNOWN)
		return fail_twice(file, id, err);
	if (!file->facts.requests) {
		nm_buf_add_text(&file->model, nm_json_text(
			nm_json_path(root, "body.model")));
		nm_buf_add_text(&file->endpoint, nm_json_text(
			nm_json_get(root, "url")));
	}
	nm_request_marks_add(&file->marks, line);
	file->facts.requests++;
	return NM_OK;
}

static enum nm_code
walk(struct nm_request_file *file, struct nm_err *err)
{
	struct nm_line line;
	enum nm_code rc = NM_OK;
	int some;

	nm_digest_init(&file->digest, NM_SHA256);
	nm_digest_apart(&file->digest);
	while (!rc && (some = next_line(file, &line, err)) != 0) {
		if (some < 0)
			rc = err->code;
		else if (is_blank(&line))
			file->facts.blank++;
		else
			rc = note_request(file, &line, err);
	}
	nm_digest_finish(&file->digest, file->source.digest);
	file->walked = 1;
	if (!rc && !file->facts.requests)
		rc = nm_fail(err, NM_INPUT, 0, "%s holds no request",
		             nm_buf_string(&file->path));
	file->source.count = (int64_t)file->facts.requests;
	file->facts.model = nm_buf_string(&file->model);
	file->facts.endpoint = nm_buf_string(&file->endpoint);
	return rc ? rc : rewind_file(&file->source, err);
}

enum nm_code
nm_request_file_open(struct nm_request_file **out, const char *path,
                     struct nm_err *err)
{
	struct nm_request_file *file = calloc(1, sizeof(*file));
	char whole[PATH_MAX];
	enum nm_code rc;

	if (!file)
		abort();
	file->fd = -1;
	file->chunk = malloc(CHUNK_BYTES);
	if (!file->chunk)
		abort();
	file->source.next = next_item;
	file->source.rewind = rewind_file;
	file->source.find = find;
	file->source.name = name;
	nm_buf_add_string(&file->path, realpath(path, whole) ? whole : path);
	rc = nm_file_open(path, &file->fd, err);
	if (!rc)
		rc = walk(file, err);
	if (rc) {
		nm_request_file_close(file);
		return rc;
	}
	*out = file;
	return NM_OK;
}

void
nm_request_file_close(struct nm_request_file *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	nm_jsonl_release(&file->jsonl);
	nm_json_release(&file->json);
	nm_map_release(&file->ids);
	nm_buf_release(&file->path);
	nm_buf_release(&file->line);
	nm_buf_release(&file->body);
	nm_buf_release(&file->model);
	nm_buf_release(&file->endpoint);
	nm_request_marks_release(&file->marks);
	free(file->chunk);
	free(file);
}

struct nm_source *
nm_request_file_source(struct nm_request_file *file)
{
	return &file->source;
}

const struct nm_request_file_facts *
nm_request_file_facts(const struct nm_request_file *file)
{
	return &file->facts;
}

const char *
nm_request_file_path(const struct nm_request_file *file)
{
	return nm_buf_string(&file->path);
}
