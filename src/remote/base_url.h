/*
 * base_url: the normal form of a service's address, in which two that are the same place
 * are the same text. Looks at the text alone.
 */
#ifndef NM_REMOTE_BASE_URL_H
#define NM_REMOTE_BASE_URL_H

#include "base/buf.h"

/*
 * Appends the normal form of an http or https URL as nm_account_read_url leaves it:
 * scheme and host in lower case, no dot at the host's end, no port that is the
 * scheme's own, no escape of what needs none, the others in upper case, no "." or ".."
 * in the path (RFC 3986, 6.2.2 and 6.2.3), and no slash at its end.
 */
void nm_base_url_add_normal(struct nm_buf *out, struct nm_text url);

#endif
