/*
 * manage_list: --list: the account's batches, page by page, newest first.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "cli/terminal.h"
#include "prog/batch_sight.h"

enum {
	PAGE_MAX = 100,
	WIDE_COLUMNS = 120 /* with room for a description beside the rest */
};

/* Invariant: no two have the same id. */
struct listing {
	struct nm_batch *batches;
	size_t           count;
	size_t           room;
	size_t           limit;
	struct nm_map    ids;
	struct nm_arena  arena;
};

static void
take(struct listing *listing, const struct nm_batch *batch)
{
	uint32_t value = 0;

	if (listing->count == listing->limit ||
	    nm_map_add(&listing->ids, nm_text_of(batch->id), &value))
		return;
	if (listing->count == listing->room) {
		listing->room = listing->room ? 2 * listing->room : PAGE_MAX;
		listing->batches =
			realloc(listing->batches,
		                listing->room * sizeof(*listing->batches));
		if (!listing->batches)
			nm_die("out of memory");
	}
	listing->batches[listing->count++] = *batch;
}

/* A page without a batch that is new means that the service does not page: to ask
 * on would never end. */
static enum nm_code
take_page(struct nm_manager *manager, struct listing *listing,
          const char **after, struct nm_err *err)
{
	size_t left = listing->limit - listing->count;
	size_t before = listing->count, i;
	struct nm_batches_page page;
	enum nm_code rc;

	rc = nm_batches_list(&manager->service.api, *after,
	                     (int)(left < PAGE_MAX ? left : PAGE_MAX),
	                     &listing->arena, &page, err);
	if (rc)
		return rc;
	for (i = 0; i < page.count; i++)
		take(listing, &page.batches[i]);
	*after = page.more ? page.after : "";
	if (page.more && listing->count == before) {
		nm_message_warn(&manager->message, "the service repeats a page; "
		                "the list may end too early");
		*after = "";
	}
	return NM_OK;
}

/* Newest first. By insertion: equal times keep the service's order, which is right
 * already but for strays. */
static void
sort(struct listing *listing)
{
	size_t i, k;

	for (i = 1; i < listing->count; i++) {
		struct nm_batch moved = listing->batches[i];

		for (k = i; k > 0 &&
		     listing->batches[k - 1].created_s < moved.created_s; k--)
			listing->batches[k] = listing->batches[k - 1];
		listing->batches[k] = moved;
	}
}

static void
print_created(const struct nm_batch *batch, char *out)
{
	out[0] = '\0';
	if (batch->created_s)
		nm_clock_local(batch->created_s * 1000, out);
}

static void
print_done(const struct nm_batch *batch, char *out, size_t out_bytes)
{
	out[0] = '\0';
	if (batch->total > 0)
		snprintf(out, out_bytes, "%" PRId64 "/%" PRId64,
		         batch->completed > 0 ? batch->completed : 0,
		         batch->total);
}

static void
add_row(struct nm_table *table, const struct nm_batch *batch)
{
	char created[NM_CLOCK_TEXT_MAX], done[64], failed[32] = "";
	const char *cells[] = {
		batch->id, batch->status_text, created, done, failed,
		nm_batch_metadata(batch, "description")
	};

	print_created(batch, created);
	print_done(batch, done, sizeof(done));
	if (batch->failed > 0)
		snprintf(failed, sizeof(failed), "%" PRId64, batch->failed);
	nm_table_add(table, cells);
}

static void
add_narrow_row(struct nm_table *table, const struct nm_batch *batch)
{
	char created[NM_CLOCK_TEXT_MAX], done[64];
	const char *cells[] = { batch->id, batch->status_text, created, done };

	print_created(batch, created);
	created[strnlen(created, strlen("2026-01-02 03:04"))] = '\0';
	print_done(batch, done, sizeof(done));
	nm_table_add(table, cells);
}

/* What the narrow table has no room for. */
static void
add_second_line(const struct nm_batch *batch, int width, struct nm_buf *out)
{
	const char *description = nm_batch_metadata(batch, "description");
	struct nm_buf line = {0};

	nm_buf_addf(&line, "    %s", description);
	if (batch->failed > 0)
		nm_buf_addf(&line, "%s%" PRId64 " failed",
		            description[0] ? ", " : "", batch->failed);
	if (description[0] || batch->failed > 0) {
		nm_terminal_add(out, nm_buf_text(&line), width);
		nm_buf_add_byte(out, '\n');
	}
	nm_buf_release(&line);
}

static void
write_narrow(const struct listing *listing, int width, struct nm_buf *out)
{
	static const struct nm_table_column columns[] = {
		{ "Batch", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Status", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Created", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Done", NM_TABLE_RIGHT, NM_TABLE_WHOLE },
	};
	struct nm_buf lines = {0};
	struct nm_table table;
	const char *at, *end;
	size_t i;

	nm_table_open(&table, columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < listing->count; i++)
		add_narrow_row(&table, &listing->batches[i]);
	nm_table_write(&table, width, &lines);
	at = nm_buf_string(&lines);
	for (i = 0; i <= listing->count && (end = strchr(at, '\n')); i++) {
		nm_buf_add(out, at, (size_t)(end - at) + 1);
		at = end + 1;
		/* The first line is the heading. */
		if (i > 0)
			add_second_line(&listing->batches[i - 1], width, out);
	}
	nm_table_release(&table);
	nm_buf_release(&lines);
}

static void
write_wide(const struct listing *listing, int width, struct nm_buf *out)
{
	static const struct nm_table_column columns[] = {
		{ "Batch", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Status", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Created", NM_TABLE_LEFT, NM_TABLE_WHOLE },
		{ "Done", NM_TABLE_RIGHT, NM_TABLE_WHOLE },
		{ "Failed", NM_TABLE_RIGHT, NM_TABLE_WHOLE },
		{ "Description", NM_TABLE_LEFT, NM_TABLE_CUT },
	};
	struct nm_table table;
	size_t i;

	nm_table_open(&table, columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < listing->count; i++)
		add_row(&table, &listing->batches[i]);
	nm_table_write(&table, width, out);
	nm_table_release(&table);
}

/* By its description whoever lost an id knows a batch again: it has to be seen. */
static void
write_table(const struct listing *listing, struct nm_buf *out)
{
	int width = nm_terminal_width(1);

	if (!listing->count)
		nm_buf_add_string(out, "There are no batches.\n");
	else if (width && width < WIDE_COLUMNS)
		write_narrow(listing, width, out);
	else
		write_wide(listing, width, out);
}

static void
write_json(struct nm_manager *manager, const struct listing *listing,
           struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };
	struct nm_batch_view view;
	size_t i;

	nm_json_open_array(&w, NULL);
	for (i = 0; i < listing->count; i++) {
		nm_manager_view(manager, &listing->batches[i], &view);
		nm_json_open_object(&w, NULL);
		nm_batch_view_put_members(&view, &w);
		nm_json_close_object(&w);
	}
	nm_json_close_array(&w);
	nm_buf_add_byte(out, '\n');
}

static enum nm_code
read_all(struct nm_manager *manager, struct listing *listing,
         struct nm_err *err)
{
	const char *after = "";
	enum nm_code rc;

	do
		rc = take_page(manager, listing, &after, err);
	while (!rc && after[0] && listing->count < listing->limit);
	return rc;
}

/* One that the server inside this process has yet to catch up with is looked at
 * again; the others stand as they are. */
static enum nm_code
see_again(struct nm_manager *manager, struct listing *listing,
          struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < listing->count; i++)
		if (nm_batch_is_behind(manager, &listing->batches[i]))
			rc = nm_batch_sight(manager, listing->batches[i].id,
			                    &listing->arena,
			                    &listing->batches[i], err);
	return rc;
}

enum nm_code
nm_manage_list(struct nm_manager *manager, struct nm_err *err)
{
	struct listing listing = {
		.limit = (size_t)nm_options_whole(&manager->options,
		                                  MANAGER_LIMIT),
	};
	struct nm_buf text = {0};
	enum nm_code rc;

	rc = read_all(manager, &listing, err);
	if (!rc)
		rc = see_again(manager, &listing, err);
	if (rc)
		goto done;
	sort(&listing);
	if (nm_manager_wants_json(manager))
		write_json(manager, &listing, &text);
	else
		write_table(&listing, &text);
	nm_manager_print(&text);
done:
	nm_buf_release(&text);
	nm_map_release(&listing.ids);
	nm_arena_release(&listing.arena);
	free(listing.batches);
	return rc;
}
