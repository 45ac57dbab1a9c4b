/*
 * blame: whether what an upstream made of a request is the row's affair, or for
 * whoever runs the server to mend: then rows wait, and it is counted and told.
 * Knows outcomes and the one upstream; must not know rows, jobs or transfers.
 */
#ifndef NM_SERVER_BLAME_H
#define NM_SERVER_BLAME_H

#include "net/retry.h"
#include "net/secret.h"
#include "server/ask.h"
#include "server/call.h"
#include "server/trouble.h"

/* Of one upstream, and its thread's. */
struct nm_blame {
	const struct nm_parts  *parts;
	const struct nm_secret *key;
	const char             *where;       /* it is: scheme, host, port */
	struct nm_trouble       trouble;
	uint64_t                answers;     /* 2xx */
	int64_t                 answered_ms; /* the last of them */
	uint64_t                replies;     /* these, and what refuses a request */
	uint64_t                lost;        /* rows given up since the last reply */
	unsigned                endpoints;   /* bit 1 << endpoint: it gave an answer */
};

/* Of one request, for all its tries. Zeroed at first. */
struct nm_doubt {
	bool     refused; /* for what is not its own fault */
	uint64_t answers; /* of all, when it was refused first */
	int      doubts;  /* refusals while others got answers */
	int      tries;
	uint64_t replies; /* of all, when it failed last */
	int      failures;/* the last ones, during which nobody got a reply */
};

/* All are borrowed; the key may be set later. where is shown: no secret. */
void nm_blame_init(struct nm_blame *blame, const struct nm_parts *parts,
                   const struct nm_secret *key, const char *where);

/* How one try of a request ended. */
struct nm_try {
	const struct nm_retry_event *event;
	const struct nm_err         *err; /* why no reply came */
	enum nm_endpoint endpoint;
	bool             astray;          /* the reply is plainly no API's */
	int64_t          now_ms;          /* monotonic */
};

/*
 * Returns whether the reply is to be taken for none, since it refuses the server and
 * not the request, or comes from no API; but once others got answers since the first
 * such, the third one more is the request's own. So is each that is astray where other
 * endpoints have answered, and never this one.
 */
bool nm_blame_outcome(struct nm_blame *blame, struct nm_doubt *doubt,
                      const struct nm_try *tried);

/*
 * After the outcome of a row's last try: where that is a 5xx, a 408 or 429, or no
 * reply, the row is given up. It is told where none got a reply meanwhile: during
 * the row's last three tries, or since the third last row given up.
 */
void nm_blame_given_up(struct nm_blame *blame, const struct nm_doubt *doubt,
                       const struct nm_try *tried);

/* To be called every now and then: tells that trouble is over. */
void nm_blame_look(struct nm_blame *blame, int64_t now_ms);

#endif
