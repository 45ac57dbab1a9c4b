/*
 * signals: the one flag that asks a program to stop, and who sets it.
 */
#ifndef NM_PROG_SIGNALS_H
#define NM_PROG_SIGNALS_H

#include <stdatomic.h>

/* SIGINT, SIGTERM and SIGHUP (unless that is ignored) set the flag, a second one ends
 * the process at once with 130; SIGPIPE is ignored, so that writing tells of it. */
void nm_signals_init(void);

/* Not 0 once a signal came. */
const atomic_int *nm_signals_stop_flag(void);

#endif
