/*
 * answer: a reply's content -> the names it gives. Knows the object that the
 * prompt asks for, {"answers": ["…", …]}; must not know rows or gold.
 *
 * Calling sequence: zero a reader; read, and look at the names before the next;
 * release. A reader serves one thread.
 */
#ifndef NM_EVAL_ANSWER_H
#define NM_EVAL_ANSWER_H

#include "base/arena.h"
#include "wire/json.h"

enum nm_reading {
	NM_READING_STRICT, /* the content is one JSON object, white space aside */
	NM_READING_LENIENT /* …or holds one somewhere, in a code fence or prose */
};

/* No model writes as much, and what it may hold takes a hundred times its length. */
#define NM_ANSWER_MAX_BYTES ((size_t)4 << 20)

enum nm_answer_kind { NM_ANSWER_UNREADABLE, NM_ANSWER_READ };

/* The names in their order, all of them, as they stand; numbers and booleans as
 * their text. Lent until the reader's next read. */
struct nm_answer {
	const struct nm_text *names;
	size_t                n_names;
	size_t                n_dropped; /* nulls, lists and objects left out */
};

/* Zeroed is ready. */
struct nm_answer_reader {
	struct nm_json  json;
	struct nm_arena arena;
};

/*
 * Sets *answer when the content can be read (else it is set to no names).
 * Strict: one object with a member `answers` that is a list. Lenient: where
 * that fails, the first object with such a list that begins anywhere in the
 * content. Content of more than NM_ANSWER_MAX_BYTES is not read.
 */
enum nm_answer_kind nm_answer_read(struct nm_answer_reader *reader,
                                   struct nm_text content,
                                   enum nm_reading reading,
                                   struct nm_answer *answer);

void nm_answer_reader_release(struct nm_answer_reader *reader);

#endif
