/*
 * base_url: see the header.
 */
#include "remote/base_url.h"

#include <ctype.h>

static void
add_lower(struct nm_buf *out, struct nm_text text)
{
	for (size_t i = 0; i < text.len; i++)
		nm_buf_add_byte(out, (char)tolower((unsigned char)text.at[i]));
}

/* Up to the byte or the end; *text is what follows, that byte first. */
static struct nm_text
cut(struct nm_text *text, char byte)
{
	const char *end = text->len ? memchr(text->at, byte, text->len) : NULL;
	struct nm_text head = *text;

	if (end)
		head.len = (size_t)(end - text->at);
	text->at += head.len;
	text->len -= head.len;
	return head;
}

/* In brackets there are colons that begin no port. */
static struct nm_text
cut_host(struct nm_text *authority)
{
	struct nm_text host = *authority, inner;

	if (!host.len || host.at[0] != '[')
		return cut(authority, ':');
	inner = cut(authority, ']');
	if (authority->len) {
		authority->at++;
		authority->len--;
		inner.len++;
	}
	return inner;
}

/* port: with its colon, or empty. */
static void
add_port(struct nm_buf *out, struct nm_text port, const char *usual)
{
	while (port.len > 2 && port.at[1] == '0') {
		port.at++;
		port.len--;
	}
	if (port.len < 2)
		return;
	port.at++;
	port.len--;
	if (nm_text_is(port, usual))
		return;
	nm_buf_add_byte(out, ':');
	nm_buf_add_text(out, port);
}

static int
hex_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, tolower((unsigned char)digit));

	return digit && at ? (int)(at - digits) : -1;
}

/* One byte of a path, or an escape; returns how long that was. */
static size_t
add_path_byte(struct nm_buf *out, struct nm_text path)
{
	int high = path.len > 2 ? hex_value(path.at[1]) : -1;
	int low = path.len > 2 ? hex_value(path.at[2]) : -1;
	int byte = high * 16 + low;

	if (path.at[0] != '%' || high < 0 || low < 0) {
		nm_buf_add_byte(out, path.at[0]);
		return 1;
	}
	if (byte && byte < 0x80 && (isalnum(byte) || strchr("-._~", byte)))
		nm_buf_add_byte(out, (char)byte);
	else
		nm_buf_addf(out, "%%%02X", (unsigned)byte);
	return 3;
}

/* Segments of the path in `plain` that lead nowhere, or back, are left out. */
static void
add_segments(struct nm_buf *out, struct nm_text plain)
{
	size_t begin = out->len;

	while (plain.len) {
		struct nm_text segment;

		plain.at++;
		plain.len--;
		segment = cut(&plain, '/');
		if (nm_text_is(segment, "."))
			continue;
		if (!nm_text_is(segment, "..")) {
			nm_buf_add_byte(out, '/');
			nm_buf_add_text(out, segment);
			continue;
		}
		while (out->len > begin && out->at[--out->len] != '/')
			;
	}
	while (out->len > begin && out->at[out->len - 1] == '/')
		out->len--;
}

void
nm_base_url_add_normal(struct nm_buf *out, struct nm_text url)
{
	struct nm_text rest = url, scheme = cut(&rest, ':'), authority, host;
	struct nm_buf plain = { 0 };

	add_lower(out, scheme);
	nm_buf_add_string(out, "://");
	/* Behind "://". */
	rest.at += 3;
	rest.len -= 3;
	authority = cut(&rest, '/');
	host = cut_host(&authority);
	if (host.len > 1 && host.at[host.len - 1] == '.')
		host.len--;
	add_lower(out, host);
	add_port(out, authority, scheme.len == 5 ? "443" : "80");
	while (rest.len) {
		size_t len = add_path_byte(&plain, rest);

		rest.at += len;
		rest.len -= len;
	}
	add_segments(out, nm_buf_text(&plain));
	nm_buf_release(&plain);
}
