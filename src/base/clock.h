/*
 * clock: what time it is, and waiting. One of the two seams of the tests.
 * All waiting of the library goes through a clock. Must not know what is waited for.
 */
#ifndef NM_BASE_CLOCK_H
#define NM_BASE_CLOCK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Time runs `speed` times as fast as the machine's: 1 in use, more in tests
 * (set from "fast=N"). Zeroed, and NULL where a clock is asked for: speed 1, no stop
 * flag.
 */
struct nm_clock {
	double            speed;       /* 0 means 1 */
	const atomic_int *stop;        /* set by a signal handler; may be NULL */
	int64_t           origin_ms;   /* wall time at init; 0 when speed is 1 */
	int64_t           origin_mono_ms;
};

/*
 * Reads "real" (also NULL and "") or "fast=N", 1 <= N <= 1e6.
 * NM_USAGE for anything else.
 */
enum nm_code nm_clock_init(struct nm_clock *clock, const char *spec,
                           const atomic_int *stop, struct nm_err *err)
	NM_MUST_USE;

/* Milliseconds since 1970 (UTC); may jump. */
int64_t nm_clock_wall_ms(const struct nm_clock *clock);

/* Milliseconds since some moment; never goes back. */
int64_t nm_clock_mono_ms(const struct nm_clock *clock);

/* The same of the machine itself: real ones, whatever a clock makes of them. */
int64_t nm_clock_machine_ms(void);

/* Waits as long as that, never less; NM_INTERRUPTED at once (within 50 ms) when the
 * stop flag is set. */
enum nm_code nm_clock_sleep(const struct nm_clock *clock, int64_t pause_ms,
                            struct nm_err *err) NM_MUST_USE;

/* Real milliseconds to wait for `pause_ms` of this clock's, at least 1. */
int64_t nm_clock_real_ms(const struct nm_clock *clock, int64_t pause_ms);

/* NM_INTERRUPTED when the stop flag is set. */
enum nm_code nm_clock_check(const struct nm_clock *clock, struct nm_err *err)
	NM_MUST_USE;

enum { NM_CLOCK_TEXT_MAX = 32 };

/* "2026-03-25T11:13:11Z" into out (NM_CLOCK_TEXT_MAX bytes). */
void nm_clock_utc(int64_t wall_ms, char *out);

/* "2026-03-25 12:13:11" in local time into out. */
void nm_clock_local(int64_t wall_ms, char *out);

/* "20260325T111311Z", for file names. */
void nm_clock_compact(int64_t wall_ms, char *out);

/* "8s", "3m 20s", "2h 05m", "3d 04h" into out. */
void nm_clock_span(int64_t span_ms, char *out);

/*
 * Reads "90", "0.5", "90s", "15m", "1.5h", "7d" as milliseconds (a bare number
 * is seconds; digits past the third after the point are dropped). NM_USAGE otherwise.
 */
enum nm_code nm_clock_read_span(const char *text, int64_t *span_ms,
                                struct nm_err *err) NM_MUST_USE;

#endif
