/*
 * results: the results file, its rows first and its head last, whole or not at
 * all. Rows are never held in memory: they go to an unnamed file and are joined
 * behind the head at the end. Knows no terminal.
 *
 * Calling sequence: open, add each question once in dataset order, finish (or
 * not), release.
 */
#ifndef NM_REPORT_RESULTS_H
#define NM_REPORT_RESULTS_H

#include "base/file.h"
#include "eval/dataset.h"
#include "report/head.h"

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
	int           rows_fd_plus_one;
	uint64_t      rows_bytes; /* written to it */
	uint64_t      n_rows;
	struct nm_buf pending;    /* of the rows, not yet written */
	struct nm_err failed;     /* the first write that failed */
};

/* One question's outcome, as it was scored. */
struct nm_results_row {
	const struct nm_question *question;
	const struct nm_row      *row;
	const struct nm_score    *score;
	struct nm_cost            cost;
	uint64_t                  attempts; /* 0 = not known */
};

/* NM_IO when the folder cannot be made or written; open and release alone tell so
 * before anything is paid. */
enum nm_code nm_results_open(struct nm_results *results,
                             const struct nm_results_options *options,
                             struct nm_err *err) NM_MUST_USE;

/* A write that fails is remembered and told by finish. */
void nm_results_add(struct nm_results *results,
                    const struct nm_results_row *row);

/*
 * Writes the run's own file, then the known path as its copy. Both whole or not at
 * all. A file at the known path that nightmail did not write (an older tool's) is
 * kept in runs/ first. NM_IO names the file that could not be written.
 */
enum nm_code nm_results_finish(struct nm_results *results,
                               const struct nm_head *head,
                               struct nm_err *err) NM_MUST_USE;

/* A zeroed one may be released. */
void nm_results_release(struct nm_results *results);

#endif
