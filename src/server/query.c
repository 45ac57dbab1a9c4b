#include "server/query.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static struct nm_text
decode(struct nm_text text, struct nm_arena *arena, char plus)
{
	char *out = nm_arena_new(arena, text.len + 1);
	size_t n = 0;
	int high, low;

	for (size_t i = 0; i < text.len; i++) {
		out[n] = text.at[i] == '+' ? plus : text.at[i];
		if (text.at[i] == '%' && i + 2 < text.len) {
			high = hex_digit(text.at[i + 1]);
			low = hex_digit(text.at[i + 2]);
			if (high >= 0 && low >= 0) {
				out[n] = (char)(high * 16 + low);
				i += 2;
			}
		}
		n++;
	}
	return (struct nm_text){ out, n };
}

struct nm_text
nm_query_decode(struct nm_text text, struct nm_arena *arena)
{
	return decode(text, arena, '+');
}

bool
nm_query_find(struct nm_text query, const char *name, struct nm_arena *arena,
              struct nm_text *value)
{
	struct nm_text left = query, pair, key;
	const char *end, *equals;

	while (left.len) {
		end = memchr(left.at, '&', left.len);
		pair = left;
		if (end)
			pair.len = (size_t)(end - left.at);
		left.at += pair.len + (end ? 1 : 0);
		left.len -= pair.len + (end ? 1 : 0);
		equals = pair.len ? memchr(pair.at, '=', pair.len) : NULL;
		key = pair;
		if (equals)
			key.len = (size_t)(equals - pair.at);
		if (!nm_text_is(decode(key, arena, ' '), name))
			continue;
		pair.at += key.len + (equals ? 1 : 0);
		pair.len -= key.len + (equals ? 1 : 0);
		*value = decode(pair, arena, ' ');
		return true;
	}
	return false;
}

bool
nm_query_number(struct nm_text text, int64_t *number)
{
	int64_t n = 0;
	bool minus = text.len && text.at[0] == '-';

	if (text.len == (size_t)minus || text.len - minus > 18)
		return false;
	for (size_t i = minus; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (text.at[i] - '0');
	}
	*number = minus ? -n : n;
	return true;
}

enum nm_code
nm_query_int(struct nm_text query, const char *name, int64_t *number,
             struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_text value;
	enum nm_code rc = NM_OK;

	if (!nm_query_find(query, name, &arena, &value))
		rc = nm_fail(err, NM_ABSENT, 0, "no %s", name);
	else if (!nm_query_number(value, number))
		rc = nm_fail(err, NM_INPUT, 0, "%s is no whole number", name);
	nm_arena_release(&arena);
	return rc;
}
