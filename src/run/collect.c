/*
 * collect: see the header.
 */
#include "run/collect.h"

#include <stdlib.h>

#include "base/crew.h"
#include "base/path.h"
#include "run/quarry.h"
#include "run/slab.h"

/* Invariant: seen is 0, or the row stands at `offset` of the pile. */
struct nm_collect_entry {
	uint64_t offset : 48;
	uint64_t attempt : 8;
	uint64_t class : 4;
	uint64_t seen : 1;
	uint64_t direct : 1;   /* of direct mode */
	uint64_t may_pass : 1; /* an instrument failure that may pass */
	uint64_t replied : 1;  /* in the newest attempt */
	uint32_t len;          /* as it was packed */
	uint8_t  replies;      /* attempts to which the model replied */
	uint8_t  newest;       /* the attempt of the newest row, kept or not */
};

enum {
	ATTEMPTS_MAX = 255,
	ALONE_BYTES = 1 << 20 /* of a file that is not worth a thread */
};

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

/* What the model did is a success, whatever it is worth. */
static int
replaces(const struct nm_collect_entry *old, enum nm_class class,
         int64_t attempt)
{
	int old_failed = nm_class_is_instrument((enum nm_class)old->class);
	int new_failed = nm_class_is_instrument(class);

	if (old_failed)
		return !new_failed || attempt > old->attempt;
	/* Asked again on purpose: only a readable answer is better. */
	return attempt > old->attempt && class == NM_CLASS_ANSWERED &&
	       old->class != NM_CLASS_ANSWERED;
}

int
nm_collect_is_simulated(struct nm_text model)
{
	static const struct nm_text mark = { "simulated-", 10 };

	return model.len >= mark.len && !memcmp(model.at, mark.at, mark.len);
}

static void
note_model(struct nm_collect *collect, struct nm_text model)
{
	size_t len = model.len;

	if (collect->model != NM_COLLECT_NONE || !len)
		return;
	if (len >= sizeof(collect->model_replied))
		len = nm_json_utf8_valid(model.at,
		                         sizeof(collect->model_replied) - 1);
	memcpy(collect->model_replied, model.at, len);
	collect->model_replied[len] = 0;
	collect->model = nm_collect_is_simulated(model)
	                 ? NM_COLLECT_SIMULATED : NM_COLLECT_REAL;
}

/* What is the same of all rows of a file. */
struct origin {
	const char *path;
	int64_t     attempt;
	enum nm_way way;
};

static void
keep_row(const struct nm_slab_row *row, uint64_t offset,
         const struct origin *from, struct nm_collect_entry *entry)
{
	entry->offset = offset & ((UINT64_C(1) << 48) - 1);
	entry->len = row->len;
	entry->attempt = (uint64_t)from->attempt & ATTEMPTS_MAX;
	entry->class = row->class & 0xf;
	entry->seen = 1;
	entry->direct = from->way == NM_WAY_DIRECT;
	entry->may_pass = row->may_pass;
}

/* Whether it is the first row, or else the first reply, of its request in this
 * attempt: a failure's row may stand before the reply's. */
static bool
note_attempt(struct nm_collect *collect, struct nm_collect_entry *entry,
             enum nm_class class, int64_t attempt)
{
	bool again = entry->seen && entry->newest == attempt;
	bool first;

	if (!again)
		entry->replied = 0;
	first = !nm_class_is_instrument(class) && !entry->replied;
	if (first && entry->replies < ATTEMPTS_MAX)
		entry->replies++;
	entry->replied |= first;
	entry->newest = (uint8_t)attempt;
	collect->duplicate += again;
	return first || !again;
}

/* Whether the row counts; `packed` is where the slab's are packed, and will stand at
 * `offset` of the pile. */
static bool
note_row(struct nm_collect *collect, const struct nm_slab_row *row,
         const char *packed, uint64_t offset, const struct origin *from)
{
	struct nm_collect_entry *entry = &collect->entries[row->ordinal];
	struct nm_heard reply = {
		.way = from->way,
		.replied = !nm_class_is_instrument(row->class),
	};
	bool better;

	nm_row_peek(packed + row->at, &reply.usage, &reply.model);
	note_model(collect, reply.model);
	if (!note_attempt(collect, entry, row->class, from->attempt))
		return false;
	if (collect->heard)
		collect->heard(collect->heard_user, &reply);
	better = !entry->seen || replaces(entry, row->class, from->attempt);
	if (better)
		keep_row(row, offset + row->at, from, entry);
	return better;
}

/* Takes what was read of a slab, which is clear then. */
static enum nm_code
take_slab(struct nm_collect *collect, struct nm_slab *slab,
          const struct origin *from, struct nm_err *err)
{
	uint64_t offset = nm_pile_end(&collect->pile);
	enum nm_code rc = NM_OK;
	bool any = false;
	size_t i;

	for (i = 0; i < slab->n_rows; i++)
		any |= note_row(collect, &slab->rows[i], slab->packed.at,
		                offset, from);
	if (any)
		rc = nm_pile_add(&collect->pile, nm_buf_text(&slab->packed),
		                 err);
	collect->rows += slab->n_rows + slab->unknown;
	collect->unknown += slab->unknown;
	collect->malformed += slab->malformed;
	nm_slab_clear(slab);
	return rc;
}

static void
read_slab(void *piece)
{
	nm_slab_read(piece);
}

static void
release_slab(void *piece)
{
	nm_slab_release(piece);
}

static enum nm_code
take_rest(struct nm_collect *collect, struct nm_crew *crew,
          const struct origin *from, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	struct nm_slab *slab;

	while (!rc && (slab = nm_crew_rest(crew)))
		rc = take_slab(collect, slab, from, err);
	return rc;
}

/* Slabs are read by many hands, and taken in the order in which they stand. One that
 * is heavy is read here, while no other is held: what one thread frees another does
 * not use again. */
static enum nm_code
note_lines(struct nm_collect *collect, struct nm_quarry *quarry,
           struct nm_crew *crew, const struct origin *from,
           struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	struct nm_slab *slab;

	while (!rc) {
		slab = nm_crew_turn(crew);
		rc = take_slab(collect, slab, from, err);
		if (!rc)
			rc = nm_quarry_cut(quarry, &slab->lines, err);
		if (rc || !slab->lines.len)
			break;
		slab->source = collect->source;
		slab->reading = collect->reader.reading;
		if (!nm_slab_is_heavy(slab)) {
			nm_crew_give(crew);
			continue;
		}
		rc = take_rest(collect, crew, from, err);
		nm_slab_read(slab);
	}
	return rc ? rc : take_rest(collect, crew, from, err);
}

static enum nm_code
add_lines(struct nm_collect *collect, const struct origin *from,
          struct nm_err *err)
{
	struct nm_crew_options options = {
		.piece_bytes = sizeof(struct nm_slab),
		.work = read_slab,
		.release = release_slab,
	};
	struct nm_quarry quarry;
	struct nm_crew *crew;
	enum nm_code rc = nm_quarry_open(&quarry, from->path,
	                                 NM_ROW_LINE_MAX_BYTES, err);

	if (rc)
		return rc;
	if (quarry.bytes < ALONE_BYTES)
		options.hands = 1;
	crew = nm_crew_open(&options);
	rc = note_lines(collect, &quarry, crew, from, err);
	nm_crew_close(crew);
	nm_quarry_close(&quarry);
	return rc;
}

enum nm_code
nm_collect_add_file(struct nm_collect *collect, const char *path,
                    int64_t attempt, enum nm_way way, struct nm_err *err)
{
	const struct origin from = { path, attempt, way };
	size_t folder = (size_t)(nm_path_base(path) - path);

	if (attempt > ATTEMPTS_MAX)
		return nm_fail(err, NM_LIMIT, 0,
			"%s is of attempt %lld: more than can be joined",
			path, (long long)attempt);
	if (!collect->pile.folder.len)
		nm_buf_add(&collect->pile.folder, path, folder);
	return add_lines(collect, &from, err);
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
nm_collect_packed(struct nm_collect *collect, int64_t ordinal,
                  struct nm_text *packed, struct nm_origin *origin,
                  struct nm_err *err)
{
	const struct nm_collect_entry *entry = &collect->entries[ordinal];

	origin->attempt = (int64_t)entry->attempt;
	origin->way = entry->direct ? NM_WAY_DIRECT : NM_WAY_BATCH;
	*packed = (struct nm_text){ NULL, entry->len };
	return entry->seen ? nm_pile_read(&collect->pile, entry->offset,
	                                  entry->len, &packed->at, err)
	                   : NM_OK;
}

enum nm_code
nm_collect_row(struct nm_collect *collect, int64_t ordinal, uint64_t id,
               struct nm_row *row, struct nm_origin *origin,
               struct nm_err *err)
{
	struct nm_text packed;
	enum nm_code rc = nm_collect_packed(collect, ordinal, &packed, origin,
	                                    err);

	if (rc)
		return rc;
	if (packed.at)
		nm_row_unpack(&collect->reader, packed.at, row);
	else
		nm_row_missing(&collect->reader, id, row);
	return NM_OK;
}

void
nm_collect_release(struct nm_collect *collect)
{
	free(collect->entries);
	nm_row_reader_release(&collect->reader);
	nm_pile_release(&collect->pile);
	memset(collect, 0, sizeof(*collect));
}
