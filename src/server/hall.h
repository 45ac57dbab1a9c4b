/*
 * hall: what all requests under way share, and what one of them is: a visit. Visits
 * are kept for reuse, with them their memory.
 * For listen and its parts only; does nothing with a visit.
 */
#ifndef NM_SERVER_HALL_H
#define NM_SERVER_HALL_H

#include <microhttpd.h>
#include <pthread.h>

#include "server/answer.h"
#include "server/body.h"
#include "server/key.h"
#include "server/log.h"
#include "server/porter.h"
#include "server/watch.h"

struct nm_hall {
	const struct nm_parts *parts;
	pthread_rwlock_t  keys_lock; /* of keys */
	struct nm_keys    keys;
	struct nm_log     log;
	struct nm_watch  *watch;
	struct nm_porter  porter;
	_Atomic int64_t   under_way; /* visits begun and not ended */
	atomic_int        closing;
	pthread_mutex_t   lock;      /* of spare */
	struct nm_visit  *spare;     /* visits kept for reuse */
	size_t            n_spare;
};

enum nm_visit_stage {
	NM_VISIT_HEAD,    /* nothing looked at yet */
	NM_VISIT_BODY,    /* taking the body */
	NM_VISIT_READY,   /* body taken; a delay has passed */
	NM_VISIT_LATER,   /* another thread answers */
	NM_VISIT_ANSWERED
};

struct nm_visit {
	struct nm_call         call;   /* first: a call is its visit */
	struct nm_call_answer  answer;
	struct nm_body         body;
	struct nm_hall        *hall;
	struct MHD_Connection *connection;
	struct nm_link        *link;
	struct nm_visit       *next_spare;
	struct nm_delay        delay;
	struct nm_load         load;   /* for the porter, who runs go_on */
	enum nm_code         (*go_on)(struct nm_call *call, struct nm_err *err);
	enum nm_visit_stage    stage;
	const char            *verb;   /* as the client wrote it */
	char                   request_id[NM_ID_MAX];
	int64_t                began_us; /* by the clock that only runs on */
	int64_t                took_us;  /* until it was logged */
	bool                   counted; /* in hall->under_way */
	bool                   logged;
	bool                   hang_up; /* no further request on this connection */
};

/* A zeroed visit, perhaps with memory of one before; and back when it is over. */
struct nm_visit *nm_hall_take_visit(struct nm_hall *hall);
void nm_hall_give_back(struct nm_visit *visit);

/* Frees the visits kept for reuse. */
void nm_hall_empty(struct nm_hall *hall);

#endif
