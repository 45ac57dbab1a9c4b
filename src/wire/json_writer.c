/*
 * json_writer: strings, numbers and layout of the JSON that we write. See json.h.
 * Needs no JSON library. The layout is that of Python's json.dumps with
 * ensure_ascii=False, so that a results file differs from an older one by its
 * content alone.
 */
#include "wire/json.h"

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

/* The length of the longest prefix of bytes that stand for themselves in a JSON
 * string and need no look at UTF-8. */
static size_t
plain_prefix(const unsigned char *at, size_t len)
{
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, at + i, 8);
		if (((word - ONES * 0x20) | equals(word, '"')
		     | equals(word, '\\') | word) & HIGHS)
			break;
	}
	while (i < len && at[i] >= 0x20 && at[i] < 0x80 && at[i] != '"'
	       && at[i] != '\\')
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

void
nm_json_add_string(struct nm_buf *out, struct nm_text text)
{
	const unsigned char *at = (const unsigned char *)text.at;
	size_t begin = 0, i = 0;

	/* Most strings have few escapes: one growth for nearly all of it. */
	if (text.len > SIZE_MAX - 2 || !nm_buf_room(out, text.len + 2)) {
		out->over = true;
		return;
	}
	nm_buf_add_byte(out, '"');
	while (i < text.len) {
		bool valid = false;
		size_t step;

		i += plain_prefix(at + i, text.len - i);
		if (i == text.len)
			break;
		step = sequence(at + i, text.len - i, &valid);
		if (valid && step > 1) {
			i += step;
			continue;
		}
		nm_buf_add(out, at + begin, i - begin);
		if (valid)
			add_escape(out, at[i]);
		else
			nm_buf_add(out, "\xef\xbf\xbd", 3);
		i += step;
		begin = i;
	}
	if (i > begin)
		nm_buf_add(out, at + begin, i - begin);
	nm_buf_add_byte(out, '"');
}

/* ---- numbers ---- */

enum { DIGITS_MAX = 17 };

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
 * The fewest significant decimal digits that read back as the (finite, positive)
 * number; number = 0.DIGITS * 10^point. Returns how many.
 */
static int
shortest(double number, char *digits, int *point)
{
	char text[64];
	int n = 0, wanted = 1;

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

/* As Python's repr writes it: 0.0001, 1e-05, 1000000000000000.0, 1e+16. */
static void
add_double(struct nm_buf *out, double number)
{
	char digits[DIGITS_MAX + 1];
	int n = 1, point = 1;

	digits[0] = '0';
	if (signbit(number))
		nm_buf_add_byte(out, '-');
	if (number < 0 || number > 0)
		n = shortest(fabs(number), digits, &point);
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

static void
new_line(struct nm_json_writer *w)
{
	static const char blanks[] = "\n                                ";
	int left = w->indent * w->depth;
	int most = (int)sizeof(blanks) - 2;

	if (w->indent <= 0)
		return;
	nm_buf_add(w->out, blanks, 1 + (size_t)(left < most ? left : most));
	for (left -= most; left > 0; left--)
		nm_buf_add_byte(w->out, ' ');
}

/* What stands before a value: comma, line break, name. */
static void
begin(struct nm_json_writer *w, const char *name)
{
	if (w->depth > 0) {
		if (w->some[w->depth])
			nm_buf_add_byte(w->out, ',');
		new_line(w);
	}
	w->some[w->depth] = true;
	if (!name)
		return;
	nm_json_add_string(w->out, nm_text_of(name));
	nm_buf_add_byte(w->out, ':');
	if (w->indent > 0)
		nm_buf_add_byte(w->out, ' ');
}

static void
open_level(struct nm_json_writer *w, const char *name, char bracket)
{
	begin(w, name);
	nm_buf_add_byte(w->out, bracket);
	if (w->depth == DEPTH_MAX)
		nm_die("JSON is being written deeper than 32 levels");
	w->some[++w->depth] = false;
}

static void
close_level(struct nm_json_writer *w, char bracket)
{
	bool some = w->some[w->depth];

	if (w->depth == 0)
		nm_die("JSON is being closed that was not opened");
	w->depth--;
	if (some)
		new_line(w);
	nm_buf_add_byte(w->out, bracket);
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
	begin(w, name);
	nm_json_add_string(w->out, text);
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
	begin(w, name);
	nm_buf_add_int(w->out, number);
}

void
nm_json_put_double(struct nm_json_writer *w, const char *name, double number)
{
	begin(w, name);
	if (isfinite(number))
		add_double(w->out, number);
	else
		nm_buf_add_string(w->out, "null");
}

void
nm_json_put_true(struct nm_json_writer *w, const char *name, int truth)
{
	begin(w, name);
	nm_buf_add_string(w->out, truth ? "true" : "false");
}

void
nm_json_put_null(struct nm_json_writer *w, const char *name)
{
	begin(w, name);
	nm_buf_add_string(w->out, "null");
}

void
nm_json_put_raw(struct nm_json_writer *w, const char *name,
                struct nm_text json)
{
	begin(w, name);
	nm_buf_add_text(w->out, json);
}

void
nm_json_put_value(struct nm_json_writer *w, const char *name,
                  const struct nm_value *value)
{
	begin(w, name);
	nm_json_write(w->out, value);
}
