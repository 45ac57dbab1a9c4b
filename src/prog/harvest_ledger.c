/*
 * harvest_ledger: what a harvest tells at its end.
 */
#include <inttypes.h>

#include "prog/harvest.h"

static void
add_count(struct nm_sheet *sheet, const char *key, uint64_t count)
{
	if (count)
		nm_sheet_add(sheet, key, "%" PRIu64, count);
}

static void
write_ledger(const struct nm_harvest *harvest, struct nm_buf *out)
{
	const struct nm_gathering_counts *counts = &harvest->gathering.counts;
	struct nm_sheet sheet = {0};

	if (!harvest->outlet.standard)
		nm_sheet_add(&sheet, "Saved", "%s",
		             nm_buf_string(&harvest->outlet.path));
	nm_sheet_add(&sheet, "Requests", "%" PRIu64, counts->requests);
	nm_sheet_add(&sheet, "Succeeded", "%" PRIu64, counts->succeeded);
	add_count(&sheet, "Failed", counts->failed);
	add_count(&sheet, "Expired", counts->expired);
	add_count(&sheet, "Cancelled", counts->cancelled);
	add_count(&sheet, "Missing", counts->missing);
	add_count(&sheet, "Rows left out: doubled", counts->duplicate);
	add_count(&sheet, "  never asked for", counts->unknown);
	add_count(&sheet, "  unreadable", counts->malformed);
	nm_sheet_write(&sheet, 0, out);
	nm_sheet_release(&sheet);
}

static void
write_json(const struct nm_harvest *harvest, struct nm_buf *out)
{
	const struct nm_gathering_counts *counts = &harvest->gathering.counts;
	struct nm_json_writer w = { .out = out, .indent = 2 };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "path", nm_buf_string(&harvest->outlet.path));
	nm_json_open_array(&w, "batches");
	for (i = 0; i < harvest->n_parts; i++)
		nm_json_put_string(&w, NULL, harvest->parts[i].id);
	nm_json_close_array(&w);
	nm_json_put_int(&w, "requests", (int64_t)counts->requests);
	nm_json_put_int(&w, "succeeded", (int64_t)counts->succeeded);
	nm_json_put_int(&w, "failed", (int64_t)counts->failed);
	nm_json_put_int(&w, "expired", (int64_t)counts->expired);
	nm_json_put_int(&w, "cancelled", (int64_t)counts->cancelled);
	nm_json_put_int(&w, "missing", (int64_t)counts->missing);
	nm_json_put_int(&w, "duplicate_rows", (int64_t)counts->duplicate);
	nm_json_put_int(&w, "unknown_rows", (int64_t)counts->unknown);
	nm_json_put_int(&w, "malformed_rows", (int64_t)counts->malformed);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}

/* Where the lines are on standard output, the ledger is talk. */
void
nm_harvest_tell(const struct nm_harvest *harvest)
{
	struct nm_buf text = {0};

	if (nm_manager_wants_json(harvest->manager))
		write_json(harvest, &text);
	else
		write_ledger(harvest, &text);
	if (harvest->outlet.standard)
		nm_message_plain(&harvest->manager->message, "%.*s",
		                 (int)text.len - 1, nm_buf_string(&text));
	else
		nm_manager_print(&text);
	nm_buf_release(&text);
}
