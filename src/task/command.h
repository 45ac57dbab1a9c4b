/*
 * command: a command line that a person can paste. Must not know what it does.
 */
#ifndef NM_TASK_COMMAND_H
#define NM_TASK_COMMAND_H

#include "base/buf.h"

/*
 * Appends a program's name as it has to be typed: where this one was called by a
 * path (`typed` is its argv[0]) its sister lies beside it, else it is on PATH.
 */
void nm_command_add_program(struct nm_buf *out, const char *typed,
                            const char *program);

/* Appends a blank and a word, quoted for a shell where it needs to be. */
void nm_command_add_word(struct nm_buf *out, const char *word);

#endif
