/*
 * exchange: one request as it is to be sent, and the reply as it came: their shapes,
 * limits and codes. Knows HTTP's words, not how bytes move; that is http's.
 */
#ifndef NM_NET_EXCHANGE_H
#define NM_NET_EXCHANGE_H

#include <sys/types.h>

#include "base/buf.h"
#include "net/secret.h"

enum {
	NM_HTTP_CONNECT_MS = 10000,
	NM_HTTP_TOTAL_MS = 600000,
	NM_HTTP_HEAD_MAX_BYTES = 64 << 10,
	NM_HTTP_REPLY_MAX_BYTES = 64 << 20,
	NM_HTTP_NEVER = -1 /* as a time-out: none */
};

enum nm_http_method { NM_HTTP_GET, NM_HTTP_POST, NM_HTTP_DELETE };

/* May curl send it again by itself, on finding a kept connection dead? */
enum nm_http_sending {
	NM_HTTP_MAY_RESEND, /* over a kept connection where there is one */
	NM_HTTP_ONCE        /* over a new connection: once or not at all */
};

enum nm_http_encoding { NM_HTTP_COMPRESSED, NM_HTTP_IDENTITY };

/*
 * Bytes lent on demand. read writes at most `room` bytes and returns how many,
 * 0 only at the end, -1 with err filled when it cannot. rewind goes back to the
 * first byte. It must give exactly `bytes` bytes.
 */
struct nm_http_source {
	ssize_t (*read)(void *user, char *out, size_t room, struct nm_err *err);
	enum nm_code (*rewind)(void *user, struct nm_err *err);
	void    *user;
	uint64_t bytes;
};

struct nm_http_field {
	const char *name;
	const char *value;
};

/*
 * What came back. A reply given to `done` or a sink lives until that returns,
 * but `body` may be taken: move it out and zero it.
 */
struct nm_http_reply {
	int           status;     /* 0 = no status line came */
	struct nm_buf body;       /* decoded; empty where a sink took it */
	struct nm_buf head;       /* for nm_http_header */
	uint64_t      body_bytes; /* decoded, to body and sink together */
	bool          sent;       /* a byte of the request may have left */
	bool          whole;      /* it ended as it announced */
	int64_t       elapsed_ms; /* real ones */
};

/* A header's value, trimmed, the last of that (lower-case) name; else empty. */
struct nm_text nm_http_header(const struct nm_http_reply *reply,
                              const char *name);

/* A header's value as a whole number; `otherwise` if none or no number. */
int64_t nm_http_header_int(const struct nm_http_reply *reply,
                           const char *name, int64_t otherwise);

void nm_http_reply_release(struct nm_http_reply *reply);

/*
 * What to send. Zeroed but for url: a GET. Copied by start: url, headers,
 * fields, names. Lent until the transfer ends: body, source, key, and whatever
 * `user` and `sink_user` point to.
 */
struct nm_http_request {
	enum nm_http_method          method;
	const char                  *url;
	const struct nm_secret      *key;     /* as a bearer; NULL = none */
	const char *const           *headers; /* "Name: value" */
	size_t                       n_headers;
	const char                  *content_type; /* of body or source */
	struct nm_text               body;
	const struct nm_http_source *source; /* instead of body */

	/* Multipart if file_name is given: the fields, then source as "file". */
	const char                 *file_name;
	const struct nm_http_field *fields;
	size_t                      n_fields;

	enum nm_http_sending  sending;
	enum nm_http_encoding encoding;
	size_t                reply_max_bytes; /* 0 = NM_HTTP_REPLY_MAX_BYTES */

	/* The clock's milliseconds, but half a real second at least where its
	 * time is fast; 0 = the default, NM_HTTP_NEVER = none. */
	int64_t connect_ms;
	int64_t total_ms;
	int64_t stall_ms; /* no byte either way for so long; 0 = none */

	/*
	 * Takes the body of a 2xx reply instead of reply->body; status and
	 * headers are known by then. Another code than NM_OK (err filled) ends
	 * the transfer with that code. May not start, cancel or poll.
	 */
	enum nm_code (*sink)(void *sink_user, const struct nm_http_reply *reply,
	                     const char *bytes, size_t len, struct nm_err *err);
	void *sink_user;

	/*
	 * Called once, from within nm_http_poll, however it ended, and may
	 * start and cancel others:
	 * NM_OK           a whole reply came, whatever its status
	 * NM_UNREACHABLE  not a byte of the request was sent
	 * NM_AMBIGUOUS    sent, but no whole reply: cut, or out of time
	 * NM_LIMIT        the reply passed its ceiling
	 * or the code of a sink or source that refused.
	 * err->detail is the curl code, err->text has its reason in words.
	 */
	void (*done)(void *user, struct nm_http_reply *reply, enum nm_code code,
	             const struct nm_err *err);
	void *user;
};

/* Of an error that `done` was given: is it for want of a TLS connection that can be
 * trusted (a bad certificate, one of another host, none at all)? */
bool nm_http_is_tls(const struct nm_err *err);

#endif
