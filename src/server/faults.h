/*
 * faults: misbehaviour on script: which calls, which rows, and what happens to
 * them. The script is read by people, one rule a line.
 * Knows rules and counts hits; listen and worker do what they say.
 *
 * Calling sequence: open; load, call, and script_take with its release, of any thread;
 * close, when all that was taken is released.
 */
#ifndef NM_SERVER_FAULTS_H
#define NM_SERVER_FAULTS_H

#include "base/arena.h"
#include "base/buf.h"

struct nm_faults;

/* file NULL: no rules. NM_INPUT with file:line for a line that is no rule. */
enum nm_code nm_faults_open(const char *file, uint64_t seed,
                            struct nm_faults **faults, struct nm_err *err)
	NM_MUST_USE;
void nm_faults_close(struct nm_faults *faults);

/* Reads the script anew, or another one (file NULL: the same), and starts its
 * counts again. The old rules stay on error. */
enum nm_code nm_faults_load(struct nm_faults *faults, const char *file,
                            struct nm_err *err) NM_MUST_USE;

enum nm_fault_loss {
	NM_LOSE_NOTHING,
	NM_LOSE_CALL,   /* the connection ends, nothing was done */
	NM_LOSE_REPLY   /* it was done, and the connection ends without a reply */
};

/* What happens to one call. All zero: nothing. Texts live in the arena given. */
struct nm_fault {
	const char  *rule;           /* for the log: the rules' own texts, parted
	                                by "; " */
	int64_t      delay_ms;       /* real time, before anything is done */
	unsigned     status;         /* not 0: this instead of the handler's */
	bool         acts;           /* the handler acts first all the same */
	const char  *const *headers; /* name, value, …, NULL; may be NULL; also on
	                                the handler's own answer */
	const char  *body;           /* NULL = an envelope fit for the status */
	enum nm_fault_loss loss;
	bool         cut;            /* the connection ends after cut_bytes */
	uint64_t     cut_bytes;      /* of the answer's body */
	int64_t      trickle_bytes_per_s; /* 0 = as fast as it goes; real time */
	int64_t      stale_s;        /* files and batches younger are unseen */
	uint64_t     pad_bytes;      /* of a file's content: so much too long */
	bool         no_ranges;      /* Range is not heeded, nor offered */
	bool         empty_ids;      /* "" instead of null file ids */
	const char  *counts;         /* request_counts as JSON, instead of the true */
};

/*
 * What the script wants of this call; asked once, when its head has arrived, and
 * counted. path is without the query. Nothing ever happens to /_control/….
 */
void nm_faults_call(struct nm_faults *faults, const char *method,
                    struct nm_text path, int64_t now_ms,
                    struct nm_arena *arena, struct nm_fault *fault);

/*
 * The rules of now, for the worker: stays until released, whatever is loaded
 * meanwhile. See script.h. *number is the batch's among those that were numbered
 * since the script was loaded; 0 = it is an older one.
 */
struct nm_script;
const struct nm_script *nm_faults_script_take(struct nm_faults *faults,
                                              const char *batch_id,
                                              uint64_t *number);
void nm_faults_script_release(struct nm_faults *faults,
                              const struct nm_script *script);

/* Batches are numbered from 1 in the order in which this was first asked about
 * them, since the script was loaded. */
uint64_t nm_faults_batch_number(struct nm_faults *faults, const char *id);

/* Batch creations an hour before a 429; 0 = without end. */
int64_t nm_faults_creations_an_hour(struct nm_faults *faults);

#endif
