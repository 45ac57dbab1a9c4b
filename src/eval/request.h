/*
 * request: a question -> what is sent, as a line of a batch file or as a body
 * by itself; and custom ids. Knows the shapes of the two endpoints' request
 * bodies, not how they travel. Everything but the question is composed once,
 * so that a request costs copies and the escaping of one text.
 */
#ifndef NM_EVAL_REQUEST_H
#define NM_EVAL_REQUEST_H

#include "base/digest.h"
#include "eval/dataset.h"
#include "eval/prompt.h"

enum nm_endpoint { NM_ENDPOINT_CHAT, NM_ENDPOINT_RESPONSES };

/* "/v1/chat/completions" or "/v1/responses". */
const char *nm_endpoint_path(enum nm_endpoint endpoint);

/* Zero means default, but a model there must be. */
struct nm_request_options {
	const char      *model;
	enum nm_endpoint endpoint;          /* default: chat */
	int64_t          max_output_tokens; /* 0 = not stated in the request */
};

/* Zeroed may be released. */
struct nm_request {
	struct nm_buf line_head; /* from the custom id's end to the body */
	struct nm_buf body_head; /* the body up to the question */
	struct nm_buf body_tail; /* and from there on */
	/* SHA-256 of the three: of model, endpoint, parameters and prompt. */
	char          digest[NM_DIGEST_HEX_MAX];
};

/* NM_USAGE for an empty model or one that is not UTF-8, a negative number of
 * tokens, or fewer than 16 for /v1/responses. The prompt may be released
 * after. */
enum nm_code nm_request_init(struct nm_request *request,
                             const struct nm_prompt *prompt,
                             const struct nm_request_options *options,
                             struct nm_err *err) NM_MUST_USE;
void nm_request_release(struct nm_request *request);

/*
 * Appends {"custom_id":"request-N","method":"POST","url":…,"body":…} and '\n'.
 * Returns the offset in `out` of the body, which ends 2 bytes before the end.
 */
size_t nm_request_add_line(const struct nm_request *request,
                           const struct nm_question *q, struct nm_buf *out);

/*
 * The bytes that nm_request_add_line would append for a text which stands in JSON
 * as it is; 0 for one that needs escapes. The text must be UTF-8.
 */
size_t nm_request_plain_line_bytes(const struct nm_request *request,
                                   const struct nm_question *q);

/* The custom id in a line that nm_request_add_line made; lent from the line. */
struct nm_text nm_request_line_id(struct nm_text line);

/* Appends the body alone, without a newline. */
void nm_request_add_body(const struct nm_request *request,
                         const struct nm_question *q, struct nm_buf *out);

/* Appends "request-N". */
void nm_custom_id_add(struct nm_buf *out, uint64_t id);

enum nm_custom_id { NM_CUSTOM_ID_FOREIGN, NM_CUSTOM_ID_OURS };

/* Reads "request-N" back: no sign, no leading zero, N at most 2^53. */
enum nm_custom_id nm_custom_id_read(struct nm_text custom_id, uint64_t *id);

#endif
