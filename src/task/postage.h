/*
 * postage: what a request file could cost at most, by batch.
 * Reads the file's requests through their source; sends nothing.
 */
#ifndef NM_TASK_POSTAGE_H
#define NM_TASK_POSTAGE_H

#include "report/estimate.h"
#include "run/source.h"

/*
 * Walks the requests once: prompts by their bytes, at the high guess by
 * nm_bound_input, with the tools and the forms of answers that they bring along;
 * replies by the bound that each request states, else by the guess of a reply; of the
 * high guess, those that may have
 * a long context apart. A request is paid for once, however many attempts it takes:
 * what the service failed costs nothing. *out is for the batch column; its dataset
 * stays NULL. model and prices are lent to it.
 */
enum nm_code nm_postage_count(struct nm_source *source, const char *model,
                              const struct nm_prices *prices,
                              struct nm_estimate *out, struct nm_err *err)
	NM_MUST_USE;

#endif
