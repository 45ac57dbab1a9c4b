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
