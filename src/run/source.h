/*
 * source: the requests of a run, in order, composed as they are asked for.
 * A run's only notion of where its requests come from: a dataset (run/quiz.h) or
 * a request file (run/request_file.h).
 *
 * The first walk to the end checks, counts and digests; the later ones compose, or
 * pass over what need not be seen.
 */
#ifndef NM_RUN_SOURCE_H
#define NM_RUN_SOURCE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "wire/json.h"

/* One request. All texts are lent until the next call. */
struct nm_source_item {
	int64_t        ordinal; /* 0, 1, 2, … within the source; -1 = no more */
	struct nm_text custom_id;
	struct nm_text line;    /* a whole JSONL line with its '\n' */
	struct nm_text body;    /* the request body within line */
	int64_t        line_bytes; /* line.len, also of one that was passed over */
	struct nm_text text; /* its question, as the model reads it; none is told apart
	                        in a request file */
};

struct nm_source {
	enum nm_code (*next)(struct nm_source *source,
	                     struct nm_source_item *item, struct nm_err *err);
	/*
	 * As next, but custom_id, line and body may be left empty where the request
	 * is made as the composed ones are: its line is theirs but for the id,
	 * which is its own, and for the question, plain text that needs no escape.
	 * NULL = each request is of its own making: next.
	 */
	enum nm_code (*pass)(struct nm_source *source,
	                     struct nm_source_item *item, struct nm_err *err);
	enum nm_code (*rewind)(struct nm_source *source, struct nm_err *err);
	/* The ordinal of a custom_id, -1 for one that was never asked. */
	int64_t (*find)(const struct nm_source *source, struct nm_text custom_id);
	/* Appends where an ordinal stands, "file:line", for messages. */
	void (*name)(const struct nm_source *source, int64_t ordinal,
	             struct nm_buf *out);

	int64_t position; /* the ordinal that next will give */
	int64_t count;    /* of requests; -1 until the first walk ended */
	char    digest[NM_DIGEST_HEX_MAX]; /* of the requests' origin; the same
	                                      condition */
};

enum nm_code nm_source_next(struct nm_source *source,
                            struct nm_source_item *item, struct nm_err *err)
	NM_MUST_USE;

/* As nm_source_next, but what is passed over may not be composed: see pass. */
enum nm_code nm_source_pass(struct nm_source *source,
                            struct nm_source_item *item, struct nm_err *err)
	NM_MUST_USE;

/* The item of this ordinal: forward from where the source stands, else from its
 * start. NM_INPUT when the source ends before it: it has changed. */
enum nm_code nm_source_seek(struct nm_source *source, int64_t ordinal,
                            struct nm_source_item *item, struct nm_err *err)
	NM_MUST_USE;

/* Back to its start: the next request is that of ordinal 0. */
enum nm_code nm_source_rewind(struct nm_source *source, struct nm_err *err)
	NM_MUST_USE;

/* Walks to the end, so that count and digest are known. */
enum nm_code nm_source_measure(struct nm_source *source, struct nm_err *err)
	NM_MUST_USE;

/*
 * Reads what the journal holds of a run's source, its spec; *root as nm_json_read has
 * it. NM_STATE when that is no JSON: the journal is damaged.
 */
enum nm_code nm_source_read_spec(const char *spec, struct nm_json *json,
                                 const struct nm_value **root,
                                 struct nm_err *err) NM_MUST_USE;

/*
 * A path, or a name from it, as a member of the spec. JSON has no bytes that are not
 * UTF-8: of a text with some a member beside it, with "_bytes" behind its name, holds all
 * bytes in hex.
 */
void nm_source_put_path(struct nm_json_writer *w, const char *member,
                        const char *path);

/* What was put, byte by byte, in the arena; NULL where it is no string. */
const char *nm_source_recall_path(const struct nm_value *spec,
                                  const char *member, struct nm_arena *arena);

#endif
