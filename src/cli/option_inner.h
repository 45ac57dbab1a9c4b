/*
 * option_inner: what the files of option share; for no one else.
 */
#ifndef NM_CLI_OPTION_INNER_H
#define NM_CLI_OPTION_INNER_H

#include "base/arena.h"
#include "cli/option_table.h"

/* The options that every program has; their ids follow NM_OPTION_ID_MAX. */
enum {
	OPTION_HELP = NM_OPTION_ID_MAX + 1,
	OPTION_VERSION,
	OPTION_PRINT_MAN,
	OPTION_PRINT_COMPLETION,
	OPTION_ID_END
};

/* What was given for one id. */
struct nm_option_value {
	const struct nm_option *option;
	const char             *dashed; /* "--limit" */
	bool                    given;
	const char             *text;
	int64_t                 whole;
	double                  number;
	const char            **words;  /* count of them, room for cap */
	size_t                  count, cap;
};

/* The i-th option, the table's own first; NULL after the last. */
const struct nm_option *nm_option_table_at(const struct nm_option_table *table,
                                           size_t i);

/* Appends "from 1 up", "from 1 to 100"; nothing where all is allowed. */
void nm_option_add_range(const struct nm_option *option, struct nm_buf *out);

/* The option without an upper end that only keeps numbers within a type: told, it
 * would say nothing. */
struct nm_option nm_option_shown(const struct nm_option *option);

/* Appends help, range and default as one plain text, without markup. */
void nm_option_add_help(const struct nm_option *option, struct nm_buf *out);

/* Appends what stands after the name, with its blank: " NAME…", " [ID…]". */
void nm_option_add_argument(const struct nm_option *option,
                            struct nm_buf *out);

/* The next of "a|b|c" from *words on, which moves; len 0 at the end. */
struct nm_text nm_option_next_word(const char **words);

/*
 * Takes one text for the option, whatever its kind; a list grows in the arena.
 * NM_USAGE when it is none of the kind's values.
 */
enum nm_code nm_option_value_take(struct nm_option_value *value,
                                  const char *text, struct nm_arena *arena,
                                  struct nm_err *err) NM_MUST_USE;

/*
 * NM_USAGE, saying why getopt stopped on one of the words around `next` (of
 * `count`), and which option may be meant.
 */
enum nm_code nm_option_suggest(const struct nm_option_table *table,
                               char **words, int next, int count,
                               struct nm_err *err);

#endif
