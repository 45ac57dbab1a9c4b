/*
 * multipart: a multipart/form-data body (RFC 7578) in chunks -> its parts.
 * Knows boundaries and part heads; must not know what a field is for.
 *
 * Calling sequence: init; for each chunk feed once, then next until it says
 * NM_PART_MORE; an NM_PART_BROKEN is final. release.
 */
#ifndef NM_SERVER_MULTIPART_H
#define NM_SERVER_MULTIPART_H

#include "base/arena.h"
#include "base/buf.h"

enum nm_part_event {
	NM_PART_MORE,   /* nothing further in this chunk */
	NM_PART_BEGIN,  /* name, filename, named, type are set until the next */
	NM_PART_BYTES,  /* bytes: lent until the next call */
	NM_PART_END,
	NM_PART_CLOSE,  /* the last boundary has been read */
	NM_PART_BROKEN  /* reason is set */
};

enum {
	NM_MULTIPART_BOUNDARY_MAX = 200, /* RFC 2046 allows 70 */
	NM_MULTIPART_HEAD_MAX = 8192     /* bytes of one part's head */
};

struct nm_multipart {
	char           delimiter[NM_MULTIPART_BOUNDARY_MAX + 8]; /* \r\n--… */
	size_t         delimiter_len;
	int            state;
	struct nm_buf  held;      /* a head, or an end that may be a delimiter */
	size_t         held_sent; /* a body's: bytes of held that were lent;
	                             a head's: where its present line begins */
	const char    *at;        /* of the chunk, what is not yet read */
	size_t         len;
	const char    *reason;
	struct nm_arena arena;    /* of the present part's head */
	struct nm_text name, filename, type;
	bool           named;     /* a filename was given, maybe empty */
	struct nm_text bytes;
};

/* From the Content-Type header. NM_INPUT when it is not multipart/form-data or
 * its boundary is missing or not to be borne. */
enum nm_code nm_multipart_init(struct nm_multipart *parts,
                               const char *content_type, struct nm_err *err)
	NM_MUST_USE;

/* The chunk must stay until next has said NM_PART_MORE. */
void nm_multipart_feed(struct nm_multipart *parts, const void *chunk,
                       size_t len);
enum nm_part_event nm_multipart_next(struct nm_multipart *parts);

/* Whether the last boundary has been read. */
bool nm_multipart_complete(const struct nm_multipart *parts);

void nm_multipart_release(struct nm_multipart *parts);

#endif
