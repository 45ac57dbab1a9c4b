/*
 * dotenv: see dotenv.h.
 */
#include "remote/dotenv.h"

#define NAME_BYTES \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

void
nm_dotenv_init(struct nm_dotenv *dotenv, const char *path,
               struct nm_text text)
{
	/* Some editors put a byte order mark before all text. */
	if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) {
		text.at += 3;
		text.len -= 3;
	}
	*dotenv = (struct nm_dotenv){ .path = path, .left = text, .line = 1 };
}

static int
peek(const struct nm_dotenv *dotenv)
{
	return dotenv->left.len ? (unsigned char)dotenv->left.at[0] : -1;
}

static void
step(struct nm_dotenv *dotenv)
{
	if (dotenv->left.at[0] == '\n')
		dotenv->line++;
	dotenv->left.at++;
	dotenv->left.len--;
}

static void
skip(struct nm_dotenv *dotenv, const char *bytes)
{
	while (peek(dotenv) > 0 && strchr(bytes, peek(dotenv)))
		step(dotenv);
}

static void
skip_line(struct nm_dotenv *dotenv)
{
	while (peek(dotenv) >= 0 && peek(dotenv) != '\n')
		step(dotenv);
}

static struct nm_text
take_word(struct nm_dotenv *dotenv)
{
	struct nm_text word = { dotenv->left.at, 0 };

	while (peek(dotenv) > 0 && strchr(NAME_BYTES, peek(dotenv))) {
		step(dotenv);
		word.len++;
	}
	return word;
}

static enum nm_code
refuse(const struct nm_dotenv *dotenv, unsigned line, const char *why,
       struct nm_err *err)
{
	return nm_fail(err, NM_INPUT, 0, "%s:%u: %s", dotenv->path, line, why);
}

static int
unescape(int byte)
{
	switch (byte) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	}
	return byte;
}

static enum nm_code
take_quoted(struct nm_dotenv *dotenv, char quote, struct nm_err *err)
{
	unsigned line = dotenv->line;

	step(dotenv);
	while (peek(dotenv) >= 0 && peek(dotenv) != quote) {
		int byte = peek(dotenv);

		step(dotenv);
		if (quote == '"' && byte == '\\' && peek(dotenv) > 0 &&
		    strchr("nrt\"\\$", peek(dotenv))) {
			byte = unescape(peek(dotenv));
			step(dotenv);
		}
		nm_buf_add_byte(&dotenv->value, (char)byte);
	}
	if (peek(dotenv) < 0)
		return refuse(dotenv, line, "a quote is not closed", err);
	step(dotenv);
	skip(dotenv, " \t\r");
	if (peek(dotenv) == '#')
		skip_line(dotenv);
	if (peek(dotenv) >= 0 && peek(dotenv) != '\n')
		return refuse(dotenv, dotenv->line,
		              "something follows the closing quote", err);
	return NM_OK;
}

/* Up to the line's end or a '#' with a blank before it. */
static void
take_bare(struct nm_dotenv *dotenv)
{
	struct nm_buf *value = &dotenv->value;
	bool blank = true;

	while (peek(dotenv) >= 0 && peek(dotenv) != '\n') {
		int byte = peek(dotenv);

		if (byte == '#' && blank)
			break;
		blank = byte == ' ' || byte == '\t';
		nm_buf_add_byte(value, (char)byte);
		step(dotenv);
	}
	skip_line(dotenv);
	while (value->len > 0 && strchr(" \t\r", value->at[value->len - 1]))
		value->at[--value->len] = 0;
}

enum nm_code
nm_dotenv_next(struct nm_dotenv *dotenv, struct nm_text *name,
               struct nm_text *value, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	struct nm_text word;

	nm_buf_clear(&dotenv->value);
	for (;;) {
		skip(dotenv, " \t\r\n");
		if (peek(dotenv) != '#')
			break;
		skip_line(dotenv);
	}
	if (peek(dotenv) < 0) {
		*name = *value = (struct nm_text){0};
		return NM_OK;
	}
	word = take_word(dotenv);
	skip(dotenv, " \t");
	if (nm_text_is(word, "export") && peek(dotenv) != '=') {
		word = take_word(dotenv);
		skip(dotenv, " \t");
	}
	if (word.len == 0 || peek(dotenv) != '=')
		return refuse(dotenv, dotenv->line,
		              "not a setting: write NAME=value", err);
	step(dotenv);
	skip(dotenv, " \t");
	if (peek(dotenv) == '"' || peek(dotenv) == '\'')
		rc = take_quoted(dotenv, (char)peek(dotenv), err);
	else
		take_bare(dotenv);
	if (rc)
		return rc;
	*name = word;
	*value = nm_buf_text(&dotenv->value);
	return NM_OK;
}

void
nm_dotenv_release(struct nm_dotenv *dotenv)
{
	if (dotenv->value.at)
		explicit_bzero(dotenv->value.at, dotenv->value.cap);
	nm_buf_release(&dotenv->value);
}
