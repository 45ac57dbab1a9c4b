/*
 * option: what a person gave for the options of a table (cli/option_table.h). Knows no
 * program; glibc's argp inside.
 *
 * Calling sequence: read; unless it failed or `answered`, given, text, whole, number
 * and list of any id of the table; release, also after a failure.
 */
#ifndef NM_CLI_OPTION_H
#define NM_CLI_OPTION_H

#include "base/arena.h"
#include "cli/option_table.h"

/* Zeroed is ready for nm_options_read. Texts are lent from argv or the arena. */
struct nm_options {
	const struct nm_option_table *table;
	struct nm_option_value       *values; /* by id */
	struct nm_arena               arena;
	int                           answered; /* --help and the like: only exit now */
};

/*
 * Reads and checks argv. With --help, --version or a --print-… the answer goes to
 * stdout and `answered` is set. NM_USAGE, one line, for whatever is wrong.
 */
enum nm_code nm_options_read(struct nm_options *options,
                             const struct nm_option_table *table,
                             int argc, char **argv, struct nm_err *err)
	NM_MUST_USE;
void nm_options_release(struct nm_options *options);

/* By a person, on the command line; a preset does not count. */
bool nm_options_given(const struct nm_options *options, int id);

/* TEXT and CHOICE (also the last word of a LIST): given, else preset, else NULL. */
const char *nm_options_text(const struct nm_options *options, int id);

/* WHOLE, or SPAN in ms: given, else preset, else 0. */
int64_t nm_options_whole(const struct nm_options *options, int id);

/* NUMBER: given, else preset, else 0. */
double nm_options_number(const struct nm_options *options, int id);

/* LIST: its words and their count; the preset (split at blanks) when not given. */
const char *const *nm_options_list(const struct nm_options *options, int id,
                                   size_t *count);

/* The option's name with its dashes, for messages: "--limit". */
const char *nm_options_name(const struct nm_options *options, int id);

#endif
