/*
 * option_table: a program's options as data. One table per program; --help, the
 * manual's list and the completions are all written from it. Knows no program, and not
 * what was given.
 *
 * Every table has --help, --version and the hidden --print-man and
 * --print-completion without naming them.
 */
#ifndef NM_CLI_OPTION_TABLE_H
#define NM_CLI_OPTION_TABLE_H

#include "base/buf.h"

enum nm_option_kind {
	NM_OPTION_FLAG,   /* no argument */
	NM_OPTION_TEXT,   /* any text but the empty one */
	NM_OPTION_CHOICE, /* one of `words` */
	NM_OPTION_WHOLE,  /* a whole number, min to max */
	NM_OPTION_NUMBER, /* a decimal number, min to max */
	NM_OPTION_SPAN,   /* "90", "90s", "15m", "24h", "7d"; min and max in ms */
	NM_OPTION_LIST    /* words up to the next option; each use adds */
};

enum nm_option_trait {
	NM_OPTION_HIDDEN = 1, /* works, but help, manual and completions are silent */
	NM_OPTION_BARE = 2,   /* its argument may be left out */
	NM_OPTION_ONCE = 4,   /* a second one does not take the first one's place */
	NM_OPTION_UNIT = 8    /* of a SPAN: seconds too are to be called so ("90s") */
};

/* Invariant: id is 1 to NM_OPTION_ID_MAX and unique in its table. */
struct nm_option {
	int                 id;
	char                letter;   /* short form, 0 = none */
	const char         *name;     /* without "--" */
	enum nm_option_kind kind;
	const char         *argument; /* "N"; FILE and DIR complete to paths */
	const char         *preset;   /* read as if given, when it is not; may be NULL */
	const char         *otherwise; /* default in words, when `preset` cannot say */
	const char         *words;    /* "direct|batch"; of a LIST: only suggestions */
	double              min, max; /* max 0 = no upper end */
	const char         *help;     /* no full stop; default and range are added */
	const char         *group;    /* heading; NULL = that of the option before */
	unsigned            traits;
};

enum { NM_OPTION_ID_MAX = 120 };

/* Two options that cannot stand together, and why. */
struct nm_option_clash {
	int         one, other;
	const char *why;
};

struct nm_option_note {
	const char *term, *text;
};

/* Lists end with a zeroed member (a NULL string); each may be NULL. */
struct nm_option_table {
	const char                   *program;
	const char                   *purpose;  /* one line */
	const char *const            *synopsis; /* without the program's name */
	const struct nm_option       *options;
	const struct nm_option_clash *clashes;
	const struct nm_option_note  *exits;       /* "2", "wrong options" */
	const struct nm_option_note  *environment;
	const struct nm_option_note  *files;
	const struct nm_option_note  *examples; /* command (the program's name may be
	                                           left out), what it does */
};

/* What --help prints, for a terminal of `width` columns. */
void nm_option_table_help(const struct nm_option_table *table, int width,
                          struct nm_buf *out);

/* The mdoc list that stands under .Sh OPTIONS in the manual. */
void nm_option_table_man(const struct nm_option_table *table,
                         struct nm_buf *out);

/* shell is "bash", "zsh" or "fish"; NM_USAGE for another. */
enum nm_code nm_option_table_completion(const struct nm_option_table *table,
                                        const char *shell, struct nm_buf *out,
                                        struct nm_err *err) NM_MUST_USE;

#endif
