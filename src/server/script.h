/*
 * script: a fault script as read: rules for calls, rows and batches. Never
 * changes once read; who counts is faults.
 * Knows the grammar; does nothing of what it says. The grammar, one rule a line
 * ('#' begins a comment; spans are 500ms, 5s, 10m, 24h, forever):
 *
 *   on METHOD PATH [WHICH]: ACTION…      METHOD may be *, in PATH * is a part
 *                                        and ** anything
 *     WHICH   nth N | nth N..M | nth N.. | every N | P% [seed N] | for SPAN
 *     ACTION  [act then] status N | body "…" | header "Name: value" |
 *             delay SPAN | lose call | [act then] lose reply | hang |
 *             cut after N[..M] | pad N | trickle N/s | ranges ignored |
 *             stale SPAN | ids empty | counts COUNTS
 *   row N|N..M|every N|P% [seed N]|id "…"|all [of batch N|N..M]: CLASS
 *     CLASS   http_error N [code] ["message"] | expired | cancelled | status 0 |
 *             refusal | truncated | filtered | prose | fenced | null |
 *             separators | several | malformed | missing | doubled |
 *             unknown | renamed, and: in output
 *   order shuffled [seed N]              [of batch …] may follow each of these
 *   STATE SPAN                           validating, in_progress, finalizing,
 *                                        cancelling: at least so long
 *   pace N/s                             rows a second (or /m, /h), virtual
 *   fail CODE ["message"] [param P] [line N]
 *   ids empty | counts COUNTS            COUNTS: wrong, null, or
 *                                        total=N completed=N failed=N
 *   stale files SPAN | stale batches SPAN
 *   quota tokens N | quota requests N | quota creations N/h
 */
#ifndef NM_SERVER_SCRIPT_H
#define NM_SERVER_SCRIPT_H

#include "base/arena.h"
#include "server/fault.h"
#include "server/model.h"
#include "server/store.h"

/* Which of many; counted from 1. */
struct nm_which {
	enum {
		NM_WHICH_ALL, NM_WHICH_RANGE, NM_WHICH_EVERY, NM_WHICH_CHANCE,
		NM_WHICH_FOR, NM_WHICH_ID
	} kind;
	uint64_t    from, to;  /* RANGE; EVERY: from */
	uint64_t    chance;    /* of 2^32 */
	uint64_t    seed;
	int64_t     span_ms;   /* FOR: virtual, since the first hit */
	const char *id;        /* ID */
};

struct nm_call_rule {
	const char     *method, *path;
	struct nm_which which;
	uint64_t        cut_most;  /* cut_bytes to cut_most, by chance */
	struct nm_fault fault;
};

enum nm_row_class {
	NM_ROW_PLAIN, NM_ROW_HTTP_ERROR, NM_ROW_EXPIRED, NM_ROW_CANCELLED,
	NM_ROW_STATUS_ZERO, NM_ROW_TWISTED, NM_ROW_MALFORMED, NM_ROW_MISSING,
	NM_ROW_DOUBLED, NM_ROW_UNKNOWN, NM_ROW_RENAMED
};

/* What becomes of one row. Texts live like the script. */
struct nm_row_fault {
	enum nm_row_class class;
	enum nm_twist     twist;    /* of NM_ROW_TWISTED */
	unsigned          status;   /* of NM_ROW_HTTP_ERROR */
	const char       *code, *message;
	bool              in_output; /* an http_error in the output file */
};

struct nm_row_rule {
	struct nm_which     which, batches;
	struct nm_row_fault fault;
};

/* What becomes of one batch. Zero means as usual; texts live like the script. */
struct nm_batch_fault {
	bool        shuffled;
	uint64_t    order_seed;
	int64_t     dwell_ms[NM_BATCH_STATES]; /* -1 as usual, INT64_MAX for ever */
	int64_t     rows_an_hour;
	int64_t     quota_tokens, quota_requests;
	int64_t     stale_files_s;
	const char *fail_code, *fail_message, *fail_param;
	uint64_t    fail_line;
};

struct nm_batch_rule {
	struct nm_which       batches;
	struct nm_batch_fault fault;
};

struct nm_script {
	struct nm_call_rule  *calls;
	struct nm_row_rule   *rows;
	struct nm_batch_rule *batches;
	size_t                n_calls, n_rows, n_batches;
	int64_t               creations_an_hour;
	uint64_t              seed;
	struct nm_arena       arena;
};

/* Reads a script; NM_INPUT with `name:line: reason`. Released on error. */
enum nm_code nm_script_read(struct nm_script *script, const char *name,
                            struct nm_text text, uint64_t seed,
                            struct nm_err *err) NM_MUST_USE;
void nm_script_release(struct nm_script *script);

/*
 * Whether the nth of something is meant. salt parts rules from each other where
 * chance decides; since_ms is virtual time since the first.
 */
bool nm_which_is(const struct nm_which *which, uint64_t nth, uint64_t salt,
                 int64_t since_ms, struct nm_text id);

/* Row `row` (from 1) of the batch with this number; the first rule that fits. */
bool nm_script_row(const struct nm_script *script, uint64_t batch,
                   uint64_t row, struct nm_text custom_id,
                   struct nm_row_fault *fault);

/* All rules that fit the batch, laid over each other, later over earlier. */
void nm_script_batch(const struct nm_script *script, uint64_t batch,
                     struct nm_batch_fault *fault);

/* "*" matches a part of a path, "**" anything. */
bool nm_path_fits(const char *pattern, struct nm_text path);

#endif
