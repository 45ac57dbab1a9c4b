/*
 * slab: see the header.
 */
#include "run/slab.h"

#include <stdlib.h>

#include "net/retry.h"
#include "wire/jsonl.h"

enum {
	KEPT_BYTES = 1 << 20, /* of each buffer, when it is empty */
	HEAVY_BYTES = 1 << 20
};

void
nm_slab_clear(struct nm_slab *slab)
{
	nm_buf_recycle(&slab->lines, KEPT_BYTES);
	nm_buf_recycle(&slab->packed, KEPT_BYTES);
	slab->n_rows = 0;
	slab->unknown = 0;
	slab->malformed = 0;
}

bool
nm_slab_is_heavy(const struct nm_slab *slab)
{
	return slab->lines.len > HEAVY_BYTES;
}

/* The service gives up a response in a reply with a 200, too, and says why in it. */
static bool
is_passing(struct nm_text why)
{
	return nm_text_is(why, "server_error") ||
	       nm_text_is(why, "rate_limit_exceeded");
}

static bool
may_pass(const struct nm_row *row)
{
	int status = row->status_code;

	switch (row->class) {
	case NM_CLASS_EXPIRED:
	case NM_CLASS_CANCELLED:
	case NM_CLASS_MISSING:
		return true;
	case NM_CLASS_HTTP_ERROR:
		if (nm_retry_is_billing(row->error_type, row->error_code))
			return false;
		/* Another's page with a 200: the model never saw it. */
		if (nm_text_is(row->error_code, "no_completion"))
			return true;
		if (status >= 200 && status < 300)
			return is_passing(row->error_code) ||
			       is_passing(row->error_type);
		return !status || status == 408 || status == 409 ||
		       status == 429 || status >= 500;
	default:
		return false;
	}
}

static struct nm_slab_row *
new_row(struct nm_slab *slab)
{
	if (slab->n_rows == slab->rows_room) {
		slab->rows_room = slab->rows_room ? 2 * slab->rows_room : 256;
		slab->rows = reallocarray(slab->rows, slab->rows_room,
		                          sizeof(*slab->rows));
		if (!slab->rows)
			nm_die("out of memory");
	}
	return &slab->rows[slab->n_rows++];
}

static void
keep_row(struct nm_slab *slab, const struct nm_row *row, int64_t ordinal)
{
	struct nm_slab_row *kept = new_row(slab);
	size_t at = slab->packed.len;

	nm_row_pack(row, &slab->packed);
	*kept = (struct nm_slab_row){
		.ordinal = ordinal,
		.at = (uint32_t)at,
		.len = (uint32_t)(slab->packed.len - at),
		.class = row->class,
		.may_pass = may_pass(row),
	};
}

static void
read_line(struct nm_slab *slab, struct nm_row_reader *reader,
          const struct nm_line *line)
{
	struct nm_row row;
	int64_t ordinal;

	if (line->over) {
		slab->malformed++;
		return;
	}
	nm_row_read(reader, line->at, line->len, &row);
	if (row.kind != NM_ROW_READ) {
		slab->malformed += row.kind == NM_ROW_MALFORMED;
		return;
	}
	ordinal = slab->source->find(slab->source, row.custom_id);
	if (ordinal < 0)
		slab->unknown++;
	else
		keep_row(slab, &row, ordinal);
}

void
nm_slab_read(struct nm_slab *slab)
{
	struct nm_jsonl jsonl = { .line_max_bytes = NM_ROW_LINE_MAX_BYTES };
	/* Not the slab's: a reader holds memory, and fewer read than wait. */
	struct nm_row_reader reader = { .reading = slab->reading };
	struct nm_line line;

	nm_jsonl_feed(&jsonl, slab->lines.at, slab->lines.len);
	while (nm_jsonl_next(&jsonl, &line))
		read_line(slab, &reader, &line);
	nm_jsonl_finish(&jsonl);
	while (nm_jsonl_next(&jsonl, &line))
		read_line(slab, &reader, &line);
	nm_jsonl_release(&jsonl);
	nm_row_reader_release(&reader);
}

void
nm_slab_release(struct nm_slab *slab)
{
	nm_buf_release(&slab->lines);
	nm_buf_release(&slab->packed);
	free(slab->rows);
	memset(slab, 0, sizeof(*slab));
}
