/*
 * flights: how many direct requests of a run may be at the service, or may have been when
 * a process ended, without a reply that the journal has: the intent of direct mode, which
 * is durable before they are sent. They may be paid for.
 */
#ifndef NM_STATE_FLIGHTS_H
#define NM_STATE_FLIGHTS_H

#include "state/journal.h"

/* Says how many there are from now on. */
enum nm_code nm_flights_set(struct nm_journal *journal, const char *run,
                            int64_t requests, struct nm_err *err) NM_MUST_USE;

/* *requests = 0 where nothing was said. NM_STATE where what was said is damaged. */
enum nm_code nm_flights_get(struct nm_journal *journal, const char *run,
                            int64_t *requests, struct nm_err *err) NM_MUST_USE;

#endif
