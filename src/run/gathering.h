/*
 * gathering: the rows of any number of result files -> one line a request, in the
 * order of the requests. Joins by custom_id; of any endpoint. Holds 16 bytes and
 * the custom_id of each request; the lines are read again when they are written.
 *
 * Calling sequence: init; add_input for each input file in order; add_results for
 * each result file, earlier attempts first; write; release.
 */
#ifndef NM_RUN_GATHERING_H
#define NM_RUN_GATHERING_H

#include "base/file.h"
#include "base/map.h"
#include "eval/row.h"
#include "run/sheaf.h"

struct nm_gathering_entry;

/* Of the requests; the five classes sum to requests. */
struct nm_gathering_counts {
	uint64_t requests;
	uint64_t succeeded;
	uint64_t failed;    /* a row with an error */
	uint64_t expired;
	uint64_t cancelled;
	uint64_t missing;   /* no row at all */
	uint64_t unknown;   /* rows of ids never asked */
	uint64_t duplicate; /* further rows of an id within one attempt */
	uint64_t malformed; /* lines that are no rows */
};

struct nm_gathering {
	struct nm_map              ids;     /* custom_id -> entry */
	struct nm_gathering_entry *entries;
	size_t                     n;
	size_t                     room;
	struct nm_sheaf            files;
	int                        open_ended; /* no input file: ids as they come */
	int64_t                    attempt;
	struct nm_row_reader       reader;
	struct nm_gathering_counts counts;
};

/* An empty one. */
void nm_gathering_init(struct nm_gathering *gathering);

/* Notes the requests of an input file; one known already (a later attempt) keeps
 * its place. */
enum nm_code nm_gathering_add_input(struct nm_gathering *gathering,
                                    const char *path, struct nm_err *err)
	NM_MUST_USE;

/* There is an input file that cannot be had: ids are taken as rows come. */
void nm_gathering_take_any(struct nm_gathering *gathering);

/* Notes the rows of a result file. A success stays; a failure gives way to a row of
 * a later attempt. */
enum nm_code nm_gathering_add_results(struct nm_gathering *gathering,
                                      const char *path, int64_t attempt,
                                      struct nm_err *err) NM_MUST_USE;

/*
 * Adds a line a request; of one without a row a line with error code "missing".
 * counts are complete then.
 */
enum nm_code nm_gathering_write(struct nm_gathering *gathering,
                                struct nm_draft *draft, struct nm_err *err)
	NM_MUST_USE;

void nm_gathering_release(struct nm_gathering *gathering);

#endif
