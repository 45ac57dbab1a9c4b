/*
 * request_marks: where each request of a file stands, and that it is still the same: its
 * line's number and a hash. Must not know what the lines hold.
 */
#ifndef NM_RUN_REQUEST_MARKS_H
#define NM_RUN_REQUEST_MARKS_H

#include "wire/jsonl.h"

/* Zeroed is empty. All by ordinal. */
struct nm_request_marks {
	uint32_t *numbers; /* of lines; NULL = they are ordinal + 1 */
	uint64_t *hashes;
	uint64_t  seed;    /* of these, drawn for this file */
	uint64_t  n;
};

/* The line of the next request. */
void nm_request_marks_add(struct nm_request_marks *marks,
                          const struct nm_line *line);

/* Is it, byte for byte, the line that the request of that ordinal had? */
bool nm_request_marks_know(const struct nm_request_marks *marks,
                           uint64_t ordinal, const struct nm_line *line);

/* The number of an ordinal's line. */
uint64_t nm_request_marks_number(const struct nm_request_marks *marks,
                                 uint64_t ordinal);

void nm_request_marks_release(struct nm_request_marks *marks);

#endif
