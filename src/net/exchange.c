/*
 * exchange: see exchange.h.
 */
#include "net/exchange.h"

#include <strings.h>

#include <curl/curl.h>

/* The value of the line "name: value", or {NULL, 0}. */
static struct nm_text
value_of(struct nm_text line, const char *name, size_t name_len)
{
	if (line.len <= name_len || line.at[name_len] != ':' ||
	    strncasecmp(line.at, name, name_len) != 0)
		return (struct nm_text){0};
	line.at += name_len + 1;
	line.len -= name_len + 1;
	while (line.len > 0 && strchr(" \t", line.at[0])) {
		line.at++;
		line.len--;
	}
	while (line.len > 0 && strchr(" \t\r", line.at[line.len - 1]))
		line.len--;
	return line;
}

struct nm_text
nm_http_header(const struct nm_http_reply *reply, const char *name)
{
	struct nm_text left = nm_buf_text(&reply->head), found = {0};
	size_t name_len = strlen(name);

	while (left.len > 0) {
		const char *end = memchr(left.at, '\n', left.len);
		struct nm_text line = left, value;

		if (end)
			line.len = (size_t)(end - left.at);
		value = value_of(line, name, name_len);
		if (value.at)
			found = value;
		left.at += line.len + (end ? 1 : 0);
		left.len -= line.len + (end ? 1 : 0);
	}
	return found;
}

int64_t
nm_http_header_int(const struct nm_http_reply *reply, const char *name,
                   int64_t otherwise)
{
	struct nm_text text = nm_http_header(reply, name);
	int64_t value = 0;

	if (text.len == 0 || text.len > 18)
		return otherwise;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return otherwise;
		value = value * 10 + (text.at[i] - '0');
	}
	return value;
}

void
nm_http_reply_release(struct nm_http_reply *reply)
{
	nm_buf_release(&reply->body);
	nm_buf_release(&reply->head);
	*reply = (struct nm_http_reply){0};
}

bool
nm_http_is_tls(const struct nm_err *err)
{
	switch (err->detail) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT:
		return true;
	default:
		return false;
	}
}
