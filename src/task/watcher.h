/*
 * watcher: what a run tells of itself, shown on stderr.
 * Must not know what the run does.
 */
#ifndef NM_TASK_WATCHER_H
#define NM_TASK_WATCHER_H

#include "cli/message.h"
#include "run/run.h"

/* Notes and warnings as lines, progress on the message's live line, if it has one
 * open. The message is lent as long as the watch is used. */
void nm_watcher_init(struct nm_watch *watch, struct nm_message *message);

#endif
