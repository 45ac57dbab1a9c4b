/*
 * pouch: see the header.
 */
#include "run/pouch.h"

#include <stdlib.h>

#include "state/answers.h"

struct nm_pouch_entry {
	int64_t attempt, ordinal;
	size_t  at, len; /* in rows */
};

static enum nm_code
put(const struct nm_pouch *pouch, struct nm_run *run,
    const struct nm_pouch_entry *entry, struct nm_err *err)
{
	struct nm_answer_record answer = {
		.ordinal = entry->ordinal, .attempt = entry->attempt,
		.row = { pouch->rows.at + entry->at, entry->len },
	};

	return nm_answers_keep(run->journal, run->record.id, &answer, err);
}

/* Begins a transaction, if none is, and puts those from the given one into it. */
static enum nm_code
put_from(struct nm_pouch *pouch, struct nm_run *run, size_t first,
         struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	if (!pouch->begun) {
		rc = nm_journal_begin(run->journal, err);
		if (rc)
			return rc;
		pouch->begun = 1;
		first = 0;
	}
	for (i = first; !rc && i < pouch->count; i++)
		rc = put(pouch, run, &pouch->entries[i], err);
	if (rc) {
		nm_journal_rollback(run->journal);
		pouch->begun = 0;
	}
	return rc;
}

static void
make_room(struct nm_pouch *pouch)
{
	if (pouch->count < pouch->room)
		return;
	pouch->room = pouch->room ? 2 * pouch->room : 64;
	pouch->entries = realloc(pouch->entries,
	                         pouch->room * sizeof(*pouch->entries));
	if (!pouch->entries)
		abort();
}

void
nm_pouch_add(struct nm_pouch *pouch, struct nm_run *run, int64_t attempt,
             int64_t ordinal, struct nm_text row)
{
	struct nm_err later;
	int first = !pouch->count;

	make_room(pouch);
	pouch->entries[pouch->count++] = (struct nm_pouch_entry){
		.attempt = attempt, .ordinal = ordinal,
		.at = pouch->rows.len, .len = row.len,
	};
	nm_buf_add_text(&pouch->rows, row);
	/* Where one was refused, the commit says why. */
	if (first || pouch->begun)
		(void)!put_from(pouch, run, pouch->count - 1, &later);
}

enum nm_code
nm_pouch_commit(struct nm_pouch *pouch, struct nm_run *run, struct nm_err *err)
{
	enum nm_code rc;

	if (!pouch->count)
		return NM_OK;
	rc = put_from(pouch, run, pouch->count, err);
	if (rc)
		return rc;
	rc = nm_journal_commit(run->journal, err);
	pouch->begun = 0;
	if (rc)
		return rc;
	pouch->count = 0;
	nm_buf_clear(&pouch->rows);
	return NM_OK;
}

void
nm_pouch_release(struct nm_pouch *pouch)
{
	free(pouch->entries);
	nm_buf_release(&pouch->rows);
	memset(pouch, 0, sizeof(*pouch));
}
