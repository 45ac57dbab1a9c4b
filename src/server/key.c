#include "server/key.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"

enum { HEX_DIGITS = 64, MAX_KEYS = 10000 };

struct nm_key_row {
	const char *name;
	char        hex[NM_DIGEST_HEX_MAX];
};

static struct nm_text
next_word(struct nm_text *line)
{
	struct nm_text word;

	while (line->len && (line->at[0] == ' ' || line->at[0] == '\t')) {
		line->at++;
		line->len--;
	}
	word = (struct nm_text){ line->at, 0 };
	while (line->len && line->at[0] != ' ' && line->at[0] != '\t') {
		line->at++;
		line->len--;
		word.len++;
	}
	return word;
}

static bool
is_hex(struct nm_text text)
{
	if (text.len != HEX_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("0123456789abcdefABCDEF", text.at[i]))
			return false;
	return true;
}

/* *plain is set when the line holds a key itself. */
static bool
read_line(struct nm_keys *keys, struct nm_text line, bool *plain)
{
	static const char mark[] = "sha256:";
	struct nm_key_row *row = &keys->rows[keys->n_rows];
	struct nm_text name = next_word(&line), key = next_word(&line), hex;

	if (!name.len || !key.len || next_word(&line).len)
		return false;
	row->name = nm_arena_text(&keys->arena, name).at;
	if (key.len > sizeof(mark) - 1 &&
	    memcmp(key.at, mark, sizeof(mark) - 1) == 0) {
		hex = (struct nm_text){ key.at + sizeof(mark) - 1,
		                        key.len - (sizeof(mark) - 1) };
		if (!is_hex(hex))
			return false;
		for (size_t i = 0; i < HEX_DIGITS; i++)
			row->hex[i] = (char)(hex.at[i] >= 'A' && hex.at[i] <= 'F'
			                     ? hex.at[i] + 32 : hex.at[i]);
	} else {
		*plain = true;
		nm_digest_hex(NM_SHA256, key.at, key.len, row->hex);
	}
	keys->n_rows++;
	return true;
}

static enum nm_code
read_lines(struct nm_keys *keys, const char *file, struct nm_text left,
           bool *plain, struct nm_err *err)
{
	unsigned long number = 0;
	struct nm_text line, word, rest;
	const char *end;

	while (left.len) {
		number++;
		end = memchr(left.at, '\n', left.len);
		line = (struct nm_text){ left.at, end ? (size_t)(end - left.at)
		                                      : left.len };
		left.len -= line.len + (end ? 1 : 0);
		left.at += line.len + (end ? 1 : 0);
		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		rest = line;
		word = next_word(&rest);
		if (!word.len || word.at[0] == '#')
			continue;
		if (keys->n_rows == MAX_KEYS)
			return nm_fail(err, NM_INPUT, 0, "%s: more than %d keys",
			               file, MAX_KEYS);
		if (!read_line(keys, line, plain))
			return nm_fail(err, NM_INPUT, 0, "%s:%lu: not a name and a "
			               "key, or a name and sha256: with 64 hex "
			               "digits", file, number);
	}
	return NM_OK;
}

enum nm_code
nm_keys_open(struct nm_keys *keys, const char *file, struct nm_err *err)
{
	struct nm_buf text = { .max = 4 << 20 };
	struct nm_keys made = {0};
	struct stat stat_of;
	bool plain = false;
	enum nm_code rc;

	if (!file) {
		*keys = made;
		return NM_OK;
	}
	rc = nm_file_read(file, &text, err);
	if (rc)
		goto done;
	made.rows = nm_arena_array(&made.arena, MAX_KEYS, sizeof(*made.rows));
	rc = read_lines(&made, file, nm_buf_text(&text), &plain, err);
	if (!rc && !made.n_rows)
		rc = nm_fail(err, NM_INPUT, 0, "%s holds no key", file);
	if (!rc && plain && stat(file, &stat_of) == 0 &&
	    stat_of.st_mode & (S_IRWXG | S_IRWXO))
		rc = nm_fail(err, NM_INPUT, 0, "%s holds plain keys and others may "
		             "read it: chmod 600, or write sha256: digests", file);
done:
	if (text.at)
		explicit_bzero(text.at, text.len);
	nm_buf_release(&text);
	if (rc)
		nm_keys_close(&made);
	else
		*keys = made;
	return rc;
}

void
nm_keys_close(struct nm_keys *keys)
{
	nm_arena_release(&keys->arena);
	*keys = (struct nm_keys){0};
}

const char *
nm_keys_find(const struct nm_keys *keys, struct nm_text key)
{
	char hex[NM_DIGEST_HEX_MAX];
	const char *name = NULL;

	nm_digest_hex(NM_SHA256, key.at, key.len, hex);
	for (size_t i = 0; i < keys->n_rows; i++)
		if (nm_digest_same(hex, keys->rows[i].hex, HEX_DIGITS))
			name = keys->rows[i].name;
	return name;
}
