/*
 * content_range: which bytes of how many a reply says that it has.
 * Pure. Source: RFC 9110, 14.4.
 */
#ifndef NM_REMOTE_CONTENT_RANGE_H
#define NM_REMOTE_CONTENT_RANGE_H

#include "base/buf.h"

struct nm_content_range {
	int64_t first; /* -1 = none of them, as a 416 has it */
	int64_t total; /* of the whole; -1 = not told */
};

/* The value of Content-Range, "bytes 5-9/10" or a 416's with a star before the slash. 0,
 * with nothing told, where it is neither. */
int nm_content_range_read(struct nm_text text, struct nm_content_range *out);

#endif
