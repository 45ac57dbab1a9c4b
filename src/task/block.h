/*
 * block: what a dry run prints: the batches' ids and the commands that go on.
 * Sends nothing.
 */
#ifndef NM_TASK_BLOCK_H
#define NM_TASK_BLOCK_H

#include "task/task.h"

/* Appends a block a task, in the guide's words and order. A task without a batch has
 * none. */
void nm_block_write(struct nm_task *tasks, size_t n_tasks, struct nm_buf *out);

/* Appends {"dry_run": true, "runs": [{dataset, run, taken_up, batches, waiting, resume,
 * status}]} and '\n'; the same tasks. */
void nm_block_write_json(struct nm_task *tasks, size_t n_tasks,
                         struct nm_buf *out);

#endif
