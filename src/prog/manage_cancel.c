/*
 * manage_cancel: --cancel: asks the service to stop a batch, and says what became
 * of it. Asking twice is asking once. A run's id is for manage_leave.
 */
#include "prog/batch_sight.h"
#include "task/batch_id.h"

enum { CONFLICT = 409 };

/* What became of the wish: a word for programs, and a sentence. */
static void
describe(const struct nm_batch *batch, const char **outcome, char *said,
         size_t said_bytes)
{
	*outcome = batch->status_text;
	if (batch->status == NM_BATCH_CANCELLED) {
		*outcome = "cancelled";
		snprintf(said, said_bytes, "is cancelled; what it had finished "
		         "is kept");
	} else if (batch->status == NM_BATCH_CANCELLING) {
		*outcome = "cancelling";
		snprintf(said, said_bytes, "is being cancelled, which may take "
		         "10 minutes; what it has finished is kept");
	} else if (nm_batch_is_final(batch->status)) {
		snprintf(said, said_bytes, "is already %s; there is nothing "
		         "left to cancel", batch->status_text);
	} else {
		snprintf(said, said_bytes, "was asked to stop, and is %s still",
		         batch->status_text);
	}
}

static void
print(struct nm_manager *manager, const struct nm_batch *batch,
      const char *outcome, const char *said)
{
	struct nm_buf text = {0}, next = {0};
	struct nm_batch_view view;

	if (nm_manager_wants_json(manager)) {
		nm_manager_print_batch(manager, batch, outcome);
		return;
	}
	nm_manager_view(manager, batch, &view);
	nm_batch_view_next(&view, &next);
	nm_buf_addf(&text, "%s %s.\n", batch->id, said);
	if (next.len)
		nm_buf_addf(&text, "\n%s\n  %s\n",
		            nm_batch_is_final(batch->status)
		            ? "To retrieve what was finished, run:"
		            : "To look again, run:", nm_buf_string(&next));
	nm_manager_print(&text);
	nm_buf_release(&text);
	nm_buf_release(&next);
}

static bool
is_too_late(const struct nm_batch *batch)
{
	return nm_batch_is_final(batch->status) &&
	       batch->status != NM_BATCH_CANCELLED;
}

enum nm_code
nm_manage_cancel(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_api *api = &manager->service.api;
	struct nm_arena arena = {0};
	struct nm_batch batch;
	const char *id, *outcome;
	char said[160];
	enum nm_code rc = nm_manager_id(manager, &id, err);

	if (rc)
		return rc;
	if (nm_batch_id_is_run(id))
		return nm_manage_leave(manager, id, err);
	rc = nm_batches_cancel(api, id, &arena, &batch, err);
	if (rc == NM_REFUSED && err->detail == CONFLICT)
		rc = nm_batches_get(api, id, &arena, &batch, err);
	if (rc) {
		rc = nm_batch_sight_explain(manager, id, rc, err);
		goto done;
	}
	nm_batch_sight_keep(manager, &batch);
	describe(&batch, &outcome, said, sizeof(said));
	if (!is_too_late(&batch) || nm_manager_wants_json(manager))
		print(manager, &batch, outcome, said);
	if (is_too_late(&batch))
		rc = nm_fail(err, NM_UNFINISHED, 0, "%s %s", batch.id, said);
done:
	nm_arena_release(&arena);
	return rc;
}
