/*
 * fold: see fold.h.
 */
#include "eval/fold.h"

#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

enum {
	CAPITAL_SIGMA = 0x3a3,
	SMALL_SIGMA = 0x3c3,
	FINAL_SIGMA = 0x3c2,
	CAPITAL_I_DOT = 0x130,
	DOT_ABOVE = 0x307,
	UTF8_MAX = 4
};

bool
nm_fold_is_space(uint32_t point)
{
	switch (point) {
	case 0x20:
	case 0x85:
	case 0xa0:
	case 0x1680:
	case 0x2028:
	case 0x2029:
	case 0x202f:
	case 0x205f:
	case 0x3000:
		return true;
	}
	return (point >= 0x09 && point <= 0x0d)
	    || (point >= 0x1c && point <= 0x1f)
	    || (point >= 0x2000 && point <= 0x200a);
}

/* The bytes of the code point at the text's start; *point becomes it, or
 * U+FFFD. */
static size_t
decode(struct nm_text text, uint32_t *point)
{
	ucs4_t read;
	int used = u8_mbtouc(&read, (const uint8_t *)text.at, text.len);

	*point = read;
	return (size_t)used;
}

static bool
is_tail(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* ASCII that is seen: most texts begin and end with it. */
static bool
is_visible(char byte)
{
	return byte > 0x20 && byte < 0x7f;
}

struct nm_text
nm_fold_strip(struct nm_text text)
{
	uint32_t point;

	while (text.len && !is_visible(text.at[0])) {
		size_t used = decode(text, &point);

		if (!nm_fold_is_space(point))
			break;
		text.at += used;
		text.len -= used;
	}
	while (text.len && !is_visible(text.at[text.len - 1])) {
		size_t from = text.len - 1;
		struct nm_text last;

		while (from && text.len - from < UTF8_MAX
		       && is_tail(text.at[from]))
			from--;
		last = (struct nm_text){ text.at + from, text.len - from };
		if (decode(last, &point) != last.len
		    || !nm_fold_is_space(point))
			break;
		text.len = from;
	}
	return text;
}

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Bytes below 0x80 do not carry into each other here. */
static uint64_t
lower_word(uint64_t word)
{
	uint64_t from_a = word + ONES * (0x80 - 'A');
	uint64_t past_z = word + ONES * (0x80 - 'Z' - 1);

	return word | (from_a & ~past_z & HIGHS) >> 2;
}

/* Lower-cases 8 bytes that are ASCII; the high bits of the result tell of others. */
static uint64_t
lower_eight(const char *from, char *to)
{
	uint64_t word, lower;

	memcpy(&word, from, 8);
	lower = lower_word(word);
	memcpy(to, &lower, 8);
	return word;
}

static char
lower_one(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

/* False when the text is not all ASCII; then nothing is folded. */
static bool
fold_ascii(struct nm_arena *arena, struct nm_text text, struct nm_folded *out)
{
	char *at = nm_arena_room(arena, text.len + 1);
	uint64_t seen = 0;
	size_t i = 0;

	for (; text.len - i >= 8; i += 8)
		seen |= lower_eight(text.at + i, at + i);
	/* A rest is looked at once more, together with what is before. */
	if (i && i < text.len)
		seen |= lower_eight(text.at + text.len - 8, at + text.len - 8);
	for (; i < text.len && text.len < 8; i++) {
		seen |= (unsigned char)text.at[i];
		at[i] = lower_one(text.at[i]);
	}
	if (seen & HIGHS)
		return false;
	at[text.len] = 0;
	out->text = (struct nm_text){ at, text.len };
	out->n = text.len;
	return true;
}

static bool
is_ignorable(uint32_t point)
{
	return uc_is_property_case_ignorable(point);
}

static bool
is_cased(uint32_t point)
{
	return uc_is_property_cased(point);
}

/*
 * What capital sigma becomes. `after_cased`: the nearest point before it that
 * is not ignorable is cased. *ahead is where the last search for such a point
 * behind one ended, so that a text of nothing but sigmas costs no square.
 */
static uint32_t
lower_sigma(const uint32_t *points, size_t n, size_t i, bool after_cased,
            size_t *ahead)
{
	if (!after_cased)
		return SMALL_SIGMA;
	if (*ahead <= i)
		*ahead = i + 1;
	while (*ahead < n && is_ignorable(points[*ahead]))
		++*ahead;
	return *ahead < n && is_cased(points[*ahead]) ? SMALL_SIGMA
	                                              : FINAL_SIGMA;
}

/* Lower-cases n points into `lower`, which has room for 2n; returns how
 * many. */
static size_t
lower_points(const uint32_t *points, size_t n, uint32_t *lower)
{
	bool after_cased = false;
	size_t ahead = 0, made = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t point = points[i];

		if (point == CAPITAL_SIGMA) {
			lower[made++] = lower_sigma(points, n, i, after_cased,
			                            &ahead);
		} else if (point == CAPITAL_I_DOT) {
			lower[made++] = 'i';
			lower[made++] = DOT_ABOVE;
		} else {
			lower[made++] = uc_tolower(point);
		}
		if (!is_ignorable(point))
			after_cased = is_cased(point);
	}
	return made;
}

static struct nm_text
encode(struct nm_arena *arena, const uint32_t *points, size_t n)
{
	uint8_t *at = nm_arena_array(arena, n * UTF8_MAX + 1, 1);
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int used = u8_uctomb(at + len, points[i], UTF8_MAX);

		len += used > 0 ? (size_t)used : 0;
	}
	return (struct nm_text){ (const char *)at, len };
}

void
nm_fold(struct nm_arena *arena, struct nm_text text, struct nm_folded *out)
{
	uint32_t *points, *lower;
	size_t n = 0;

	*out = (struct nm_folded){ 0 };
	text = nm_fold_strip(text);
	if (fold_ascii(arena, text, out))
		return;
	points = nm_arena_array(arena, text.len, sizeof(*points));
	while (text.len) {
		size_t used = decode(text, &points[n++]);

		text.at += used;
		text.len -= used;
	}
	lower = nm_arena_array(arena, 2 * n, sizeof(*lower));
	out->n = lower_points(points, n, lower);
	out->points = lower;
	out->text = encode(arena, lower, out->n);
}
