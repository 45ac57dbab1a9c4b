/*
 * look: see the header.
 */
#include "run/look.h"

enum { PAUSE_MS = 1000, CONFLICT = 409, NOT_IMPLEMENTED = 501 };

int
nm_look_is_refused(const struct nm_shard_record *shard)
{
	return (shard->state == NM_SHARD_UPLOADING ||
	        shard->state == NM_SHARD_CREATING) && shard->note[0];
}

/* What an earlier process was refused is older than what this one was. */
int64_t
nm_look_wait_ms(const struct nm_run *run, const struct nm_shard_record *shard)
{
	int64_t left_ms = run->refused_ms + run->settings.patience_ms -
	                  nm_clock_mono_ms(run->clock);

	return run->refused_ms && nm_look_is_refused(shard) && left_ms > 0
	       ? left_ms : 0;
}

enum nm_code
nm_look_refused(struct nm_run *run, struct nm_shard_record *shard,
                enum nm_shard_state before, enum nm_code rc,
                struct nm_err *err)
{
	enum nm_shard_state intent = shard->state;
	int status = run->api->refusal.status;
	struct nm_err ignored;

	if (rc == NM_REFUSED && status == CONFLICT)
		rc = err->code = NM_UNREACHABLE;
	if (rc == NM_UNREACHABLE && status) {
		run->refused_ms = nm_clock_mono_ms(run->clock);
		shard->note = err->text;
		before = intent;
	}
	shard->state = before;
	if (nm_run_save(run, shard, &ignored))
		shard->state = intent;
	return rc;
}

int
nm_look_is_blind(const struct nm_run *run, enum nm_code rc)
{
	return rc == NM_ABSENT || rc == NM_REFUSED ||
	       (rc && run->api->refusal.status == NOT_IMPLEMENTED);
}

/* An outage in the midst of it is one line, not one a try. */
static void
tell(struct nm_run *run, const struct nm_shard_record *shard)
{
	if (!run->submitting.looked)
		nm_run_note(run, "shard %lld may have been submitted already:"
		            " looking for its tag %s",
		            (long long)shard->number, shard->tag);
	run->submitting.looked = 1;
}

enum nm_code
nm_look(struct nm_run *run, struct nm_shard_record *shard,
        enum nm_code (*once)(struct nm_run *run,
                             struct nm_shard_record *shard, int *found,
                             struct nm_err *err),
        int *found, struct nm_err *err)
{
	int refused = nm_look_is_refused(shard);
	int64_t from_ms = refused && run->refused_ms
		? run->refused_ms : nm_clock_mono_ms(run->clock);
	int64_t end_ms = from_ms + run->settings.patience_ms;
	enum nm_code rc = NM_OK;

	*found = 0;
	if (refused && run->refused_ms)
		rc = nm_run_pause(run, nm_look_wait_ms(run, shard), err);
	else
		tell(run, shard);
	while (!rc) {
		/* A look sees what was when it began, however long it takes. */
		int64_t left_ms = end_ms - nm_clock_mono_ms(run->clock);

		rc = once(run, shard, found, err);
		if (refused && nm_look_is_blind(run, rc))
			return NM_OK;
		if (rc)
			return nm_while(err, "looking whether shard %lld was"
			                " submitted", (long long)shard->number);
		if (shard->state > NM_SHARD_UPLOADING && *found && refused)
			nm_run_note(run, "shard %lld was submitted, though it"
			            " was refused", (long long)shard->number);
		if (*found || left_ms <= 0)
			return NM_OK;
		rc = nm_run_pause(run, left_ms < PAUSE_MS ? left_ms : PAUSE_MS,
		                  err);
	}
	return rc;
}
