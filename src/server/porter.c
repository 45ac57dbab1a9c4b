#include "server/porter.h"

#include <string.h>

#include "server/visit.h"

/* The oldest that waits; NULL when it is time to end. */
static struct nm_visit *
next_visit(struct nm_porter *porter)
{
	struct nm_visit *visit;

	pthread_mutex_lock(&porter->lock);
	while (!porter->first && !porter->stop)
		pthread_cond_wait(&porter->came, &porter->lock);
	visit = porter->stop ? NULL : porter->first;
	if (visit)
		porter->first = visit->next_waiting;
	if (!porter->first)
		porter->end = &porter->first;
	pthread_mutex_unlock(&porter->lock);
	return visit;
}

static void *
carry(void *ctx)
{
	struct nm_visit *visit;

	while ((visit = next_visit(ctx))) {
		nm_visit_go_later(visit);
		nm_call_resume(&visit->call);
	}
	return NULL;
}

enum nm_code
nm_porter_open(struct nm_porter *porter, struct nm_err *err)
{
	int code;

	porter->end = &porter->first;
	pthread_mutex_init(&porter->lock, NULL);
	pthread_cond_init(&porter->came, NULL);
	code = pthread_create(&porter->thread, NULL, carry, porter);
	porter->started = code == 0;
	return code ? nm_fail(err, NM_IO, code, "cannot start a thread: %s",
	                      strerror(code)) : NM_OK;
}

static void
turn_away(struct nm_visit *visit)
{
	struct nm_refusal closing = { .status = 503, .type = "server_error" };

	nm_call_refuse(&visit->call, &closing, "The server is shutting down.");
	nm_call_resume(&visit->call);
}

void
nm_porter_take(struct nm_porter *porter, struct nm_visit *visit)
{
	bool stopped;

	visit->next_waiting = NULL;
	pthread_mutex_lock(&porter->lock);
	stopped = porter->stop;
	if (!stopped) {
		*porter->end = visit;
		porter->end = &visit->next_waiting;
		pthread_cond_signal(&porter->came);
	}
	pthread_mutex_unlock(&porter->lock);
	if (stopped)
		turn_away(visit);
}

void
nm_porter_close(struct nm_porter *porter)
{
	struct nm_visit *visit, *next;

	if (!porter->started)
		return;
	pthread_mutex_lock(&porter->lock);
	porter->stop = true;
	pthread_cond_signal(&porter->came);
	pthread_mutex_unlock(&porter->lock);
	pthread_join(porter->thread, NULL);
	for (visit = porter->first; visit; visit = next) {
		next = visit->next_waiting;
		turn_away(visit);
	}
	porter->started = false;
}
