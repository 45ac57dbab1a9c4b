/*
 * porter: a thread for calls that take long, one after another, so that the HTTP
 * side goes on with all others. For listen's visits only; must not know what a
 * call wants.
 */
#ifndef NM_SERVER_PORTER_H
#define NM_SERVER_PORTER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

struct nm_visit;

/* Zeroed before it is opened. */
struct nm_porter {
	pthread_mutex_t   lock;
	pthread_cond_t    came;
	struct nm_visit  *first, **end; /* what waits, oldest first */
	bool              started, stop;
	pthread_t         thread;
};

enum nm_code nm_porter_open(struct nm_porter *porter, struct nm_err *err)
	NM_MUST_USE;

/* Takes a suspended visit: runs its go_on, and resumes it. */
void nm_porter_take(struct nm_porter *porter, struct nm_visit *visit);

/* Ends what is begun, answers the rest with 503, and what may still be taken. One
 * that was never opened is fine. */
void nm_porter_close(struct nm_porter *porter);

#endif
