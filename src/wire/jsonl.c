/*
 * jsonl: see jsonl.h.
 */
#include "wire/jsonl.h"

static size_t
line_max(const struct nm_jsonl *jsonl)
{
	return jsonl->line_max_bytes ? jsonl->line_max_bytes
	                             : NM_JSONL_LINE_MAX_BYTES;
}

void
nm_jsonl_feed(struct nm_jsonl *jsonl, const void *chunk, size_t len)
{
	jsonl->chunk = chunk;
	jsonl->chunk_len = len;
}

void
nm_jsonl_finish(struct nm_jsonl *jsonl)
{
	jsonl->finished = true;
}

/* Keeps the first `len` bytes of the chunk as part of the current line. */
static void
carry(struct nm_jsonl *jsonl, size_t len)
{
	size_t left = line_max(jsonl) - jsonl->carry.len;

	jsonl->begun_bytes += len;
	if (jsonl->skipping)
		return;
	if (len > left) {
		jsonl->skipping = true;
		len = left;
	}
	jsonl->carry.max = line_max(jsonl);
	nm_buf_add(&jsonl->carry, jsonl->chunk, len);
}

/* Fills *line from the carry, which holds the whole line or its beginning. */
static void
lend_carry(struct nm_jsonl *jsonl, struct nm_line *line)
{
	line->at = nm_buf_string(&jsonl->carry);
	line->len = jsonl->carry.len;
	line->over = jsonl->skipping;
	jsonl->carry_lent = true;
	jsonl->skipping = false;
	jsonl->offset += jsonl->begun_bytes;
	jsonl->begun_bytes = 0;
}

static void
lend_chunk(struct nm_jsonl *jsonl, size_t len, struct nm_line *line)
{
	line->at = jsonl->chunk;
	line->over = len > line_max(jsonl);
	line->len = line->over ? line_max(jsonl) : len;
	jsonl->offset += len;
}

bool
nm_jsonl_next(struct nm_jsonl *jsonl, struct nm_line *line)
{
	const char *end = NULL;
	size_t len;

	if (jsonl->carry_lent) {
		nm_buf_clear(&jsonl->carry);
		jsonl->carry_lent = false;
	}
	if (jsonl->chunk_len)
		end = memchr(jsonl->chunk, '\n', jsonl->chunk_len);
	len = end ? (size_t)(end - jsonl->chunk) : jsonl->chunk_len;
	if (!end || jsonl->begun_bytes)
		carry(jsonl, len);
	if (!end)
		jsonl->chunk_len = 0;
	if (!end && !(jsonl->finished && jsonl->begun_bytes))
		return false;

	*line = (struct nm_line){
		.number = ++jsonl->number,
		.offset = jsonl->offset,
		.ended = end,
	};
	if (jsonl->begun_bytes)
		lend_carry(jsonl, line);
	else
		lend_chunk(jsonl, len, line);
	if (end) {
		jsonl->chunk += len + 1;
		jsonl->chunk_len -= len + 1;
		jsonl->offset++;
		if (!line->over && line->len && line->at[line->len - 1] == '\r')
			line->len--;
	}
	return true;
}

void
nm_jsonl_release(struct nm_jsonl *jsonl)
{
	if (!jsonl)
		return;
	nm_buf_release(&jsonl->carry);
	*jsonl = (struct nm_jsonl){ .line_max_bytes = jsonl->line_max_bytes };
}
