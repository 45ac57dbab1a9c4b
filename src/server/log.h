/*
 * log: every request as one line of JSON, written before its answer is sent, so
 * that who has the answer finds the line. Never holds a key, and of a body only the
 * end of what a chat asked.
 */
#ifndef NM_SERVER_LOG_H
#define NM_SERVER_LOG_H

#include <stdatomic.h>

#include "base/buf.h"

/* Zeroed (never opened): nothing is written. */
struct nm_log {
	int         fd_plus_one;
	atomic_bool torn; /* the last line has no end */
};

/* Appends to the file. NM_IO when it cannot be opened. */
enum nm_code nm_log_open(struct nm_log *log, const char *file,
                         struct nm_err *err) NM_MUST_USE;
void nm_log_close(struct nm_log *log);

/* One line with its newline, in one write. What a full disk takes is lost, but no
 * line after it: an answer is worth more than its log. Any thread. */
void nm_log_add(struct nm_log *log, struct nm_text line);

#endif
