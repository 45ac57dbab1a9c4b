#include "server/ending.h"

#include "server/pass.h"

enum { RESULTS_LIVE_S = 30 * 86400 };

static enum nm_code
publish(struct nm_job *job, struct nm_desk *desk,
        const struct nm_batch_fault *fault, enum nm_shelf_side side,
        struct nm_stored_file *file, struct nm_err *err)
{
	int64_t bytes = side == NM_SHELF_OUTPUT
	                ? job->batch.books.output_bytes
	                : job->batch.books.error_bytes;
	int64_t now_s = nm_vclock_now_s(desk->parts->clock);
	char id[NM_ID_MAX];

	if (bytes == 0)
		return NM_OK;
	nm_shelf_file_id(job->id, side, id);
	*file = (struct nm_stored_file){
		.id = nm_arena_string(&job->arena, id),
		.tenant = job->batch.tenant,
		.filename = nm_arena_printf(&job->arena, "%s_%s.jsonl", job->id,
			side == NM_SHELF_OUTPUT ? "output" : "error"),
		.purpose = "batch_output",
		.bytes = bytes,
		.created_s = now_s,
		.expires_s = now_s + (job->batch.results_live_s ?
			job->batch.results_live_s : RESULTS_LIVE_S),
	};
	return nm_shelf_publish(desk->parts->store, job->id, side,
		fault->shuffled && side == NM_SHELF_OUTPUT ? &fault->order_seed :
		NULL, err);
}

enum nm_code
nm_ending_settle(struct nm_job *job, struct nm_desk *desk, struct nm_err *err)
{
	enum nm_code rc;

	rc = nm_pass_open_shelf(job, desk, &job->batch.books, err);
	if (!rc)
		rc = nm_shelf_sync(&desk->shelf, err);
	nm_shelf_close(&desk->shelf);
	return rc;
}

enum nm_code
nm_ending_reach(struct nm_job *job, struct nm_desk *desk,
                const struct nm_batch_fault *fault, enum nm_batch_state to,
                struct nm_err *err)
{
	struct nm_stored_file files[NM_SHELF_SIDES] = {{0}};
	struct nm_batch_move step = { .from = job->batch.state, .to = to,
		.now_s = nm_vclock_now_s(desk->parts->clock),
		.books = &job->batch.books };
	enum nm_code rc;

	rc = nm_ending_settle(job, desk, err);
	for (int side = 0; side < NM_SHELF_SIDES && !rc; side++)
		rc = publish(job, desk, fault, (enum nm_shelf_side)side,
		             &files[side], err);
	if (!rc)
		rc = nm_store_batch_finish(desk->parts->store, job->id, &step,
			files[NM_SHELF_OUTPUT].id ? &files[NM_SHELF_OUTPUT] : NULL,
			files[NM_SHELF_ERROR].id ? &files[NM_SHELF_ERROR] : NULL,
			err);
	if (rc == NM_HELD)
		return nm_job_keep(job, desk, fault, err);
	if (rc)
		return rc;
	job->batch.state = to;
	nm_shelf_clear(desk->parts->store, job->id);
	return NM_OK;
}
