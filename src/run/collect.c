/*
 * collect: see the header.
 */
#include "run/collect.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "net/retry.h"
#include "wire/jsonl.h"

enum {
	CHUNK_BYTES = 256 << 10,
	ROW_MAX_BYTES = 4 << 20 /* the longest ever seen had 96 kB */
};

/* Invariant: seen is 0 or file, offset and len say where the row stands. */
struct nm_collect_entry {
	uint64_t offset : 40;
	uint64_t file : 16;
	uint64_t attempt : 8;
	uint32_t len;
	uint8_t  class;
	uint8_t  seen;
	uint8_t  may_pass; /* an instrument failure that may pass */
	uint8_t  replies;  /* attempts to which the model replied */
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
	case NM_CLASS_MISSING:
		return 1;
	case NM_CLASS_HTTP_ERROR:
		if (nm_retry_is_billing(row->error_type, row->error_code))
			return 0;
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

static void
note_row(struct nm_collect *collect, const struct nm_row *row,
         const struct nm_line *line, size_t file, int64_t attempt)
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
	again = entry->seen && entry->attempt == (uint64_t)attempt;
	better = !entry->seen || replaces(entry, row, attempt);
	if (again)
		collect->duplicate++;
	else if (!nm_class_is_instrument(row->class) && entry->replies < 255)
		entry->replies++;
	if (collect->heard && (better || !again))
		collect->heard(collect->heard_user, row, collect->way);
	if (!better)
		return;
	entry->offset = line->offset & ((UINT64_C(1) << 40) - 1);
	entry->file = file & (NM_SHEAF_FILES_MAX - 1);
	entry->attempt = (uint64_t)attempt & ATTEMPTS_MAX;
	entry->len = (uint32_t)line->len;
	entry->class = (uint8_t)row->class;
	entry->may_pass = (uint8_t)may_pass(row);
	entry->seen = 1;
}

static void
note_line(struct nm_collect *collect, const struct nm_line *line, size_t file,
          int64_t attempt)
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
		note_row(collect, &row, line, file, attempt);
}

static enum nm_code
note_lines(struct nm_collect *collect, size_t file, int64_t attempt,
           struct nm_err *err)
{
	struct nm_jsonl jsonl = { .line_max_bytes = ROW_MAX_BYTES };
	struct nm_line line;
	char *chunk = malloc(CHUNK_BYTES);
	enum nm_code rc;
	ssize_t got = 1;
	int fd;

	if (!chunk)
		abort();
	rc = nm_sheaf_open(&collect->files, file, &fd, err);
	while (!rc && got > 0) {
		got = read(fd, chunk, CHUNK_BYTES);
		if (got < 0) {
			rc = nm_fail(err, NM_IO, 0, "cannot read %s",
			             nm_sheaf_path(&collect->files, file));
			break;
		}
		if (got)
			nm_jsonl_feed(&jsonl, chunk, (size_t)got);
		else
			nm_jsonl_finish(&jsonl);
		while (nm_jsonl_next(&jsonl, &line))
			note_line(collect, &line, file, attempt);
	}
	nm_jsonl_release(&jsonl);
	free(chunk);
	return rc;
}

enum nm_code
nm_collect_add_file(struct nm_collect *collect, const char *path,
                    int64_t attempt, enum nm_way way, struct nm_err *err)
{
	size_t file = collect->files.n_files;
	enum nm_code rc;

	if (attempt > ATTEMPTS_MAX)
		return nm_fail(err, NM_LIMIT, 0,
			"%s is of attempt %lld: more than can be joined",
			path, (long long)attempt);
	rc = nm_sheaf_add(&collect->files, path, err);
	if (rc)
		return rc;
	/* One bit more a file, and none of the entries' sixteen bytes. */
	if (file % 64 == 0) {
		collect->direct = realloc(collect->direct, (file / 64 + 1) *
		                          sizeof(*collect->direct));
		if (!collect->direct)
			abort();
		collect->direct[file / 64] = 0;
	}
	if (way == NM_WAY_DIRECT)
		collect->direct[file / 64] |= UINT64_C(1) << file % 64;
	collect->way = way;
	return note_lines(collect, file, attempt, err);
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

static int
in_window(const struct nm_collect *collect,
          const struct nm_collect_entry *entry)
{
	return collect->window.len && collect->window_file == entry->file &&
	       entry->offset >= collect->window_from &&
	       entry->offset + entry->len <=
	       collect->window_from + collect->window.len;
}

/* Rows that follow each other are read ahead; others one by one. */
static enum nm_code
fill_window(struct nm_collect *collect, const struct nm_collect_entry *entry,
            struct nm_err *err)
{
	int follows = entry->offset >= collect->read_to &&
	              entry->offset - collect->read_to < CHUNK_BYTES;
	size_t want = follows && entry->len < CHUNK_BYTES ? CHUNK_BYTES
	                                                  : entry->len;
	size_t got = 0;
	enum nm_code rc;
	char *room;
	int fd;

	rc = nm_sheaf_open(&collect->files, entry->file, &fd, err);
	if (rc)
		return rc;
	nm_buf_clear(&collect->window);
	room = nm_buf_room(&collect->window, want);
	while (got < want) {
		ssize_t part = pread(fd, room + got, want - got,
		                     (off_t)(entry->offset + got));

		if (part <= 0)
			break;
		got += (size_t)part;
	}
	nm_buf_took(&collect->window, got);
	collect->window_file = entry->file;
	collect->window_from = entry->offset;
	if (got < entry->len)
		return nm_fail(err, NM_IO, 0, "%s became shorter while it was"
		               " read", nm_sheaf_path(&collect->files,
		                                      entry->file));
	return NM_OK;
}

static enum nm_way
way_of(const struct nm_collect *collect, size_t file)
{
	return collect->direct[file / 64] >> file % 64 & 1 ? NM_WAY_DIRECT
	                                                   : NM_WAY_BATCH;
}

enum nm_code
nm_collect_row(struct nm_collect *collect, int64_t ordinal, uint64_t id,
               struct nm_row *row, struct nm_origin *origin,
               struct nm_err *err)
{
	const struct nm_collect_entry *entry = &collect->entries[ordinal];
	enum nm_code rc = NM_OK;

	origin->attempt = (int64_t)entry->attempt;
	origin->way = entry->seen ? way_of(collect, entry->file)
	                          : NM_WAY_BATCH;
	if (!entry->seen) {
		nm_row_missing(&collect->reader, id, row);
		return NM_OK;
	}
	if (!in_window(collect, entry))
		rc = fill_window(collect, entry, err);
	if (rc)
		return rc;
	collect->read_to = entry->offset + entry->len;
	nm_row_read(&collect->reader, collect->window.at +
	            (entry->offset - collect->window_from), entry->len, row);
	return NM_OK;
}

void
nm_collect_release(struct nm_collect *collect)
{
	nm_sheaf_release(&collect->files);
	free(collect->direct);
	free(collect->entries);
	nm_row_reader_release(&collect->reader);
	nm_buf_release(&collect->window);
	memset(collect, 0, sizeof(*collect));
}
