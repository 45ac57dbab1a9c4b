/*
 * batch_view: a batch as a person reads it, as a row of a table, and as JSON.
 * Knows batches and what is recorded of their runs; asks nobody.
 */
#ifndef NM_PROG_BATCH_VIEW_H
#define NM_PROG_BATCH_VIEW_H

#include "cli/table.h"
#include "remote/batches.h"
#include "run/batch_run.h"
#include "run/request_quote.h"

enum { NM_BATCH_ERRORS_SHOWN = 10 };

/* Borrowed. Zero or NULL where nothing is known. */
struct nm_batch_view {
	const struct nm_batch         *batch;
	int64_t                        now_ms; /* wall time */
	const char                    *typed;  /* argv[0] */
	const char                    *flags;  /* of the service, for commands */
	const struct nm_batch_run     *run;
	const struct nm_request_quote *quotes; /* of the first errors, in order */
	size_t                         n_quotes;
};

/* Appends all there is to say, and the command to run next. */
void nm_batch_view_write(const struct nm_batch_view *view,
                         struct nm_buf *out);

/*
 * Puts the object as the API has it, null where nothing is known, and beside it
 * final, percent, age_seconds, elapsed_seconds, expires_in_seconds, description,
 * run and next. A writer that stands inside the object may add to it.
 */
void nm_batch_view_put_members(const struct nm_batch_view *view,
                               struct nm_json_writer *w);

/* The command to run next, "" where there is none. Appended. */
void nm_batch_view_next(const struct nm_batch_view *view,
                        struct nm_buf *out);

/* Of 100; -1 when the counts do not say. */
double nm_batch_percent(const struct nm_batch *batch);

#endif
