/*
 * quiz_source: questions of a dataset, composed by a request's shape, as a run's source
 * (run/source.h). For quiz, which finds the dataset and the prompt; knows neither's
 * name.
 *
 * Calling sequence: zero; open; init request (unless nothing is sent); the calls of
 * source; release. Its lines and its selection stand at one place of one file: one
 * thread.
 */
#ifndef NM_RUN_QUIZ_SOURCE_H
#define NM_RUN_QUIZ_SOURCE_H

#include "eval/request.h"
#include "eval/selection.h"
#include "run/source.h"

struct nm_quiz_source {
	struct nm_source     source; /* first */
	struct nm_selection *selection;
	struct nm_request    request;
	struct nm_buf        line;   /* the item lent last */
	uint32_t            *ids;    /* by ordinal; NULL = the same numbers */
};

/* Reads the dataset once: count and digest are known then. Errors of
 * nm_selection_open; NM_LIMIT where ids pass 32 bits. To be released also after
 * one. */
enum nm_code nm_quiz_source_open(struct nm_quiz_source *quiz, const char *path,
                                 const struct nm_selection_options *options,
                                 struct nm_err *err) NM_MUST_USE;
/* A zeroed one may be released. */
void nm_quiz_source_release(struct nm_quiz_source *quiz);

#endif
