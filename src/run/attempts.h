/*
 * attempts: whether anything of a run is worth another attempt, and what.
 * Knows rows and how batches ended; sends nothing.
 */
#ifndef NM_RUN_ATTEMPTS_H
#define NM_RUN_ATTEMPTS_H

#include "run/collect.h"
#include "run/run.h"

/* A file of replies. */
struct nm_attempts_file {
	const char *path;
	int64_t     attempt;
	enum nm_way way;
	/* Once it is read, after those of later attempts and those before it, no other is
	 * to have a row of an ordinal below this one. */
	int64_t     settles;
};

/* Those of every attempt so far: earlier attempts first, of a batch the output file
 * first. In the run's arena. */
struct nm_attempts {
	struct nm_attempts_file *files;
	size_t                   n;
	size_t                   n_first; /* of the first attempt */
	int64_t                  newest;  /* attempt */
};

/* In direct mode the kept answers are written to files first. */
enum nm_code nm_attempts_list(struct nm_run *run, struct nm_attempts *attempts,
                              struct nm_err *err) NM_MUST_USE;

/* Who looks at rows before all files are read: told of the ordinal below which all is
 * settled, whenever that has grown. An error of his ends it. */
struct nm_attempts_ear {
	enum nm_code (*settled)(void *user, int64_t until, struct nm_err *err);
	void          *user;
};

/* Adds them to a collect; ear may be NULL. */
enum nm_code nm_attempts_collect(const struct nm_attempts *attempts,
                                 struct nm_collect *collect,
                                 const struct nm_attempts_ear *ear,
                                 struct nm_err *err) NM_MUST_USE;

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
