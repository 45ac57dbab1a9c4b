/*
 * money: what a call of the program would cost, told or asked about before it is
 * spent.
 */
#ifndef NM_TASK_MONEY_H
#define NM_TASK_MONEY_H

#include "task/task.h"

enum nm_money_form { NM_MONEY_TEXT, NM_MONEY_JSON };

/* Appends the estimate of all tasks. Sends nothing. Errors of nm_plan_measure. */
enum nm_code nm_money_estimate(struct nm_task *tasks, size_t n_tasks,
                               const struct nm_run_settings *settings,
                               enum nm_money_form form, struct nm_buf *out,
                               struct nm_err *err) NM_MUST_USE;

/* On a terminal, asks when this is more than a dollar, unless that was agreed to.
 * NM_INTERRUPTED for a no. */
enum nm_code nm_money_ask(const struct nm_task_tools *tools,
                          const struct nm_estimate_cost *cost,
                          struct nm_err *err) NM_MUST_USE;

/* The same of all that the tasks have yet to send; a yes is kept in the tools. */
enum nm_code nm_money_consent(struct nm_task *tasks, size_t n_tasks,
                              struct nm_task_tools *tools,
                              struct nm_err *err) NM_MUST_USE;

/* Takes the tasks on the budget, all before the first is sent. NM_USAGE when they
 * could cost too much together, naming the one that is too much; then all that were
 * recorded for this are left (nm_task_leave), as after a no above. */
enum nm_code nm_money_take(struct nm_task *tasks, size_t n_tasks,
                           struct nm_err *err) NM_MUST_USE;

/* At the end: where the replies of all tasks have cost more than the ceiling all the
 * same, one line says how much, and why. */
void nm_money_tell_passed(const struct nm_task *tasks, size_t n_tasks);

#endif
