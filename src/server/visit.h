/*
 * visit: one request on its way through libmicrohttpd's callbacks, from its first
 * line to its answer. For listen only.
 */
#ifndef NM_SERVER_VISIT_H
#define NM_SERVER_VISIT_H

#include <microhttpd.h>
#include <pthread.h>

#include "server/answer.h"
#include "server/body.h"
#include "server/key.h"
#include "server/log.h"
#include "server/porter.h"
#include "server/watch.h"

/* What all visits share. */
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

/* The callbacks. ctx is the hall. */
void *nm_visit_uri(void *ctx, const char *uri, struct MHD_Connection *c);
enum MHD_Result nm_visit_go_on(void *ctx, struct MHD_Connection *c,
                               const char *url, const char *method,
                               const char *version, const char *bytes,
                               size_t *n_bytes, void **visit);
void nm_visit_end(void *ctx, struct MHD_Connection *c, void **visit,
                  enum MHD_RequestTerminationCode why);

/* A zeroed visit, perhaps with memory of one before; and back when it is over. */
struct nm_visit *nm_hall_take_visit(struct nm_hall *hall);
void nm_hall_give_back(struct nm_visit *visit);

/* Frees the visits kept for reuse. */
void nm_hall_empty(struct nm_hall *hall);

/* The answer as libmicrohttpd wants it, with what the fault does to its body;
 * takes the answer's memory and file. */
struct MHD_Response *nm_response_make(struct nm_visit *visit);

/* The bytes of its body that are to go out, before it is made: cut or padded. */
uint64_t nm_response_bytes(const struct nm_visit *visit);

/* The headers that every answer has, the answer's own, and the script's; of the
 * same name, the script's stands. */
void nm_response_add_headers(struct nm_visit *visit,
                             struct MHD_Response *response);

#endif
