/*
 * retry: no, now, or after so many milliseconds. Pure: no time, no chance, no
 * I/O. Knows statuses and headers; must not know what the call was for.
 *
 * The rules are those of OpenAI's own client libraries (2026-08):
 * x-should-retry decides first; else 408, 409, 429, 500 and above, failed
 * connections and time-outs are repeated. Two things differ: a 429 for want of
 * money is never repeated, and a pause asked for is honoured up to a bound
 * instead of ignored.
 */
#ifndef NM_NET_RETRY_H
#define NM_NET_RETRY_H

#include "base/buf.h"

enum nm_retry_kind {
	NM_RETRY_REPLIED,     /* a whole reply came */
	NM_RETRY_UNREACHABLE, /* nothing was sent */
	NM_RETRY_CUT,         /* sent, and cut or out of time */
	NM_RETRY_LOCAL        /* our own doing: too large, interrupted */
};

enum nm_retry_conflict { NM_RETRY_409, NM_RETRY_409_NEVER };

struct nm_retry_event {
	enum nm_retry_kind     kind;
	int                    status;
	enum nm_retry_conflict conflict; /* a cancel's 409 is an answer */
	struct nm_text type;             /* of the error; may be empty */
	struct nm_text code;
	struct nm_text should_retry;     /* headers as they came, or empty */
	struct nm_text retry_after_ms;
	struct nm_text retry_after;
	int64_t        wall_ms;          /* now, for a date in Retry-After */
};

/* Zeroed: two retries, no budget, pauses asked for honoured up to 120 s. */
struct nm_retry_policy {
	int     retries_max;  /* 0 = 2; negative = none */
	int64_t budget_ms;    /* of elapsed time and pause together; 0 = none */
	int64_t bound_ms;     /* of a pause the service asks for; 0 = 120 s */
};

enum { NM_RETRY_BOUND_MS = 120000, NM_RETRY_RETRIES = 2 };

enum nm_retry_when { NM_RETRY_NEVER, NM_RETRY_NOW, NM_RETRY_AFTER };

struct nm_retry_verdict {
	enum nm_retry_when when;
	int64_t            pause_ms;
	const char        *reason;    /* some words, living for ever */
	bool               transient; /* it might work later, retried or not */
	bool               asked;     /* the service itself named the pause */
};

/*
 * tries: how many were made, at least 1. elapsed_ms: since the first began.
 * chance: in [0, 1). Backoff for the n-th retry: min(0.5 s · 2^n, 8 s) ·
 * (1 − 0.25 · chance); for 503 and slow_down min(4 s · 2^n, 60 s).
 */
struct nm_retry_verdict nm_retry_decide(const struct nm_retry_policy *policy,
                                        const struct nm_retry_event *event,
                                        int tries, int64_t elapsed_ms,
                                        double chance);

/* Is it for want of money, which no waiting mends? By type or code. */
bool nm_retry_is_billing(struct nm_text type, struct nm_text code);

/*
 * The pause that the two headers ask for: retry-after-ms, else retry-after in
 * seconds (also with a fraction) or as an HTTP date (RFC 9110, 5.6.7; the two
 * obsolete forms not). -1 if neither says anything usable.
 */
int64_t nm_retry_after(struct nm_text retry_after_ms,
                       struct nm_text retry_after, int64_t wall_ms);

#endif
