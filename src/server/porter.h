/*
 * porter: a thread for calls that take long, one after another, so that the HTTP
 * side goes on with all others. Knows loads; must not know what they are.
 */
#ifndef NM_SERVER_PORTER_H
#define NM_SERVER_PORTER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

struct nm_load {
	struct nm_load *next;
	void          (*carry)(void *ctx);
	void          (*turn_away)(void *ctx); /* instead, where it comes too late */
	void           *ctx;
};

/* Zeroed before it is opened. */
struct nm_porter {
	pthread_mutex_t   lock;
	pthread_cond_t    came;
	struct nm_load   *first, **end; /* what waits, oldest first */
	bool              started, stop;
	pthread_t         thread;
};

enum nm_code nm_porter_open(struct nm_porter *porter, struct nm_err *err)
	NM_MUST_USE;

/* Carries it, on the porter's thread, once those before are carried. load is lent
 * until then: what it calls may free it. */
void nm_porter_take(struct nm_porter *porter, struct nm_load *load);

/* Ends what is begun, turns the rest away, and what may still be brought. One that
 * was never opened is fine. */
void nm_porter_close(struct nm_porter *porter);

#endif
