/*
 * json_writer: strings and layout of the JSON that we write; its numbers are in
 * json_number.c. See json.h. Needs no JSON library. The layout is that of Python's
 * json.dumps with ensure_ascii=False, so that a results file differs from an older
 * one by its content alone.
 */
#include "wire/json.h"

#include <math.h>
#include <stdlib.h>

enum {
	DEPTH_MAX = 32,
	NUMBER_MAX_BYTES = 20,
	PLAIN_MAX_BYTES = 1 << 16, /* a text, and how many: */
	PLAIN_MAX_TEXTS = 1 << 12  /* they are asked room for in one go */
};

/* ---- strings ---- */

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* High bits mark the bytes that equal `byte`, if none is 0x80 or above. */
static uint64_t
equals(uint64_t word, unsigned char byte)
{
	return (word ^ (ONES * byte)) - ONES;
}

/* High bits mark that some byte of the word is to be looked at. */
static uint64_t
is_odd(uint64_t word)
{
	return ((word - ONES * 0x20) | equals(word, '"') | equals(word, '\\')
	        | word) & HIGHS;
}

/* The byte stands for itself in a JSON string, and is ASCII. */
static bool
is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The length of the longest prefix of bytes that stand for themselves in a JSON
 * string and need no look at UTF-8. */
static size_t
plain_prefix(const unsigned char *at, size_t len)
{
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, at + i, 8);
		if (is_odd(word))
			break;
	}
	/* A short rest is looked at once more, together with what is before. */
	if (len >= 8 && len - i < 8) {
		uint64_t word;

		memcpy(&word, at + len - 8, 8);
		if (!is_odd(word))
			return len;
	}
	while (i < len && is_plain(at[i]))
		i++;
	return i;
}

static bool
is_tail(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * The length of the UTF-8 sequence at `at`, which has at least one byte; *valid
 * tells whether it is one. If not, the length is that of the maximal part to be
 * replaced by one U+FFFD (Unicode 15, section 3.9, table 3-7 and its use).
 */
static size_t
sequence(const unsigned char *at, size_t left, bool *valid)
{
	unsigned char first = at[0];
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	size_t need = first < 0x80 ? 1
	            : first < 0xc2 ? 0
	            : first < 0xe0 ? 2
	            : first < 0xf0 ? 3
	            : first < 0xf5 ? 4 : 0;
	size_t len = 1;

	*valid = need == 1;
	if (need < 2 || left < 2 || at[1] < low || at[1] > high)
		return 1;
	while (++len < need)
		if (len == left || !is_tail(at[len]))
			return len;
	*valid = true;
	return need;
}

/* The length of a prefix of ASCII, by whole words. */
static size_t
ascii_words(const unsigned char *at, size_t len)
{
	size_t i = 0;
	uint64_t word[4];

	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(word, at + i, sizeof(word));
		if ((word[0] | word[1] | word[2] | word[3]) & HIGHS)
			break;
	}
	for (; len - i >= sizeof(*word); i += sizeof(*word)) {
		memcpy(word, at + i, sizeof(*word));
		if (*word & HIGHS)
			break;
	}
	return i;
}

size_t
nm_json_utf8_valid(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t i = 0;
	bool valid;

	while (i < len) {
		size_t step;

		i += ascii_words(at + i, len - i);
		while (i < len && at[i] < 0x80)
			i++;
		if (i == len)
			break;
		step = sequence(at + i, len - i, &valid);
		if (!valid)
			return i;
		i += step;
	}
	return len;
}

static void
add_escape(struct nm_buf *out, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] };

	switch (byte) {
	case '"':
	case '\\':
		text[1] = (char)byte;
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\t':
		text[1] = 't';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\b':
		text[1] = 'b';
		break;
	case '\f':
		text[1] = 'f';
		break;
	}
	nm_buf_add(out, text, text[1] == 'u' ? 6 : 2);
}

/* nm_buf_room, in line where there is room: it is asked for by the million. */
static inline char *
room_for(struct nm_buf *out, size_t len)
{
	if (!out->over && len < out->cap - out->len)
		return out->at + out->len;
	return nm_buf_room(out, len);
}

/* Ends what was written from the room up to `end`. */
static inline void
took_to(struct nm_buf *out, char *end)
{
	*end = 0;
	out->len = (size_t)(end - out->at);
}

static inline char *
copy(char *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

/* Fewer than 8 bytes, as one word; what lies between is there twice. */
static inline uint64_t
word_of_few(const char *at, size_t len)
{
	uint32_t first, last;

	if (len < 4)
		return (uint64_t)(unsigned char)at[0]
		     | (uint64_t)(unsigned char)at[len / 2] << 8
		     | (uint64_t)(unsigned char)at[len - 1] << 16
		     | (ONES * ' ' & ~UINT64_C(0xffffff));
	memcpy(&first, at, 4);
	memcpy(&last, at + len - 4, 4);
	return first | (uint64_t)last << 32;
}

/*
 * Copies a text whose bytes stand for themselves in a JSON string, looking at each
 * on the way; returns its end, or NULL when one does not, and then nothing was made.
 * Most texts are short: no call, and no second walk.
 */
static inline char *
copy_plain(char *to, const char *from, size_t len)
{
	uint64_t word, odd = 0;
	size_t i;

	if (len < 8) {
		if (len == 0)
			return to;
		return is_odd(word_of_few(from, len)) ? NULL
		                                      : copy(to, from, len);
	}
	for (i = 0; len - i >= 8; i += 8) {
		memcpy(&word, from + i, 8);
		odd |= is_odd(word);
		memcpy(to + i, &word, 8);
	}
	/* A short rest is looked at once more, together with what is before. */
	memcpy(&word, from + len - 8, 8);
	odd |= is_odd(word);
	memcpy(to + len - 8, &word, 8);
	return odd ? NULL : to + len;
}

/* A string of which the first `plain` bytes need no look. */
static void
add_odd_string(struct nm_buf *out, struct nm_text text, size_t plain)
{
	const unsigned char *at = (const unsigned char *)text.at;
	size_t begin = 0, i = plain;

	/* Most strings have few escapes: one growth for nearly all of it. */
	if (text.len > SIZE_MAX - 2 || !room_for(out, text.len + 2)) {
		out->over = true;
		return;
	}
	nm_buf_add_byte(out, '"');
	while (i < text.len) {
		bool valid = false;
		size_t step = sequence(at + i, text.len - i, &valid);

		if (!valid || step == 1) {
			nm_buf_add(out, at + begin, i - begin);
			if (valid)
				add_escape(out, at[i]);
			else
				nm_buf_add(out, "\xef\xbf\xbd", 3);
			begin = i + step;
		}
		i += step;
		i += plain_prefix(at + i, text.len - i);
	}
	nm_buf_add(out, at + begin, i - begin);
	nm_buf_add_byte(out, '"');
}

/* A string of which some byte needs a look. */
static void
add_looked_at(struct nm_buf *out, struct nm_text text)
{
	add_odd_string(out, text, plain_prefix((const unsigned char *)text.at,
	                                       text.len));
}

/* In quotes; NULL when some byte needs a look, and then nothing was made. */
static inline char *
copy_quoted(char *at, struct nm_text text)
{
	*at = '"';
	at = copy_plain(at + 1, text.at, text.len);
	if (at)
		*at++ = '"';
	return at;
}

void
nm_json_add_string(struct nm_buf *out, struct nm_text text)
{
	char *at = text.len < SIZE_MAX - 2 ? room_for(out, text.len + 2) : NULL;

	if (at)
		at = copy_quoted(at, text);
	if (at)
		took_to(out, at);
	else
		add_looked_at(out, text);
}

/* ---- layout ---- */

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
	char *at = room_for(w->out, some + (inside ? break_bytes(w) : 0) + more);

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
	at = copy_quoted(line, label);
	if (!at) {
		took_to(w->out, line);
		add_looked_at(w->out, label);
		at = room_for(w->out, colon + more);
		return at ? copy(at, ": ", colon) : NULL;
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
		at = copy(at, value.at, value.len);
	took_to(w->out, at);
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
	at = room_for(w->out, 1 + (some ? break_bytes(w) : 0));
	if (!at)
		return;
	if (some)
		at = put_break(w, at);
	*at++ = bracket;
	took_to(w->out, at);
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
		add_looked_at(lead(w, name), text);
		return;
	}
	at = begin(w, name, text.len + 2);
	if (!at)
		return;
	end = copy_quoted(at, text);
	if (end) {
		took_to(w->out, end);
		return;
	}
	took_to(w->out, at);
	add_looked_at(w->out, text);
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
		at = copy_quoted(put_break(w, at), texts[i]);
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
	took_to(w->out, end ? end : at);
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
	char digits[NUMBER_MAX_BYTES];
	size_t at = sizeof(digits);
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (number < 0)
		digits[--at] = '-';
	put(w, name, (struct nm_text){ digits + at, sizeof(digits) - at });
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
