/*
 * buf: growing bytes with a ceiling, and the borrowed bytes called text.
 * Knows nothing of what the bytes mean.
 *
 * A zeroed nm_buf is empty and ready. Adding never fails to the caller: past the
 * ceiling nothing more is taken and `over` is set, to be looked at once, at the
 * end. Exhausted memory aborts the process.
 */
#ifndef NM_BASE_BUF_H
#define NM_BASE_BUF_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* Borrowed bytes, usually UTF-8; at may be NULL when len is 0. */
struct nm_text {
	const char *at;
	size_t      len;
};

#define NM_TEXT(literal) ((struct nm_text){ literal, sizeof(literal) - 1 })
/* For "%.*s". */
#define NM_TEXT_ARGS(text) (int)(text).len, ((text).at ? (text).at : "")

/* These stand here because names are compared by the million: inline, a literal's
 * length is known. */

/* The text of a NUL-ended string; NULL gives the empty text. */
static inline struct nm_text
nm_text_of(const char *string)
{
	return (struct nm_text){ string, string ? strlen(string) : 0 };
}

static inline bool
nm_text_equal(struct nm_text a, struct nm_text b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.at, b.at, a.len));
}

static inline bool
nm_text_is(struct nm_text a, const char *string)
{
	return nm_text_equal(a, nm_text_of(string));
}

enum { NM_TEXT_OF_INT_MAX = 20 };

/* A number's decimal digits, written to the end of room (NM_TEXT_OF_INT_MAX bytes) and
 * lent from there; no NUL after them. */
struct nm_text nm_text_of_int(int64_t number, char *room);

/* Invariant: at[len] is NUL whenever at is not NULL; len < cap <= max + 1. */
struct nm_buf {
	char  *at;
	size_t len;
	size_t cap;
	size_t max;  /* ceiling of len in bytes; 0 means NM_BUF_MAX_BYTES */
	bool   over; /* something was left out because of the ceiling */
};

#define NM_BUF_MAX_BYTES ((size_t)1 << 30)

/* Empties and keeps the memory; `over` is cleared. */
void nm_buf_clear(struct nm_buf *buf);
/* As clear, but memory of more than so many bytes is given back. */
void nm_buf_recycle(struct nm_buf *buf, size_t most);
void nm_buf_release(struct nm_buf *buf);

void nm_buf_add(struct nm_buf *buf, const void *bytes, size_t len);
void nm_buf_add_byte(struct nm_buf *buf, char byte);
void nm_buf_add_text(struct nm_buf *buf, struct nm_text text);
void nm_buf_add_string(struct nm_buf *buf, const char *string);
void nm_buf_add_int(struct nm_buf *buf, int64_t number);
void nm_buf_addf(struct nm_buf *buf, const char *format, ...)
	NM_PRINTF(2, 3);
void nm_buf_addv(struct nm_buf *buf, const char *format, va_list args)
	NM_PRINTF(2, 0);

/*
 * Room for at least `len` more bytes, lent until the next call; NULL and `over`
 * when the ceiling forbids it. nm_buf_took then says how many were written.
 */
char *nm_buf_room(struct nm_buf *buf, size_t len);
void nm_buf_took(struct nm_buf *buf, size_t len);

/* Removes the first `len` bytes. */
void nm_buf_drop(struct nm_buf *buf, size_t len);

/* The bytes so far, lent until the next change. */
struct nm_text nm_buf_text(const struct nm_buf *buf);

/* A NUL-ended string, never NULL, lent until the next change. */
const char *nm_buf_string(const struct nm_buf *buf);

/* NM_LIMIT, naming what and the ceiling, when `over` is set. */
enum nm_code nm_buf_check(const struct nm_buf *buf, const char *what,
                          struct nm_err *err) NM_MUST_USE;

#endif
