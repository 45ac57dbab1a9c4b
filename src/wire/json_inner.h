/*
 * json_inner: strings of JSON as they are written, for the writer's own files alone:
 * json_string knows what needs an escape, json_writer where it goes.
 */
#ifndef NM_WIRE_JSON_INNER_H
#define NM_WIRE_JSON_INNER_H

#include "wire/json.h"

#define NM_JSON_ONES  UINT64_C(0x0101010101010101)
#define NM_JSON_HIGHS UINT64_C(0x8080808080808080)

/* High bits mark the bytes that equal `byte`, if none is 0x80 or above. */
static inline uint64_t
nm_json_equals(uint64_t word, unsigned char byte)
{
	return (word ^ (NM_JSON_ONES * byte)) - NM_JSON_ONES;
}

/* High bits mark that some byte of the word is to be looked at. */
static inline uint64_t
nm_json_is_odd(uint64_t word)
{
	uint64_t control = word - NM_JSON_ONES * 0x20;
	uint64_t quote = nm_json_equals(word, '"');
	uint64_t slash = nm_json_equals(word, '\\');

	return (control | quote | slash | word) & NM_JSON_HIGHS;
}

/* nm_buf_room, in line where there is room: it is asked for by the million. */
static inline char *
nm_json_room(struct nm_buf *out, size_t len)
{
	if (!out->over && len < out->cap - out->len)
		return out->at + out->len;
	return nm_buf_room(out, len);
}

/* Ends what was written from the room up to `end`. */
static inline void
nm_json_took_to(struct nm_buf *out, char *end)
{
	*end = 0;
	out->len = (size_t)(end - out->at);
}

static inline char *
nm_json_copy(char *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

/* Fewer than 8 bytes, as one word; what lies between is there twice. */
static inline uint64_t
nm_json_word_of_few(const char *at, size_t len)
{
	uint32_t first, last;

	if (len < 4)
		return (uint64_t)(unsigned char)at[0]
		     | (uint64_t)(unsigned char)at[len / 2] << 8
		     | (uint64_t)(unsigned char)at[len - 1] << 16
		     | (NM_JSON_ONES * ' ' & ~UINT64_C(0xffffff));
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
nm_json_copy_plain(char *to, const char *from, size_t len)
{
	uint64_t word, odd = 0;
	size_t i;

	if (len < 8) {
		if (len == 0)
			return to;
		word = nm_json_word_of_few(from, len);
		return nm_json_is_odd(word) ? NULL
		                            : nm_json_copy(to, from, len);
	}
	for (i = 0; len - i >= 8; i += 8) {
		memcpy(&word, from + i, 8);
		odd |= nm_json_is_odd(word);
		memcpy(to + i, &word, 8);
	}
	/* A short rest is looked at once more, together with what is before. */
	memcpy(&word, from + len - 8, 8);
	odd |= nm_json_is_odd(word);
	memcpy(to + len - 8, &word, 8);
	return odd ? NULL : to + len;
}

/* In quotes; NULL when some byte needs a look, and then nothing was made. */
static inline char *
nm_json_copy_quoted(char *at, struct nm_text text)
{
	*at = '"';
	at = nm_json_copy_plain(at + 1, text.at, text.len);
	if (at)
		*at++ = '"';
	return at;
}

/* Appends a string, in quotes, of which some byte may need a look. */
void nm_json_add_looked_at(struct nm_buf *out, struct nm_text text);

#endif
