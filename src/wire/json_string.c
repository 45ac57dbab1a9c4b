/*
 * json_string: what stands for itself in a string of JSON, what needs an escape, and
 * what is no UTF-8. See json.h. Needs no JSON library.
 */
#include "wire/json_inner.h"

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
		if (nm_json_is_odd(word))
			break;
	}
	/* A short rest is looked at once more, together with what is before. */
	if (len >= 8 && len - i < 8) {
		uint64_t word;

		memcpy(&word, at + len - 8, 8);
		if (!nm_json_is_odd(word))
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
		if ((word[0] | word[1] | word[2] | word[3]) & NM_JSON_HIGHS)
			break;
	}
	for (; len - i >= sizeof(*word); i += sizeof(*word)) {
		memcpy(word, at + i, sizeof(*word));
		if (*word & NM_JSON_HIGHS)
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

/* A string of which the first `plain` bytes need no look. */
static void
add_odd_string(struct nm_buf *out, struct nm_text text, size_t plain)
{
	const unsigned char *at = (const unsigned char *)text.at;
	size_t begin = 0, i = plain;

	/* Most strings have few escapes: one growth for nearly all of it. */
	if (text.len > SIZE_MAX - 2 || !nm_json_room(out, text.len + 2)) {
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
nm_json_add_looked_at(struct nm_buf *out, struct nm_text text)
{
	add_odd_string(out, text, plain_prefix((const unsigned char *)text.at,
	                                       text.len));
}

void
nm_json_add_string(struct nm_buf *out, struct nm_text text)
{
	char *at = text.len < SIZE_MAX - 2 ? nm_json_room(out, text.len + 2) : NULL;

	if (at)
		at = nm_json_copy_quoted(at, text);
	if (at)
		nm_json_took_to(out, at);
	else
		nm_json_add_looked_at(out, text);
}
