/*
 * body: a request's body as it comes: bounded JSON into memory, or multipart
 * fields into memory and the one file to disk. Refuses on the call.
 * Knows calls and the store's folders; nothing of sockets.
 *
 * Calling sequence: begin; take…; finish; then the handler; release.
 */
#ifndef NM_SERVER_BODY_H
#define NM_SERVER_BODY_H

#include "server/call.h"
#include "server/multipart.h"

enum {
	NM_BODY_JSON_MAX_BYTES = 1 << 20, /* where a route says nothing */
	NM_BODY_FIELDS_MAX = 64,
	NM_BODY_FIELD_MAX_BYTES = 64 << 10
};

struct nm_body {
	struct nm_call     *call;
	uint64_t            max_bytes;
	uint64_t            room_bytes; /* left by the disk quota */
	struct nm_buf       whole;      /* NM_TAKE_JSON */
	struct nm_json      json;
	struct nm_multipart parts;      /* NM_TAKE_PARTS */
	struct nm_buf       value;      /* of the field being read */
	struct nm_buf       head;       /* the file's first bytes */
	size_t              n_fields;
	enum { NM_BODY_BETWEEN, NM_BODY_IN_FIELD, NM_BODY_IN_FILE } inside;
	bool                refused;    /* the call has its refusal: only drain */
	struct nm_err       failed;     /* code 0 = fine; the disk, say */
};

/* announced: Content-Length, UINT64_MAX when not known. */
void nm_body_begin(struct nm_body *body, struct nm_call *call,
                   const char *content_type, uint64_t announced);
void nm_body_take(struct nm_body *body, const void *bytes, size_t len);

/* No more comes: sets call->root, or refuses, or fails as the disk did. */
enum nm_code nm_body_finish(struct nm_body *body, struct nm_err *err)
	NM_MUST_USE;

/* Also removes a file that was not settled. Keeps small memory for reuse. */
void nm_body_clear(struct nm_body *body);
void nm_body_release(struct nm_body *body);

/* The field of that name, or NULL. */
const struct nm_field *nm_call_field(const struct nm_call *call,
                                     const char *name);

/*
 * Takes the bytes away again, since their row could not be added: by rc, which is not
 * NM_OK, and err. What --disk-quota leaves no room for is answered, and NM_OK; else rc.
 */
enum nm_code nm_call_unsettle_file(struct nm_call *call, const char *id,
                                   enum nm_code rc, const struct nm_err *err)
	NM_MUST_USE;

#endif
