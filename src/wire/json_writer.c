/*
 * json_writer: layout of the JSON that we write; its strings are in json_string.c, its
 * numbers in json_number.c. See json.h. Needs no JSON library. The layout is that of
 * Python's json.dumps with ensure_ascii=False, so that a results file differs from an
 * older one by its content alone.
 */
#include "wire/json_inner.h"

#include <math.h>
#include <stdlib.h>

enum {
	DEPTH_MAX = 32,
	PLAIN_MAX_BYTES = 1 << 16, /* a text, and how many: */
	PLAIN_MAX_TEXTS = 1 << 12  /* they are asked room for in one go */
};

/* Bytes of a line break and the indent of the writer's depth. */
static size_t
break_bytes(const struct nm_json_writer *w)
{
	return w->indent > 0 ? 1 + (size_t)w->indent * (size_t)w->depth : 0;
}

static char *
put_break(const struct nm_json_writer *w, char *at)
{
	static const char most[16] = "\n               ";
	size_t bytes = break_bytes(w);

	if (!bytes)
		return at;
	/* A copy of known length is one store; what it writes too much is room. */
	if (bytes <= sizeof(most)
	    && (size_t)(w->out->at + w->out->cap - at) >= sizeof(most)) {
		memcpy(at, most, sizeof(most));
		return at + bytes;
	}
	*at = '\n';
	memset(at + 1, ' ', bytes - 1);
	return at + bytes;
}

/* What stands before a name or a value; returns where `more` bytes go behind it,
 * to be ended by took_to; NULL past the buffer's ceiling. */
static inline char *
begin_line(struct nm_json_writer *w, size_t more)
{
	bool inside = w->depth > 0, some = inside && w->some[w->depth];
	char *at = nm_json_room(w->out, some + (inside ? break_bytes(w) : 0) + more);

	w->some[w->depth] = true;
	if (!at)
		return NULL;
	if (some)
		*at++ = ',';
	return inside ? put_break(w, at) : at;
}

/* As begin_line, with a name in between. */
static char *
begin(struct nm_json_writer *w, const char *name, size_t more)
{
	struct nm_text label = nm_text_of(name);
	size_t colon = w->indent > 0 ? 2 : 1;
	char *at, *line;

	if (!name)
		return begin_line(w, more);
	line = begin_line(w, label.len + 2 + colon + more);
	if (!line)
		return NULL;
	at = nm_json_copy_quoted(line, label);
	if (!at) {
		nm_json_took_to(w->out, line);
		nm_json_add_looked_at(w->out, label);
		at = nm_json_room(w->out, colon + more);
		return at ? nm_json_copy(at, ": ", colon) : NULL;
	}
	*at++ = ':';
	if (colon > 1)
		*at++ = ' ';
	return at;
}

/* A value that is there already, as its text. */
static void
put(struct nm_json_writer *w, const char *name, struct nm_text value)
{
	char *at = begin(w, name, value.len);

	if (!at)
		return;
	if (value.len)
		at = nm_json_copy(at, value.at, value.len);
	nm_json_took_to(w->out, at);
}

/* As put, for values that write themselves behind it. */
static struct nm_buf *
lead(struct nm_json_writer *w, const char *name)
{
	put(w, name, (struct nm_text){ 0 });
	return w->out;
}

static void
descend(struct nm_json_writer *w)
{
	if (w->depth == DEPTH_MAX)
		nm_die("JSON is being written deeper than 32 levels");
	w->some[++w->depth] = false;
}

static void
open_level(struct nm_json_writer *w, const char *name, char bracket)
{
	put(w, name, (struct nm_text){ &bracket, 1 });
	descend(w);
}

static void
close_level(struct nm_json_writer *w, char bracket)
{
	bool some = w->some[w->depth];
	char *at;

	if (w->depth == 0)
		nm_die("JSON is being closed that was not opened");
	w->depth--;
	at = nm_json_room(w->out, 1 + (some ? break_bytes(w) : 0));
	if (!at)
		return;
	if (some)
		at = put_break(w, at);
	*at++ = bracket;
	nm_json_took_to(w->out, at);
}

void
nm_json_open_object(struct nm_json_writer *w, const char *name)
{
	open_level(w, name, '{');
}

void
nm_json_close_object(struct nm_json_writer *w)
{
	close_level(w, '}');
}

void
nm_json_open_array(struct nm_json_writer *w, const char *name)
{
	open_level(w, name, '[');
}

void
nm_json_close_array(struct nm_json_writer *w)
{
	close_level(w, ']');
}

static inline void
put_text(struct nm_json_writer *w, const char *name, struct nm_text text)
{
	char *at, *end;

	if (text.len > SIZE_MAX / 2) {
		nm_json_add_looked_at(lead(w, name), text);
		return;
	}
	at = begin(w, name, text.len + 2);
	if (!at)
		return;
	end = nm_json_copy_quoted(at, text);
	if (end) {
		nm_json_took_to(w->out, end);
		return;
	}
	nm_json_took_to(w->out, at);
	nm_json_add_looked_at(w->out, text);
}

void
nm_json_put_text(struct nm_json_writer *w, const char *name,
                 struct nm_text text)
{
	put_text(w, name, text);
}

/* The sum of the texts' lengths; SIZE_MAX when that is much. */
static size_t
sum_bytes(const struct nm_text *texts, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (texts[i].len > PLAIN_MAX_BYTES)
			return SIZE_MAX;
		bytes += texts[i].len;
	}
	return bytes;
}

/* The list's inside; NULL when some byte needs a look. */
static char *
copy_texts(const struct nm_json_writer *w, char *at,
           const struct nm_text *texts, size_t n)
{
	for (size_t i = 0; at && i < n; i++) {
		if (i)
			*at++ = ',';
		at = nm_json_copy_quoted(put_break(w, at), texts[i]);
	}
	return at;
}

/* A list whose texts are plain, in one go, at the end of w's buffer, where there is
 * room for it; NULL when some byte needs a look, and then nothing was made. */
static char *
copy_list(struct nm_json_writer *w, char *at, const struct nm_text *texts,
          size_t n)
{
	*at = '[';
	w->depth++;
	at = copy_texts(w, at + 1, texts, n);
	w->depth--;
	if (!at)
		return NULL;
	if (n)
		at = put_break(w, at);
	*at++ = ']';
	return at;
}

/* What put_text would write one by one; the lead is there. */
static void
add_texts(struct nm_json_writer *w, const struct nm_text *texts, size_t n)
{
	nm_buf_add_byte(w->out, '[');
	descend(w);
	for (size_t i = 0; i < n; i++)
		put_text(w, NULL, texts[i]);
	nm_json_close_array(w);
}

void
nm_json_put_texts(struct nm_json_writer *w, const char *name,
                  const struct nm_text *texts, size_t n)
{
	size_t bytes = n < PLAIN_MAX_TEXTS && w->depth < DEPTH_MAX
	             ? sum_bytes(texts, n) : SIZE_MAX;
	size_t each = 1 + break_bytes(w) + (size_t)w->indent + 2;
	char *at, *end;

	if (bytes == SIZE_MAX) {
		(void)lead(w, name);
		add_texts(w, texts, n);
		return;
	}
	at = begin(w, name, n * each + bytes + break_bytes(w) + 2);
	if (!at)
		return;
	end = copy_list(w, at, texts, n);
	nm_json_took_to(w->out, end ? end : at);
	if (!end)
		add_texts(w, texts, n);
}

void
nm_json_put_string(struct nm_json_writer *w, const char *name,
                   const char *string)
{
	if (string)
		nm_json_put_text(w, name, nm_text_of(string));
	else
		nm_json_put_null(w, name);
}

void
nm_json_put_int(struct nm_json_writer *w, const char *name, int64_t number)
{
	char digits[NM_TEXT_OF_INT_MAX];

	put(w, name, nm_text_of_int(number, digits));
}

void
nm_json_put_double(struct nm_json_writer *w, const char *name, double number)
{
	if (isfinite(number))
		nm_json_add_double(lead(w, name), number);
	else
		nm_json_put_null(w, name);
}

void
nm_json_put_true(struct nm_json_writer *w, const char *name, int truth)
{
	put(w, name, truth ? NM_TEXT("true") : NM_TEXT("false"));
}

void
nm_json_put_null(struct nm_json_writer *w, const char *name)
{
	put(w, name, NM_TEXT("null"));
}

void
nm_json_put_raw(struct nm_json_writer *w, const char *name,
                struct nm_text json)
{
	put(w, name, json);
}

void
nm_json_put_value(struct nm_json_writer *w, const char *name,
                  const struct nm_value *value)
{
	nm_json_write(lead(w, name), value);
}
