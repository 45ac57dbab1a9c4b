/*
 * pass: a slice of a batch's rows: each gets its line on the shelf, from the
 * simulated model, or as one that the script spoils, or that never ran.
 * Knows rows and lines; must not know a batch's states.
 */
#ifndef NM_SERVER_PASS_H
#define NM_SERVER_PASS_H

#include "server/job.h"
#include "server/result.h"

enum nm_pass_kind { NM_PASS_ASK, NM_PASS_EXPIRE, NM_PASS_CANCEL };

/*
 * Goes on behind the books' last row, for some 10 ms and at most `most` rows, and
 * moves the books. job->rows_done when the file has no more. On error the books
 * are as they were.
 */
enum nm_code nm_pass_run(struct nm_job *job, struct nm_desk *desk,
                         enum nm_pass_kind kind,
                         const struct nm_script *script, uint64_t most,
                         struct nm_err *err) NM_MUST_USE;

/* The ids of a row's line. */
struct nm_result_head nm_pass_head(const struct nm_job *job,
                                   const struct nm_row_asked *row);

/* Opens the shelf at the books; books that promise more than there is start
 * again. */
enum nm_code nm_pass_open_shelf(struct nm_job *job, struct nm_desk *desk,
                                struct nm_batch_books *books,
                                struct nm_err *err) NM_MUST_USE;

/* Appends the line of a row that the script does not let run, and books it;
 * false when it is to be asked. */
bool nm_pass_add_unasked(struct nm_desk *desk, struct nm_batch_books *books,
                         const struct nm_result_head *head,
                         const struct nm_row_fault *fault);

/* Appends an answered row to the shelf as the fault has it, and books it. */
struct nm_row_reply {
	unsigned        status;
	struct nm_text  body;   /* JSON */
	struct nm_usage usage;
};
void nm_pass_add_reply(struct nm_desk *desk, struct nm_batch_books *books,
                       const struct nm_result_head *head,
                       const struct nm_row_reply *reply,
                       const struct nm_row_fault *fault);

/* Makes the books the job's, up to what was flushed, and counts the rows. */
void nm_pass_book(struct nm_job *job, struct nm_desk *desk,
                  struct nm_batch_books *books);

#endif
