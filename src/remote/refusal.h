/*
 * refusal: the service's own words for no, and the limits that stand in them.
 * Knows the error envelope (and what stands in its place when a proxy answers);
 * sends nothing.
 */
#ifndef NM_REMOTE_REFUSAL_H
#define NM_REMOTE_REFUSAL_H

#include "net/http.h"

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

/* Is it for want of money, which no waiting mends? */
bool nm_refusal_is_billing(struct nm_text type, struct nm_text code);

enum nm_limit_kind {
	NM_LIMIT_NONE,       /* the text speaks of no limit */
	NM_LIMIT_TOKENS,     /* enqueued prompt tokens of one model */
	NM_LIMIT_REQUESTS,   /* enqueued requests of one model */
	NM_LIMIT_LINES,      /* lines of one file */
	NM_LIMIT_FILE_BYTES, /* bytes of one file */
	NM_LIMIT_CREATIONS   /* batches created in an hour */
};

struct nm_limit {
	enum nm_limit_kind kind;
	int64_t            value;     /* -1 = its size is not told */
	char               model[80]; /* the model it names; "" = none */
};

/*
 * What limit a refusal or a failed batch's error speaks of. status 0 for a
 * batch error. Texts seen (2024-2026): "Enqueued token limit reached for M in
 * organization O. Limit: 2,000,000 enqueued tokens. …", "File is too large.",
 * "The batch input file is larger than the 209715200 maximum for the M model.",
 * and a bare 413 of a proxy.
 */
struct nm_limit nm_limit_read(int status, struct nm_text code,
                              struct nm_text message);

#endif
