/*
 * attempts: whether anything of a run is worth another attempt, and what.
 * Knows rows and how batches ended; sends nothing.
 */
#ifndef NM_RUN_ATTEMPTS_H
#define NM_RUN_ATTEMPTS_H

#include "run/collect.h"
#include "run/run.h"

/*
 * Adds to a collect the files of every attempt so far, in the order that counts:
 * earlier attempts first, of one attempt the output files first. In direct mode the
 * kept answers are written to files first. *paths (in the run's arena) are the
 * files, *attempts is the newest attempt.
 */
enum nm_code nm_attempts_collect(struct nm_run *run,
                                 struct nm_collect *collect,
                                 const char *const **paths, size_t *n_paths,
                                 int64_t *attempts, struct nm_err *err)
	NM_MUST_USE;

/*
 * What to ask again after attempt `attempts`, by the settings: failures of the
 * service up to max_attempts, the model's up to reask. What was in a batch that
 * failed as a whole, or that somebody cancelled, is not asked again.
 */
void nm_attempts_next(const struct nm_run *run,
                      const struct nm_collect *collect, int64_t attempts,
                      struct nm_members *members);

/* How many would be asked again if there were one attempt more. */
int64_t nm_attempts_left(const struct nm_run *run,
                         const struct nm_collect *collect);

/* Batch mode: makes the next attempt's shards durable. */
enum nm_code nm_attempts_plan(struct nm_run *run,
                              const struct nm_members *members,
                              int64_t attempt, struct nm_err *err)
	NM_MUST_USE;

#endif
