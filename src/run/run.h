/*
 * run: one question set (or request file) asked one way, from the first request
 * to the last reply, over any number of processes and deaths.
 * The corridor between the journal, the service and the questions; must not know
 * options, terminals or how results are shown.
 *
 * Calling sequence: open, resume or adopt; canary.h, via_batch.h or via_direct.h, which
 * save each step; attempts.h for another attempt, after reopen, and again; saved;
 * release, in every case. After any death: open or resume, and go on. One thread.
 */
#ifndef NM_RUN_RUN_H
#define NM_RUN_RUN_H

#include "base/file.h"
#include "remote/batches.h"
#include "run/source.h"
#include "run/setback.h"
#include "state/runs.h"
#include "state/shards.h"

struct nm_pace;
struct nm_batch_purse;

/* How far one batch is, or all of direct mode. Texts are lent for the call. */
struct nm_part {
	const char *name;   /* batch id; NULL = not a batch (yet) */
	const char *status; /* the service's word, or ours before there is one */
	int64_t     done;   /* failed ones not among them */
	int64_t     failed;
	int64_t     total;
	int64_t     moved_ms;  /* mono; of a batch, when that changed; 0 = unseen */
	int64_t     expires_s; /* the end of its window; 0 = not told */
	int         cancel_told; /* that it is to be cancelled */
	struct nm_setback cancelling; /* of the call that does */
};

/* Whom a run tells how it goes. Members may be NULL. Texts have no newline. */
struct nm_watch {
	void (*note)(void *user, const char *text);
	void (*warn)(void *user, const char *text);
	void (*progress)(void *user, const struct nm_part *parts,
	                 size_t n_parts);
	void *user;
};

/* The rest of a batch that a person cancelled: left, or asked again when an earlier
 * process has told of it. */
enum nm_cancelled { NM_CANCELLED_LEFT, NM_CANCELLED_AGAIN };

/* Zero means the default in brackets. */
struct nm_run_settings {
	int64_t poll_interval_ms; /* [30 s] longest pause between two looks */
	int64_t patience_ms;      /* [15 s] of the look for a lost submission */
	int64_t outage_ms;        /* [6 h] that a service which has answered may be
	                             away or fail */
	int64_t shard_requests;   /* [50,000] */
	int64_t shard_bytes;      /* [200,000,000] */
	int64_t max_attempts;     /* [3] */
	int64_t reask;            /* [0] */
	int64_t concurrency;      /* [64] requests in flight, direct mode */
	int64_t canary;           /* [0] first requests that are asked directly */
	int64_t deadline_ms;      /* [none] since the run began: then its batches
	                             are cancelled, for the tail to go directly */
	enum nm_cancelled cancelled; /* [left] */
};

/* What makes a run; texts are copied. */
struct nm_run_wish {
	const char *mode;      /* "batch", "direct", "file" */
	const char *name;      /* the dataset's, or the file's */
	const char *model;
	const char *endpoint;  /* "/v1/chat/completions" */
	const char *spec;      /* JSON; what a later process needs to know */
	const char *identity;  /* all of it but the source's digest, in any form */
	const char *older_identity; /* as older programs had it; NULL = no other */
	const struct nm_batch_pair *metadata; /* of its batches, ours excepted */
	size_t      n_metadata;
	/* One that is done is taken up likewise, where it ended no earlier; 0 = none. */
	int64_t     done_since_ms;
};

/* In an identity: the default size of shards, whatever theirs is. In how many parts it
 * is sent makes no other run; journals have keys with this in them, and older programs'
 * with the size that was asked for. */
enum { NM_RUN_KEY_SIZE = 50000 };

enum { NM_RUN_METADATA_MAX = 10 }; /* of 16; the rest is the run's own */

enum { NM_RUN_ATTEMPTS_MAX = 255 };

/*
 * Borrowed: journal, api, clock, watch, source; they outlive the run.
 * Invariant: the shards here are those of the journal, in order of number.
 */
struct nm_run {
	struct nm_journal          *journal;
	struct nm_api              *api;
	const struct nm_clock      *clock;
	const struct nm_watch      *watch;
	struct nm_source           *source;
	struct nm_run_settings      settings;
	struct nm_run_record        record;
	struct nm_shard_record     *shards;
	size_t                      n_shards;
	struct nm_batch_pair       *metadata;
	size_t                      n_metadata;
	struct nm_part             *parts;     /* by shard; what was last seen */
	struct nm_part             *shown;     /* room for as many */
	struct nm_part             *direct;    /* instead, while asking directly */
	struct nm_pace             *pace;      /* of that, over all attempts */
	uint64_t                    replies;   /* to that, of any status */
	struct nm_arena             arena;     /* all texts of the above */
	struct nm_buf               folder;    /* its downloads */
	struct nm_lock              lock;
	enum { NM_RUN_NEW, NM_RUN_RESUMED } origin;
	int                         ended_before; /* when this process took it up */
	size_t                      surveyed;   /* shards, by survey.h */
	struct nm_setback           submitting; /* of the next submission */
	int64_t                     refused_ms; /* mono; of the newest submission that was
	                                           refused and may have acted; 0 = none */
	struct nm_setback          *setbacks;   /* by shard: nm_setback_of */
	size_t                      n_setbacks;
	int64_t                     quiet_until_ms; /* mono; no call before */
	int                         outage_told;
	int64_t                     hold_until_ms; /* mono; creations wait */
	int64_t                     hold_ms;       /* the pause in force */
	struct nm_err               gone;  /* of the first batch that is; or zeroed */
	const struct nm_batch_purse *purse; /* NULL = nobody asks */
	struct nm_err               unpaid; /* why it pays no more; or zeroed */
};

/* The borrowed things, put together once. */
struct nm_run_tools {
	struct nm_journal            *journal;
	struct nm_api                *api;
	const struct nm_clock        *clock;
	const struct nm_watch        *watch;
	const struct nm_run_settings *settings; /* NULL = all defaults */
};

enum nm_run_take { NM_RUN_TAKE_UP, NM_RUN_AFRESH };

/* One process drives a run: makes the folder of its downloads, which that one owns too,
 * and locks it. NM_HELD tells who has it; NM_IO. */
enum nm_code nm_run_lock(const struct nm_journal *journal, const char *id,
                         struct nm_lock *lock, struct nm_err *err) NM_MUST_USE;

/* When the unfinished run that is the same was begun (wall time); NM_ABSENT where there
 * is none. Records and locks nothing. */
enum nm_code nm_run_find_begun(const struct nm_run_tools *tools,
                               struct nm_source *source,
                               const struct nm_run_wish *wish,
                               int64_t *began_ms, struct nm_err *err)
	NM_MUST_USE;

/*
 * Measures the source, plans its shards (mode "direct": none) and makes the run
 * durable, or takes up the newest unfinished one that is the same. Locks it.
 * Nothing is sent. Release it in every case.
 * NM_INPUT    a request that the service would refuse, named by custom_id
 * NM_HELD     another process drives this run
 */
enum nm_code nm_run_open(struct nm_run *run, const struct nm_run_tools *tools,
                         struct nm_source *source,
                         const struct nm_run_wish *wish,
                         enum nm_run_take take, struct nm_err *err)
	NM_MUST_USE;

/*
 * Takes up the run of this id with its shards. The source may be NULL as long as
 * nothing is sent. Locks it.
 */
enum nm_code nm_run_resume(struct nm_run *run, const struct nm_run_tools *tools,
                           const char *id, struct nm_source *source,
                           struct nm_err *err) NM_MUST_USE;

/*
 * Records a run that the journal does not know: batches made elsewhere, each a
 * shard that was created. The requests that their canary had are in none.
 */
enum nm_code nm_run_adopt(struct nm_run *run, const struct nm_run_tools *tools,
                          struct nm_source *source,
                          const struct nm_run_wish *wish,
                          const struct nm_batch *batches, size_t n_batches,
                          struct nm_err *err) NM_MUST_USE;

void nm_run_release(struct nm_run *run);

/* Settings with the defaults in; `in` may be NULL. */
void nm_run_fill_settings(struct nm_run_settings *out,
                          const struct nm_run_settings *in);

/* Says it through the watch. */
void nm_run_note(const struct nm_run *run, const char *format, ...)
	NM_PRINTF(2, 3);
void nm_run_warn(const struct nm_run *run, const char *format, ...)
	NM_PRINTF(2, 3);
void nm_run_progress(const struct nm_run *run);

/* Progress shows the shards again, after direct requests had it. */
void nm_run_show_shards(struct nm_run *run);

/* May anything of its shards be at the service? */
int nm_run_has_sent(const struct nm_run *run);

/* The service knows a shard's batch no more. In this process it is not looked at again,
 * until the shards are shown anew. */
void nm_run_lose_batch(struct nm_run *run, const struct nm_shard_record *shard);
int nm_run_has_lost(const struct nm_run *run,
                    const struct nm_shard_record *shard);

/* Waits, showing progress once a second. */
enum nm_code nm_run_pause(const struct nm_run *run, int64_t pause_ms,
                          struct nm_err *err) NM_MUST_USE;

/* One durable step of a shard. Its texts are moved into the run's arena. */
enum nm_code nm_run_save(struct nm_run *run, struct nm_shard_record *shard,
                         struct nm_err *err) NM_MUST_USE;

/* Appends shards (run, tag, state and texts are filled in) as one durable step. */
enum nm_code nm_run_add_shards(struct nm_run *run,
                               const struct nm_shard_record *shards,
                               size_t n_shards, struct nm_err *err)
	NM_MUST_USE;

/* More is asked for a run that had ended: until that is over it is open. */
enum nm_code nm_run_reopen(struct nm_run *run, struct nm_err *err) NM_MUST_USE;

/* Says so where a new run asks again what another one has asked to the end. */
enum nm_code nm_run_note_earlier(struct nm_run *run, struct nm_err *err)
	NM_MUST_USE;

/* The results were saved: what remains, the state says. */
enum nm_code nm_run_saved(struct nm_run *run, const char *results_path,
                          enum nm_run_state state, struct nm_err *err)
	NM_MUST_USE;

#endif
