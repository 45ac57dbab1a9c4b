/*
 * limit: the limits that stand in the words of a refusal.
 * Pure; knows wordings, sends nothing.
 */
#ifndef NM_REMOTE_LIMIT_H
#define NM_REMOTE_LIMIT_H

#include "base/buf.h"

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
