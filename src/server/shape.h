/*
 * shape: what was said, as the reply object of each endpoint: chat completion,
 * response, legacy completion, embeddings. Straight into a buf.
 * Knows the service's reply shapes of 2026; decides nothing about content.
 *
 * Calling sequence: begin, add a choice…, end; or embeddings alone.
 */
#ifndef NM_SERVER_SHAPE_H
#define NM_SERVER_SHAPE_H

#include "server/ask.h"
#include "server/said.h"
#include "server/usage.h"

/* Invariant: usage sums what was added; input_tokens is set by the caller. */
struct nm_shape {
	struct nm_buf       *out;
	const struct nm_ask *ask;
	uint64_t             salt;   /* of the ids */
	int64_t              now_s;
	unsigned             n_added;
	const char          *incomplete; /* reason, or NULL */
	struct nm_usage      usage;
};

void nm_shape_begin(struct nm_shape *shape);
void nm_shape_add(struct nm_shape *shape, const struct nm_said *said);
void nm_shape_end(struct nm_shape *shape);

/* One deterministic vector of unit length an input, of `dimensions` numbers (16
 * where not given), as floats or base64 as asked. */
void nm_shape_embeddings(struct nm_shape *shape, uint64_t seed);

/* Appends "simulated-" and the name, once. */
void nm_shape_add_name(struct nm_buf *out, struct nm_text model);

/* Appends `salt` as 16 hex digits. */
void nm_shape_add_hex(struct nm_buf *out, uint64_t salt);

#endif
