/*
 * json_writer: strings, numbers and layout of the JSON that we write. See json.h.
 * Needs no JSON library. The layout is that of Python's json.dumps with
 * ensure_ascii=False, so that a results file differs from an older one by its
 * content alone.
 */
#include "wire/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 32 };

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

void
nm_json_add_string(struct nm_buf *out, struct nm_text text)
{
	size_t plain = plain_prefix((const unsigned char *)text.at, text.len);
	char *at = plain == text.len && text.len < SIZE_MAX - 2
	         ? room_for(out, text.len + 2) : NULL;

	if (!at) {
		add_odd_string(out, text, plain);
		return;
	}
	*at++ = '"';
	if (text.len)
		at = copy(at, text.at, text.len);
	*at++ = '"';
	took_to(out, at);
}

/* ---- numbers ---- */

enum { NEAR_DIGITS = DBL_DIG, DIGITS_MAX = 17 };

#define NEAR_BELOW 1e15 /* 10^NEAR_DIGITS */

/*
 * Writes the number with so many digits to text; true when that reads back as it.
 * The locale's decimal sign comes and goes through the same functions.
 */
static bool
reads_back(char *text, size_t size, int n_digits, double number)
{
	char *last;

	(void)snprintf(text, size, "%.*e", n_digits - 1, number);
	if (strtod(text, NULL) == number)
		return true;
	/*
	 * Just above a power of two numbers lie twice as wide as just below: the
	 * nearest decimal below may miss where the one above does not.
	 */
	last = strchr(text, 'e') - 1;
	if (n_digits == DIGITS_MAX || *last == '9')
		return false;
	++*last;
	return strtod(text, NULL) == number;
}

/*
 * The whole number and the count of decimals of a number that has few of both:
 * number = whole / 10^decimals, the smallest such count. -1 when it has more than
 * NEAR_DIGITS digits. Powers of ten so small are exact, and the division rounds as
 * reading does.
 */
static int
near_decimals(double number, double *whole)
{
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15,
	};

	for (int i = 0; i < (int)(sizeof(powers) / sizeof(*powers)); i++) {
		double near = nearbyint(number * powers[i]);

		if (near >= NEAR_BELOW)
			return -1;
		if (near / powers[i] == number) {
			*whole = near;
			return i;
		}
	}
	return -1;
}

/*
 * The fewest significant decimal digits that read back as the (finite, positive)
 * number; number = 0.DIGITS * 10^point. Returns how many.
 */
static int
shortest(double number, char *digits, int *point)
{
	/* What NEAR_DIGITS or fewer digits tell is told by so many, with zeros. */
	int n = 0, wanted = number < DBL_MIN ? 1 : NEAR_DIGITS;
	char text[64];

	while (!reads_back(text, sizeof(text), wanted, number)
	       && wanted < DIGITS_MAX)
		wanted++;
	for (const char *at = text; *at != 'e'; at++)
		if (*at >= '0' && *at <= '9')
			digits[n++] = *at;
	*point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

static void
add_zeros(struct nm_buf *out, int count)
{
	while (count-- > 0)
		nm_buf_add_byte(out, '0');
}

/* number = whole / 10^decimals, from 0 on or from 0.0001. */
static void
add_near(struct nm_buf *out, uint64_t whole, int decimals)
{
	char text[40];
	size_t at = sizeof(text);
	int left = decimals;

	if (left == 0)
		text[--at] = '0';
	for (; left > 0; left--, whole /= 10)
		text[--at] = (char)('0' + whole % 10);
	text[--at] = '.';
	do {
		text[--at] = (char)('0' + whole % 10);
		whole /= 10;
	} while (whole);
	nm_buf_add(out, text + at, sizeof(text) - at);
}

/* As Python's repr writes it: 0.0001, 1e-05, 1000000000000000.0, 1e+16. */
static void
add_double(struct nm_buf *out, double number)
{
	double size = fabs(number), whole = 0.0;
	int decimals = -1;
	char digits[DIGITS_MAX + 1];
	int n, point;

	if (signbit(number))
		nm_buf_add_byte(out, '-');
	if (size >= 1e-4 || !(size > 0))
		decimals = near_decimals(size, &whole);
	if (decimals >= 0) {
		add_near(out, (uint64_t)whole, decimals);
		return;
	}
	n = shortest(size, digits, &point);
	if (point > 16 || point < -3) {
		nm_buf_add_byte(out, digits[0]);
		if (n > 1)
			nm_buf_add_byte(out, '.');
		nm_buf_add(out, digits + 1, (size_t)n - 1);
		nm_buf_addf(out, "e%+03d", point - 1);
	} else if (point <= 0) {
		nm_buf_add_string(out, "0.");
		add_zeros(out, -point);
		nm_buf_add(out, digits, (size_t)n);
	} else if (point < n) {
		nm_buf_add(out, digits, (size_t)point);
		nm_buf_add_byte(out, '.');
		nm_buf_add(out, digits + point, (size_t)(n - point));
	} else {
		nm_buf_add(out, digits, (size_t)n);
		add_zeros(out, point - n);
		nm_buf_add_string(out, ".0");
	}
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
static char *
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
	size_t plain = plain_prefix((const unsigned char *)name, label.len);
	size_t colon = w->indent > 0 ? 2 : 1;
	char *at;

	if (!name)
		return begin_line(w, more);
	if (plain < label.len) {
		at = begin_line(w, 0);
		if (at)
			took_to(w->out, at);
		add_odd_string(w->out, label, plain);
		at = room_for(w->out, colon + more);
		return at ? copy(at, ": ", colon) : NULL;
	}
	at = begin_line(w, label.len + 2 + colon + more);
	if (!at)
		return NULL;
	*at++ = '"';
	at = copy(at, label.at, label.len);
	return copy(at, "\": ", 1 + colon);
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
open_level(struct nm_json_writer *w, const char *name, char bracket)
{
	put(w, name, (struct nm_text){ &bracket, 1 });
	if (w->depth == DEPTH_MAX)
		nm_die("JSON is being written deeper than 32 levels");
	w->some[++w->depth] = false;
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

void
nm_json_put_text(struct nm_json_writer *w, const char *name,
                 struct nm_text text)
{
	size_t plain = plain_prefix((const unsigned char *)text.at, text.len);
	char *at;

	if (plain < text.len || text.len > SIZE_MAX / 2) {
		add_odd_string(lead(w, name), text, plain);
		return;
	}
	at = begin(w, name, text.len + 2);
	if (!at)
		return;
	*at++ = '"';
	if (text.len)
		at = copy(at, text.at, text.len);
	*at++ = '"';
	took_to(w->out, at);
}

void
nm_json_put_texts(struct nm_json_writer *w, const char *name,
                  const struct nm_text *texts, size_t n)
{
	nm_json_open_array(w, name);
	for (size_t i = 0; i < n; i++)
		nm_json_put_text(w, NULL, texts[i]);
	nm_json_close_array(w);
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
	nm_buf_add_int(lead(w, name), number);
}

void
nm_json_put_double(struct nm_json_writer *w, const char *name, double number)
{
	if (isfinite(number))
		add_double(lead(w, name), number);
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
