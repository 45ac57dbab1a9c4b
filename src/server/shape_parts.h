/*
 * shape_parts: what the files of shape share. For them only.
 */
#ifndef NM_SERVER_SHAPE_PARTS_H
#define NM_SERVER_SHAPE_PARTS_H

#include "server/shape.h"

#define NM_SHAPE_ADD(out, literal) nm_buf_add(out, literal, sizeof(literal) - 1)

/* The prefix and the shape's salt, as a JSON string. */
void nm_shape_add_id(struct nm_shape *shape, const char *prefix);

/* The name of the model that answers, as a JSON string. */
void nm_shape_add_model(struct nm_shape *shape);

/* A member that says the service's tier, after a comma. */
void nm_shape_add_tier(struct nm_shape *shape);

/* `name` as it is, a comma and a member's name for example, and a number. */
void nm_shape_add_number(struct nm_buf *out, const char *name, int64_t number);

/* All of a response up to the end of its output, by what was said; and the rest. */
void nm_shape_add_response(struct nm_shape *shape, const struct nm_said *said);
void nm_shape_end_response(struct nm_shape *shape);

#endif
