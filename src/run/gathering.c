/*
 * gathering: see the header.
 */
#include "run/gathering.h"

#include <stdlib.h>

#include "base/file.h"
#include "run/batch_files.h"

/* Where the line of a request stands: its row, or, without one, its request. */
struct nm_gathering_entry {
	uint64_t offset : 40;
	uint64_t file : 16;
	uint64_t class : 4; /* enum nm_class; MISSING while there is no row */
	uint32_t len;
	uint32_t attempt;
};

/* One walk over a file. */
struct walk {
	struct nm_gathering *gathering;
	size_t               file;
	struct nm_json       json;
};

void
nm_gathering_init(struct nm_gathering *gathering)
{
	*gathering = (struct nm_gathering){0};
}

void
nm_gathering_take_any(struct nm_gathering *gathering)
{
	gathering->open_ended = 1;
}

static void
point(struct nm_gathering_entry *entry, size_t file,
      const struct nm_line *line)
{
	entry->offset = line->offset & ((UINT64_C(1) << 40) - 1);
	entry->file = file & (NM_SHEAF_FILES_MAX - 1);
	entry->len = (uint32_t)line->len;
}

/* The entry of an id, made where there was none (*known says so). */
static struct nm_gathering_entry *
enter(struct nm_gathering *gathering, struct nm_text id, int *known)
{
	uint32_t place = (uint32_t)gathering->n;

	*known = nm_map_add(&gathering->ids, id, &place);
	if (*known)
		return &gathering->entries[place];
	if (gathering->n == gathering->room) {
		gathering->room = gathering->room ? 2 * gathering->room : 1024;
		gathering->entries =
			realloc(gathering->entries,
		                gathering->room * sizeof(*gathering->entries));
		if (!gathering->entries)
			nm_die("out of memory");
	}
	gathering->entries[gathering->n] = (struct nm_gathering_entry){
		.class = NM_CLASS_MISSING,
	};
	return &gathering->entries[gathering->n++];
}

static void
take_request(void *user, const struct nm_line *line)
{
	struct walk *walk = user;
	const struct nm_value *root = NULL;
	struct nm_gathering_entry *entry;
	const struct nm_value *id;
	int known;

	if (nm_json_read(&walk->json, line->at, line->len, &root, NULL))
		return;
	id = nm_json_get(root, "custom_id");
	if (nm_json_kind(id) != NM_JSON_STRING)
		return;
	entry = enter(walk->gathering, nm_json_text(id), &known);
	if (!known)
		point(entry, walk->file, line);
}

enum nm_code
nm_gathering_add_input(struct nm_gathering *gathering, const char *path,
                       struct nm_err *err)
{
	struct walk walk = { .gathering = gathering };
	enum nm_code rc = nm_sheaf_add(&gathering->files, path, err);

	if (rc)
		return rc;
	walk.file = gathering->files.n_files - 1;
	rc = nm_batch_file_walk(path, take_request, &walk, err);
	nm_json_release(&walk.json);
	return rc;
}

/* Its entry; NULL for a row of an id that was never asked. */
static struct nm_gathering_entry *
entry_of(struct nm_gathering *gathering, struct nm_text id)
{
	uint32_t place;
	int known;

	if (gathering->open_ended)
		return enter(gathering, id, &known);
	if (!nm_map_find(&gathering->ids, id, &place)) {
		gathering->counts.unknown++;
		return NULL;
	}
	return &gathering->entries[place];
}

/* A file's byte order mark would stand amid the lines that are written. */
static struct nm_line
without_mark(const struct nm_line *line)
{
	struct nm_line rest = *line;

	if (line->len >= 3 && memcmp(line->at, "\xef\xbb\xbf", 3) == 0) {
		rest.at += 3;
		rest.len -= 3;
		rest.offset += 3;
	}
	return rest;
}

static void
take_row(void *user, const struct nm_line *whole)
{
	const struct nm_line rest = without_mark(whole), *line = &rest;
	struct walk *walk = user;
	struct nm_gathering *gathering = walk->gathering;
	struct nm_gathering_entry *entry;
	struct nm_row row;

	nm_row_read(&gathering->reader, line->at, line->len, &row);
	gathering->counts.malformed += row.kind == NM_ROW_MALFORMED;
	if (row.kind != NM_ROW_READ)
		return;
	entry = entry_of(gathering, row.custom_id);
	if (!entry)
		return;
	if (entry->class != NM_CLASS_MISSING &&
	    entry->attempt == (uint32_t)gathering->attempt)
		gathering->counts.duplicate++;
	if (!nm_class_is_instrument(entry->class))
		return;
	/* Of one attempt a success counts before a failure, else the first. */
	if (entry->class != NM_CLASS_MISSING &&
	    entry->attempt == (uint32_t)gathering->attempt &&
	    nm_class_is_instrument(row.class))
		return;
	point(entry, walk->file, line);
	entry->class = row.class & 0xf;
	entry->attempt = (uint32_t)gathering->attempt;
}

enum nm_code
nm_gathering_add_results(struct nm_gathering *gathering, const char *path,
                         int64_t attempt, struct nm_err *err)
{
	struct walk walk = { .gathering = gathering };
	enum nm_code rc = nm_sheaf_add(&gathering->files, path, err);

	if (rc)
		return rc;
	walk.file = gathering->files.n_files - 1;
	gathering->attempt = attempt;
	return nm_batch_file_walk(path, take_row, &walk, err);
}

static void
count(struct nm_gathering_counts *counts, enum nm_class class)
{
	counts->requests++;
	switch (class) {
	case NM_CLASS_HTTP_ERROR:
		counts->failed++;
		break;
	case NM_CLASS_EXPIRED:
		counts->expired++;
		break;
	case NM_CLASS_CANCELLED:
		counts->cancelled++;
		break;
	case NM_CLASS_MISSING:
		counts->missing++;
		break;
	case NM_CLASS_ANSWERED:
	case NM_CLASS_REFUSED:
	case NM_CLASS_TRUNCATED:
	case NM_CLASS_UNPARSEABLE:
		counts->succeeded++;
		break;
	}
}

/* The request's line is at hand; its id is taken from there. */
static void
add_missing(struct nm_json *json, struct nm_text request,
            struct nm_draft *draft)
{
	const struct nm_value *root = NULL;
	struct nm_buf line = {0};
	struct nm_json_writer w = { .out = &line };

	if (nm_json_read(json, request.at, request.len, &root, NULL))
		root = NULL;
	nm_json_open_object(&w, NULL);
	nm_json_put_null(&w, "id");
	nm_json_put_text(&w, "custom_id",
	                 nm_json_text(nm_json_get(root, "custom_id")));
	nm_json_put_null(&w, "response");
	nm_json_open_object(&w, "error");
	nm_json_put_string(&w, "code", "missing");
	nm_json_put_string(&w, "message", "The results hold no row of this "
	                   "request.");
	nm_json_close_object(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(&line, '\n');
	nm_draft_add(draft, line.at, line.len);
	nm_buf_release(&line);
}

/* The entry's line alone, into `line`. */
static enum nm_code
read_again(struct nm_gathering *gathering,
           const struct nm_gathering_entry *entry, struct nm_buf *line,
           struct nm_err *err)
{
	char *room;
	int fd;
	enum nm_code rc = nm_sheaf_open(&gathering->files, entry->file, &fd,
	                                err);

	if (rc)
		return rc;
	nm_buf_clear(line);
	room = nm_buf_room(line, (size_t)entry->len + 1);
	rc = nm_file_read_at(fd, entry->offset, entry->len, room, err);
	if (!rc)
		nm_buf_took(line, entry->len);
	return rc;
}

enum nm_code
nm_gathering_write(struct nm_gathering *gathering, struct nm_draft *draft,
                   struct nm_err *err)
{
	struct nm_json json = {0};
	struct nm_buf line = {0};
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < gathering->n; i++) {
		const struct nm_gathering_entry *entry =
			&gathering->entries[i];

		rc = read_again(gathering, entry, &line, err);
		if (rc)
			break;
		count(&gathering->counts, (enum nm_class)entry->class);
		if (entry->class == NM_CLASS_MISSING) {
			add_missing(&json, nm_buf_text(&line), draft);
			continue;
		}
		nm_buf_add_byte(&line, '\n');
		nm_draft_add(draft, line.at, line.len);
	}
	nm_buf_release(&line);
	nm_json_release(&json);
	return rc;
}

void
nm_gathering_release(struct nm_gathering *gathering)
{
	nm_sheaf_release(&gathering->files);
	free(gathering->entries);
	nm_map_release(&gathering->ids);
	nm_row_reader_release(&gathering->reader);
	memset(gathering, 0, sizeof(*gathering));
}
