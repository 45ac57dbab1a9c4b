/*
 * results: the results file, its head first and its rows then, whole or not at all;
 * and its copy at the known path. Holds no rows in memory. Knows no terminal.
 *
 * Calling sequence: open, add_head, add the rows of all questions once in dataset
 * order, finish (or not), release. Or, to write rows before the head is known: open,
 * leave_room, add the rows, add_head (which may want all rows once more), finish.
 * Rows are put by put_row, by any thread.
 */
#ifndef NM_REPORT_RESULTS_H
#define NM_REPORT_RESULTS_H

#include "eval/dataset.h"
#include "report/head.h"
#include "report/pair.h"

/* Zero means default; texts are copied. */
struct nm_results_options {
	const char       *folder;   /* default "results"; made when missing */
	const char       *variant;  /* default "variant0_llm_baseline" */
	const char       *dataset;  /* must be there */
	enum nm_head_mode mode;
	const char       *run_id;   /* must be there */
	int64_t           began_ms; /* wall, of the run: the same each time it is saved */
};

struct nm_results {
	struct nm_buf run_path;   /* results/runs/<dataset>_<mode>_<UTC>_<run id>.json */
	struct nm_buf known_path; /* results/<variant>_<dataset>[_batch].json */
	struct nm_buf kept_path;  /* where finish kept an older tool's file; else "" */
	struct nm_pair files;     /* at the first two paths */
	bool          any;        /* there are rows */
	size_t        room_bytes; /* before them, for a head to come; 0 = none */
};

/* One question's outcome, as it was scored. */
struct nm_results_row {
	const struct nm_question *question;
	const struct nm_row      *row;
	const struct nm_score    *score;
	struct nm_cost            cost;
	uint64_t                  attempts; /* 0 = not known */
};

/* Whether files can be made where results are saved, which is made too: told before
 * anything is paid. folder as in the options. NM_IO names the one that cannot be used. */
enum nm_code nm_results_probe(const char *folder, struct nm_err *err)
	NM_MUST_USE;

/* NM_IO when the run's file cannot be made; where the known path alone cannot be
 * written, files.known_failed says so already. */
enum nm_code nm_results_open(struct nm_results *results,
                             const struct nm_results_options *options,
                             struct nm_err *err) NM_MUST_USE;

/* A write that fails is remembered and told by finish; so with all that are below. */

/* Leaves room for a head such as this one, in which nothing was counted yet; as much of
 * it as is not needed then is blanks at the ends of the head's lines. */
void nm_results_leave_room(struct nm_results *results,
                           const struct nm_head *head);

/* False when the head is longer than its room: it is there all the same, but the rows
 * that were added are not, and are to be added once more. */
bool nm_results_add_head(struct nm_results *results,
                         const struct nm_head *head) NM_MUST_USE;

/* Rows stand in an array within the file's object. */
enum { NM_RESULTS_ROW_DEPTH = 2 };

/* Appends the row of the question at this place, from 0, among all. */
void nm_results_put_row(struct nm_buf *out, const struct nm_results_row *row,
                        uint64_t place);

/* Takes rows as they were put, one after the other; *rows is empty then. They are written
 * beside the caller. */
void nm_results_take(struct nm_results *results, struct nm_buf *rows);

/*
 * Ends the run's own file, then its copy at the known path. Each whole or not at
 * all. A file at the known path that nightmail did not write (an older tool's) is
 * kept in runs/ first. NM_IO names the file that could not be written; if it is the
 * one at the known path, the run's own is there.
 */
enum nm_code nm_results_finish(struct nm_results *results,
                               struct nm_err *err) NM_MUST_USE;

/* A zeroed one may be released. */
void nm_results_release(struct nm_results *results);

#endif
