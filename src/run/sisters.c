/*
 * sisters: see the header.
 */
#include "run/sisters.h"

#include <stdlib.h>

/* Later attempts follow the first within days. */
enum { WITHIN_S = 7 * 86400, PAGE_BATCHES = 100 };

static int64_t
told(const struct nm_batch *batch, const char *pair_name)
{
	int64_t value = strtoll(nm_batch_metadata(batch, pair_name), NULL, 10);

	return value > 0 && value < INT32_MAX ? value : 1;
}

int64_t
nm_sisters_attempt(const struct nm_batch *batch)
{
	return told(batch, "attempt");
}

static int
by_place(const void *a, const void *b)
{
	int64_t x = nm_sisters_attempt(a), y = nm_sisters_attempt(b);

	if (x == y) {
		x = told(a, "shard");
		y = told(b, "shard");
	}
	return (x > y) - (x < y);
}

/* Is all that follows older? Of lists that begin with the oldest, nothing is. */
static bool
is_past(const struct nm_batches_page *page, int64_t oldest_s)
{
	int64_t first_s = page->batches[0].created_s;
	int64_t last_s = page->batches[page->count - 1].created_s;

	return last_s && last_s < oldest_s && last_s <= first_s;
}

/* `room` is how many have room. */
static void
take_page(const struct nm_batches_page *page, struct nm_arena *arena,
          struct nm_sisters *sisters, size_t *room)
{
	const char *run = nm_batch_metadata(&sisters->batches[0], "run");
	const char *id = sisters->batches[0].id;
	size_t i;

	for (i = 0; i < page->count; i++) {
		const struct nm_batch *other = &page->batches[i];

		if (strcmp(nm_batch_metadata(other, "run"), run) != 0 ||
		    strcmp(other->id, id) == 0)
			continue;
		if (sisters->n == *room)
			sisters->batches = nm_arena_grow(
				arena, sisters->batches, room,
				sizeof(*sisters->batches));
		sisters->batches[sisters->n++] = *other;
	}
}

enum nm_code
nm_sisters_find(struct nm_api *api, const struct nm_batch *batch,
                struct nm_arena *arena, struct nm_sisters *sisters,
                struct nm_err *err)
{
	struct nm_batches_page page = { .after = NULL };
	int64_t oldest_s = batch->created_s - WITHIN_S;
	enum nm_code rc;
	size_t room = 0;

	sisters->batches = nm_arena_grow(arena, NULL, &room,
	                                 sizeof(*sisters->batches));
	sisters->batches[0] = *batch;
	sisters->n = 1;
	if (!nm_batch_metadata(batch, "run")[0])
		return NM_OK;
	do {
		rc = nm_batches_list(api, page.after, PAGE_BATCHES, arena,
		                     &page, err);
		if (!rc)
			take_page(&page, arena, sisters, &room);
	} while (!rc && page.more && page.count && !is_past(&page, oldest_s));
	qsort(sisters->batches, sisters->n, sizeof(*sisters->batches),
	      by_place);
	return rc;
}
