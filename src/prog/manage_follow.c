/*
 * manage_follow: what --wait does for the runs that --submit makes: they are followed
 * to the last row.
 */
#include <inttypes.h>

#include "prog/dispatch.h"
#include "prog/remains.h"

/* All attempts were made, and some requests may yet be answered by one more. */
static void
tell_how_to_have_rest(struct nm_dispatch *d, const char *batch_id)
{
	int64_t made = d->parcel.attempts, allowed = d->settings.max_attempts;
	struct nm_buf command = {0}, more = {0};

	nm_buf_addf(&more, " --max-attempts %" PRId64,
	            (made > allowed ? made : allowed) + 1);
	nm_dispatch_add_command(d, " --wait", batch_id, nm_buf_string(&more), &command);
	nm_message_plain(&d->manager->message,
		"%" PRId64 " of %" PRId64 " failed. To have these sent once"
		" more, and nothing else, run:\n%.*s",
		d->parcel.left, d->parcel.run.source->count,
		(int)command.len - 1, nm_buf_string(&command));
	nm_buf_release(&command);
	nm_buf_release(&more);
}

/* One that could not be read again tells nothing of its batches. */
static const char *
what_goes_on(const struct nm_run *run, const char *batch_id)
{
	struct nm_remains remains = {0};

	nm_remains_add(&remains, run);
	if (!run->n_shards)
		return "";
	if (nm_remains_at_work(run, batch_id))
		return "The batch goes on. ";
	if (remains.at_work)
		return "The batch has ended; others of its run go on. ";
	if (remains.doubtful)
		return "Whether another batch of its run was created is not "
		       "known yet. ";
	return "No batch of its run is at work any more. ";
}

enum nm_code
nm_manage_follow(struct nm_manager *manager, const char *batch_id,
                 int64_t *left, struct nm_err *err)
{
	struct nm_dispatch d;
	enum nm_code rc = nm_manager_find_journal(manager, err);

	if (rc)
		return rc;
	nm_dispatch_init(&d, manager);
	rc = nm_parcel_take_up(&d.parcel, &d.tools, batch_id, err);
	if (!rc)
		rc = nm_parcel_finish(&d.parcel, err);
	if (!rc)
		*left = d.parcel.left;
	if (!rc && d.parcel.left)
		tell_how_to_have_rest(&d, batch_id);
	if (rc == NM_INTERRUPTED)
		nm_manage_tell_wait(manager, batch_id,
		                    what_goes_on(&d.parcel.run, batch_id));
	nm_dispatch_release(&d);
	return rc;
}
