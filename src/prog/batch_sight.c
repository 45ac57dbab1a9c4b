/*
 * batch_sight: see the header.
 */
#include "prog/batch_sight.h"

#include "run/batch_run.h"
#include "task/batch_id.h"

bool
nm_batch_is_behind(const struct nm_manager *manager,
                   const struct nm_batch *batch)
{
	int64_t now_ms = nm_clock_wall_ms(&manager->service.clock);
	int64_t since_s = batch->cancelling_s ? batch->cancelling_s
	                                      : batch->created_s;

	return manager->service.server && !nm_batch_is_final(batch->status) &&
	       now_ms - since_s * 1000 > NM_BATCH_SIGHT_PATIENCE_MS;
}

enum nm_code
nm_batch_sight_explain(struct nm_manager *manager, const char *id,
                       enum nm_code rc, struct nm_err *err)
{
	const struct nm_account *account = &manager->service.account;
	struct nm_run_record record;
	struct nm_arena arena = {0};
	struct nm_err ignored;

	if (rc == NM_ABSENT && nm_batch_id_is_run(id))
		return nm_fail(err, NM_ABSENT, err->detail, "%s is a run's id, "
		               "if any: %s wants that of a batch, as --runs "
		               "shows them", id,
		               nm_options_name(&manager->options,
		                               (int)manager->action));
	if (rc != NM_ABSENT || nm_manager_find_journal(manager, &ignored) ||
	    nm_runs_of_batch(manager->journal, id, &arena, &record, &ignored))
		goto done;
	if (nm_account_owns(account, record.account))
		goto done;
	if (strcmp(record.account, "local") == 0)
		rc = nm_fail(err, NM_ABSENT, err->detail, "%s was made with "
		             "--local: it is found there alone", id);
	else
		rc = nm_fail(err, NM_ABSENT, err->detail, "%s was made with "
		             "another service or key: it is found there alone "
		             "(%s)", id, record.account);
done:
	nm_arena_release(&arena);
	return rc;
}

/* Of a batch that is being cancelled an older look may come late. */
static bool
is_news(const struct nm_shard_record *shard, const struct nm_batch *batch)
{
	return shard->state == NM_SHARD_CREATED &&
	       strcmp(shard->status, batch->status_text) != 0 &&
	       (strcmp(shard->status, "cancelling") != 0 ||
	        nm_batch_is_final(batch->status));
}

static enum nm_code
find_news(struct nm_manager *manager, const struct nm_batch *batch,
          struct nm_arena *arena, struct nm_shard_record *shard,
          struct nm_err *err)
{
	const struct nm_account *account = &manager->service.account;
	struct nm_batch_run run;
	enum nm_code rc = nm_batch_run_find(manager->journal, batch->id, arena,
	                                    &run, err);

	if (rc)
		return rc;
	*shard = run.shards[run.place];
	return nm_account_owns(account, run.record.account) &&
	       is_news(shard, batch)
		? NM_OK : nm_fail(err, NM_ABSENT, 0, "there is no news");
}

/* The record is read and written in one transaction: no step of another process can
 * come between. */
void
nm_batch_sight_keep(struct nm_manager *manager, const struct nm_batch *batch)
{
	struct nm_shard_record shard;
	struct nm_arena arena = {0};
	struct nm_err ignored;
	enum nm_code rc;

	if (nm_manager_find_journal(manager, &ignored) ||
	    find_news(manager, batch, &arena, &shard, &ignored) ||
	    nm_journal_begin(manager->journal, &ignored))
		goto done;
	rc = find_news(manager, batch, &arena, &shard, &ignored);
	if (!rc) {
		shard.status = batch->status_text;
		rc = nm_shards_save(manager->journal, &shard, &ignored);
	}
	if (!rc)
		rc = nm_journal_commit(manager->journal, &ignored);
	if (rc)
		nm_journal_rollback(manager->journal);
done:
	nm_arena_release(&arena);
}

enum nm_code
nm_batch_sight(struct nm_manager *manager, const char *id,
               struct nm_arena *arena, struct nm_batch *out,
               struct nm_err *err)
{
	const struct nm_clock *clock = &manager->service.clock;
	int64_t until_ms = nm_clock_mono_ms(clock) +
	                   NM_BATCH_SIGHT_PATIENCE_MS;
	enum nm_code rc;

	for (;;) {
		rc = nm_batches_get(&manager->service.api, id, arena, out, err);
		if (rc)
			return nm_batch_sight_explain(manager, id, rc, err);
		if (!nm_batch_is_behind(manager, out) ||
		    nm_clock_mono_ms(clock) >= until_ms)
			break;
		rc = nm_clock_sleep(clock, NM_BATCH_SIGHT_PAUSE_MS, err);
		if (rc)
			return rc;
	}
	nm_batch_sight_keep(manager, out);
	return NM_OK;
}
