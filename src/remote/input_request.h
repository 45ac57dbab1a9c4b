/*
 * input_request: one parsed line, judged member by member in the service's order. For
 * input; adds nothing to its sums.
 */
#ifndef NM_REMOTE_INPUT_REQUEST_H
#define NM_REMOTE_INPUT_REQUEST_H

#include "remote/input.h"

/*
 * An object, of the line that the finding names. Reads the line in either case; false,
 * with the finding filled in, where the service would refuse it. The first good url and
 * model become those that later lines have to have.
 */
bool nm_input_judge(struct nm_input *input, const struct nm_value *root,
                    struct nm_input_line *line, struct nm_finding *finding);

#endif
