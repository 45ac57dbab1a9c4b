/*
 * terminal: what a stream is connected to, and how wide text stands on it.
 * Knows no program and no message.
 */
#ifndef NM_CLI_TERMINAL_H
#define NM_CLI_TERMINAL_H

#include "base/buf.h"

/* Makes the process read and write UTF-8, whatever the environment says. Once. */
void nm_terminal_locale(void);

bool nm_terminal_is(int fd);

/* Columns of the terminal now; 0 when fd is none. COLUMNS overrides. */
int nm_terminal_width(int fd);

/* A terminal whose cursor can be moved, so that lines can be written over. */
bool nm_terminal_moves(int fd);

/* A terminal that can show colours, and NO_COLOR is not set. */
bool nm_terminal_colours(int fd);

/* Columns that UTF-8 text takes; control bytes and tabs count as one. */
int nm_terminal_columns(struct nm_text text);

/*
 * Appends text, safe to show: control characters become '?' (tabs a blank). Longer
 * than `width` columns it is cut at a character and ends in "…". 0 = never cut.
 */
void nm_terminal_add(struct nm_buf *out, struct nm_text text, int width);

#endif
