/*
 * manage_status: --status: one batch, and the command to run next.
 */
#include "prog/batch_sight.h"

/* The journal is a courtesy here: without it, or with a damaged one, the service's
 * own words are enough. */
static const struct nm_batch_run *
find_run(struct nm_manager *manager, const char *id, struct nm_arena *arena,
         struct nm_batch_run *run)
{
	struct nm_err err;

	if (nm_manager_find_journal(manager, &err) ||
	    nm_batch_run_find(manager->journal, id, arena, run, &err))
		return NULL;
	return run;
}

/* What stands on the lines that a failed batch complains of. */
static void
fetch_quotes(struct nm_manager *manager, const struct nm_batch *batch,
             struct nm_request_quote *quotes, size_t *n_quotes,
             struct nm_arena *arena)
{
	size_t n = batch->n_errors < NM_BATCH_ERRORS_SHOWN
	                   ? batch->n_errors
	                   : NM_BATCH_ERRORS_SHOWN;
	size_t i;

	for (i = 0; i < n; i++)
		quotes[i].line = batch->errors[i].line;
	nm_request_quotes_fetch(&manager->service.api, batch->input_file_id,
	                        quotes, n, arena);
	*n_quotes = n;
}

void
nm_manager_view(struct nm_manager *manager, const struct nm_batch *batch,
                struct nm_batch_view *view)
{
	*view = (struct nm_batch_view){
		.batch = batch,
		.now_ms = nm_clock_wall_ms(&manager->service.clock),
		.typed = manager->typed,
		.flags = nm_buf_string(&manager->service.flags),
	};
}

void
nm_manager_print_batch(struct nm_manager *manager,
                       const struct nm_batch *batch, const char *outcome)
{
	struct nm_request_quote quotes[NM_BATCH_ERRORS_SHOWN] = {0};
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2 };
	struct nm_arena arena = {0};
	struct nm_batch_view view;
	struct nm_batch_run run;

	nm_manager_view(manager, batch, &view);
	view.run = find_run(manager, batch->id, &arena, &run);
	if (batch->n_errors) {
		fetch_quotes(manager, batch, quotes, &view.n_quotes, &arena);
		view.quotes = quotes;
	}
	if (nm_manager_wants_json(manager)) {
		nm_json_open_object(&w, NULL);
		nm_batch_view_put_members(&view, &w);
		if (outcome)
			nm_json_put_string(&w, "outcome", outcome);
		nm_json_close_object(&w);
		nm_buf_add_byte(&text, '\n');
	} else {
		nm_batch_view_write(&view, &text);
	}
	nm_manager_print(&text);
	nm_buf_release(&text);
	nm_arena_release(&arena);
}

enum nm_code
nm_manage_status(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_batch batch;
	const char *id;
	enum nm_code rc = nm_manager_id(manager, &id, err);

	if (!rc)
		rc = nm_batch_sight(manager, id, &arena, &batch, err);
	if (!rc)
		nm_manager_print_batch(manager, &batch, NULL);
	nm_arena_release(&arena);
	return rc;
}
