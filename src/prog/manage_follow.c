/*
 * manage_follow: what --wait does for the runs that --submit makes: they are followed
 * to the last row.
 */
#include <inttypes.h>

#include "prog/dispatch.h"

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
	nm_dispatch_release(&d);
	return rc;
}
