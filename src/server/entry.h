/*
 * entry: one line of an answer key, in either form: a question and its answers.
 * Knows lines; see answers.
 */
#ifndef NM_SERVER_ENTRY_H
#define NM_SERVER_ENTRY_H

#include "base/buf.h"
#include "wire/json.h"
#include "wire/jsonl.h"

enum { NM_ENTRY_MAX_BYTES = 1 << 24 };

/* Zeroed is ready; one may read many lines in turn. */
struct nm_entry {
	struct nm_text question; /* stripped; lent by the line, or by json */
	struct nm_buf  gold;     /* answers parted by a byte that no text holds */
	bool           blank;    /* the line had nothing but white space */
	struct nm_json json;
};

/* False when the line holds no question. */
bool nm_entry_read(struct nm_entry *entry, struct nm_text line);
void nm_entry_release(struct nm_entry *entry);

/* Appends answers; NEW: to others, and only those that are not among them. */
enum nm_entry_gold { NM_ENTRY_ALL, NM_ENTRY_NEW };
void nm_entry_add_gold(struct nm_buf *out, struct nm_text gold,
                       enum nm_entry_gold which);

/* The gold answers of one question; walked by nm_gold_next. */
struct nm_gold {
	struct nm_text left;
	size_t         count; /* of all answers, until the first is taken */
};

/* Lends the next answer; false when there is none. */
bool nm_gold_next(struct nm_gold *gold, struct nm_text *answer);

/* How many answers. */
size_t nm_entry_count(struct nm_text gold);

/* Without white space on both sides. */
struct nm_text nm_entry_strip(struct nm_text text);

#endif
