/*
 * batch_id: a batch's id as a person gives it: one rule for all programs. Pure.
 */
#ifndef NM_TASK_BATCH_ID_H
#define NM_TASK_BATCH_ID_H

#include "base/err.h"

enum { NM_BATCH_ID_MAX_BYTES = 256 };

/*
 * An id is one part of a path: up to so many bytes of visible ASCII, without / ? # %,
 * and neither "." nor "..". NM_USAGE for any other, naming the option ("--status") and
 * where ids are shown.
 */
enum nm_code nm_batch_id_check(const char *id, const char *option,
                               struct nm_err *err) NM_MUST_USE;

/* Whether it has the form of a run's id, which a person may take for a batch's. */
int nm_batch_id_is_run(const char *id);

#endif
