/*
 * collect: see the header.
 */
#include "run/collect.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "net/retry.h"
#include "wire/jsonl.h"

enum {
	CHUNK_BYTES = 256 << 10,
	ROW_MAX_BYTES = 4 << 20 /* the longest ever seen had 96 kB */
};

/* Invariant: seen is 0, or the row stands at `offset` of the pile. */
struct nm_collect_entry {
	uint64_t offset : 48;
	uint64_t attempt : 8;
	uint64_t class : 4;
	uint64_t seen : 1;
	uint64_t direct : 1;   /* of direct mode */
	uint64_t may_pass : 1; /* an instrument failure that may pass */
	uint32_t len;          /* as it was packed */
	uint8_t  replies;      /* attempts to which the model replied */
};

enum { ATTEMPTS_MAX = 255 };

void
nm_collect_init(struct nm_collect *collect, const struct nm_source *source,
                enum nm_reading reading)
{
	memset(collect, 0, sizeof(*collect));
	collect->source = source;
	collect->reader.reading = reading;
	collect->count = source->count;
	collect->entries = calloc((size_t)source->count + 1,
	                          sizeof(*collect->entries));
	if (!collect->entries)
		abort();
}

static int
may_pass(const struct nm_row *row)
{
	int status = row->status_code;

	switch (row->class) {
	case NM_CLASS_EXPIRED:
	case NM_CLASS_CANCELLED:
	case NM_CLASS_MISSING:
		return 1;
	case NM_CLASS_HTTP_ERROR:
		if (nm_retry_is_billing(row->error_type, row->error_code))
			return 0;
		/* Another's page with a 200: the model never saw it. */
		if (nm_text_is(row->error_code, "no_completion"))
			return 1;
		return !status || status == 408 || status == 409 ||
		       status == 429 || status >= 500;
	default:
		return 0;
	}
}

/* What the model did is a success, whatever it is worth. */
static int
replaces(const struct nm_collect_entry *old, const struct nm_row *row,
         int64_t attempt)
{
	int old_failed = nm_class_is_instrument((enum nm_class)old->class);
	int new_failed = nm_class_is_instrument(row->class);

	if (old_failed)
		return !new_failed || attempt > old->attempt;
	/* Asked again on purpose: only a readable answer is better. */
	return attempt > old->attempt && row->class == NM_CLASS_ANSWERED &&
	       old->class != NM_CLASS_ANSWERED;
}

static void
note_model(struct nm_collect *collect, const struct nm_row *row)
{
	static const struct nm_text mark = { "simulated-", 10 };
	size_t len = row->model.len;

	if (collect->model != NM_COLLECT_NONE || !len)
		return;
	if (len >= sizeof(collect->model_replied))
		len = nm_json_utf8_valid(row->model.at,
		                         sizeof(collect->model_replied) - 1);
	memcpy(collect->model_replied, row->model.at, len);
	collect->model_replied[len] = 0;
	collect->model = len >= mark.len &&
	                 !memcmp(row->model.at, mark.at, mark.len)
	                 ? NM_COLLECT_SIMULATED : NM_COLLECT_REAL;
}

/* What is the same of all rows of a file. */
struct origin {
	const char *path;
	int64_t     attempt;
	enum nm_way way;
};

static void
keep_row(struct nm_collect *collect, const struct nm_row *row,
         const struct origin *from, struct nm_collect_entry *entry)
{
	uint64_t offset = nm_pile_end(&collect->pile);

	nm_row_pack(row, &collect->pile.pending);
	entry->offset = offset & ((UINT64_C(1) << 48) - 1);
	entry->len = (uint32_t)(nm_pile_end(&collect->pile) - offset);
	entry->attempt = (uint64_t)from->attempt & ATTEMPTS_MAX;
	entry->class = row->class & 0xf;
	entry->seen = 1;
	entry->direct = from->way == NM_WAY_DIRECT;
	entry->may_pass = may_pass(row) ? 1 : 0;
}

static void
note_row(struct nm_collect *collect, const struct nm_row *row,
         const struct origin *from)
{
	int64_t ordinal = collect->source->find(collect->source,
	                                        row->custom_id);
	struct nm_collect_entry *entry;
	int again, better;

	collect->rows++;
	if (ordinal < 0) {
		collect->unknown++;
		return;
	}
	note_model(collect, row);
	entry = &collect->entries[ordinal];
	again = entry->seen && entry->attempt == (uint64_t)from->attempt;
	better = !entry->seen || replaces(entry, row, from->attempt);
	if (again)
		collect->duplicate++;
	else if (!nm_class_is_instrument(row->class) && entry->replies < 255)
		entry->replies++;
	if (collect->heard && (better || !again))
		collect->heard(collect->heard_user, row, from->way);
	if (better)
		keep_row(collect, row, from, entry);
}

static void
note_line(struct nm_collect *collect, const struct nm_line *line,
          const struct origin *from)
{
	struct nm_row row;

	if (line->over) {
		collect->malformed++;
		return;
	}
	nm_row_read(&collect->reader, line->at, line->len, &row);
	if (row.kind == NM_ROW_MALFORMED)
		collect->malformed++;
	else if (row.kind == NM_ROW_READ)
		note_row(collect, &row, from);
}

static enum nm_code
note_lines(struct nm_collect *collect, int fd, const struct origin *from,
           struct nm_err *err)
{
	struct nm_jsonl jsonl = { .line_max_bytes = ROW_MAX_BYTES };
	struct nm_line line;
	char *chunk = malloc(CHUNK_BYTES);
	enum nm_code rc = NM_OK;
	ssize_t got = 1;

	if (!chunk)
		abort();
	while (!rc && got > 0) {
		got = read(fd, chunk, CHUNK_BYTES);
		if (got < 0 && errno == EINTR) {
			got = 1;
			continue;
		}
		if (got < 0) {
			rc = nm_fail(err, NM_IO, errno, "cannot read %s: %s",
			             from->path, strerror(errno));
			break;
		}
		if (got)
			nm_jsonl_feed(&jsonl, chunk, (size_t)got);
		else
			nm_jsonl_finish(&jsonl);
		while (nm_jsonl_next(&jsonl, &line))
			note_line(collect, &line, from);
		rc = nm_pile_settle(&collect->pile, err);
	}
	nm_jsonl_release(&jsonl);
	free(chunk);
	return rc;
}

enum nm_code
nm_collect_add_file(struct nm_collect *collect, const char *path,
                    int64_t attempt, enum nm_way way, struct nm_err *err)
{
	const struct origin from = { path, attempt, way };
	size_t folder = (size_t)(nm_path_base(path) - path);
	enum nm_code rc;
	int fd;

	if (attempt > ATTEMPTS_MAX)
		return nm_fail(err, NM_LIMIT, 0,
			"%s is of attempt %lld: more than can be joined",
			path, (long long)attempt);
	rc = nm_file_open(path, &fd, err);
	if (rc)
		return rc;
	if (!collect->pile.folder.len)
		nm_buf_add(&collect->pile.folder, path, folder);
	rc = note_lines(collect, fd, &from, err);
	(void)close(fd);
	return rc;
}

enum nm_class
nm_collect_class(const struct nm_collect *collect, int64_t ordinal)
{
	const struct nm_collect_entry *entry = &collect->entries[ordinal];

	return entry->seen ? (enum nm_class)entry->class : NM_CLASS_MISSING;
}

static int
is_wanted(const struct nm_collect_entry *entry,
          const struct nm_collect_want *want)
{
	if (!entry->seen)
		return want->failures;
	if (nm_class_is_instrument((enum nm_class)entry->class))
		return want->failures && entry->may_pass;
	if (entry->class != NM_CLASS_UNPARSEABLE &&
	    entry->class != NM_CLASS_TRUNCATED)
		return 0;
	return entry->replies <= want->reask;
}

void
nm_collect_again(const struct nm_collect *collect,
                 const struct nm_collect_want *want,
                 const unsigned char *closed, struct nm_members *members)
{
	int64_t ordinal;

	for (ordinal = 0; ordinal < collect->count; ordinal++)
		if (is_wanted(&collect->entries[ordinal], want) &&
		    !(closed && closed[ordinal >> 3] >> (ordinal & 7) & 1))
			nm_members_add(members, ordinal);
}

enum nm_code
nm_collect_row(struct nm_collect *collect, int64_t ordinal, uint64_t id,
               struct nm_row *row, struct nm_origin *origin,
               struct nm_err *err)
{
	const struct nm_collect_entry *entry = &collect->entries[ordinal];
	const char *packed;
	enum nm_code rc;

	origin->attempt = (int64_t)entry->attempt;
	origin->way = entry->direct ? NM_WAY_DIRECT : NM_WAY_BATCH;
	if (!entry->seen) {
		nm_row_missing(&collect->reader, id, row);
		return NM_OK;
	}
	rc = nm_pile_read(&collect->pile, entry->offset, entry->len, &packed,
	                  err);
	if (!rc)
		nm_row_unpack(&collect->reader, packed, row);
	return rc;
}

void
nm_collect_release(struct nm_collect *collect)
{
	free(collect->entries);
	nm_row_reader_release(&collect->reader);
	nm_pile_release(&collect->pile);
	memset(collect, 0, sizeof(*collect));
}
