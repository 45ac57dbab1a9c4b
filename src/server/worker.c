#include "server/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "server/job.h"

enum {
	LOCK_MS = 200,   /* between two tries for the lock */
	LIST_MS = 200,   /* between two looks for new batches of other processes */
	RETRY_MS = 1000, /* after an error, such as a full disk */
	LIST_SHARE = 20  /* looking for batches takes at most a 20th of the time */
};

struct nm_worker {
	struct nm_desk   desk;
	struct nm_lock   lock;
	struct nm_buf    lock_path;
	struct nm_job   *jobs;      /* oldest first */
	uint64_t         wakings;   /* seen of the clock's */
	int64_t          list_ms;   /* real: when to look for new batches */
	atomic_bool      stop;
	atomic_bool      changed;   /* look at the store now */
	pthread_t        thread;
};

static int64_t
real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Opens a job for an id that has none yet, at the end of the list. */
static enum nm_code
take_one(struct nm_worker *worker, struct nm_map *known, const char *id,
         struct nm_job ***end, struct nm_err *err)
{
	uint32_t value = 0;
	enum nm_code rc;

	if (nm_map_find(known, nm_text_of(id), &value) == NM_MAP_KNOWN)
		return NM_OK;
	rc = nm_job_open(&worker->desk, id, *end, err);
	if (!rc)
		*end = &(**end)->next;
	return rc == NM_ABSENT ? NM_OK : rc;
}

/* Takes up the batches that are not final and not in hand. */
static enum nm_code
take_up(struct nm_worker *worker, struct nm_err *err)
{
	struct nm_job **end = &worker->jobs;
	struct nm_arena arena = {0};
	struct nm_map known = {0};
	const char *const *ids = NULL;
	int64_t began = real_ms(), took;
	uint32_t value = 0;
	enum nm_code rc;
	size_t n = 0;

	rc = nm_store_batches_open(worker->desk.parts->store, &arena, &ids, &n,
	                           err);
	for (; n && *end; end = &(*end)->next)
		nm_map_set(&known, nm_text_of((*end)->id), value);
	for (size_t i = 0; i < n && !rc; i++)
		rc = take_one(worker, &known, ids[i], &end, err);
	nm_map_release(&known);
	nm_arena_release(&arena);
	took = (real_ms() - began) * LIST_SHARE;
	worker->list_ms = real_ms() + (took > LIST_MS ? took : LIST_MS);
	return rc;
}

static void
drop(struct nm_worker *worker, struct nm_job **at)
{
	struct nm_job *job = *at;

	*at = job->next;
	nm_job_close(job, &worker->desk);
}

/* One step of each job; whether any has more to do, and when one is due. */
static bool
round_of_steps(struct nm_worker *worker, enum nm_job_look look,
               int64_t *due_ms)
{
	struct nm_job **at = &worker->jobs;
	enum nm_job_did did;
	int64_t due, now;
	bool more = false;

	while (*at && !atomic_load(&worker->stop)) {
		now = real_ms();
		if ((*at)->retry_ms > now) {
			at = &(*at)->next;
			continue;
		}
		if (nm_job_step(*at, &worker->desk, look, &did, &due, NULL)) {
			(*at)->retry_ms = now + RETRY_MS;
			at = &(*at)->next;
			continue;
		}
		(*at)->retry_ms = 0;
		if (did == NM_JOB_ENDED) {
			drop(worker, at);
			continue;
		}
		more = more || did == NM_JOB_WORKED;
		if (did == NM_JOB_WAITS && due < *due_ms)
			*due_ms = due;
		at = &(*at)->next;
	}
	return more;
}

static void
work(struct nm_worker *worker)
{
	const struct nm_parts *parts = worker->desk.parts;
	enum nm_job_look look;
	int64_t due_ms;
	bool changed;

	while (!atomic_load(&worker->stop)) {
		changed = atomic_exchange(&worker->changed, false);
		look = changed ? NM_JOB_LOOK_NOW : NM_JOB_LOOK_SOMETIMES;
		if ((changed || real_ms() >= worker->list_ms) &&
		    take_up(worker, NULL))
			worker->list_ms = real_ms() + RETRY_MS;
		due_ms = INT64_MAX;
		if (round_of_steps(worker, look, &due_ms))
			continue;
		if (!atomic_load(&worker->changed))
			nm_vclock_wait(parts->clock, due_ms, LIST_MS,
			               &worker->wakings);
	}
}

static void *
run(void *ctx)
{
	struct nm_worker *worker = ctx;

	while (!atomic_load(&worker->stop)) {
		if (nm_lock_open(&worker->lock, nm_buf_string(&worker->lock_path),
		                 NULL)) {
			nm_vclock_wait(worker->desk.parts->clock, INT64_MAX, LOCK_MS,
			               &worker->wakings);
			continue;
		}
		work(worker);
	}
	while (worker->jobs)
		drop(worker, &worker->jobs);
	nm_lock_close(&worker->lock);
	return NULL;
}

enum nm_code
nm_worker_open(const struct nm_parts *parts, struct nm_worker **worker,
               struct nm_err *err)
{
	struct nm_worker *new = calloc(1, sizeof(*new));
	int why;

	if (!new)
		abort();
	new->desk.parts = parts;
	nm_path_join(&new->lock_path, nm_store_folder(parts->store),
	             "worker.lock");
	why = pthread_create(&new->thread, NULL, run, new);
	if (why) {
		nm_buf_release(&new->lock_path);
		free(new);
		return nm_fail(err, NM_IO, why, "cannot start the worker: %s",
		               strerror(why));
	}
	*worker = new;
	return NM_OK;
}

void
nm_worker_wake(struct nm_worker *worker)
{
	atomic_store(&worker->changed, true);
	nm_vclock_wake(worker->desk.parts->clock);
}

void
nm_worker_close(struct nm_worker *worker)
{
	if (!worker)
		return;
	atomic_store(&worker->stop, true);
	nm_vclock_wake(worker->desk.parts->clock);
	pthread_join(worker->thread, NULL);
	nm_desk_release(&worker->desk);
	nm_buf_release(&worker->lock_path);
	free(worker);
}
