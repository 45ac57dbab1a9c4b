/*
 * dispatch: one request file's run and all that drives it, as --submit and --wait
 * want it. Knows options; must not know what is told of the run.
 *
 * Calling sequence: init; nm_parcel_open or another on the parcel, by the tools;
 * release.
 */
#ifndef NM_PROG_DISPATCH_H
#define NM_PROG_DISPATCH_H

#include "prog/manager.h"
#include "task/parcel.h"

/* Stays where it is: its members point at each other. */
struct nm_dispatch {
	struct nm_manager     *manager;
	struct nm_watch        watch;
	struct nm_progress     progress;
	struct nm_run_settings settings;
	struct nm_run_tools    tools;
	struct nm_parcel       parcel;
};

/* The manager's journal is lent, as it is by then. */
void nm_dispatch_init(struct nm_dispatch *dispatch,
                      struct nm_manager *manager);

/* Appends "  batch_manager OPTIONS ID MORE", a line that can be pasted. */
void nm_dispatch_add_command(struct nm_dispatch *dispatch,
                             const char *options, const char *id,
                             const char *more, struct nm_buf *out);

void nm_dispatch_release(struct nm_dispatch *dispatch);

#endif
