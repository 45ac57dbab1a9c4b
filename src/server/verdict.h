/*
 * verdict: what a judge found wrong with a request body, and how the service says so.
 * Knows the envelope; judges nothing (see params, format).
 */
#ifndef NM_SERVER_VERDICT_H
#define NM_SERVER_VERDICT_H

#include "base/buf.h"

/*
 * What is wrong with a body, as it stands in {"error":{message,type,param,code}}.
 * Invariant: status 0 means that nothing is. Zeroed is ready, and may be used
 * again and again.
 */
struct nm_verdict {
	unsigned      status;
	const char   *code;      /* may be NULL */
	char          param[64]; /* empty means null */
	struct nm_buf message;
};

/* In place of what it said before. param and code may be NULL; code lives like the
 * program. */
void nm_verdict_set(struct nm_verdict *verdict, unsigned status,
                    const char *param, const char *code,
                    const char *format, ...) NM_PRINTF(5, 6);

/* Appends the envelope. */
void nm_verdict_write(const struct nm_verdict *verdict, struct nm_buf *out);

void nm_verdict_release(struct nm_verdict *verdict);

#endif
