/*
 * harvest_parts: which batches' files a harvest is of.
 */
#include <inttypes.h>
#include <unistd.h>

#include "prog/batch_sight.h"
#include "prog/harvest.h"
#include "run/batch_run.h"
#include "run/sisters.h"
#include "state/answers.h"
#include "task/parcel.h"

static const char *
present(const char *path)
{
	return path[0] && access(path, R_OK) == 0 ? path : "";
}

static void
take_shards(struct nm_harvest *harvest, const struct nm_batch_run *run)
{
	size_t i;

	harvest->parts = nm_arena_array(&harvest->arena, run->n_shards + 1,
	                                sizeof(*harvest->parts));
	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		if (!shard->batch_id[0])
			continue;
		harvest->parts[harvest->n_parts++] = (struct nm_harvest_part){
			.id = shard->batch_id,
			.attempt = shard->attempt,
			.output_path = present(shard->output_path),
			.error_path = present(shard->error_path),
		};
	}
}

static enum nm_code
count_answer(void *context, const struct nm_answer_record *answer,
             struct nm_err *err)
{
	int64_t *n = context;

	(void)answer;
	(void)err;
	++*n;
	return NM_OK;
}

/* A canary's answers, and those of --finish-direct, are in no batch. */
static void
tell_direct(const struct nm_harvest *harvest, const struct nm_run_record *run)
{
	struct nm_manager *manager = harvest->manager;
	struct nm_err ignored;
	int64_t n = 0;

	if (nm_answers_walk(manager->journal, run->id, count_answer, &n,
	                    &ignored) || !n)
		return;
	nm_message_note(&manager->message, "%" PRId64 " answer%s of run %s came "
	                "directly and %s in no batch: %s", n,
	                n == 1 ? "" : "s", run->id, n == 1 ? "is" : "are",
	                run->results_path[0] ? run->results_path
	                : "its results will have them");
}

/* By the journal, if it knows the batch's run and that is of this service. Its request
 * file is the same one where the key was replaced. */
static void
recall_parts(struct nm_harvest *harvest)
{
	struct nm_manager *manager = harvest->manager;
	struct nm_batch_run run;
	struct nm_err err;

	if (nm_manager_find_journal(manager, &err) ||
	    nm_batch_run_find(manager->journal, harvest->id, &harvest->arena,
	                      &run, &err))
		return;
	harvest->requests = nm_parcel_find_file(&run.record, &harvest->arena);
	if (!nm_account_owns(&manager->service.account, run.record.account))
		return;
	take_shards(harvest, &run);
	tell_direct(harvest, &run.record);
	harvest->run = run.record;
	harvest->run_id = run.record.id;
}

static void
take_sisters(struct nm_harvest *harvest, const struct nm_sisters *sisters)
{
	size_t i;

	harvest->parts = nm_arena_array(&harvest->arena, sisters->n,
	                                sizeof(*harvest->parts));
	for (i = 0; i < sisters->n; i++)
		harvest->parts[harvest->n_parts++] = (struct nm_harvest_part){
			.id = sisters->batches[i].id,
			.attempt = nm_sisters_attempt(&sisters->batches[i]),
			.output_path = "",
			.error_path = "",
		};
	harvest->run_id = nm_batch_metadata(&sisters->batches[0], "run");
}

/* By what the service tells: the batch alone, unless its run was sent by this
 * program, from another machine or before the journal was lost. */
static enum nm_code
look_for_parts(struct nm_harvest *harvest, struct nm_err *err)
{
	struct nm_manager *manager = harvest->manager;
	struct nm_sisters sisters;
	struct nm_batch batch;
	enum nm_code rc;

	rc = nm_batch_sight(manager, harvest->id, &harvest->arena, &batch, err);
	if (rc)
		return rc;
	sisters = (struct nm_sisters){ &batch, 1 };
	/* Others have runs of their own in their metadata. */
	if (nm_batch_metadata(&batch, "tag")[0])
		rc = nm_sisters_find(&manager->service.api, &batch,
		                     &harvest->arena, &sisters, err);
	if (rc == NM_ABSENT || rc == NM_REFUSED) {
		nm_message_warn(&manager->message, "%s: whether %s has sisters "
		                "cannot be seen", err->text, harvest->id);
		rc = NM_OK;
	}
	if (!rc)
		take_sisters(harvest, &sisters);
	return rc;
}

enum nm_code
nm_harvest_find_parts(struct nm_harvest *harvest, struct nm_err *err)
{
	recall_parts(harvest);
	return harvest->n_parts ? NM_OK : look_for_parts(harvest, err);
}
