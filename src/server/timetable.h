/*
 * timetable: when a batch may go on: how long it stays in a state, when its window is
 * over, and how many rows an hour it may take. All times are virtual.
 * Knows clock, options and scripts; must not know jobs.
 */
#ifndef NM_SERVER_TIMETABLE_H
#define NM_SERVER_TIMETABLE_H

#include "server/call.h"
#include "server/script.h"

/* When a state may be left that began within the second entered_s: counted from now, or
 * from before if it was another that began it, and the clock went on until it was seen
 * here. INT64_MAX = never. */
int64_t nm_timetable_leave_ms(const struct nm_parts *parts,
                              const struct nm_batch_fault *fault,
                              enum nm_batch_state state, int64_t entered_s);

bool nm_timetable_is_over(const struct nm_parts *parts,
                          const struct nm_stored_batch *batch);

/* Not yet due by its books: *due_ms is then when it is, the window's end included. */
bool nm_timetable_waits(const struct nm_parts *parts,
                        const struct nm_stored_batch *batch, int64_t *due_ms);

/* Rows that the pace allows by now, UINT64_MAX without one; when none, *due_ms is
 * when. */
uint64_t nm_timetable_rows(const struct nm_parts *parts,
                           const struct nm_stored_batch *batch,
                           const struct nm_batch_fault *fault,
                           int64_t *due_ms);

#endif
