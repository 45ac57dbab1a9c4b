/*
 * answer: what a handler decided to say, before listen sends it.
 * Shared by call, which fills it, and response, which sends it; for them and
 * hall only.
 */
#ifndef NM_SERVER_ANSWER_H
#define NM_SERVER_ANSWER_H

#include "base/buf.h"

enum nm_answer_kind {
	NM_ANSWER_NONE, NM_ANSWER_BUF, NM_ANSWER_FILE, NM_ANSWER_STATIC
};

struct nm_header {
	const char       *name, *value;
	struct nm_header *next;
};

struct nm_call_answer {
	enum nm_answer_kind kind;
	unsigned          status;
	const char       *type;       /* Content-Type */
	struct nm_buf     body;
	struct nm_text    fixed;      /* lives as long as the program */
	int               fd_plus_one;
	uint64_t          from, bytes; /* of the file */
	struct nm_header *headers;
};

/* Frees what has not been handed on, and empties. */
void nm_answer_release(struct nm_call_answer *answer);

/* Bytes of the answer's body. */
uint64_t nm_answer_bytes(const struct nm_call_answer *answer);

#endif
