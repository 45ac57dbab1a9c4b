/*
 * transfer_course: the way of a transfer: bytes as curl takes and brings them, and what
 * the end of it means. See transfer.h.
 */
#include "net/transfer.h"

#include <strings.h>

#include "base/clock.h"

static size_t
refuse(struct nm_http_transfer *transfer, enum nm_code code)
{
	transfer->refused = code;
	return 0;
}

size_t
nm_transfer_on_head(char *bytes, size_t one, size_t len, void *user)
{
	struct nm_http_transfer *transfer = user;
	struct nm_buf *head = &transfer->reply.head;

	(void)one;
	transfer->active_ms = nm_clock_machine_ms();
	/* Each status line begins anew: 100 Continue comes before the reply. */
	if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		nm_buf_clear(head);
		transfer->head_ended = false;
	}
	if (len > 0 && strchr("\r\n", bytes[0]))
		transfer->head_ended = true;
	nm_buf_add(head, bytes, len);
	if (!head->over)
		return len;
	nm_fail(&transfer->refusal, NM_LIMIT, 0,
	        "the reply of %s has more than %d bytes of headers",
	        transfer->host, NM_HTTP_HEAD_MAX_BYTES);
	return refuse(transfer, NM_LIMIT);
}

static void
look_at_status(struct nm_http_transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->reply.status = status < 200 ? 0 : (int)status;
}

size_t
nm_transfer_on_body(char *bytes, size_t one, size_t len, void *user)
{
	struct nm_http_transfer *transfer = user;
	struct nm_http_reply *reply = &transfer->reply;
	enum nm_code rc;

	(void)one;
	transfer->active_ms = nm_clock_machine_ms();
	if (reply->status == 0)
		look_at_status(transfer);
	if (transfer->sink && reply->status < 300) {
		rc = transfer->sink(transfer->sink_user, reply, bytes, len,
		                    &transfer->refusal);
		if (rc)
			return refuse(transfer, rc);
		reply->body_bytes += len;
		return len;
	}
	if (len > transfer->reply_max_bytes - reply->body.len) {
		nm_fail(&transfer->refusal, NM_LIMIT, 0,
		        "the reply of %s is larger than %zu bytes",
		        transfer->host, transfer->reply_max_bytes);
		return refuse(transfer, NM_LIMIT);
	}
	nm_buf_add(&reply->body, bytes, len);
	reply->body_bytes += len;
	return len;
}

size_t
nm_transfer_on_read(char *out, size_t one, size_t room, void *user)
{
	struct nm_http_transfer *transfer = user;
	uint64_t left = transfer->source.bytes - transfer->source_read;
	ssize_t got;

	room *= one;
	transfer->active_ms = nm_clock_machine_ms();
	if (left == 0)
		return 0;
	if (room > left)
		room = (size_t)left;
	got = transfer->source.read(transfer->source.user, out, room,
	                            &transfer->refusal);
	if (got == 0)
		nm_fail(&transfer->refusal, NM_IO, 0,
		        "what is being sent ended %llu bytes early",
		        (unsigned long long)left);
	if (got <= 0) {
		transfer->refused = transfer->refusal.code ?
			transfer->refusal.code : NM_IO;
		return CURL_READFUNC_ABORT;
	}
	transfer->source_read += (uint64_t)got;
	return (size_t)got;
}

int
nm_transfer_on_seek(void *user, curl_off_t offset, int origin)
{
	struct nm_http_transfer *transfer = user;
	enum nm_code rc;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	rc = transfer->source.rewind(transfer->source.user,
	                             &transfer->refusal);
	if (rc) {
		transfer->refused = rc;
		return CURL_SEEKFUNC_FAIL;
	}
	transfer->source_read = 0;
	return CURL_SEEKFUNC_OK;
}

/* May a byte of the request have left this machine? When in doubt, yes. */
static bool
was_sent(CURL *easy)
{
	long request_bytes = 0, connections = 0;
	curl_off_t secured_us = 0;
	char *scheme = NULL;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured_us);
	curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
	/*
	 * A proxy's CONNECT counts as request bytes; TLS comes after it. On a kept
	 * connection it came before, and the time of it is 0 again.
	 */
	if (scheme && strcasecmp(scheme, "https") == 0 && connections > 0 &&
	    secured_us == 0)
		return false;
	return request_bytes > 0;
}

static struct nm_text
words_of(struct nm_http_transfer *transfer, CURLcode how)
{
	struct nm_text words = nm_text_of(transfer->reason);

	if (words.len == 0)
		words = nm_text_of(curl_easy_strerror(how));
	while (words.len > 0 && strchr(".\r\n ", words.at[words.len - 1]))
		words.len--;
	return words;
}

/* What curl takes for a whole reply, but is none; empty for one that is. */
static struct nm_text
complaint_of(const struct nm_http_transfer *transfer)
{
	const struct nm_http_reply *reply = &transfer->reply;

	if (reply->status == 0 || !transfer->head_ended)
		return NM_TEXT("the connection was closed within the headers");
	if (nm_http_header(reply, "content-length").len > 0 &&
	    nm_http_header_int(reply, "content-length", -1) < 0)
		return NM_TEXT("the length it announces is no number");
	return (struct nm_text){0};
}

enum nm_code
nm_transfer_judge(struct nm_http_transfer *transfer, CURLcode how,
                  struct nm_err *err)
{
	struct nm_http_reply *reply = &transfer->reply;
	curl_off_t elapsed_us = 0;
	struct nm_text words;

	look_at_status(transfer);
	curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	reply->elapsed_ms = elapsed_us / 1000;
	reply->sent = was_sent(transfer->easy);
	if (transfer->refused) {
		*err = transfer->refusal;
		return transfer->refused;
	}
	words = how ? words_of(transfer, how) : complaint_of(transfer);
	reply->whole = words.len == 0;
	if (reply->whole)
		return NM_OK;
	if (!reply->sent)
		return nm_fail(err, NM_UNREACHABLE, how, "cannot reach %s: %.*s",
		               transfer->host, NM_TEXT_ARGS(words));
	return nm_fail(err, NM_AMBIGUOUS, how, "no whole reply from %s: %.*s",
	               transfer->host, NM_TEXT_ARGS(words));
}
