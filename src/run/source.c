/*
 * source: what holds for every kind of source.
 */
#include "run/source.h"

static void
stand_behind(struct nm_source *source, const struct nm_source_item *item)
{
	if (item->ordinal < 0)
		source->count = source->position;
	else
		source->position = item->ordinal + 1;
}

enum nm_code
nm_source_next(struct nm_source *source, struct nm_source_item *item,
               struct nm_err *err)
{
	enum nm_code rc = source->next(source, item, err);

	if (!rc)
		stand_behind(source, item);
	return rc;
}

enum nm_code
nm_source_pass(struct nm_source *source, struct nm_source_item *item,
               struct nm_err *err)
{
	enum nm_code rc;

	if (!source->pass)
		return nm_source_next(source, item, err);
	rc = source->pass(source, item, err);
	if (!rc)
		stand_behind(source, item);
	return rc;
}

enum nm_code
nm_source_rewind(struct nm_source *source, struct nm_err *err)
{
	enum nm_code rc = source->rewind(source, err);

	if (!rc)
		source->position = 0;
	return rc;
}

enum nm_code
nm_source_seek(struct nm_source *source, int64_t ordinal,
               struct nm_source_item *item, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (source->position > ordinal)
		rc = nm_source_rewind(source, err);
	while (!rc) {
		rc = source->position < ordinal
		   ? nm_source_pass(source, item, err)
		   : nm_source_next(source, item, err);
		if (rc || item->ordinal == ordinal)
			return rc;
		if (item->ordinal < 0)
			return nm_fail(err, NM_INPUT, 0,
				"request %lld of the run is no longer there:"
				" the questions have changed",
				(long long)ordinal);
	}
	return rc;
}

enum nm_code
nm_source_measure(struct nm_source *source, struct nm_err *err)
{
	struct nm_source_item item;
	enum nm_code rc = nm_source_rewind(source, err);

	while (!rc) {
		rc = nm_source_pass(source, &item, err);
		if (rc || item.ordinal < 0)
			break;
	}
	return rc ? rc : nm_source_rewind(source, err);
}

enum nm_code
nm_source_read_spec(const char *spec, struct nm_json *json,
                    const struct nm_value **root, struct nm_err *err)
{
	struct nm_err why;

	if (!nm_json_read(json, spec, strlen(spec), root, &why))
		return NM_OK;
	return nm_fail(err, NM_STATE, 0, "the run's record in the journal is "
	               "damaged (%s): move journal.db away (batches are still "
	               "found by batch_manager --list)", why.text);
}

static const char *
bytes_member(const char *member, struct nm_buf *name)
{
	nm_buf_addf(name, "%s_bytes", member);
	return nm_buf_string(name);
}

void
nm_source_put_path(struct nm_json_writer *w, const char *member,
                   const char *path)
{
	struct nm_buf name = { 0 }, hex = { 0 };
	size_t len = path ? strlen(path) : 0;

	nm_json_put_string(w, member, path);
	if (nm_json_utf8_valid(path, len) == len)
		return;
	for (size_t i = 0; i < len; i++)
		nm_buf_addf(&hex, "%02x", (unsigned char)path[i]);
	nm_json_put_text(w, bytes_member(member, &name), nm_buf_text(&hex));
	nm_buf_release(&name);
	nm_buf_release(&hex);
}

static int
digit_of(char hex)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, hex);

	return hex && at ? (int)(at - digits) : -1;
}

/* NULL where these are no bytes of a path. */
static const char *
from_hex(struct nm_text hex, struct nm_arena *arena)
{
	char *bytes = nm_arena_new(arena, hex.len / 2 + 1);

	for (size_t i = 0; i < hex.len / 2; i++) {
		int high = digit_of(hex.at[2 * i]);
		int low = digit_of(hex.at[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0)
			return NULL;
		bytes[i] = (char)(high << 4 | low);
	}
	return hex.len && hex.len % 2 == 0 ? bytes : NULL;
}

const char *
nm_source_recall_path(const struct nm_value *spec, const char *member,
                      struct nm_arena *arena)
{
	const char *text = nm_json_string(nm_json_get(spec, member)), *bytes;
	struct nm_buf name = { 0 };

	bytes = from_hex(nm_json_text(nm_json_get(spec, bytes_member(member,
	                                          &name))), arena);
	nm_buf_release(&name);
	if (bytes)
		return bytes;
	return text ? nm_arena_string(arena, text) : NULL;
}
