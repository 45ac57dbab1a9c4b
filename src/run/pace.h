/*
 * pace: how many requests may be in flight now. Pure: time is told.
 */
#ifndef NM_RUN_PACE_H
#define NM_RUN_PACE_H

#include <stdint.h>

/* Set ceiling, then nm_pace_init. */
struct nm_pace {
	int64_t ceiling;
	double  window;      /* requests that may be in flight */
	double  slow_above;  /* it grows by one a window above this */
	int64_t cut_ms;      /* when it was cut last */
	int64_t held_until_ms;
};

void nm_pace_init(struct nm_pace *pace, int64_t ceiling);

/* How many may be in flight at now_ms: 0 while held. */
int64_t nm_pace_room(const struct nm_pace *pace, int64_t now_ms);

/* A reply came, at ease. */
void nm_pace_went_well(struct nm_pace *pace);

/* A 429, 5xx or time-out: halves, at most once a second. */
void nm_pace_trouble(struct nm_pace *pace, int64_t now_ms);

/* Nothing new before then; an earlier end is not taken. */
void nm_pace_hold(struct nm_pace *pace, int64_t until_ms);

#endif
