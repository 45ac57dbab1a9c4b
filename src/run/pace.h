/*
 * pace: how many requests may be in flight now, and for how long nothing has gone
 * well. Pure: time is told. Must not know what a request is, or why one failed.
 *
 * It grows by one with each reply that came at ease, above the size at which trouble
 * began only by one a window. Trouble halves it, once for all that was in flight
 * together and at most once a second. Trouble again with nothing gone well in between
 * is an outage: then all rest, a second at first, twice as long each time, half a
 * minute at most, and after each rest no more than a few probes go. The first reply
 * at ease ends that, and half of the former size is soon reached again.
 */
#ifndef NM_RUN_PACE_H
#define NM_RUN_PACE_H

#include <stdint.h>

enum {
	NM_PACE_HOLD_MS = 30000, /* longest that the service's word holds all back */
	NM_PACE_REST_MS = 30000  /* longest rest of an outage */
};

struct nm_pace {
	int64_t ceiling;
	double  window;         /* requests that may be in flight */
	double  slow_above;     /* it grows by one a window above this */
	int64_t cut_ms;         /* when it was cut last */
	int64_t cuts;           /* since something went well */
	int64_t held_until_ms;  /* by the service's word */
	int64_t rest_until_ms;  /* in an outage */
	int     failing;        /* nothing went well since … */
	int64_t failing_since_ms;
};

void nm_pace_init(struct nm_pace *pace, int64_t ceiling);

/* How many may be in flight at now_ms: 0 while held or at rest. */
int64_t nm_pace_room(const struct nm_pace *pace, int64_t now_ms);

/* A reply came, at ease. */
void nm_pace_went_well(struct nm_pace *pace);

/* A 429, 5xx, time-out or no connection, to what was sent at sent_ms. asked_ms is
 * the pause that the service named, -1 for none: a rest is four times as long at
 * most. */
void nm_pace_trouble(struct nm_pace *pace, int64_t sent_ms, int64_t now_ms,
                     int64_t asked_ms);

/* The service wants nothing new for so long; heeded up to NM_PACE_HOLD_MS from
 * now. An earlier end than that of another hold is not taken. */
void nm_pace_hold(struct nm_pace *pace, int64_t now_ms, int64_t pause_ms);

/* The service has room for so many more at the moment: no more, but one, fly. */
void nm_pace_left(struct nm_pace *pace, int64_t left);

/* Trouble again and again, and nothing went well in between. */
int nm_pace_is_outage(const struct nm_pace *pace);

/* How long nothing has gone well, though it was tried; 0 when the last did. */
int64_t nm_pace_failing_ms(const struct nm_pace *pace, int64_t now_ms);

#endif
