/*
 * batches: create, look up, list, cancel; and the batch object as it is met.
 * Knows /batches; must not know shards, runs or results.
 *
 * Read leniently, since vendors differ: statuses in any case, counts that are
 * null, times as numbers or ISO text, "" and null for a file there is not.
 */
#ifndef NM_REMOTE_BATCHES_H
#define NM_REMOTE_BATCHES_H

#include "remote/api.h"

enum nm_batch_status {
	NM_BATCH_UNKNOWN, /* a word not known here: not final */
	NM_BATCH_VALIDATING, NM_BATCH_IN_PROGRESS, NM_BATCH_FINALIZING,
	NM_BATCH_CANCELLING,
	NM_BATCH_COMPLETED, NM_BATCH_FAILED, NM_BATCH_EXPIRED,
	NM_BATCH_CANCELLED
};

struct nm_batch_error {
	const char *code;    /* an open set; "" = none */
	const char *message;
	const char *param;
	int64_t     line;    /* from 1; 0 = none */
};

struct nm_batch_pair {
	const char *name;
	const char *value;
};

/* Counts and tokens: -1 = not told. */
struct nm_batch_usage {
	int64_t input_tokens;
	int64_t cached_tokens;
	int64_t output_tokens;
	int64_t reasoning_tokens;
	int64_t total_tokens;
};

/*
 * Texts are in the caller's arena, never NULL, "" where absent; times are
 * seconds since 1970, 0 where absent.
 */
struct nm_batch {
	const char          *id;
	enum nm_batch_status status;
	const char          *status_text; /* lower case */
	const char          *endpoint;
	const char          *model;
	const char          *completion_window;
	const char          *input_file_id;
	const char          *output_file_id;
	const char          *error_file_id;
	int64_t created_s, in_progress_s, expires_s, finalizing_s, completed_s;
	int64_t failed_s, expired_s, cancelling_s, cancelled_s;
	int64_t total, completed, failed; /* -1 = not told */
	struct nm_batch_usage        usage;
	const struct nm_batch_error *errors;
	size_t                       n_errors;
	const struct nm_batch_pair  *metadata; /* strings, in order */
	size_t                       n_metadata;
};

/* Can nothing more happen to it? */
bool nm_batch_is_final(enum nm_batch_status status);

/* When it became final, seconds since 1970; 0 = not final or not told. */
int64_t nm_batch_ended_s(const struct nm_batch *batch);

/* A metadata value; "" if there is none. */
const char *nm_batch_metadata(const struct nm_batch *batch, const char *name);

/*
 * Reads a batch object. NM_PROTOCOL when it has no id. Copies into the arena.
 */
enum nm_code nm_batch_read(const struct nm_value *object,
                           struct nm_arena *arena, struct nm_batch *out,
                           struct nm_err *err) NM_MUST_USE;

struct nm_batch_wish {
	const char *input_file_id;
	const char *endpoint;              /* "/v1/chat/completions" */
	const char *completion_window;     /* NULL = "24h" */
	const struct nm_batch_pair *metadata;
	size_t      n_metadata;
	int64_t     output_expires_after_s; /* 0 = the service's default */
};

/*
 * Creates a batch, sent once or not at all; codes as in api.h. NM_AMBIGUOUS
 * also for a 2xx without an id.
 */
enum nm_code nm_batches_create(struct nm_api *api,
                               const struct nm_batch_wish *wish,
                               struct nm_arena *arena, struct nm_batch *out,
                               struct nm_err *err) NM_MUST_USE;

/* Codes as in api.h; NM_ABSENT when the service knows no such batch. */
enum nm_code nm_batches_get(struct nm_api *api, const char *id,
                            struct nm_arena *arena, struct nm_batch *out,
                            struct nm_err *err) NM_MUST_USE;

struct nm_batches_page {
	struct nm_batch *batches; /* in the arena; newest first */
	size_t           count;
	bool             more;
	const char      *after;   /* for the next page; "" = there is none */
};

/* after: "" or NULL = the first page; limit 1..100, 0 = the service's own. An
 * element that is no batch is passed over. count 0 and more: the page before came
 * again, and there is no way to the rest. */
enum nm_code nm_batches_list(struct nm_api *api, const char *after, int limit,
                             struct nm_arena *arena,
                             struct nm_batches_page *out, struct nm_err *err)
	NM_MUST_USE;

/*
 * Asks for a cancel; *out is the batch as it is then. NM_REFUSED with detail
 * 409 when it is finished already: then look it up.
 */
enum nm_code nm_batches_cancel(struct nm_api *api, const char *id,
                               struct nm_arena *arena, struct nm_batch *out,
                               struct nm_err *err) NM_MUST_USE;

#endif
