#include "server/porter.h"

#include <string.h>

/* The oldest that waits; NULL when it is time to end. */
static struct nm_load *
next_load(struct nm_porter *porter)
{
	struct nm_load *load;

	pthread_mutex_lock(&porter->lock);
	while (!porter->first && !porter->stop)
		pthread_cond_wait(&porter->came, &porter->lock);
	load = porter->stop ? NULL : porter->first;
	if (load)
		porter->first = load->next;
	if (!porter->first)
		porter->end = &porter->first;
	pthread_mutex_unlock(&porter->lock);
	return load;
}

static void *
carry(void *ctx)
{
	struct nm_load *load;

	while ((load = next_load(ctx)))
		load->carry(load->ctx);
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

void
nm_porter_take(struct nm_porter *porter, struct nm_load *load)
{
	bool stopped;

	load->next = NULL;
	pthread_mutex_lock(&porter->lock);
	stopped = porter->stop;
	if (!stopped) {
		*porter->end = load;
		porter->end = &load->next;
		pthread_cond_signal(&porter->came);
	}
	pthread_mutex_unlock(&porter->lock);
	if (stopped)
		load->turn_away(load->ctx);
}

void
nm_porter_close(struct nm_porter *porter)
{
	struct nm_load *load, *next;

	if (!porter->started)
		return;
	pthread_mutex_lock(&porter->lock);
	porter->stop = true;
	pthread_cond_signal(&porter->came);
	pthread_mutex_unlock(&porter->lock);
	pthread_join(porter->thread, NULL);
	for (load = porter->first; load; load = next) {
		next = load->next;
		load->turn_away(load->ctx);
	}
	porter->started = false;
}
