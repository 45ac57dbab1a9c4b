/*
 * look: see the header.
 */
#include "run/look.h"

enum { PAUSE_MS = 1000 };

enum nm_code
nm_look(struct nm_run *run, struct nm_shard_record *shard,
        enum nm_code (*once)(struct nm_run *run,
                             struct nm_shard_record *shard, int *found,
                             struct nm_err *err),
        int *found, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(run->clock);
	int64_t end_ms = now_ms + run->settings.patience_ms;
	enum nm_code rc;

	*found = 0;
	/* An outage in the midst of it is one line, not one a try. */
	if (!run->submitting.looked)
		nm_run_note(run, "shard %lld may have been submitted already:"
		            " looking for its tag %s",
		            (long long)shard->number, shard->tag);
	run->submitting.looked = 1;
	for (;;) {
		/* A look sees what was when it began, however long it takes. */
		int64_t left_ms = end_ms - nm_clock_mono_ms(run->clock);

		rc = once(run, shard, found, err);
		if (rc)
			return nm_while(err, "looking whether shard %lld was"
			                " submitted", (long long)shard->number);
		if (*found || left_ms <= 0)
			return NM_OK;
		rc = nm_run_pause(run, left_ms < PAUSE_MS ? left_ms : PAUSE_MS,
		                  err);
		if (rc)
			return rc;
	}
}
