/*
 * clock: the server's own time. Every timestamp, window and expiry runs on it;
 * sockets, locks and scripted delays of calls do not.
 * Named vclock, since base has the machine's clock. Must not know what is timed.
 *
 * Virtual time = anchor + (now - then) * speed, and with speed 0 it stands still until
 * moved. What passed is told by the clock that only runs on, so that a wall clock that
 * is set moves nothing; by the wall's where the machine began anew meanwhile, and with
 * "real". The anchor lives in a small file of the state folder that all processes
 * map: they share one time, and a restart, also after kill -9, goes on with it and
 * never back. With "real" and no such file it is the wall.
 *
 * Calling sequence: open, in a folder that is there; calls of any thread; wake, so that
 * no wait is left; close.
 */
#ifndef NM_SERVER_CLOCK_H
#define NM_SERVER_CLOCK_H

#include <stdint.h>

#include "base/err.h"

struct nm_vclock;

/*
 * spec: "real" (also NULL and ""), "fast=N" with 1 <= N <= 1e6, or "step".
 * NM_USAGE for any other; NM_IO, NM_STATE when the folder's file is unusable.
 */
enum nm_code nm_vclock_open(const char *spec, const char *state_dir,
                            struct nm_vclock **clock, struct nm_err *err)
	NM_MUST_USE;
void nm_vclock_close(struct nm_vclock *clock);

/* Virtual milliseconds, and whole seconds, since 1970. Any thread; cheap. */
int64_t nm_vclock_now_ms(const struct nm_vclock *clock);
int64_t nm_vclock_now_s(const struct nm_vclock *clock);

/* Virtual milliseconds a real one; 0 when time is stepped. */
double nm_vclock_speed(const struct nm_vclock *clock);

/* "real", "fast" or "step". */
const char *nm_vclock_mode(const struct nm_vclock *clock);

/*
 * Puts time forward by so much (at least 0) and wakes all that wait. NM_REFUSED
 * when time is real.
 */
enum nm_code nm_vclock_move(struct nm_vclock *clock, int64_t by_ms,
                            struct nm_err *err) NM_MUST_USE;

/*
 * Waits until virtual time reaches at_ms (INT64_MAX: no such moment), real_max_ms
 * real milliseconds have passed, or nm_vclock_wake is called, also between two
 * waits: *seen holds the wakings this caller has had; start it at 0.
 */
void nm_vclock_wait(struct nm_vclock *clock, int64_t at_ms,
                    int64_t real_max_ms, uint64_t *seen);

/* Ends all waits of this process. */
void nm_vclock_wake(struct nm_vclock *clock);

#endif
