/*
 * buf: see buf.h.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 64, DOUBLE_UP_TO_BYTES = 1 << 20 };

static size_t
ceiling(const struct nm_buf *buf)
{
	return buf->max ? buf->max : NM_BUF_MAX_BYTES;
}

/* Makes cap at least `need` + 1; need is within the ceiling. */
static void
grow(struct nm_buf *buf, size_t need)
{
	size_t most = ceiling(buf);
	size_t cap = buf->cap;
	char *at;

	if (cap < DOUBLE_UP_TO_BYTES)
		cap = cap ? cap * 2 : FIRST_BYTES;
	else
		cap = cap > most - cap / 2 ? most : cap + cap / 2;
	if (cap <= need)
		cap = need + 1;
	if (cap > most && most < SIZE_MAX)
		cap = most + 1;
	at = realloc(buf->at, cap);
	if (!at)
		nm_die("out of memory");
	buf->at = at;
	buf->cap = cap;
	at[buf->len] = 0;
}

char *
nm_buf_room(struct nm_buf *buf, size_t len)
{
	size_t most = ceiling(buf);

	if (buf->over || buf->len > most || len > most - buf->len
	    || buf->len + len == SIZE_MAX) {
		buf->over = true;
		return NULL;
	}
	if (!buf->at || buf->len + len >= buf->cap)
		grow(buf, buf->len + len);
	return buf->at + buf->len;
}

void
nm_buf_took(struct nm_buf *buf, size_t len)
{
	if (len == 0)
		return;
	buf->len += len;
	buf->at[buf->len] = 0;
}

void
nm_buf_clear(struct nm_buf *buf)
{
	buf->len = 0;
	buf->over = false;
	if (buf->at)
		buf->at[0] = 0;
}

void
nm_buf_recycle(struct nm_buf *buf, size_t most)
{
	if (buf->cap > most)
		nm_buf_release(buf);
	else
		nm_buf_clear(buf);
}

void
nm_buf_release(struct nm_buf *buf)
{
	if (!buf)
		return;
	free(buf->at);
	*buf = (struct nm_buf){ .max = buf->max };
}

void
nm_buf_add(struct nm_buf *buf, const void *bytes, size_t len)
{
	char *room;

	if (len == 0)
		return;
	room = nm_buf_room(buf, len);
	if (!room)
		return;
	memcpy(room, bytes, len);
	buf->len += len;
	room[len] = 0;
}

void
nm_buf_add_byte(struct nm_buf *buf, char byte)
{
	char *room = nm_buf_room(buf, 1);

	if (!room)
		return;
	room[0] = byte;
	room[1] = 0;
	buf->len++;
}

void
nm_buf_add_text(struct nm_buf *buf, struct nm_text text)
{
	nm_buf_add(buf, text.at, text.len);
}

void
nm_buf_add_string(struct nm_buf *buf, const char *string)
{
	nm_buf_add_text(buf, nm_text_of(string));
}

struct nm_text
nm_text_of_int(int64_t number, char *room)
{
	size_t at = NM_TEXT_OF_INT_MAX;
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do {
		room[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (number < 0)
		room[--at] = '-';
	return (struct nm_text){ room + at, NM_TEXT_OF_INT_MAX - at };
}

void
nm_buf_add_int(struct nm_buf *buf, int64_t number)
{
	char digits[NM_TEXT_OF_INT_MAX];

	nm_buf_add_text(buf, nm_text_of_int(number, digits));
}

void
nm_buf_addf(struct nm_buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	nm_buf_addv(buf, format, args);
	va_end(args);
}

void
nm_buf_addv(struct nm_buf *buf, const char *format, va_list args)
{
	va_list again;
	size_t room = buf->over || !buf->at ? 0 : buf->cap - buf->len;
	char *at;
	int len;

	va_copy(again, args);
	len = vsnprintf(room ? buf->at + buf->len : NULL, room, format, args);
	if (len > 0 && (size_t)len < room) {
		buf->len += (size_t)len;
	} else if (len > 0) {
		if (room)
			buf->at[buf->len] = 0;
		at = nm_buf_room(buf, (size_t)len);
		if (at) {
			(void)vsnprintf(at, (size_t)len + 1, format, again);
			buf->len += (size_t)len;
		}
	} else if (len < 0) {
		buf->over = true;
	}
	va_end(again);
}

void
nm_buf_drop(struct nm_buf *buf, size_t len)
{
	if (len == 0)
		return;
	if (len > buf->len)
		len = buf->len;
	buf->len -= len;
	if (buf->at)
		memmove(buf->at, buf->at + len, buf->len + 1);
}

struct nm_text
nm_buf_text(const struct nm_buf *buf)
{
	return (struct nm_text){ buf->at, buf->len };
}

const char *
nm_buf_string(const struct nm_buf *buf)
{
	return buf->at ? buf->at : "";
}

enum nm_code
nm_buf_check(const struct nm_buf *buf, const char *what, struct nm_err *err)
{
	if (!buf->over)
		return NM_OK;
	return nm_fail(err, NM_LIMIT, 0, "%s is larger than %zu bytes", what,
	               ceiling(buf));
}
