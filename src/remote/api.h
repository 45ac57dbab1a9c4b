/*
 * api: one call to the service and what its answer means.
 * Knows the account's headers, JSON, the error envelope and when to repeat a
 * call; must not know files or batches.
 *
 * Paths are relative to the base URL and begin with '/'. All calls block,
 * honour the clock's stop flag (NM_INTERRUPTED), and share these codes:
 *
 * NM_OK           2xx, and the body is JSON
 * NM_REFUSED      no, for good (400, 401, 403, 409, 413, 422, 429 for want of
 *                 money, a redirect); api->refusal says how
 * NM_ABSENT       404
 * NM_UNREACHABLE  nothing can have acted: not sent, refused for the moment (429),
 *                 or, in a call that changes nothing, 5xx, cut, out of time
 * NM_AMBIGUOUS    in a call that changes something: 408, 5xx, cut, out of time, or
 *                 a 2xx that cannot be read
 * NM_PROTOCOL     2xx to a call that changes nothing, but no JSON
 *
 * err->detail is the status where one came.
 *
 * Calling sequence: open; calls, each followed by nm_reply_release, also after an
 * error; close. One thread.
 */
#ifndef NM_REMOTE_API_H
#define NM_REMOTE_API_H

#include "net/http.h"
#include "net/retry.h"
#include "remote/account.h"
#include "remote/refusal.h"
#include "wire/json.h"

/* One try of one call, for a log. Texts live during the call of `log` only. */
struct nm_api_event {
	const char             *method;
	const char             *path;
	int                     try_number; /* from 1 */
	int                     status;     /* 0 = no reply */
	int64_t                 elapsed_ms;
	struct nm_text          request_id;
	struct nm_retry_verdict verdict;    /* NEVER for a success */
	const struct nm_err    *err;        /* NULL for a success */
};

/* Zeroed but for http, account and clock is ready: open fills those. */
struct nm_api {
	struct nm_http          *http;
	const struct nm_account *account;
	const struct nm_clock   *clock;
	struct nm_retry_policy   retry;
	struct nm_refusal        refusal; /* of the last call, or status 0 */
	void (*log)(void *log_user, const struct nm_api_event *event);
	void                    *log_user;
	uint64_t                 tries;   /* of all calls so far */
	bool                     reached; /* an answer was an object, as the service's */
	int64_t                  date_ms; /* the newest that a reply had; 0 = none */
	uint64_t                 chance;  /* state of the jitter */
};

/* account and clock are lent until close. NM_IO when libcurl will not start. */
enum nm_code nm_api_open(struct nm_api *api, const struct nm_account *account,
                         const struct nm_clock *clock, struct nm_err *err)
	NM_MUST_USE;

void nm_api_close(struct nm_api *api);

/* A reply and its body read as JSON; root lives until release. */
struct nm_reply {
	struct nm_http_reply   http;
	struct nm_json         json;
	const struct nm_value *root;
};

void nm_reply_release(struct nm_reply *reply);

/* Repeated by api->retry where it may help. */
enum nm_code nm_api_get(struct nm_api *api, const char *path,
                        struct nm_reply *reply, struct nm_err *err)
	NM_MUST_USE;

/* Repeated as a GET: deleting twice is deleting once. */
enum nm_code nm_api_delete(struct nm_api *api, const char *path,
                           struct nm_reply *reply, struct nm_err *err)
	NM_MUST_USE;

/*
 * A POST that may be repeated without harm (a cancel, whose 409 is an answer
 * and is not repeated). body may be empty.
 */
enum nm_code nm_api_post(struct nm_api *api, const char *path,
                         struct nm_text body, struct nm_reply *reply,
                         struct nm_err *err) NM_MUST_USE;

/*
 * A POST sent once or not at all: not even libcurl repeats it. What
 * NM_AMBIGUOUS means must be found out by looking.
 */
enum nm_code nm_api_post_once(struct nm_api *api, const char *path,
                              struct nm_text body, struct nm_reply *reply,
                              struct nm_err *err) NM_MUST_USE;

/*
 * For the rooms' own shapes of a call (uploads, downloads, the multi loop):
 * puts URL, key and account headers into request. `url` and `lines` are the
 * caller's to release after the request ended.
 */
struct nm_api_address {
	struct nm_buf url;
	struct nm_buf lines;       /* the headers' bytes */
	const char   *headers[3];
};
void nm_api_address(const struct nm_api *api, const char *path,
                    struct nm_api_address *address,
                    struct nm_http_request *request);
void nm_api_address_release(struct nm_api_address *address);

enum nm_api_effect { NM_API_READS, NM_API_CHANGES };

/*
 * Turns how a transfer ended into this file's codes: fills api->refusal and
 * err. For a 2xx reads nothing and is NM_OK.
 */
enum nm_code nm_api_judge(struct nm_api *api, enum nm_api_effect effect,
                          enum nm_code code, const struct nm_http_reply *reply,
                          struct nm_err *err) NM_MUST_USE;

/* What retry says of a transfer that ended so; `code` as http gave it. */
struct nm_retry_verdict nm_api_retry(struct nm_api *api, enum nm_code code,
                                     const struct nm_http_reply *reply,
                                     enum nm_retry_conflict conflict,
                                     int tries, int64_t elapsed_ms);

/* Appends text as one part of a path or query value, percent-encoded. */
void nm_api_add_escaped(struct nm_buf *out, const char *text);

#endif
