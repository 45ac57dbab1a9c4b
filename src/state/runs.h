/*
 * runs: the journal's record of each run: one question set asked one way.
 */
#ifndef NM_STATE_RUNS_H
#define NM_STATE_RUNS_H

#include "state/journal.h"

enum nm_run_state {
	NM_RUN_OPEN,     /* something remains to be done */
	NM_RUN_DONE,     /* its results were saved */
	NM_RUN_LEFT,     /* a later run took its place (--new), a person gave it up, or
	                  * nothing was sent of it: its cost or a person forbade it, its
	                  * canary got no answer */
	NM_RUN_PARTIAL   /* as done, but one more attempt may bring rows that failed */
};

enum { NM_RUN_ID_DIGITS = 12 };

/*
 * Texts are NUL-ended, never NULL; "" where nothing is known. As output they are
 * owned by the arena that the call was given.
 */
struct nm_run_record {
	const char       *id;      /* NM_RUN_ID_DIGITS hex digits, random */
	const char       *key;     /* digest of all that makes two runs the same */
	const char       *mode;    /* "batch", "direct" or "file" */
	enum nm_run_state state;
	int64_t           created_ms; /* wall time */
	int64_t           updated_ms;
	const char       *name;    /* the dataset's name, or the request file's */
	const char       *model;
	const char       *endpoint;
	const char       *account; /* base URL, ids and key fingerprint; no key */
	int64_t           requests;
	const char       *spec;    /* JSON of the room `run`; opaque here */
	const char       *results_path; /* of the newest results file */
};

enum nm_code nm_runs_add(struct nm_journal *journal,
                         const struct nm_run_record *run, struct nm_err *err)
	NM_MUST_USE;

/* NM_ABSENT (detail 0) where there is none. */
enum nm_code nm_runs_get(struct nm_journal *journal, const char *id,
                         struct nm_arena *arena, struct nm_run_record *run,
                         struct nm_err *err) NM_MUST_USE;

/* Were all attempts made that were to be, and the results saved? */
int nm_runs_has_ended(enum nm_run_state state);

/* The newest run of this key that is open or partial. NM_ABSENT where there is
 * none. */
enum nm_code nm_runs_find_open(struct nm_journal *journal, const char *key,
                               struct nm_arena *arena,
                               struct nm_run_record *run, struct nm_err *err)
	NM_MUST_USE;

/* The newest one that is done. NM_ABSENT where there is none. */
enum nm_code nm_runs_find_done(struct nm_journal *journal, const char *key,
                               struct nm_arena *arena,
                               struct nm_run_record *run, struct nm_err *err)
	NM_MUST_USE;

/* The run that a batch belongs to. NM_ABSENT where no shard has that id. */
enum nm_code nm_runs_of_batch(struct nm_journal *journal,
                              const char *batch_id, struct nm_arena *arena,
                              struct nm_run_record *run, struct nm_err *err)
	NM_MUST_USE;

/* All runs, newest first, in the arena. */
enum nm_code nm_runs_list(struct nm_journal *journal, struct nm_arena *arena,
                          struct nm_run_record **runs, size_t *n_runs,
                          struct nm_err *err) NM_MUST_USE;

/* results_path NULL keeps the one there. */
enum nm_code nm_runs_set_state(struct nm_journal *journal, const char *id,
                               enum nm_run_state state,
                               const char *results_path, int64_t now_ms,
                               struct nm_err *err) NM_MUST_USE;

/* Removes a run with its shards and answers. */
enum nm_code nm_runs_remove(struct nm_journal *journal, const char *id,
                            struct nm_err *err) NM_MUST_USE;

#endif
