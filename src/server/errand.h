/*
 * errand: one row on its way to the upstream and back: from being sent to its line
 * being written; and all of a batch's.
 * Knows rows and replies; must not know jobs or shelves.
 *
 * Calling sequence: errands_init; new, and reply or arrive, take, free, or put_back;
 * errands_release, once no reply may come any more.
 */
#ifndef NM_SERVER_ERRAND_H
#define NM_SERVER_ERRAND_H

#include <pthread.h>

#include "server/result.h"
#include "server/script.h"
#include "server/upstream.h"

struct nm_errands;

/* Its texts are its own, the fault's too. On the ring from sending to the end. */
struct nm_errand {
	struct nm_errand   *next;         /* of those that came */
	struct nm_errand   *before, *after;
	struct nm_errands  *errands;
	struct nm_buf       custom_id, body, code, message;
	uint64_t            salt;
	struct nm_row_fault fault;
	unsigned            status;
	struct nm_usage     usage;
};

struct nm_errands {
	struct nm_vclock  *clock;     /* woken when a reply comes */
	pthread_mutex_t    lock;
	struct nm_errand  *came;      /* guarded by lock; oldest first */
	struct nm_errand **last;
	struct nm_errand   ring;      /* its fixed member */
	size_t             under_way; /* on the ring, what came too */
};

void nm_errands_init(struct nm_errands *errands, struct nm_vclock *clock);
void nm_errands_release(struct nm_errands *errands);

/* Under way from now on. Copies all. */
struct nm_errand *nm_errand_new(struct nm_errands *errands,
                                const struct nm_result_head *head,
                                const struct nm_row_fault *fault);
void nm_errand_free(struct nm_errand *errand);

/* It came back, without having been away. */
void nm_errand_arrive(struct nm_errand *errand);

/* It came back: for nm_upstream_request.done, on the upstream's thread. */
void nm_errand_reply(void *errand, const struct nm_upstream_reply *reply);

/* Those that came, oldest first by next, each to be freed by the caller, or all put
 * back before what came since. NULL = none. */
struct nm_errand *nm_errands_take(struct nm_errands *errands);
void nm_errands_put_back(struct nm_errands *errands, struct nm_errand *came);

#endif
