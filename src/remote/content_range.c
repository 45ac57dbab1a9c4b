/*
 * content_range: see the header.
 */
#include "remote/content_range.h"

enum { DIGITS_MAX = 18 };

static int64_t
read_number(struct nm_text *text)
{
	int64_t value = 0;
	size_t digits = 0;

	while (text->len > 0 && text->at[0] >= '0' && text->at[0] <= '9' &&
	       digits < DIGITS_MAX) {
		value = value * 10 + (text->at[0] - '0');
		text->at++;
		text->len--;
		digits++;
	}
	return digits ? value : -1;
}

static int
skip(struct nm_text *text, const char *word)
{
	size_t len = strlen(word);

	if (text->len < len || memcmp(text->at, word, len) != 0)
		return 0;
	text->at += len;
	text->len -= len;
	return 1;
}

int
nm_content_range_read(struct nm_text text, struct nm_content_range *out)
{
	int64_t last;

	*out = (struct nm_content_range){ -1, -1 };
	if (!skip(&text, "bytes "))
		return 0;
	if (!skip(&text, "*")) {
		out->first = read_number(&text);
		if (out->first < 0 || !skip(&text, "-"))
			goto none;
		last = read_number(&text);
		if (last < out->first)
			goto none;
	}
	if (!skip(&text, "/"))
		goto none;
	if (!skip(&text, "*"))
		out->total = read_number(&text);
	if (text.len == 0)
		return 1;
none:
	*out = (struct nm_content_range){ -1, -1 };
	return 0;
}
