/*
 * toll: what requests of a task could cost, as a person is told and as a ceiling is held
 * to, by what was seen of its replies. Must not know which are sent, or what is left.
 */
#ifndef NM_TASK_TOLL_H
#define NM_TASK_TOLL_H

#include "task/task.h"

/* The maximum that each reply of the task's states; 0 = none. */
int64_t nm_toll_stated_tokens(const struct nm_task *task);

/*
 * Adds to a refusal what each reply was counted as, so many tokens by what was seen, and
 * what would make that less.
 */
void nm_toll_explain(const struct nm_task *task, const struct nm_seen *seen,
                     int64_t reply_tokens, struct nm_err *err);

/* What each of so many replies is counted as by nm_toll_most. */
int64_t nm_toll_reply(const struct nm_task *task, int64_t count);

/* So many requests by the mean of what came so far. Errors of nm_load_count. */
enum nm_code nm_toll_estimate(struct nm_task *task, int64_t count,
                              enum nm_price_column column,
                              struct nm_estimate_cost *cost,
                              struct nm_err *err) NM_MUST_USE;

/*
 * At most, in high_pusd: so many that are asked for the first time, and so many that the
 * model answered in a way that is to be asked again, which may have been its longest
 * answer and be so again. What was taken by the guess of a reply stands as long as none
 * was longer. Errors of nm_load_count.
 */
enum nm_code nm_toll_most(struct nm_task *task, int64_t first, int64_t again,
                          enum nm_price_column column,
                          struct nm_estimate_cost *cost, struct nm_err *err)
	NM_MUST_USE;

/* So many asked directly, each reply of reply_tokens, likewise. */
enum nm_code nm_toll_directly(struct nm_task *task, int64_t count,
                              int64_t reply_tokens,
                              struct nm_estimate_cost *cost,
                              struct nm_err *err) NM_MUST_USE;

#endif
