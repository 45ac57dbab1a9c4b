/*
 * source: what holds for every kind of source.
 */
#include "run/source.h"

enum nm_code
nm_source_next(struct nm_source *source, struct nm_source_item *item,
               struct nm_err *err)
{
	enum nm_code rc = source->next(source, item, err);

	if (rc)
		return rc;
	if (item->ordinal < 0)
		source->count = source->position;
	else
		source->position = item->ordinal + 1;
	return NM_OK;
}

static enum nm_code
back_to_start(struct nm_source *source, struct nm_err *err)
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
		rc = back_to_start(source, err);
	while (!rc) {
		rc = nm_source_next(source, item, err);
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
	enum nm_code rc = back_to_start(source, err);

	while (!rc) {
		rc = nm_source_next(source, &item, err);
		if (rc || item.ordinal < 0)
			break;
	}
	return rc ? rc : back_to_start(source, err);
}
