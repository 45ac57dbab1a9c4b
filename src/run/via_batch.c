/*
 * via_batch: see the header.
 */
#include "run/via_batch.h"

#include "run/creation.h"
#include "run/deadline.h"
#include "run/fetch.h"
#include "run/headroom.h"
#include "run/look.h"
#include "run/plan.h"
#include "run/poll.h"
#include "run/survey.h"
#include "run/upload.h"

enum {
	PAUSE_FIRST_MS = 250,
	PAUSE_MAX_MS = 60000 /* a deadline may come near */
};

static int
is_waiting(const struct nm_shard_record *shard)
{
	return shard->state < NM_SHARD_CREATED;
}

size_t
nm_via_batch_waiting(const struct nm_run *run)
{
	size_t i, n = 0;

	for (i = 0; i < run->n_shards; i++)
		n += (size_t)is_waiting(&run->shards[i]);
	return n;
}

/* Smaller shards take its place, as one durable step. */
static enum nm_code
split(struct nm_run *run, size_t which, const struct nm_plan_bounds *bounds,
      struct nm_err *err)
{
	struct nm_plan plan = { 0 };
	struct nm_shard_record shard = run->shards[which];
	enum nm_code rc;

	rc = nm_plan_split(&plan, run, &shard, bounds, err);
	if (!rc)
		rc = nm_journal_begin(run->journal, err);
	if (rc)
		goto done;
	rc = nm_run_add_shards(run, plan.shards, plan.n_shards, err);
	shard.state = NM_SHARD_SPLIT;
	if (!rc)
		rc = nm_run_save(run, &shard, err);
	if (rc) {
		nm_journal_rollback(run->journal);
		goto done;
	}
	rc = nm_journal_commit(run->journal, err);
	if (rc)
		goto done;
	run->shards[which] = shard;
	nm_run_note(run, "shard %lld is more than the service takes: split into"
	            " %zu", (long long)shard.number, plan.n_shards);
done:
	nm_plan_release(&plan);
	return rc;
}

static enum nm_code
upload_step(struct nm_run *run, struct nm_shard_record *shard,
            struct nm_err *err)
{
	enum nm_code rc = nm_upload_step(run, shard, err), saved;
	struct nm_err trouble;
	int will = 0;

	if (rc != NM_REFUSED)
		return rc;
	saved = nm_headroom_too_large(run, shard, &will, &trouble);
	if (saved)
		*err = trouble;
	else if (will)
		nm_run_warn(run, "%s: sent in smaller parts", err->text);
	return saved || !will ? err->code : NM_OK;
}

static enum nm_code
creation_step(struct nm_run *run, struct nm_shard_record *shard,
              struct nm_err *err)
{
	enum nm_limit_kind kind = NM_LIMIT_NONE;
	enum nm_code rc = nm_creation_step(run, shard, err);

	if (!rc && shard->state == NM_SHARD_CREATED) {
		run->parts[shard - run->shards].name = shard->batch_id;
		run->parts[shard - run->shards].status = shard->status;
		return NM_OK;
	}
	if (rc == NM_REFUSED || rc == NM_UNREACHABLE) {
		const struct nm_refusal *said = &run->api->refusal;
		struct nm_err trouble;

		if (nm_headroom_learn(run, said->status, said->code,
		                      said->message, said->retry_after_ms,
		                      &kind, &trouble))
			nm_run_warn(run, "%s", trouble.text);
	}
	if (!kind)
		return rc;
	nm_run_warn(run, "%s: waiting for room", err->text);
	return nm_headroom_refused(run, shard, kind,
	                           run->api->refusal.message, err);
}

static enum nm_code
submit_step(struct nm_run *run, struct nm_shard_record *shard,
            struct nm_err *err)
{
	if (shard->state < NM_SHARD_UPLOADED)
		return upload_step(run, shard, err);
	return creation_step(run, shard, err);
}

/* What may exist already is looked for whatever the room; what was refused, before it
 * is sent again or split. */
static enum nm_headroom
room_for(const struct nm_run *run, const struct nm_shard_record *shard,
         struct nm_plan_bounds *bounds)
{
	enum nm_headroom room = nm_headroom_for(run, shard, bounds);

	if (nm_look_is_refused(shard) &&
	    (room == NM_HEADROOM_LATER ||
	     (nm_look_wait_ms(run, shard) &&
	      !nm_setback_wait_ms(run, &run->submitting))))
		return NM_HEADROOM_LATER;
	return nm_look_is_refused(shard) || shard->state == NM_SHARD_CREATING
	       ? NM_HEADROOM_YES : room;
}

/* One step of it; a failure that may pass is borne. */
static enum nm_code
try_step(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	enum nm_shard_state before = shard->state;
	struct nm_setback_terms terms = { 0 };
	enum nm_code rc = submit_step(run, shard, err);

	terms.pause_ms = nm_look_wait_ms(run, shard);
	if (rc)
		return nm_setback_bear(run, &run->submitting, rc, &terms, err);
	/* Nothing to be found is no success yet. */
	if (shard->state > before)
		nm_setback_over(run, &run->submitting);
	return NM_OK;
}

/* Who has said no once is not asked again. */
static enum nm_code
ask_purse(struct nm_run *run, struct nm_err *err)
{
	enum nm_code rc;

	if (!run->purse || run->unpaid.code)
		return NM_OK;
	rc = run->purse->may_send(run->purse->user, err);
	if (rc != NM_USAGE)
		return rc;
	run->unpaid = *err;
	nm_run_warn(run, "%s: %zu of %zu batches are not sent; those that were"
	            " are waited for", err->text, nm_via_batch_waiting(run),
	            run->n_shards);
	return NM_OK;
}

/* What may exist already is looked for; it is withheld where it does not. */
static int
is_unpaid(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return run->unpaid.code && shard->state < NM_SHARD_CREATING;
}

/*
 * Brings one shard to its batch, or leaves it: when there is no room, when nobody pays
 * for it, or when the service has to be given time (*troubled is set).
 */
static enum nm_code
submit_shard(struct nm_run *run, size_t which, int *troubled,
             struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	while (!rc && is_waiting(&run->shards[which])) {
		struct nm_shard_record *shard = &run->shards[which];
		struct nm_plan_bounds bounds;
		enum nm_headroom room = room_for(run, shard, &bounds);

		if (room == NM_HEADROOM_LATER)
			return NM_OK;
		if (room == NM_HEADROOM_NEVER)
			return split(run, which, &bounds, err);
		*troubled = nm_setback_wait_ms(run, &run->submitting) > 0;
		if (*troubled)
			return NM_OK;
		rc = ask_purse(run, err);
		if (rc || is_unpaid(run, shard))
			return rc;
		rc = try_step(run, shard, err);
		if (!rc)
			rc = nm_clock_check(run->clock, err);
	}
	return rc;
}

static enum nm_code
submit_all(struct nm_run *run, int *troubled, struct nm_err *err)
{
	enum nm_code rc;
	size_t i;

	rc = nm_survey(run, troubled, err);
	/* A split appends shards: n_shards may grow meanwhile. */
	for (i = 0; !rc && !*troubled && i < run->n_shards; i++) {
		rc = submit_shard(run, i, troubled, err);
		if (!rc)
			rc = nm_clock_check(run->clock, err);
	}
	return rc;
}

enum nm_code
nm_via_batch_submit(struct nm_run *run, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	int troubled = 0;

	for (;;) {
		int64_t pause_ms;

		if (troubled)
			rc = nm_deadline_heed(run, err);
		if (!rc)
			rc = submit_all(run, &troubled, err);
		if (rc || !troubled)
			return rc;
		pause_ms = nm_setback_wait_ms(run, &run->submitting);
		rc = nm_run_pause(run, pause_ms < PAUSE_MAX_MS
		                  ? pause_ms : PAUSE_MAX_MS, err);
		if (rc)
			return rc;
	}
}

/* What is gone keeps the others from nothing, and is told when they are done. */
static int
is_done(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return shard->state >= NM_SHARD_COLLECTED ||
	       nm_run_has_lost(run, shard);
}

/* Looks at its batch, and fetches what that brought; unless it has to be let be. */
static enum nm_code
follow(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	const struct nm_setback *own = nm_setback_of(run, shard);
	enum nm_code rc = NM_OK;

	if (shard->state == NM_SHARD_CREATED && !is_done(run, shard) &&
	    !nm_setback_wait_ms(run, own))
		rc = nm_poll_step(run, shard, err);
	if (!rc && shard->state == NM_SHARD_ENDED &&
	    !nm_setback_wait_ms(run, own))
		rc = nm_fetch_step(run, shard, err);
	return rc;
}

/* One round over all shards; *left counts those that are not done. */
static enum nm_code
round_of(struct nm_run *run, size_t *left, int *moved, struct nm_err *err)
{
	enum nm_code rc = nm_deadline_heed(run, err);
	int troubled;
	size_t i;

	/* What cannot be sent keeps nobody from what can be fetched. */
	if (!rc)
		rc = submit_all(run, &troubled, err);
	*left = 0;
	for (i = 0; !rc && i < run->n_shards; i++) {
		struct nm_shard_record *shard = &run->shards[i];
		enum nm_shard_state before = shard->state;

		rc = follow(run, shard, err);
		*left += (size_t)(!is_done(run, shard) &&
		                  !is_unpaid(run, shard));
		*moved |= shard->state != before;
	}
	return rc;
}

enum nm_code
nm_via_batch_finish(struct nm_run *run, struct nm_err *err)
{
	int64_t pause_ms = PAUSE_FIRST_MS;
	enum nm_code rc;
	size_t left;

	for (;;) {
		int moved = 0;

		rc = round_of(run, &left, &moved, err);
		if (rc || !left)
			break;
		if (pause_ms > run->settings.poll_interval_ms)
			pause_ms = run->settings.poll_interval_ms;
		/* Where one ended there may be room for the next at once. */
		rc = moved ? nm_clock_check(run->clock, err)
		           : nm_run_pause(run, pause_ms, err);
		if (rc)
			break;
		pause_ms += pause_ms / 2;
	}
	if (!rc)
		nm_run_progress(run);
	if (!rc && run->gone.code) {
		*err = run->gone;
		rc = err->code;
	}
	return rc;
}
