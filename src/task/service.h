/*
 * service: which service a program talks to: OpenAI's, one with the same API, or
 * the server inside this process. Must not know what it is asked.
 */
#ifndef NM_TASK_SERVICE_H
#define NM_TASK_SERVICE_H

#include "remote/api.h"
#include "server/server.h"

enum nm_service_kind { NM_SERVICE_REMOTE, NM_SERVICE_LOCAL };

/* Zeroed: as the environment says. */
struct nm_service_wish {
	enum nm_service_kind kind;
	const char          *base_url; /* an option's; NULL = the environment's */
	const atomic_int    *stop;
};

/* Invariant: server is NULL unless the kind is local. */
struct nm_service {
	struct nm_clock    clock;
	struct nm_account  account;
	struct nm_api      api;
	struct nm_server  *server;
	struct nm_buf      flags; /* what a printed command needs to come here too:
	                             "", " --local" or " --base-url URL", the URL
	                             quoted for a shell */
};

/*
 * Local: starts the server on a free loopback port over <state folder>/local, which
 * all processes share. The clock is NIGHTMAIL_CLOCK's. Nothing is sent. On error there
 * is nothing to close. NM_USAGE, naming both ways out, when there is no key; else
 * errors of nm_clock_init, nm_account_open, nm_server_start and nm_api_open.
 */
enum nm_code nm_service_open(struct nm_service *service,
                             const struct nm_service_wish *wish,
                             struct nm_err *err) NM_MUST_USE;

/* Last of all: runs and journals may still speak through it. A local server ends. */
void nm_service_close(struct nm_service *service);

#endif
