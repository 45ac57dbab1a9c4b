/*
 * result: one line of a result file, in each of its shapes.
 * Knows the lines; must not know files or batches.
 */
#ifndef NM_SERVER_RESULT_H
#define NM_SERVER_RESULT_H

#include "base/buf.h"

/* Of each line's own id; the salt in hexadecimal follows. */
#define NM_RESULT_ID_PREFIX "batch_req_"

/* Whose line it is. salt: of the ids in it; the same gives the same line. */
struct nm_result_head {
	struct nm_text custom_id;
	uint64_t       salt;
};

/* Begins a line that holds a reply; the reply's body is to be appended next, then
 * nm_result_end. */
void nm_result_begin(struct nm_buf *out, const struct nm_result_head *head,
                     unsigned status);
void nm_result_end(struct nm_buf *out);

/* A whole line without a reply: a request that never ran. */
void nm_result_never(struct nm_buf *out, const struct nm_result_head *head,
                     const char *code, const char *message);
void nm_result_expired(struct nm_buf *out, const struct nm_result_head *head);
void nm_result_cancelled(struct nm_buf *out,
                         const struct nm_result_head *head);

/* Appends the error envelope of a status as the service would have it; code and
 * message may be NULL. */
void nm_result_add_error(struct nm_buf *out, unsigned status,
                         const char *code, const char *message);

#endif
