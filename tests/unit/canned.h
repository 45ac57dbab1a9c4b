/*
 * canned: a server of prepared bytes for the tests of transfers. It knows no HTTP
 * but where a request ends; each step answers the next request, or does not.
 *
 * Calling sequence: start, requests to canned->url, stop; then look at `seen`.
 */
#ifndef NM_TESTS_CANNED_H
#define NM_TESTS_CANNED_H

#include <pthread.h>

#include "base/buf.h"

enum canned_reading {
	CANNED_WHOLE,   /* head, and body by Content-Length */
	CANNED_HEAD,    /* the head alone */
	CANNED_NOTHING  /* acts as soon as somebody connects */
};

enum canned_end {
	CANNED_KEEP,  /* the connection serves the next request too */
	CANNED_CLOSE,
	CANNED_RESET, /* closed so that the client sees a reset */
	CANNED_HANG   /* nothing more comes, and it stays open */
};

struct canned_step {
	const char         *reply;
	size_t              len;         /* 0 = the string's */
	enum canned_reading reading;
	enum canned_end     end;
	size_t              piece_bytes; /* sent in pieces, 2 ms apart; 0 = at once */
	const char         *interim;     /* sent after the head, before the body */
};

enum { CANNED_STEPS_MAX = 32 };

struct canned {
	const struct canned_step *steps;
	size_t        n_steps;
	int           listener, stopper[2], connection;
	pthread_t     thread;
	char          url[64];                /* "http://127.0.0.1:PORT" */
	struct nm_buf seen[CANNED_STEPS_MAX]; /* request bytes of each step */
	size_t        n_seen;
	size_t        n_connections;
};

void canned_start(struct canned *canned, const struct canned_step *steps,
                  size_t n_steps);
void canned_stop(struct canned *canned);
/* After stop. */
void canned_release(struct canned *canned);

#endif
