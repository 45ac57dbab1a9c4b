/*
 * look: patience for something that may have been done though no reply told so, or
 * though the reply was a refusal: what stands in front of a service may refuse what it
 * has passed on. Must not know what it is.
 *
 * A shard in an intent (UPLOADING, CREATING) that has a note was refused, for what the
 * note says, and is to be sent again.
 */
#ifndef NM_RUN_LOOK_H
#define NM_RUN_LOOK_H

#include "run/run.h"

/*
 * Calls once() every second until it finds, or until the settings' patience is
 * over: lists may show late what was done. The patience always counts from now on
 * the steady clock, since the wall clock may have jumped; but from the refusal where
 * this process had one, and then a single look at its end is enough. A refusal is
 * taken at its word where the service has no list, or shows it to nobody.
 */
enum nm_code nm_look(
	struct nm_run *run, struct nm_shard_record *shard,
	enum nm_code (*once)(struct nm_run *run,
                             struct nm_shard_record *shard, int *found,
                             struct nm_err *err),
	int *found, struct nm_err *err) NM_MUST_USE;

/*
 * A shard's intent was answered by a refusal, or was not sent: rc, err and the api's
 * refusal say how. One for the moment, or a conflict (NM_UNREACHABLE is returned), leaves
 * the intent, with its note; else the shard is `before` again. Saves it, where the disk
 * has room: what is kept without that is looked for in vain.
 */
enum nm_code nm_look_refused(struct nm_run *run, struct nm_shard_record *shard,
                             enum nm_shard_state before, enum nm_code rc,
                             struct nm_err *err) NM_MUST_USE;

/* Was the shard's intent refused, and is to be sent again? */
int nm_look_is_refused(const struct nm_shard_record *shard);

/* Is there nothing to look through, neither now nor later, as the walk's code and the
 * api's refusal say? */
int nm_look_is_blind(const struct nm_run *run, enum nm_code rc);

/* Milliseconds until a single look tells whether a shard that was refused was submitted
 * all the same; 0 = now, or it was not refused in the time of this process. */
int64_t nm_look_wait_ms(const struct nm_run *run,
                        const struct nm_shard_record *shard);

#endif
