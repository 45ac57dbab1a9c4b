/*
 * spot: the part of an input line around one byte, with a caret under it.
 */
#include <unistr.h>

#include "cli/message.h"
#include "cli/terminal.h"

/* A character takes at most this many bytes. */
enum { CHARACTER_MAX = 4, INDENT = 2 };

static bool
is_inside(char byte)
{
	return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Moves `at` left to the beginning of its character. */
static size_t
align(struct nm_text text, size_t at)
{
	size_t back;

	for (back = 0; back < CHARACTER_MAX && at > back; back++)
		if (at - back == text.len || !is_inside(text.at[at - back]))
			return at - back;
	return at - back;
}

static size_t
step(struct nm_text text, size_t at)
{
	int len = u8_mblen((const uint8_t *)text.at + at, text.len - at);

	return len > 0 ? (size_t)len : 1;
}

static int
columns(struct nm_text text, size_t from, size_t to)
{
	return nm_terminal_columns(
		(struct nm_text){ text.at + from, to - from });
}

/* Tabs have no fixed width, so each is shown as one arrow. */
static void
add_part(struct nm_buf *out, struct nm_text text, size_t from, size_t to)
{
	struct nm_text piece;
	size_t end;

	for (; from < to; from = end + 1) {
		for (end = from; end < to && text.at[end] != '\t'; end++)
			;
		piece = (struct nm_text){ text.at + from, end - from };
		nm_terminal_add(out, piece, 0);
		if (end < to)
			nm_buf_add_string(out, "→");
	}
}

void
nm_spot_draw(const struct nm_spot *spot, int width, struct nm_buf *out)
{
	struct nm_text text = spot->text;
	size_t reach = (size_t)width * CHARACTER_MAX;
	size_t byte = align(text, spot->byte < text.len ? spot->byte
	                                                : text.len);
	size_t from = byte > reach ? align(text, byte - reach) : 0;
	size_t to = text.len - byte > reach ? align(text, byte + reach)
	                                    : text.len;
	int room = width - INDENT - 1;
	int before;

	/* The front gives way first, until the caret is past the middle. */
	while (columns(text, from, to) + (from > 0) + (to < text.len) > room &&
	       columns(text, from, byte) > room * 2 / 3)
		from += step(text, from);
	while (to > byte && columns(text, from, to) + (from > 0) +
	       (to < text.len) > room)
		to = align(text, to - 1);

	before = columns(text, from, byte) + (from > 0);
	nm_buf_addf(out, "%*s%s", INDENT, "", from > 0 ? "…" : "");
	add_part(out, text, from, to);
	nm_buf_addf(out, "%s\n%*s^\n", to < text.len ? "…" : "",
	            INDENT + before, "");
}
