/*
 * limits: what the service's refusals taught about an account's room.
 */
#ifndef NM_STATE_LIMITS_H
#define NM_STATE_LIMITS_H

#include "state/journal.h"

/* Kinds: "enqueued_tokens", "enqueued_requests", "creations_per_hour". */
enum nm_code nm_limits_set(struct nm_journal *journal, const char *account,
                           const char *model, const char *kind, int64_t value,
                           int64_t now_ms, struct nm_err *err) NM_MUST_USE;

enum { NM_LIMITS_LAST_MS = 7 * 24 * 3600 * 1000 };

/* NM_ABSENT where nothing was learnt within NM_LIMITS_LAST_MS before now_ms: accounts
 * grow, and only another refusal tells by how much. */
enum nm_code nm_limits_get(struct nm_journal *journal, const char *account,
                           const char *model, const char *kind,
                           int64_t now_ms, int64_t *value,
                           struct nm_err *err) NM_MUST_USE;

#endif
