/*
 * headroom: whether the account has room for one more batch, by what its refusals
 * taught. Waits rather than hammers.
 */
#ifndef NM_RUN_HEADROOM_H
#define NM_RUN_HEADROOM_H

#include "run/run.h"

enum nm_headroom {
	NM_HEADROOM_YES,
	NM_HEADROOM_LATER, /* others of this run have to end first, or time pass */
	NM_HEADROOM_NEVER  /* it is above the limit by itself: split it */
};

enum nm_headroom nm_headroom_for(const struct nm_run *run,
                                 const struct nm_shard_record *shard,
                                 int64_t *tokens_limit);

/*
 * Learns from a refusal's text (of a creation: status; of a failed batch: status
 * 0), and holds further creations back for a while that grows. *learnt is set when
 * the text speaks of room; else nothing is changed.
 */
enum nm_code nm_headroom_learn(struct nm_run *run, int status,
                               const char *code, const char *message,
                               int64_t asked_ms, int *learnt,
                               struct nm_err *err) NM_MUST_USE;

/* Holds creations back as after a refusal that speaks of room. */
void nm_headroom_hold(struct nm_run *run);

/*
 * A shard was refused for want of room once more. Waiting ends where it is hopeless:
 * a lone request above the limit, or days of refusals. Then the shard is REFUSED,
 * and `why` is its note. Saves it.
 */
enum nm_code nm_headroom_refused(struct nm_run *run,
                                 struct nm_shard_record *shard,
                                 const char *why, struct nm_err *err)
	NM_MUST_USE;

/* A creation was taken: the next refusal starts from a short pause again. */
void nm_headroom_taken(struct nm_run *run);

#endif
