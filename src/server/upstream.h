/*
 * upstream: a real model behind the server, by an OpenAI-compatible base URL;
 * bounded concurrency and the one retry policy, on a thread of its own.
 * Knows endpoints and replies; must not know batches or calls.
 *
 * Calling sequence: open; ask, cancel; stop; close.
 */
#ifndef NM_SERVER_UPSTREAM_H
#define NM_SERVER_UPSTREAM_H

#include "server/ask.h"
#include "server/call.h"
#include "server/reply.h"

struct nm_upstream;

/* By parts->options (upstream, upstream_key_env, concurrency). NM_USAGE for a URL
 * that is none or a key that may not be sent to it. */
enum nm_code nm_upstream_open(const struct nm_parts *parts,
                              struct nm_upstream **upstream,
                              struct nm_err *err) NM_MUST_USE;
/* What still waits is answered with 503, and from then on whoever asks, at once, by
 * the thread that asks. Nothing may be cancelled any more. NULL is fine. */
void nm_upstream_stop(struct nm_upstream *upstream);
/* Once nobody can ask any more; stops it, if that was not done. NULL is fine. */
void nm_upstream_close(struct nm_upstream *upstream);

/* Patient ones wait their turn and are tried again; urgent ones go at once, once.
 * So does what asks for the list of models, within 5 s and 1 MiB, instead of for an
 * endpoint. */
enum nm_upstream_manner {
	NM_UPSTREAM_PATIENT, NM_UPSTREAM_URGENT, NM_UPSTREAM_LIST
};

struct nm_upstream_request {
	enum nm_endpoint        endpoint;
	struct nm_text          body;   /* copied */
	enum nm_upstream_manner manner;
	const void             *group;  /* for cancel */
	/* Called once on the upstream's thread, unless cancelled; see stop. */
	void (*done)(void *user, const struct nm_upstream_reply *reply);
	void *user;
};

void nm_upstream_ask(struct nm_upstream *upstream,
                     const struct nm_upstream_request *request);

/* Ends all of a group: once this returns, no `done` of theirs runs any more. Not
 * to be called from `done`. NULL is fine. */
void nm_upstream_cancel(struct nm_upstream *upstream, const void *group);

/* How many patient ones may run at once. */
unsigned nm_upstream_concurrency(const struct nm_upstream *upstream);

#endif
