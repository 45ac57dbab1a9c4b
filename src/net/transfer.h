/*
 * transfer: one request on its way: curl's options for it, its callbacks, and what
 * its end means. For http, which owns the loop and calls `done`.
 *
 * Calling sequence: new; prepare, the loop runs it, judge, clear, as often as wanted
 * (clear also after a prepare that failed); free.
 */
#ifndef NM_NET_TRANSFER_H
#define NM_NET_TRANSFER_H

#include <curl/curl.h>

#include "net/exchange.h"
#include "net/place.h"

/* Made once and used for many requests; zeroed between them but for easy, the
 * memory of reply and the links. */
struct nm_http_transfer {
	CURL                 *easy;
	struct nm_http_reply  reply;
	struct curl_slist    *lines; /* the first holds the key, if there is one */
	curl_mime            *mime;
	bool                  keyed;
	char                  reason[CURL_ERROR_SIZE];

	struct nm_http_source source;
	uint64_t              source_read;
	size_t                reply_max_bytes;
	bool                  head_ended; /* its empty line came */

	enum nm_code (*sink)(void *sink_user, const struct nm_http_reply *reply,
	                     const char *bytes, size_t len, struct nm_err *err);
	void        *sink_user;
	void       (*done)(void *user, struct nm_http_reply *reply,
	                   enum nm_code code, const struct nm_err *err);
	void        *user;

	enum nm_code  refused;       /* by sink, source or a ceiling */
	struct nm_err refusal;
	int64_t       stall_ms;
	int64_t       active_ms;     /* when a byte moved last */
	char          host[128];     /* for messages */

	struct nm_http_transfer *next, *previous;
};

/* On the heap, ready for prepare; memory that is not to be had ends the program. */
struct nm_http_transfer *nm_transfer_new(void);
void nm_transfer_free(struct nm_http_transfer *transfer);

/* Takes the request in: all curl options are set. NM_USAGE for a key that may not
 * go there; then nothing is to be undone but by nm_transfer_clear. */
enum nm_code nm_transfer_prepare(struct nm_http_transfer *transfer,
                                 const struct nm_http_request *request,
                                 const struct nm_http_place *place,
                                 const char *user_agent,
                                 struct nm_err *err) NM_MUST_USE;

/* Curl's callbacks, of transfer_course.c; `user` is the transfer. They note when a byte
 * moved, and what refused. */
size_t nm_transfer_on_head(char *bytes, size_t one, size_t len, void *user);
size_t nm_transfer_on_body(char *bytes, size_t one, size_t len, void *user);
size_t nm_transfer_on_read(char *out, size_t one, size_t room, void *user);
int nm_transfer_on_seek(void *user, curl_off_t offset, int origin);

/* Completes the reply; what `how` means is returned and told in err. */
enum nm_code nm_transfer_judge(struct nm_http_transfer *transfer, CURLcode how,
                               struct nm_err *err);

/* Ready for the next prepare; what held the key is wiped. */
void nm_transfer_clear(struct nm_http_transfer *transfer);

#endif
