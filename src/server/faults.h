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
#include "server/fault.h"

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
