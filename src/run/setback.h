/*
 * setback: what fails for the moment, when it is tried again, and for how long.
 * Knows codes, refusals and time; must not know what was tried.
 *
 * Each thing that is tried again has a setback of its own, so that none is judged by
 * another's failures: each shard's looks and downloads, and the submissions, which
 * go one after the other, together. Where no reply came at all, nothing else is
 * sent either before the next try: the service is away as a whole.
 *
 * A service that has answered in this process is borne for the settings' outage; one
 * that never did, for their patience: its address may be wrong.
 */
#ifndef NM_RUN_SETBACK_H
#define NM_RUN_SETBACK_H

#include <stdint.h>

#include "base/err.h"

struct nm_run;
struct nm_shard_record;

/* Zeroed: there is none. Times are of the steady clock. */
struct nm_setback {
	int64_t since_ms; /* 0 = none */
	int64_t next_ms;  /* not tried again before */
	int64_t pause_ms; /* before the next try; it grows */
	int     told;     /* the person knows of it */
	int     looked;   /* and of the look for what may have been done */
};

/* The setbacks of a shard's looks and downloads; lives until another is asked for. */
struct nm_setback *nm_setback_of(struct nm_run *run,
                                 const struct nm_shard_record *shard);

/* Milliseconds until the thing may be tried again; 0 = now. */
int64_t nm_setback_wait_ms(const struct nm_run *run,
                           const struct nm_setback *own);

/* How long it has been failing; 0 = it has not. */
int64_t nm_setback_age_ms(const struct nm_run *run,
                          const struct nm_setback *own);

struct nm_setback_terms {
	int64_t limit_ms; /* borne for so long; 0 = as the settings have it */
	int64_t pause_ms; /* at least, before the next try */
	/* What no reply to it means: a long transfer may be cut by itself. */
	enum { NM_SETBACK_ALL_AWAY, NM_SETBACK_OWN } silence;
};

/*
 * A try ended with rc, and the api's refusal and err say how. NM_OK: it may pass, and
 * is tried again (nm_setback_wait_ms), which the person is told once an outage. Else
 * rc: it is for good, or has lasted too long. terms: NULL = as zeroed.
 */
enum nm_code nm_setback_bear(struct nm_run *run, struct nm_setback *own,
                             enum nm_code rc,
                             const struct nm_setback_terms *terms,
                             struct nm_err *err) NM_MUST_USE;

/* The thing succeeded. */
void nm_setback_over(struct nm_run *run, struct nm_setback *own);

#endif
