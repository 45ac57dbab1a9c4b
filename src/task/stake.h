/*
 * stake: what a task has cost and what it could cost yet, taken on the budget before
 * anything is sent. Every way of sending comes through here first.
 */
#ifndef NM_TASK_STAKE_H
#define NM_TASK_STAKE_H

#include "task/task.h"

/* Requests of the attempts that are begun; those of later ones are in none. */
struct nm_stake {
	int64_t in_flight; /* in batches whose results are not here (yet) */
	int64_t unsent;    /* in batches that were not created yet */
	int64_t again;     /* of these: of later attempts of a run that asks the
	                      model's own failures again */
	int64_t unasked;   /* to be asked directly: the canary, or direct mode */
};

/* By the shards as they are held, and the answers in the journal. NM_STATE when that
 * cannot be read. */
enum nm_code nm_stake_count(const struct nm_task *task, struct nm_stake *stake,
                            struct nm_err *err) NM_MUST_USE;

/* What asking all that is not sent yet is estimated to cost, for a person: by the mean
 * of what came so far. Errors of nm_load_count. */
enum nm_code nm_stake_cost(struct nm_task *task, const struct nm_stake *stake,
                           struct nm_estimate_cost *cost,
                           struct nm_err *err) NM_MUST_USE;

/*
 * Takes anew on the budget what all attempts of the run have cost, by the replies
 * that are on this machine, what is in flight, and what is not sent yet, these two at
 * their bounds (eval/bound.h). NM_USAGE when the last could pass the ceiling or has no
 * price. What was sent is never refused: it is counted. Without a ceiling, and with
 * the local server, nothing is done.
 */
enum nm_code nm_stake_take_all(struct nm_task *task, struct nm_err *err)
	NM_MUST_USE;

/* The same where more batches are here than when it was taken last: what they tell of
 * the length of replies may be more than was feared. */
enum nm_code nm_stake_take_anew(struct nm_task *task, struct nm_err *err)
	NM_MUST_USE;

/* Another attempt. */
struct nm_stake_again {
	int64_t              count;
	int64_t              replied; /* of these, at most: the model answered them */
	enum nm_price_column column;
};

/*
 * Takes on another attempt, beside what batches may cost that are gone or were given
 * up. What the model answered in a way that is to be asked again may have been its
 * longest answer, and be so again. NM_USAGE as above; NM_STATE as nm_stake_count.
 */
enum nm_code nm_stake_take(struct nm_task *task,
                           const struct nm_stake_again *again,
                           struct nm_err *err) NM_MUST_USE;

/* No ceiling, or nothing that costs. */
int nm_stake_is_free(const struct nm_task *task);

/* Nothing is in flight any more: all of it cost this, and replies that told no usage
 * what they may have. Errors of nm_load_count. */
enum nm_code nm_stake_settle(struct nm_task *task,
                             const struct nm_spending *spending,
                             struct nm_err *err) NM_MUST_USE;

#endif
