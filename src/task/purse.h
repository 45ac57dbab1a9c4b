/*
 * purse: what a task may still spend while its questions are asked directly: each reply
 * is paid from it as it comes, and a question goes only where it and all that are in
 * flight could be paid, each at the maximum that it states, else by what was seen of
 * replies. Where none is stated no more fly than were heard, and one: how long replies
 * are is known before many fly. Knows prices; must not know how requests are sent.
 *
 * Calling sequence: open, which holds the task's money and load; lend its direct wish's
 * purse; release.
 */
#ifndef NM_TASK_PURSE_H
#define NM_TASK_PURSE_H

#include "run/via_direct.h"
#include "task/task.h"

/* Zeroed may be released. */
struct nm_purse {
	struct nm_direct_purse form; /* what nm_via_direct is lent */
	struct nm_task        *task;
	struct nm_row_reader   reader;
	int64_t                taken_pusd;     /* of the budget, but for what flies */
	struct nm_seen         seen;           /* replies, here and before */
	int64_t                mute;           /* replies that told no usage */
	int                    unpriced;       /* a reply's model has no price */
	int                    empty;          /* something was not sent for it */
};

/* Borrows the task, whose stake was taken. Returns what to lend: NULL without a ceiling,
 * and with the local server. */
const struct nm_direct_purse *nm_purse_open(struct nm_purse *purse,
                                            struct nm_task *task);
void nm_purse_release(struct nm_purse *purse);

#endif
