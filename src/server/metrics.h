/*
 * metrics: what happened so far in this process, counted without locks.
 * Knows names only. Each counter only grows; those of the present say so.
 */
#ifndef NM_SERVER_METRICS_H
#define NM_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* What only whoever runs the server can mend. */
enum nm_trouble_kind {
	NM_TROUBLE_NONE,
	NM_TROUBLE_UNREACHABLE, /* the upstream: no connection */
	NM_TROUBLE_TLS,         /* none that can be trusted */
	NM_TROUBLE_KEY,         /* it refuses the server's key */
	NM_TROUBLE_MONEY,       /* it wants money first */
	NM_TROUBLE_NO_API,      /* what answers there is none */
	NM_TROUBLE_FAILING,     /* 5xx, or no reply in time, until a row is given up */
	NM_TROUBLE_DISK,        /* a step of a batch: no room */
	NM_TROUBLE_STATE,       /* anything else of this machine */
	NM_TROUBLE_KINDS
};

struct nm_metrics {
	_Atomic int64_t requests[6];     /* by status class: [2] = 2xx; [0] unanswered */
	_Atomic int64_t body_in_bytes;
	_Atomic int64_t body_out_bytes;
	_Atomic int64_t connections;     /* opened */
	_Atomic int64_t connections_closed;
	_Atomic int64_t cut_late;        /* connections ended by a deadline */
	_Atomic int64_t batches_created;
	_Atomic int64_t batches_ended;
	_Atomic int64_t setbacks;        /* steps of batches that failed */
	_Atomic int64_t rows_completed;  /* answered well */
	_Atomic int64_t rows_failed;     /* ran, and were refused */
	_Atomic int64_t upstream_requests;
	_Atomic int64_t upstream_retries;
	_Atomic int64_t troubles[NM_TROUBLE_KINDS]; /* times each was met */
	/* Of the present: whether batches are worked on here; since when there is
	 * trouble of a kind, in seconds, 0 = none; and the status that the upstream
	 * gives then where that tells of it, 0 = it does not reply. */
	_Atomic int64_t working;
	_Atomic int64_t trouble_since_s[NM_TROUBLE_KINDS];
	_Atomic int64_t trouble_status[NM_TROUBLE_KINDS];
	_Atomic int64_t faults;          /* applied, of any kind */
};

#endif
