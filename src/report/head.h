/*
 * head: all that is told of a run beside its rows; what the results file holds
 * before them, and what the summary says. Plain structs: the program fills them.
 * Knows no file, no terminal, and not how the run was done.
 *
 * Every text may be NULL, every number 0: unknown ones are null in JSON and left
 * out on the terminal. All is borrowed for the time of a call.
 */
#ifndef NM_REPORT_HEAD_H
#define NM_REPORT_HEAD_H

#include "eval/tally.h"

enum nm_head_mode {
	NM_HEAD_DIRECT,
	NM_HEAD_BATCH
};

enum nm_head_truth {
	NM_HEAD_REAL,
	NM_HEAD_SIMULATED /* said loudly wherever a score stands */
};

/* Rows that failed alike; status 0 = none was told. */
struct nm_head_reason {
	enum nm_class  class;
	int            status;
	struct nm_text code;    /* empty = none was told */
	uint64_t       count;
	const char    *example; /* one message, for the terminal alone */
};

/* Beside the classes, which the tally has. */
struct nm_head_ledger {
	uint64_t                     unknown, duplicate, malformed;
	uint64_t                     attempts;
	const struct nm_head_reason *reasons; /* most frequent first */
	size_t                       n_reasons;
};

struct nm_head_batch {
	const char *id;
	const char *status;
	uint64_t    attempt;  /* from 1 */
	uint64_t    requests;
	const char *input_file_id;
	const char *output_file_id;
	const char *error_file_id;
	int64_t     created_ms, ended_ms; /* wall; 0 = not known */
};

/* What was asked. */
struct nm_head_questions {
	const char *path;
	const char *file_sha256;
	const char *digest;    /* of the questions taken */
	uint64_t    limit;     /* 0 = all */
	uint64_t    sample;    /* 0 = no random choice */
	uint64_t    seed;
	const char *generator;
	uint64_t    bad_lines, blank_lines;
};

/* How it was asked. */
struct nm_head_request {
	const char *endpoint;      /* base URL, without any key */
	const char *url;           /* "/v1/chat/completions" */
	const char *prompt_path;   /* NULL = the program's own */
	const char *prompt_sha256;
	const char *digest;        /* of model, parameters and prompt */
	int64_t     max_output_tokens;
	const char *reading;       /* "strict" or "lenient" */
	uint64_t    max_attempts;
	uint64_t    reask;
};

/* All replies of all attempts, also those that are no row of the results. */
struct nm_head_spent {
	uint64_t        replies; /* that told their usage */
	struct nm_usage usage;   /* theirs */
	struct nm_cost  cost;
	/* By the batches themselves; not told where tokens in are 0 or less. */
	int64_t         told_input_tokens;
	int64_t         told_cached_tokens; /* below 0 = not told */
	int64_t         told_output_tokens;
	int64_t         told_reasoning_tokens; /* below 0 = not told */
};

struct nm_head_run {
	const char                 *id;
	const char                 *model_replied; /* as replies name it */
	enum nm_head_truth          truth;
	const char *const          *notes; /* "sample questions, not MetaQA" */
	size_t                      n_notes;
	int64_t                     began_ms, ended_ms; /* wall */
	struct nm_head_questions    questions;
	struct nm_head_request      request;
	const struct nm_head_batch *batches;
	size_t                      n_batches;
	const char *const          *raw; /* files with the raw replies */
	size_t                      n_raw;
	const struct nm_prices     *prices; /* NULL = none were read */
	const struct nm_price      *price;  /* the model's; NULL = unknown */
	struct nm_head_spent        spent;
};

struct nm_head {
	const char              *variant; /* NULL = "variant0_llm_baseline" */
	const char              *dataset; /* "1-hop-test" */
	const char              *model;
	enum nm_head_mode        mode;
	const struct nm_tally   *tally;
	const struct nm_metrics *metrics;
	int64_t                  elapsed_ms; /* total_eval_time_sec */
	struct nm_head_ledger    ledger;
	struct nm_head_run       run;
};

/* "direct" or "batch". */
const char *nm_head_mode_name(enum nm_head_mode mode);

/* "completed", or "partial" where instrument failures remain. */
const char *nm_head_status(const struct nm_head *head);

/* "variant0_llm_baseline" unless it has a name of its own. */
const char *nm_head_variant(const struct nm_head *head);

/* The model that was asked; of simulated answers the name that they bear. */
const char *nm_head_model(const struct nm_head *head);

/* 0 when the cost of a reply that told its usage is not known, for the sum would say too
 * little, or when no reply told any. Where no model replied it is known to be nothing. */
int nm_head_cost_is_known(const struct nm_head *head);

/* Puts the members variant_name … run into the object that w has open, in the
 * order of the results file. */
void nm_head_put(struct nm_json_writer *w, const struct nm_head *head);

/* Parts of it, of head_metrics.c: the members that tell of scores, the member ledger,
 * and the five counts of usage. */
void nm_head_put_metrics(struct nm_json_writer *w,
                         const struct nm_head *head);
void nm_head_put_ledger(struct nm_json_writer *w,
                        const struct nm_head *head);
void nm_head_put_tokens(struct nm_json_writer *w,
                        const struct nm_usage *usage);

#endif
