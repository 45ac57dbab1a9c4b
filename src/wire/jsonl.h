/*
 * jsonl: bytes in chunks -> lines, split on the byte '\n' alone.
 * Not readline's rules: answers hold U+2028 and U+0085, which are no line ends.
 * Knows nothing of JSON.
 *
 * Calling sequence: for each chunk feed once, then next until it says no more;
 * after the last chunk finish, then next until it says no more; release.
 */
#ifndef NM_WIRE_JSONL_H
#define NM_WIRE_JSONL_H

#include "base/buf.h"

#define NM_JSONL_LINE_MAX_BYTES ((size_t)32 << 20)

struct nm_line {
	const char *at;     /* without its '\n' and one '\r' before it; NUL-safe */
	size_t      len;
	uint64_t    number; /* counts from 1, blank lines too */
	uint64_t    offset; /* of its first byte in the whole stream */
	bool        ended;  /* a '\n' followed; false for an unended last line */
	bool        over;   /* longer than the ceiling (a '\r' counts): at/len hold
	                     * its beginning */
};

/* Zeroed is ready. Invariant: a chunk is borrowed from feed to the last next. */
struct nm_jsonl {
	size_t        line_max_bytes; /* 0 means NM_JSONL_LINE_MAX_BYTES */
	struct nm_buf carry;          /* a line begun in an earlier chunk */
	const char   *chunk;
	size_t        chunk_len;
	uint64_t      number;
	uint64_t      offset;         /* where the current line begins */
	uint64_t      begun_bytes;    /* of it in earlier chunks; 0 = not begun */
	bool          skipping;       /* inside a line that passed the ceiling */
	bool          finished;
	bool          carry_lent;
};

/* Lends the chunk to the splitter; it must stay until next has said no more. */
void nm_jsonl_feed(struct nm_jsonl *jsonl, const void *chunk, size_t len);

/* No more chunks: an unended last line becomes due. */
void nm_jsonl_finish(struct nm_jsonl *jsonl);

/* Lends the next line until the next call; false when there is none (yet). */
bool nm_jsonl_next(struct nm_jsonl *jsonl, struct nm_line *line);

void nm_jsonl_release(struct nm_jsonl *jsonl);

#endif
