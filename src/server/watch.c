#include "server/watch.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

enum { TICK_MS = 500, MIN_BYTES_PER_S = 1024 };

struct nm_watch {
	pthread_t          thread;
	pthread_mutex_t    lock;
	pthread_cond_t     changed;
	struct nm_link     links; /* the ring's fixed member */
	struct nm_delay   *delays;
	struct nm_metrics *metrics;
	int64_t            deadline_ms;
	bool               hurry, stop, acting;
};

static void
look_at(struct nm_watch *watch, struct nm_link *link, int64_t now)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	uint64_t heard, moved;

	memset(&info, 0, sizeof(info));
	if (getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return;
	heard = info.tcpi_bytes_received;
	moved = heard + info.tcpi_bytes_acked;
	if (atomic_exchange(&link->done, 0) || atomic_load(&link->put_off) ||
	    heard == link->heard_bytes) {
		/* Between two requests, or we are the ones who dawdle; what
		 * arrives from here on is the next request. */
		if (atomic_load(&link->put_off) == 0)
			link->heard_bytes = heard;
		link->moved_bytes = moved;
		link->since_ms = now;
		return;
	}
	if (now - link->since_ms > watch->deadline_ms +
	    (int64_t)(moved - link->moved_bytes) * 1000 / MIN_BYTES_PER_S) {
		shutdown(link->fd, SHUT_RDWR);
		link->since_ms = now;
		atomic_fetch_add(&watch->metrics->cut_late, 1);
	}
}

/* Unlinks and returns a delay that is due, else NULL and when the next one is. */
static struct nm_delay *
take_due(struct nm_watch *watch, int64_t now, int64_t *next)
{
	struct nm_delay **at = &watch->delays, *due;

	while (*at && (*at)->at_ms > now && !watch->hurry) {
		if ((*at)->at_ms < *next)
			*next = (*at)->at_ms;
		at = &(*at)->next;
	}
	due = *at;
	if (due)
		*at = due->next;
	return due;
}

static void *
run(void *ctx)
{
	struct nm_watch *watch = ctx;
	int64_t now, tick = nm_clock_machine_ms() + TICK_MS, next;
	struct timespec until;
	struct nm_delay *due;

	pthread_mutex_lock(&watch->lock);
	while (!watch->stop || watch->delays) {
		now = nm_clock_machine_ms();
		if (now >= tick) {
			for (struct nm_link *l = watch->links.next;
			     l != &watch->links; l = l->next)
				look_at(watch, l, now);
			tick = now + TICK_MS;
		}
		next = tick;
		due = take_due(watch, now, &next);
		if (due) {
			watch->acting = true;
			pthread_mutex_unlock(&watch->lock);
			due->act(due->ctx);
			pthread_mutex_lock(&watch->lock);
			watch->acting = false;
			continue;
		}
		if (watch->stop)
			continue;
		until.tv_sec = (time_t)(next / 1000);
		until.tv_nsec = (long)(next % 1000) * 1000000;
		pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

enum nm_code
nm_watch_open(int64_t deadline_ms, struct nm_metrics *metrics,
              struct nm_watch **watch, struct nm_err *err)
{
	struct nm_watch *made = calloc(1, sizeof(*made));
	pthread_condattr_t attr;
	int rc;

	if (!made)
		abort();
	made->links.next = made->links.before = &made->links;
	made->deadline_ms = deadline_ms;
	made->metrics = metrics;
	pthread_mutex_init(&made->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&made->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&made->thread, NULL, run, made);
	if (rc) {
		free(made);
		return nm_fail(err, NM_IO, rc, "cannot start a thread: %s",
		               strerror(rc));
	}
	*watch = made;
	return NM_OK;
}

void
nm_watch_hurry(struct nm_watch *watch)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	bool waits = true;

	while (waits) {
		pthread_mutex_lock(&watch->lock);
		watch->hurry = true;
		waits = watch->delays || watch->acting;
		pthread_cond_signal(&watch->changed);
		pthread_mutex_unlock(&watch->lock);
		if (waits)
			nanosleep(&pause, NULL);
	}
}

int
nm_watch_hurries(struct nm_watch *watch)
{
	int hurry;

	pthread_mutex_lock(&watch->lock);
	hurry = watch->hurry;
	pthread_mutex_unlock(&watch->lock);
	return hurry;
}

void
nm_watch_close(struct nm_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->hurry = watch->stop = true;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

void
nm_watch_add(struct nm_watch *watch, struct nm_link *link)
{
	link->since_ms = nm_clock_machine_ms();
	pthread_mutex_lock(&watch->lock);
	link->next = watch->links.next;
	link->before = &watch->links;
	link->next->before = link->before->next = link;
	pthread_mutex_unlock(&watch->lock);
}

void
nm_watch_remove(struct nm_watch *watch, struct nm_link *link)
{
	pthread_mutex_lock(&watch->lock);
	link->next->before = link->before;
	link->before->next = link->next;
	pthread_mutex_unlock(&watch->lock);
}

void
nm_watch_later(struct nm_watch *watch, struct nm_delay *delay,
               int64_t pause_ms)
{
	bool hurry;

	pthread_mutex_lock(&watch->lock);
	hurry = watch->hurry;
	if (!hurry) {
		/* The millisecond that has begun is no whole one. */
		delay->at_ms = nm_clock_machine_ms() + pause_ms + 1;
		delay->next = watch->delays;
		watch->delays = delay;
		pthread_cond_signal(&watch->changed);
	}
	pthread_mutex_unlock(&watch->lock);
	if (hurry)
		delay->act(delay->ctx);
}
