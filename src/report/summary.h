/*
 * summary: what a person reads at the end of a run, as text or as one JSON object.
 * Knows no terminal but its width.
 */
#ifndef NM_REPORT_SUMMARY_H
#define NM_REPORT_SUMMARY_H

#include "report/head.h"

/* A dataset's run, and where it was saved (NULL = nowhere). */
struct nm_summary {
	struct nm_head head;
	const char    *known_path;
	const char    *run_path;
};

/* The text of one dataset, appended. */
void nm_summary_write(const struct nm_summary *summary, struct nm_buf *out);

/* The table over all datasets of a run, a line each. */
void nm_summary_write_all(const struct nm_summary *summaries, size_t n,
                          struct nm_buf *out);

/*
 * Of what was appended from `from` on: names and messages come from outside, and what
 * of them could move the cursor, part a line or turn its direction round becomes '?',
 * a byte for a byte. The two above have done it.
 */
void nm_summary_disarm(struct nm_buf *out, size_t from);

/* {"status": …, "datasets": [{variant_name … run, "path", "run_path"}]} and '\n'.
 * Of `missing` further datasets there is no result: that is "partial" too. */
void nm_summary_write_json(const struct nm_summary *summaries, size_t n,
                           size_t missing, struct nm_buf *out);

#endif
