/*
 * dispatch: see the header.
 */
#include "prog/dispatch.h"

#include "task/command.h"
#include "task/watcher.h"

void
nm_dispatch_init(struct nm_dispatch *d, struct nm_manager *manager)
{
	const struct nm_options *options = &manager->options;

	memset(d, 0, sizeof(*d));
	d->manager = manager;
	nm_watcher_init(&d->watch, &manager->message);
	nm_progress_open(&d->progress, &manager->message,
	                 &manager->service.clock, 0);
	d->settings = (struct nm_run_settings){
		.poll_interval_ms =
			nm_options_whole(options, MANAGER_POLL_INTERVAL),
		.shard_requests =
			nm_options_whole(options, MANAGER_SHARD_REQUESTS),
		.max_attempts =
			nm_options_whole(options, MANAGER_MAX_ATTEMPTS),
		.patience_ms = nm_options_whole(options, MANAGER_PATIENCE),
		.outage_ms = nm_options_whole(options, MANAGER_OUTAGE),
		.cancelled = manager->action == MANAGER_WAIT &&
		             nm_options_given(options, MANAGER_MAX_ATTEMPTS)
			? NM_CANCELLED_AGAIN : NM_CANCELLED_LEFT,
	};
	d->tools = (struct nm_run_tools){
		.journal = manager->journal,
		.api = &manager->service.api,
		.clock = &manager->service.clock,
		.watch = &d->watch,
		.settings = &d->settings,
	};
}

void
nm_dispatch_release(struct nm_dispatch *d)
{
	nm_parcel_release(&d->parcel);
	nm_progress_close(&d->progress);
}

void
nm_dispatch_add_command(struct nm_dispatch *d, const char *options,
                        const char *id, const char *more, struct nm_buf *out)
{
	nm_buf_add_string(out, "  ");
	nm_command_add_program(out, d->manager->typed, "batch_manager");
	nm_buf_add_string(out, options);
	nm_command_add_word(out, id);
	nm_buf_add_string(out, more);
	nm_buf_add_text(out, nm_buf_text(&d->manager->service.flags));
	nm_buf_add_byte(out, '\n');
}
