/*
 * deadline: see the header.
 */
#include "run/deadline.h"

#include "run/creation.h"
#include "run/look.h"

enum {
	DAY_S = 86400,
	LATE_MS = 3600000, /* clocks differ, and services are late */
	GIVEN_UP_MS = 3600000 /* cancelling takes up to ten minutes */
};

static const char NEAR_NOTE[] = "cancelled: the deadline was near";
static const char STUCK_NOTE[] = "cancelled: it was stuck";
static const char CANCELLING[] = "cancelling"; /* the service's word */

int
nm_deadline_ended(const struct nm_shard_record *shard)
{
	return strcmp(shard->note, NEAR_NOTE) == 0 ||
	       strcmp(shard->note, STUCK_NOTE) == 0;
}

int
nm_deadline_gave_up(const struct nm_shard_record *shard)
{
	return shard->state == NM_SHARD_COLLECTED &&
	       strcmp(shard->status, CANCELLING) == 0;
}

/* Cancelling takes minutes: it begins a tenth of the deadline before it. */
static int
is_near(const struct nm_run *run)
{
	int64_t deadline_ms = run->settings.deadline_ms;
	int64_t age_ms = nm_clock_wall_ms(run->clock) -
	                 run->record.created_ms;

	return deadline_ms && age_ms >= deadline_ms - deadline_ms / 10;
}

static int64_t
still_ms(const struct nm_run *run, const struct nm_part *part)
{
	return part->moved_ms ? nm_clock_mono_ms(run->clock) - part->moved_ms
	                      : 0;
}

/* The service's clock, where it tells it: ours may have jumped. */
static int64_t
service_ms(const struct nm_run *run)
{
	return run->api->date_ms ? run->api->date_ms
	                         : nm_clock_wall_ms(run->clock);
}

/* Some services let a batch run beyond its window: while it moves, it is well. */
static int
is_stuck(const struct nm_run *run, const struct nm_shard_record *shard)
{
	const struct nm_part *part = &run->parts[shard - run->shards];
	int64_t end_s = part->expires_s ? part->expires_s
	                                : shard->created + DAY_S;

	return shard->bytes && shard->created &&
	       service_ms(run) > end_s * 1000 + LATE_MS &&
	       still_ms(run, part) >= run->settings.outage_ms;
}

/* The note alone is an intent: the call may not have got through. */
static int
was_cancelled(const struct nm_shard_record *shard)
{
	return nm_deadline_ended(shard) &&
	       strcmp(shard->status, CANCELLING) == 0;
}

/*
 * Did the call get through, or is there no use in making it again? One that ended
 * meanwhile cannot be cancelled, and need not be. Nor is a no to become a yes by asking
 * again: what it has is waited for a while.
 */
static int
is_settled(struct nm_run *run, const struct nm_shard_record *shard,
           enum nm_code rc, struct nm_err *err)
{
	const struct nm_setback_terms terms = {
		.limit_ms = GIVEN_UP_MS,
		.silence = NM_SETBACK_OWN,
	};
	struct nm_part *part = &run->parts[shard - run->shards];
	int ended = rc == NM_REFUSED && err->detail == 409;

	if (!rc || ended || rc == NM_ABSENT || rc == NM_REFUSED)
		part->moved_ms = nm_clock_mono_ms(run->clock);
	else if (!nm_setback_bear(run, &part->cancelling, rc, &terms, err))
		return 0;
	if (!rc || ended)
		nm_setback_over(run, &part->cancelling);
	else
		nm_run_warn(run, "%s: %s is not cancelled", err->text,
		            shard->batch_id);
	return 1;
}

static enum nm_code
cancel(struct nm_run *run, struct nm_shard_record *shard, const char *note,
       struct nm_err *err)
{
	struct nm_part *part = &run->parts[shard - run->shards];
	struct nm_arena arena = { 0 };
	struct nm_batch batch;
	enum nm_code rc;

	if (nm_setback_wait_ms(run, &part->cancelling))
		return NM_OK;
	shard->note = note;
	rc = nm_run_save(run, shard, err);
	if (rc)
		return rc;
	if (!part->cancel_told)
		nm_run_note(run, "%s: cancelling %s, to ask the rest %s",
		            note == NEAR_NOTE ? "the deadline is near"
		            : "its window is over and nothing moves",
		            shard->batch_id,
		            note == NEAR_NOTE ? "directly" : "again");
	part->cancel_told = 1;
	rc = nm_batches_cancel(run->api, shard->batch_id, &arena, &batch, err);
	nm_arena_release(&arena);
	if (rc == NM_INTERRUPTED)
		return rc;
	if (!is_settled(run, shard, rc, err))
		return NM_OK;
	shard->status = CANCELLING;
	return nm_run_save(run, shard, err);
}

static enum nm_code
leave_unsent(struct nm_run *run, struct nm_shard_record *shard,
             struct nm_err *err)
{
	shard->state = NM_SHARD_COLLECTED;
	shard->status = "cancelled";
	shard->note = NEAR_NOTE;
	return nm_run_save(run, shard, err);
}

/* It may have its batch though no reply, or a refusal, came: then that is to be ended. */
static enum nm_code
leave_doubtful(struct nm_run *run, struct nm_shard_record *shard,
              struct nm_err *err)
{
	struct nm_setback *own = nm_setback_of(run, shard);
	enum nm_code rc;

	if (shard->state == NM_SHARD_UPLOADING)
		return leave_unsent(run, shard, err);
	if (nm_look_wait_ms(run, shard) || nm_setback_wait_ms(run, own))
		return NM_OK;
	rc = nm_creation_step(run, shard, err);
	if (rc)
		return nm_setback_bear(run, own, rc, NULL, err);
	nm_setback_over(run, own);
	return shard->state == NM_SHARD_UPLOADED
	       ? leave_unsent(run, shard, err) : NM_OK;
}

static enum nm_code
give_up(struct nm_run *run, struct nm_shard_record *shard, struct nm_err *err)
{
	nm_run_warn(run, "%s was cancelled and does not end: what it has is"
	            " taken for missing", shard->batch_id);
	shard->state = NM_SHARD_COLLECTED;
	return nm_run_save(run, shard, err);
}

/* Of a batch that was created. */
static enum nm_code
end(struct nm_run *run, struct nm_shard_record *shard, int near,
    struct nm_err *err)
{
	const struct nm_part *part = &run->parts[shard - run->shards];

	if (was_cancelled(shard))
		return still_ms(run, part) >= GIVEN_UP_MS
			? give_up(run, shard, err) : NM_OK;
	if (near || strcmp(shard->note, NEAR_NOTE) == 0)
		return cancel(run, shard, NEAR_NOTE, err);
	if (nm_deadline_ended(shard) || is_stuck(run, shard))
		return cancel(run, shard, STUCK_NOTE, err);
	return NM_OK;
}

enum nm_code
nm_deadline_heed(struct nm_run *run, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	int near = is_near(run);
	size_t i;

	for (i = 0; !rc && i < run->n_shards; i++) {
		struct nm_shard_record *shard = &run->shards[i];

		if (nm_run_has_lost(run, shard))
			continue;
		if (shard->state == NM_SHARD_CREATED)
			rc = end(run, shard, near, err);
		else if (near && (shard->state == NM_SHARD_PLANNED ||
		                  shard->state == NM_SHARD_UPLOADED))
			rc = leave_unsent(run, shard, err);
		else if (near && shard->state < NM_SHARD_CREATED)
			rc = leave_doubtful(run, shard, err);
	}
	return rc;
}
