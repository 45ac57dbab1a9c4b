/*
 * foundling: a batch that was made elsewhere, and its sisters, as a task of this
 * machine's. Must not know the journal's own runs.
 */
#ifndef NM_TASK_FOUNDLING_H
#define NM_TASK_FOUNDLING_H

#include "task/task.h"

/*
 * By what the batch's metadata tell; person as nm_task_take_up has it. The task is
 * released by the caller in every case. NM_USAGE where its dataset has to be named, or an
 * option contradicts it; NM_INPUT where the dataset is another; errors of nm_task_read.
 */
enum nm_code nm_foundling_take(struct nm_task *task,
                               const struct nm_task_tools *tools,
                               const struct nm_batch *batch,
                               const struct nm_quiz_wish *person,
                               struct nm_err *err) NM_MUST_USE;

#endif
