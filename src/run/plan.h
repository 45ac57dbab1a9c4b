/*
 * plan: which requests go into which shard. Streams over the source once; each
 * line is checked as the service would before any is sent. Lines that differ in
 * their id and a plain text alone (run/source.h: pass) are checked by the first of
 * them, and counted, not composed.
 *
 * Calling sequence: zero a plan; one of make, measure, again and split; release, also
 * after an error.
 */
#ifndef NM_RUN_PLAN_H
#define NM_RUN_PLAN_H

#include "run/run.h"

/* Zeroed is empty. Owns the list; texts of the shards are not set yet. */
struct nm_plan {
	struct nm_shard_record *shards;
	size_t                  n_shards;
	size_t                  room;
	struct nm_buf           members; /* bytes of all members, one after other */
	int64_t                 requests;
	int64_t                 bytes;
	int64_t                 tokens;  /* prompt tokens, an estimate */
};

/*
 * The first attempt at all requests of the run's source but its first
 * settings.canary, cut by the settings and by what was learnt of the account. Mode
 * "direct": counts alone, no shards.
 * NM_INPUT for a request that the service would refuse, or none at all.
 */
enum nm_code nm_plan_make(struct nm_plan *plan, const struct nm_run *run,
                          const struct nm_run_wish *wish,
                          struct nm_err *err) NM_MUST_USE;

/*
 * Counts what a plan would hold, without journal, account or run: for estimates.
 * plan's shards are those that settings alone would make.
 */
enum nm_code nm_plan_measure(struct nm_plan *plan, struct nm_source *source,
                             const struct nm_run_settings *settings,
                             struct nm_err *err) NM_MUST_USE;

/* Another attempt at the requests that `members` names (run/members.h). */
enum nm_code nm_plan_again(struct nm_plan *plan, const struct nm_run *run,
                           struct nm_text members, int64_t count,
                           int64_t attempt, struct nm_err *err) NM_MUST_USE;

/* What one shard may hold. */
struct nm_plan_bounds {
	int64_t requests;
	int64_t tokens; /* but a single request may have more */
};

/* A shard's requests in smaller shards within these bounds. */
enum nm_code nm_plan_split(struct nm_plan *plan, const struct nm_run *run,
                           const struct nm_shard_record *shard,
                           const struct nm_plan_bounds *bounds,
                           struct nm_err *err) NM_MUST_USE;

/* Does not free members' bytes that shards of a run have taken over: those were
 * copied. */
void nm_plan_release(struct nm_plan *plan);

#endif
