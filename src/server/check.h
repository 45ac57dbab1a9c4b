/*
 * check: an input file as the service validates it, read as a stream: the codes,
 * texts, params and line numbers that make a batch `failed`.
 * Knows lines; must not know files, batches or models. Parameters of a body are
 * not judged here: the service refuses those row by row (see params).
 *
 * What the service does is not known everywhere; here it is so: blank lines are
 * passed over and keep their number; at most one entry a line, in line order,
 * the first `max_entries` of them; a model is supported when `models` is NULL or
 * names it, and never with a NUL in its name; too many lines are `too_many_tasks`
 * and a file too large is `file_too_large` (the real codes were never seen).
 *
 * Calling sequence: init, feed…, finish, look, release.
 */
#ifndef NM_SERVER_CHECK_H
#define NM_SERVER_CHECK_H

#include "base/arena.h"
#include "base/map.h"
#include "server/ask.h"
#include "wire/jsonl.h"

#define NM_CHECK_MAX_BYTES ((uint64_t)209715200)
#define NM_CHECK_LINE_MAX_BYTES ((size_t)16 << 20) /* our own */

enum {
	NM_CHECK_MAX_LINES = 50000,
	NM_CHECK_MAX_INPUTS = 50000, /* embeddings, over all lines */
	NM_CHECK_MAX_ENTRIES = 100,
	NM_CHECK_MODEL_MAX = 256
};

/* Zero means the contract's value. */
struct nm_check_options {
	enum nm_endpoint endpoint;
	const char      *models;      /* "a,b,c"; NULL = any */
	uint64_t         max_lines;
	uint64_t         max_bytes;
	size_t           max_entries;
};

/* line counts from 1; 0 = of the file as a whole. Texts live in the check. */
struct nm_check_entry {
	const char *code;
	const char *param;   /* may be NULL */
	const char *message;
	uint64_t    line;
};

struct nm_check {
	struct nm_check_options options;
	struct nm_check_entry  *entries;   /* n_entries of them */
	size_t                  n_entries;
	uint64_t                n_bad;     /* lines, also those past max_entries */
	uint64_t                requests;  /* lines that are not blank */
	uint64_t                bytes;
	uint64_t                inputs;
	int64_t                 tokens;    /* of all prompts, a guess */
	char                    model[NM_CHECK_MODEL_MAX]; /* of the first line */
	struct nm_arena         arena;
	struct nm_map           ids;
	struct nm_jsonl         jsonl;
	struct nm_json          json;
	struct nm_ask           ask;
};

void nm_check_init(struct nm_check *check,
                   const struct nm_check_options *options);
void nm_check_feed(struct nm_check *check, const void *bytes, size_t len);
void nm_check_finish(struct nm_check *check);
void nm_check_release(struct nm_check *check);

/* Adds an entry about the file as a whole, such as one that cannot be found. */
void nm_check_add(struct nm_check *check, const char *code, const char *param,
                  const char *format, ...) NM_PRINTF(4, 5);

/* Appends the entries as the `errors` member of a batch: {"object":"list",…}. */
void nm_check_write(const struct nm_check *check, struct nm_buf *out);

#endif
