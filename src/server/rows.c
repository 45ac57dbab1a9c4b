#include "server/rows.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "server/check.h"

enum { CHUNK_BYTES = 1 << 17 };

enum nm_code
nm_rows_open(struct nm_rows *rows, const char *path, uint64_t place,
             uint64_t number, struct nm_err *err)
{
	struct nm_buf carry = rows->jsonl.carry;
	enum nm_code rc;
	int fd;

	nm_rows_close(rows);
	rc = nm_file_open(path, &fd, err);
	if (rc)
		return rc;
	nm_buf_clear(&carry);
	rows->jsonl = (struct nm_jsonl){
		.line_max_bytes = NM_CHECK_LINE_MAX_BYTES, .carry = carry };
	rows->fd_plus_one = fd + 1;
	rows->start = rows->place = rows->read_to = place;
	rows->number = number;
	return NM_OK;
}

void
nm_rows_close(struct nm_rows *rows)
{
	if (rows->fd_plus_one)
		close(rows->fd_plus_one - 1);
	rows->fd_plus_one = 0;
}

void
nm_rows_release(struct nm_rows *rows)
{
	nm_rows_close(rows);
	nm_jsonl_release(&rows->jsonl);
	nm_json_release(&rows->json);
	nm_buf_release(&rows->chunk);
	*rows = (struct nm_rows){0};
}

/* Hands the next chunk to the splitter. */
static enum nm_code
feed(struct nm_rows *rows, struct nm_err *err)
{
	ssize_t got;

	nm_buf_clear(&rows->chunk);
	do {
		got = pread(rows->fd_plus_one - 1,
		            nm_buf_room(&rows->chunk, CHUNK_BYTES), CHUNK_BYTES,
		            (off_t)rows->read_to);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return nm_fail(err, NM_IO, errno, "cannot read an input file: %s",
		               strerror(errno));
	if (got == 0) {
		nm_jsonl_finish(&rows->jsonl);
		return NM_OK;
	}
	rows->read_to += (uint64_t)got;
	nm_jsonl_feed(&rows->jsonl, rows->chunk.at, (size_t)got);
	return NM_OK;
}

static bool
blank(const struct nm_line *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (line->at[i] != ' ' && line->at[i] != '\t' &&
		    line->at[i] != '\r')
			return false;
	return true;
}

static void
read_row(struct nm_rows *rows, const struct nm_line *line,
         struct nm_row_asked *row)
{
	const struct nm_value *root = NULL;

	*row = (struct nm_row_asked){ .line = line->at,
	                              .number = ++rows->number };
	if (line->over ||
	    nm_json_read(&rows->json, line->at, line->len, &root, NULL))
		return;
	row->custom_id = nm_json_text(nm_json_get(root, "custom_id"));
	row->body = nm_json_get(root, "body");
}

enum nm_code
nm_rows_next(struct nm_rows *rows, struct nm_row_asked *row,
             struct nm_err *err)
{
	struct nm_line line;
	enum nm_code rc;

	for (;;) {
		while (!nm_jsonl_next(&rows->jsonl, &line)) {
			if (rows->jsonl.finished) {
				*row = (struct nm_row_asked){0};
				return NM_OK;
			}
			rc = feed(rows, err);
			if (rc)
				return rc;
		}
		rows->place = rows->start + rows->jsonl.offset;
		if (line.over || !blank(&line))
			break;
	}
	read_row(rows, &line, row);
	return NM_OK;
}
