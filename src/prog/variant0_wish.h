/*
 * variant0_wish: what the options of variant0_llm_baseline ask for, in the words of
 * the rooms that do it.
 */
#ifndef NM_PROG_VARIANT0_WISH_H
#define NM_PROG_VARIANT0_WISH_H

#include "cli/option.h"
#include "run/quiz.h"
#include "run/run.h"

/* NM_USAGE for an option that says nothing in the mode at hand. */
enum nm_code nm_variant0_check(const struct nm_options *options,
                               struct nm_err *err) NM_MUST_USE;

/* What to ask, the dataset itself excepted. data_dir and model are taken where none is
 * named; texts are lent. */
void nm_variant0_quiz(const struct nm_options *options, const char *data_dir,
                      const char *model, struct nm_quiz_wish *wish);

/* Appends those that whoever goes on with a run by its batch's id has to give again, each
 * with a blank before: by which results come where they were wanted, mean the same and
 * cost no more than was allowed. */
void nm_variant0_carry(const struct nm_options *options, struct nm_buf *out);

void nm_variant0_settings(const struct nm_options *options,
                          struct nm_run_settings *settings);

#endif
