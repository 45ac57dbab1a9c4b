/*
 * transfer: a request as curl's options; see transfer.h. How it goes and ends is in
 * transfer_course.c.
 */
#include "net/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"

enum { KEPT_BODY_BYTES = 256 << 10, PIECE_BYTES = 256 << 10 };

struct nm_http_transfer *
nm_transfer_new(void)
{
	struct nm_http_transfer *transfer = calloc(1, sizeof(*transfer));

	if (!transfer)
		nm_die("memory is exhausted");
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		nm_die("memory is exhausted");
	return transfer;
}

void
nm_transfer_free(struct nm_http_transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->easy);
	nm_http_reply_release(&transfer->reply);
	free(transfer);
}

static void
add_line(struct nm_http_transfer *transfer, const char *line)
{
	struct curl_slist *grown = curl_slist_append(transfer->lines, line);

	if (!grown)
		nm_die("memory is exhausted");
	transfer->lines = grown;
}

/* curl copies the line; ours is wiped, and its copy by nm_transfer_clear. */
static void
add_key(struct nm_http_transfer *transfer, struct nm_text key)
{
	char line[NM_SECRET_MAX_BYTES + 32];

	snprintf(line, sizeof(line), "Authorization: Bearer %.*s",
	         NM_TEXT_ARGS(key));
	add_line(transfer, line);
	explicit_bzero(line, sizeof(line));
	transfer->keyed = true;
}

static void
set_lines(struct nm_http_transfer *transfer,
          const struct nm_http_request *request)
{
	char line[256];

	if (nm_secret_held(request->key))
		add_key(transfer, nm_secret_reveal(request->key));
	for (size_t i = 0; i < request->n_headers; i++)
		add_line(transfer, request->headers[i]);
	if (request->content_type) {
		snprintf(line, sizeof(line), "Content-Type: %s",
		         request->content_type);
		add_line(transfer, line);
	} else if (!request->file_name && request->method == NM_HTTP_POST) {
		add_line(transfer, "Content-Type:");
	}
	if (request->encoding == NM_HTTP_IDENTITY)
		add_line(transfer, "Accept-Encoding: identity");
	/* Asking first is worth its wait for a file only. */
	if (!request->file_name)
		add_line(transfer, "Expect:");
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->lines);
}

static void
set_mime(struct nm_http_transfer *transfer,
         const struct nm_http_request *request)
{
	curl_mimepart *part;

	transfer->mime = curl_mime_init(transfer->easy);
	if (!transfer->mime)
		nm_die("memory is exhausted");
	/* The small fields come first: some services want to know them by then. */
	for (size_t i = 0; i < request->n_fields; i++) {
		part = curl_mime_addpart(transfer->mime);
		curl_mime_name(part, request->fields[i].name);
		curl_mime_data(part, request->fields[i].value,
		               CURL_ZERO_TERMINATED);
	}
	part = curl_mime_addpart(transfer->mime);
	curl_mime_name(part, "file");
	curl_mime_filename(part, request->file_name);
	curl_mime_type(part, "application/octet-stream");
	curl_mime_data_cb(part, (curl_off_t)transfer->source.bytes, nm_transfer_on_read,
	                  nm_transfer_on_seek, NULL, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_MIMEPOST, transfer->mime);
}

static void
set_body(struct nm_http_transfer *transfer,
         const struct nm_http_request *request)
{
	CURL *easy = transfer->easy;

	if (request->source)
		transfer->source = *request->source;
	if (request->source || request->file_name)
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
		                 (long)PIECE_BYTES);
	if (request->file_name) {
		set_mime(transfer, request);
		return;
	}
	if (request->method == NM_HTTP_DELETE)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	if (request->method != NM_HTTP_POST)
		return;
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (request->source) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		                 (curl_off_t)request->source->bytes);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, nm_transfer_on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, nm_transfer_on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
	                 (curl_off_t)request->body.len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
	                 request->body.at ? request->body.at : "");
}

static long
milliseconds(int64_t wanted_ms, int64_t otherwise_ms)
{
	if (wanted_ms == 0)
		wanted_ms = otherwise_ms;
	if (wanted_ms < 0)
		return 0;
	return wanted_ms > INT32_MAX ? INT32_MAX : (long)wanted_ms;
}

static void
set_safety(CURL *easy, const struct nm_http_place *place)
{
	const char *authorities = getenv("CURL_CA_BUNDLE");

	if (!authorities || !*authorities)
		authorities = getenv("SSL_CERT_FILE");
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
	                 (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (authorities && *authorities)
		curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* "" turns the proxies of the environment off. */
	if (place->loopback)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static void
set_way(struct nm_http_transfer *transfer,
        const struct nm_http_request *request,
        const struct nm_http_place *place, const char *user_agent)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	                 milliseconds(request->connect_ms,
	                              NM_HTTP_CONNECT_MS));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
	                 milliseconds(request->total_ms, NM_HTTP_TOTAL_MS));
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, nm_transfer_on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, nm_transfer_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (request->encoding == NM_HTTP_COMPRESSED)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	if (request->sink)
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)PIECE_BYTES);
	/*
	 * On a kept connection that turns out dead curl sends the request again by
	 * itself, although the first may have acted; never so on a fresh one.
	 */
	if (request->sending == NM_HTTP_ONCE)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	else if (place->https)
		curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

enum nm_code
nm_transfer_prepare(struct nm_http_transfer *transfer,
                    const struct nm_http_request *request,
                    const struct nm_http_place *place,
                    const char *user_agent, struct nm_err *err)
{
	if (nm_secret_held(request->key) && !place->https && !place->loopback)
		return nm_fail(err, NM_USAGE, 0,
		               "the key is not sent over plain http to %s: "
		               "give an https URL", place->host);
	transfer->sink = request->sink;
	transfer->sink_user = request->sink_user;
	transfer->done = request->done;
	transfer->user = request->user;
	transfer->stall_ms = request->stall_ms;
	transfer->active_ms = nm_clock_machine_ms();
	transfer->reply_max_bytes = request->reply_max_bytes ?
		request->reply_max_bytes : NM_HTTP_REPLY_MAX_BYTES;
	transfer->reply.head.max = NM_HTTP_HEAD_MAX_BYTES;
	memcpy(transfer->host, place->host, sizeof(transfer->host));
	set_way(transfer, request, place, user_agent);
	set_safety(transfer->easy, place);
	set_body(transfer, request);
	set_lines(transfer, request);
	return NM_OK;
}

void
nm_transfer_clear(struct nm_http_transfer *transfer)
{
	struct nm_http_transfer next = { .easy = transfer->easy };

	if (transfer->keyed)
		explicit_bzero(transfer->lines->data,
		               strlen(transfer->lines->data));
	curl_slist_free_all(transfer->lines);
	if (transfer->easy)
		curl_easy_reset(transfer->easy);
	curl_mime_free(transfer->mime);
	/* The memory of ordinary replies is used again; a large one is not kept. */
	if (transfer->reply.body.cap > KEPT_BODY_BYTES)
		nm_buf_release(&transfer->reply.body);
	next.reply.body = transfer->reply.body;
	next.reply.head = transfer->reply.head;
	nm_buf_clear(&next.reply.body);
	nm_buf_clear(&next.reply.head);
	*transfer = next;
}
