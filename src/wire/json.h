/*
 * json: bytes <-> values. Reads whole texts into a tree, writes text into a buf.
 * Knows JSON (RFC 8259), not what any member means. yyjson inside.
 *
 * Reading is strict (no NaN, comments or trailing commas) but for one thing: a
 * lone surrogate escape is read as U+FFFD, since models emit them. Invalid UTF-8
 * is refused. Of a member given twice the last counts.
 *
 * Calling sequence: read, look at its values, read the next; release. Of a writer: set
 * out and indent; open, put…, close, as often as opened; the buf is the text. A reader,
 * or a writer, serves one thread.
 */
#ifndef NM_WIRE_JSON_H
#define NM_WIRE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

/* One text, read. Zeroed is ready; a reader may read many texts in turn, each
 * ends the life of the values of the one before. */
struct nm_json {
	void         *doc;
	struct nm_buf mended; /* the text with lone surrogates replaced */
	void         *pool;   /* reused between texts */
	size_t        pool_bytes;
};

/* A value within an nm_json; NULL stands for "absent" and every call takes it. */
struct nm_value;

enum nm_kind {
	NM_JSON_ABSENT, NM_JSON_NULL, NM_JSON_BOOLEAN, NM_JSON_NUMBER,
	NM_JSON_STRING, NM_JSON_ARRAY, NM_JSON_OBJECT
};

enum { NM_JSON_DEPTH_MAX = 512 };

/*
 * Reads exactly one JSON value; white space around it is fine. *root is lent
 * until the next read or release. NM_INPUT with the byte's position (detail =
 * offset) and yyjson's reason when it is none or nests deeper than
 * NM_JSON_DEPTH_MAX; NM_LIMIT for one of more than some 32 million values, or longer
 * than some 190 MiB: memory ends at half a gigabyte beside the text and a copy of it.
 */
enum nm_code nm_json_read(struct nm_json *json, const char *text, size_t len,
                          const struct nm_value **root, struct nm_err *err)
	NM_MUST_USE;

/*
 * As nm_json_read, for the first value of a text with more behind it; *used is
 * set to the bytes it took.
 */
enum nm_code nm_json_read_first(struct nm_json *json, const char *text,
                                size_t len, size_t *used,
                                const struct nm_value **root,
                                struct nm_err *err) NM_MUST_USE;

void nm_json_release(struct nm_json *json);

enum nm_kind nm_json_kind(const struct nm_value *value);

/* A member of an object, the last of that name; else NULL. */
const struct nm_value *nm_json_member(const struct nm_value *object,
                                      struct nm_text name);

/* Inline, so that a literal's length is known. */
static inline const struct nm_value *
nm_json_get(const struct nm_value *object, const char *name)
{
	return nm_json_member(object, nm_text_of(name));
}

/* nm_json_get along "a.b.c". */
const struct nm_value *nm_json_path(const struct nm_value *object,
                                    const char *dotted);

/* Elements of an array or members of an object; 0 for anything else. */
size_t nm_json_count(const struct nm_value *value);

/* Walks an array's elements or an object's members in their order. */
struct nm_json_walk {
	const struct nm_value *next;
	size_t                 left;
	size_t                 count; /* of all, walked or not */
	bool                   object;
};
void nm_json_walk_init(struct nm_json_walk *walk,
                       const struct nm_value *value);
/* The next element, and its name (empty in an array); NULL at the end. */
const struct nm_value *nm_json_walk_next(struct nm_json_walk *walk,
                                         struct nm_text *name);

/* A string's bytes (may hold NULs); empty for anything else. Lent. */
struct nm_text nm_json_text(const struct nm_value *value);

/* The same as a NUL-ended string; NULL for anything but a string. Lent. */
const char *nm_json_string(const struct nm_value *value);

/* A number's text as it stands in the input; empty for anything else. */
struct nm_text nm_json_number_text(const struct nm_value *value);

/* A whole number; `otherwise` for anything else, fractions and overflow too. */
int64_t nm_json_int(const struct nm_value *value, int64_t otherwise);
double nm_json_double(const struct nm_value *value, double otherwise);
bool nm_json_true(const struct nm_value *value);

/* Appends the value as compact JSON, numbers as they stood; NULL as null. */
void nm_json_write(struct nm_buf *out, const struct nm_value *value);

/*
 * Appends text as a JSON string with its quotes. Non-ASCII stays readable; what
 * is not UTF-8 becomes U+FFFD, a maximal part at a time.
 */
void nm_json_add_string(struct nm_buf *out, struct nm_text text);

/* Appends a finite number as Python's repr writes it: 0.0001, 1e-05,
 * 1000000000000000.0, 1e+16. */
void nm_json_add_double(struct nm_buf *out, double number);

/* The length of the longest prefix that is valid UTF-8. */
size_t nm_json_utf8_valid(const char *text, size_t len);

/*
 * writer: composes one JSON text into a buf, with commas, colons and, when
 * indent > 0, line breaks taken care of. Names may be NULL inside arrays and at
 * the top. Nesting beyond 32 aborts: it writes our own shapes only.
 */
struct nm_json_writer {
	struct nm_buf *out;
	int            indent; /* spaces a level; 0 = compact */
	int            depth;
	bool           some[33]; /* something stands already at this depth */
};

void nm_json_open_object(struct nm_json_writer *w, const char *name);
void nm_json_close_object(struct nm_json_writer *w);
void nm_json_open_array(struct nm_json_writer *w, const char *name);
void nm_json_close_array(struct nm_json_writer *w);
void nm_json_put_text(struct nm_json_writer *w, const char *name,
                      struct nm_text text);
/* An array of them. */
void nm_json_put_texts(struct nm_json_writer *w, const char *name,
                       const struct nm_text *texts, size_t n);
/* NULL puts null. */
void nm_json_put_string(struct nm_json_writer *w, const char *name,
                        const char *string);
void nm_json_put_null(struct nm_json_writer *w, const char *name);
void nm_json_put_int(struct nm_json_writer *w, const char *name,
                     int64_t number);

/* As nm_json_put_int; 0, which stands for what is not known or not yet, puts null. */
static inline void
nm_json_put_nonzero(struct nm_json_writer *w, const char *name,
                    int64_t number)
{
	if (number)
		nm_json_put_int(w, name, number);
	else
		nm_json_put_null(w, name);
}

/* Shortest text that reads back the same; not finite puts null. */
void nm_json_put_double(struct nm_json_writer *w, const char *name,
                        double number);
void nm_json_put_true(struct nm_json_writer *w, const char *name,
                      int truth);
/* `json` must be one valid JSON value; it is put as it stands. */
void nm_json_put_raw(struct nm_json_writer *w, const char *name,
                     struct nm_text json);
void nm_json_put_value(struct nm_json_writer *w, const char *name,
                       const struct nm_value *value);

#endif
