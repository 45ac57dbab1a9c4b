/*
 * forerunner: a task's canary, and what its replies teach of the cost, before the rest
 * goes by batch. Must not know what happens afterwards.
 */
#ifndef NM_TASK_FORERUNNER_H
#define NM_TASK_FORERUNNER_H

#include "task/task.h"

/*
 * Asks the canary, where the task has one and it has no answer yet; tells what the rest
 * costs by it, asks a person where that is much, and takes it on the budget. Errors of
 * nm_canary_ask, nm_money_ask and nm_stake_take_all: with any, nothing may be sent.
 */
enum nm_code nm_forerunner_pass(struct nm_task *task, struct nm_err *err)
	NM_MUST_USE;

#endif
