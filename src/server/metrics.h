/*
 * metrics: what happened so far in this process, counted without locks.
 * Knows names only. Each counter only grows; working is none.
 */
#ifndef NM_SERVER_METRICS_H
#define NM_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

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
	_Atomic int64_t working;         /* 1 = batches are worked on here */
	_Atomic int64_t rows_completed;  /* answered well */
	_Atomic int64_t rows_failed;     /* ran, and were refused */
	_Atomic int64_t upstream_requests;
	_Atomic int64_t upstream_retries;
	_Atomic int64_t faults;          /* applied, of any kind */
};

#endif
