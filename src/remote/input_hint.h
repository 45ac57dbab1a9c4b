/*
 * input_hint: what a person may want to know of a line that is no request. For input;
 * knows bytes alone.
 */
#ifndef NM_REMOTE_INPUT_HINT_H
#define NM_REMOTE_INPUT_HINT_H

#include "remote/input.h"

/* Of a line that cannot be parsed, for which err says why; "" where there is none. */
const char *nm_input_hint(struct nm_text line, uint64_t number,
                          const struct nm_err *err);

/* Of a file's first line, where all of it is one value, or laid out for people; else
 * "". */
const char *nm_input_hint_shape(struct nm_text line, uint64_t number);

#endif
