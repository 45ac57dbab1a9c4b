/*
 * headroom: whether the account has room for one more batch, by what its refusals
 * taught. Waits rather than hammers.
 * Must not know what the requests ask, or how a batch is created.
 */
#ifndef NM_RUN_HEADROOM_H
#define NM_RUN_HEADROOM_H

#include "remote/refusal.h"
#include "run/plan.h"

enum nm_headroom {
	NM_HEADROOM_YES,
	NM_HEADROOM_LATER, /* others of this run have to end first, or time pass */
	NM_HEADROOM_NEVER  /* it is too large by itself: split it */
};

/* bounds: what each part of it may hold, where it has to be split. */
enum nm_headroom nm_headroom_for(const struct nm_run *run,
                                 const struct nm_shard_record *shard,
                                 struct nm_plan_bounds *bounds);

/* Does a refusal's text speak of room? */
int nm_headroom_is_meant(const struct nm_refusal *refusal);

/*
 * Learns from a refusal's text (of a creation: status; of a failed batch: status
 * 0), and holds further creations back for a while that grows, after a refused one until
 * it can be looked for at least. *kind is NM_LIMIT_NONE, and nothing is changed, when the
 * text does not speak of room.
 */
enum nm_code nm_headroom_learn(struct nm_run *run, int status,
                               const char *code, const char *message,
                               int64_t asked_ms, enum nm_limit_kind *kind,
                               struct nm_err *err) NM_MUST_USE;

/* Holds creations back as after a refusal that speaks of room. */
void nm_headroom_hold(struct nm_run *run);

/*
 * A shard was refused for want of room (`kind`) once more. While other batches are at
 * work in the account it waits for these. Refused three times although there are
 * none, it will be split: the service counts more than we do. A single request ends
 * REFUSED where waiting is hopeless, above the limit or after days; `why` is its note
 * then. Saves it.
 */
enum nm_code nm_headroom_refused(struct nm_run *run,
                                 struct nm_shard_record *shard,
                                 enum nm_limit_kind kind, const char *why,
                                 struct nm_err *err) NM_MUST_USE;

/*
 * The api's refusal of this shard's upload says that the file is too large: then,
 * unless it is a single request, it will be split, which is saved. *will tells.
 */
enum nm_code nm_headroom_too_large(struct nm_run *run,
                                   struct nm_shard_record *shard, int *will,
                                   struct nm_err *err) NM_MUST_USE;

/* A creation was taken: the next refusal starts from a short pause again. */
void nm_headroom_taken(struct nm_run *run);

#endif
