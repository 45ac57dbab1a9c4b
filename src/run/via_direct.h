/*
 * via_direct: a run's requests sent at once, many in flight on one multi loop,
 * their replies kept in the journal as they come.
 *
 * Concurrency adapts (run/pace.h): it grows with each reply up to the settings'
 * ceiling, is halved by 429s, 5xx, time-outs and pages that are no completions, and
 * is never above what x-ratelimit-remaining-* says. A Retry-After, or a remainder of
 * 0, holds the others back for half a minute at most; the request itself waits as
 * long as the retry policy allows.
 *
 * A request is tried three times an attempt; one that never left was not tried.
 * While nothing goes well (connections fail, or every reply is a failure) all rest,
 * longer and longer, and a few probes go in between. After
 * the settings' outage, or patience if nobody ever replied, the run is left as it is,
 * for the same command to go on.
 */
#ifndef NM_RUN_VIA_DIRECT_H
#define NM_RUN_VIA_DIRECT_H

#include "run/run.h"

/* Who pays, where money is short. */
struct nm_direct_purse {
	/* What came of a request: a row, as a line without its '\n'. */
	void (*heard)(void *user, struct nm_text line);
	/* A request was sent and brought no reply, though it may be paid for. */
	void (*lost)(void *user);
	/* May one more be sent beside so many in flight, and so many that were refused
	 * for the moment and wait to be sent again? NM_OK; else why not. */
	enum nm_code (*may_send)(void *user, int64_t flying, int64_t waiting,
	                         struct nm_err *err);
	void *user;
};

/* What to ask: all of the source, or those that `members` names. */
struct nm_direct_wish {
	int64_t        attempt; /* 1, 2, … */
	struct nm_text members; /* run/members.h; empty = all */
	int64_t        count;   /* of members, or of the source */
	const struct nm_direct_purse *purse; /* NULL = nobody asks */
};

/*
 * Asks what has no answer of this attempt in the journal yet. Each reply, a
 * failed one too, is durable within a quarter of a second; a reply that says
 * "never again" for one request is a row, not an error.
 * else            what the purse said, when nothing is in flight any more
 * NM_REFUSED      the service refuses us, not a request: key, rights, money, a
 *                 redirect
 * NM_UNREACHABLE  nothing went well for so long
 * NM_INTERRUPTED  by the stop flag; what came is kept
 */
enum nm_code nm_via_direct(struct nm_run *run,
                           const struct nm_direct_wish *wish,
                           struct nm_err *err) NM_MUST_USE;

/* Has any request an answer, in this process or from before? */
int nm_via_direct_has_answers(const struct nm_run *run);

struct nm_direct_file {
	const char *path;
	int64_t     attempt;
};

/* Writes each attempt's kept answers to <folder>/direct_<attempt>.jsonl; the list,
 * earliest attempt first, is in the run's arena. */
enum nm_code nm_via_direct_files(struct nm_run *run,
                                 struct nm_direct_file **files,
                                 size_t *n_files, struct nm_err *err)
	NM_MUST_USE;

#endif
