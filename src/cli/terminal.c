/*
 * terminal: sizes and capabilities of a terminal, and the width of text on it.
 */
#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <uniwidth.h>
#include <unistr.h>
#include <unistd.h>

enum { WIDTH_MIN = 20, WIDTH_MAX = 1000 };

void
nm_terminal_locale(void)
{
	/* Only the characters: numbers keep their point in every country. */
	if (!setlocale(LC_CTYPE, "") ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

bool
nm_terminal_is(int fd)
{
	return isatty(fd);
}

int
nm_terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = {0};
	long width = 0;

	if (!isatty(fd))
		return 0;
	if (columns)
		width = strtol(columns, NULL, 10);
	if (width <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (width <= 0)
		width = 80;
	if (width < WIDTH_MIN)
		return WIDTH_MIN;
	return width > WIDTH_MAX ? WIDTH_MAX : (int)width;
}

bool
nm_terminal_moves(int fd)
{
	const char *term = getenv("TERM");

	return term && strcmp(term, "dumb") != 0 && isatty(fd);
}

bool
nm_terminal_colours(int fd)
{
	const char *off = getenv("NO_COLOR");

	return !(off && *off) && nm_terminal_moves(fd);
}

/* The next character and its length; what is not UTF-8 is one byte, U+FFFD. */
static size_t
next_character(struct nm_text text, size_t at, ucs4_t *character)
{
	int len = u8_mbtoucr(character, (const uint8_t *)text.at + at,
	                     text.len - at);

	if (len > 0)
		return (size_t)len;
	*character = 0xFFFD;
	return 1;
}

/* Could move the cursor, rewrite the line or turn its direction round. */
static bool
is_unsafe(ucs4_t character)
{
	return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
	       (character >= 0x202A && character <= 0x202E) ||
	       (character >= 0x2066 && character <= 0x2069) ||
	       character == 0x2028 || character == 0x2029;
}

static int
columns_of(ucs4_t character)
{
	int columns = is_unsafe(character) ? 1 : uc_width(character, "UTF-8");

	return columns < 0 ? 1 : columns;
}

int
nm_terminal_columns(struct nm_text text)
{
	ucs4_t character;
	int columns = 0;
	size_t at;

	for (at = 0; at < text.len; columns += columns_of(character))
		at += next_character(text, at, &character);
	return columns;
}

static void
add_safe(struct nm_buf *out, struct nm_text text, size_t at, size_t len,
         ucs4_t character)
{
	if (character == '\t')
		nm_buf_add_byte(out, ' ');
	else if (is_unsafe(character))
		nm_buf_add_byte(out, '?');
	else if (character == 0xFFFD)
		nm_buf_add_string(out, "\xEF\xBF\xBD");
	else
		nm_buf_add(out, text.at + at, len);
}

void
nm_terminal_add(struct nm_buf *out, struct nm_text text, int width)
{
	bool cut = width > 0 && nm_terminal_columns(text) > width;
	ucs4_t character;
	int columns = 0;
	size_t at, len;

	for (at = 0; at < text.len; at += len) {
		len = next_character(text, at, &character);
		columns += columns_of(character);
		if (cut && columns > width - 1) {
			nm_buf_add_string(out, "…");
			return;
		}
		add_safe(out, text, at, len, character);
	}
}
