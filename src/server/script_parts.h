/*
 * script_parts: what the readers of a script's rules share. Of script_*.c alone.
 */
#ifndef NM_SERVER_SCRIPT_PARTS_H
#define NM_SERVER_SCRIPT_PARTS_H

#include "server/script.h"
#include "server/words.h"

/* What is chosen from: not each way of choosing fits each of them. */
enum nm_which_of { NM_OF_CALLS, NM_OF_ROWS, NM_OF_BATCHES };

/* WHICH of the grammar; NM_INPUT when it is none, or does not fit. */
enum nm_code nm_script_take_which(const struct nm_script *script,
                                  struct nm_words *r, enum nm_which_of of,
                                  struct nm_which *which) NM_MUST_USE;

/* COUNTS, as the JSON to be shown. */
enum nm_code nm_script_take_counts(struct nm_script *script,
                                   struct nm_words *r, const char **counts)
	NM_MUST_USE;

/* A rule for all such calls, named by the line; it lives until the next one is
 * added. */
struct nm_call_rule *nm_script_add_call(struct nm_script *script,
                                        struct nm_words *r,
                                        const char *method,
                                        const char *path);

/* The rest of a line after "on". */
enum nm_code nm_script_read_call(struct nm_script *script,
                                 struct nm_words *r) NM_MUST_USE;

#endif
