/*
 * failure: see the header.
 */
#include "run/failure.h"

#include <stdlib.h>

enum { REASONS_MAX = 10000, CODE_MAX = 200, MESSAGE_MAX = 1000 };

/* Cut at a character. */
static struct nm_text
keep(struct nm_arena *arena, struct nm_text text, size_t max)
{
	if (text.len > max)
		text.len = nm_json_utf8_valid(text.at, max);
	return nm_arena_text(arena, text);
}

static struct nm_failure *
new_failure(struct nm_failures *failures)
{
	if (failures->n == failures->room) {
		failures->room = failures->room ? 2 * failures->room : 16;
		failures->list =
			realloc(failures->list,
		                failures->room * sizeof(*failures->list));
		if (!failures->list)
			nm_die("out of memory");
	}
	failures->list[failures->n] = (struct nm_failure){0};
	return &failures->list[failures->n++];
}

/* A service that gives each row a code of its own ends in one group. */
static struct nm_failure *
find(struct nm_failures *failures, const struct nm_row *row)
{
	uint32_t place = (uint32_t)failures->n;
	struct nm_failure *failure;
	struct nm_buf key = {0};
	int known;

	nm_buf_addf(&key, "%d %d ", (int)row->class, row->status_code);
	if (failures->n < REASONS_MAX)
		nm_buf_add_text(&key, row->error_code);
	known = nm_map_add(&failures->reasons, nm_buf_text(&key), &place);
	nm_buf_release(&key);
	if (known)
		return &failures->list[place];
	failure = new_failure(failures);
	failure->class = row->class;
	failure->status = row->status_code;
	failure->code = keep(&failures->arena, row->error_code, CODE_MAX);
	failure->message = keep(&failures->arena, row->error_message,
	                        MESSAGE_MAX);
	return failure;
}

/* With its length before it, since it may hold a NUL. */
static void
add_id(struct nm_buf *ids, struct nm_text id)
{
	nm_buf_add(ids, &id.len, sizeof(id.len));
	nm_buf_add_text(ids, id);
}

void
nm_failures_add(struct nm_failures *failures, const struct nm_row *row)
{
	struct nm_failure *failure;

	if (row->kind != NM_ROW_READ || !nm_class_is_instrument(row->class))
		return;
	failure = find(failures, row);
	failure->count++;
	failures->rows++;
	add_id(&failure->custom_ids, row->custom_id);
}

bool
nm_failure_next_id(const struct nm_failure *failure, size_t *at,
                   struct nm_text *id)
{
	struct nm_text ids = nm_buf_text(&failure->custom_ids);
	size_t len;

	if (*at >= ids.len)
		return false;
	memcpy(&len, ids.at + *at, sizeof(len));
	*id = (struct nm_text){ ids.at + *at + sizeof(len), len };
	*at += sizeof(len) + len;
	return true;
}

static int
compare_texts(struct nm_text a, struct nm_text b)
{
	size_t both = a.len < b.len ? a.len : b.len;
	int order = both ? memcmp(a.at, b.at, both) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare(const void *left, const void *right)
{
	const struct nm_failure *a = left, *b = right;

	if (a->count != b->count)
		return (a->count < b->count) - (a->count > b->count);
	return compare_texts(a->code, b->code);
}

void
nm_failures_sort(struct nm_failures *failures)
{
	if (failures->n)
		qsort(failures->list, failures->n, sizeof(*failures->list),
		      compare);
	nm_map_release(&failures->reasons);
}

void
nm_failures_release(struct nm_failures *failures)
{
	size_t i;

	for (i = 0; i < failures->n; i++)
		nm_buf_release(&failures->list[i].custom_ids);
	free(failures->list);
	nm_map_release(&failures->reasons);
	nm_arena_release(&failures->arena);
	memset(failures, 0, sizeof(*failures));
}
