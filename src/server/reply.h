/*
 * reply: what came back from an upstream, whatever it was, as its asker is told.
 * Knows bodies and headers; must not know who asked, or how often.
 */
#ifndef NM_SERVER_REPLY_H
#define NM_SERVER_REPLY_H

#include "net/http.h"
#include "net/retry.h"
#include "server/usage.h"

/* body is one JSON object without line breaks, an envelope of our own where the
 * upstream gave none. */
struct nm_upstream_reply {
	unsigned        status;
	struct nm_text  body;
	struct nm_usage usage;        /* of a 2xx */
	/* Headers, or empty. */
	struct nm_text  retry_after, retry_after_ms, should_retry;
};

/*
 * Of a transfer's outcome: got NULL where none came, for that reason, a sentence; root
 * NULL where its body is no JSON object. body is overwritten and lends the reply's, got
 * its headers. What is told has no key in it.
 */
void nm_reply_make(struct nm_upstream_reply *reply,
                   const struct nm_http_reply *got,
                   const struct nm_value *root, const char *reason,
                   const struct nm_secret *key, struct nm_buf *body);

/* One of our own, with the envelope of that status. */
void nm_reply_refuse(struct nm_upstream_reply *reply, unsigned status,
                     const char *message, struct nm_buf *body);

/* What the retry policy is to know of an outcome. got is read where code is NM_OK;
 * lends its headers, and root's texts. */
struct nm_retry_event nm_reply_event(const struct nm_http_reply *got,
                                     enum nm_code code,
                                     const struct nm_value *root);

#endif
