/*
 * failure: rows that failed, grouped by reason. Knows rows, not batches.
 */
#ifndef NM_RUN_FAILURE_H
#define NM_RUN_FAILURE_H

#include "base/map.h"
#include "eval/row.h"

/* Rows that failed alike. Texts are in the arena, and may hold any character. */
struct nm_failure {
	enum nm_class  class;
	int            status;     /* 0 = none was told */
	struct nm_text code;       /* empty = none was told */
	struct nm_text message;    /* of the first of them */
	uint64_t       count;
	struct nm_buf  custom_ids; /* in their order: nm_failure_next_id */
};

/* Zeroed is empty and ready. */
struct nm_failures {
	struct nm_failure *list;
	size_t             n;
	size_t             room;
	uint64_t           rows;    /* sum of the counts */
	struct nm_map      reasons; /* class, status, code -> place in list */
	struct nm_arena    arena;
};

/* Adds a row, unless it is a success. */
void nm_failures_add(struct nm_failures *failures, const struct nm_row *row);

/* Lends the next id, until the failure changes; *at is 0 for the first. False where
 * there is no more. */
bool nm_failure_next_id(const struct nm_failure *failure, size_t *at,
                        struct nm_text *id);

/* Most frequent first. */
void nm_failures_sort(struct nm_failures *failures);
void nm_failures_release(struct nm_failures *failures);

#endif
