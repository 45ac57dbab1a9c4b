/*
 * origin: where an upstream is: its base URL and its key.
 * Knows URLs; must not know requests.
 */
#ifndef NM_SERVER_ORIGIN_H
#define NM_SERVER_ORIGIN_H

#include "base/buf.h"
#include "net/secret.h"

struct nm_origin {
	struct nm_buf    base;  /* URL without a last '/' */
	struct nm_buf    where; /* its scheme, host and port: what may be shown */
	struct nm_secret key;   /* none held: none is sent */
};

/* Zeroed before; to be released also on error. variable: the environment's, of the key;
 * NULL or one that is not set: none. NM_USAGE for a URL that is none or a key that may
 * not be sent to it. */
enum nm_code nm_origin_open(struct nm_origin *origin, const char *url,
                            const char *variable, struct nm_err *err)
	NM_MUST_USE;
void nm_origin_release(struct nm_origin *origin);

#endif
