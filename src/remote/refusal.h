/*
 * refusal: the service's own words for no.
 * Knows the error envelope (and what stands in its place when a proxy answers);
 * sends nothing.
 */
#ifndef NM_REMOTE_REFUSAL_H
#define NM_REMOTE_REFUSAL_H

#include "net/http.h"
#include "remote/limit.h"

/* Bounded, sanitised, without the key; empty texts where nothing was said. */
struct nm_refusal {
	int     status;         /* 0 = there was no refusal */
	char    type[64];
	char    code[96];       /* a numeric code in digits */
	char    param[128];
	char    message[320];
	char    request_id[80];
	int64_t retry_after_ms; /* as the service asks; -1 = it does not */
	bool    transient;      /* the same call might succeed later */
	bool    billing;        /* for want of money */
};

/*
 * Reads a reply whose status is not 2xx: the envelope {"error":{…}} or a bare
 * error text, else the first words of whatever came. Never fails. Of the key no
 * trace is left. wall_ms: now, for a Retry-After that is a date.
 */
void nm_refusal_read(struct nm_refusal *refusal,
                     const struct nm_http_reply *reply,
                     const struct nm_secret *key, int64_t wall_ms);

/*
 * Fills err with code, detail = status, and a text such as
 * "401 invalid_api_key: Incorrect API key provided (request id req_1)".
 */
enum nm_code nm_refusal_fail(const struct nm_refusal *refusal,
                             enum nm_code code, struct nm_err *err);

#endif
