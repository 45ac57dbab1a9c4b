#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "server/step.h"
#include "server/trouble.h"

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
	struct nm_trouble trouble;
	int64_t          list_ms;   /* real: when to look for new batches */
	atomic_bool      stop;
	atomic_bool      changed;   /* look at the store now */
	pthread_t        thread;
};

/* The jobs in hand, by id. */
struct in_hand {
	struct nm_map   places;
	struct nm_job **jobs;
	struct nm_job **end;  /* where the next would be linked */
};

static void
look_in_hand(struct nm_worker *worker, struct nm_arena *arena,
             struct in_hand *hand)
{
	uint32_t n = 0;

	*hand = (struct in_hand){ .end = &worker->jobs };
	for (; *hand->end; hand->end = &(*hand->end)->next)
		n++;
	hand->jobs = nm_arena_array(arena, n + 1,
	                            sizeof(*hand->jobs)); /* NOLINT */
	n = 0;
	for (struct nm_job *job = worker->jobs; job; job = job->next) {
		hand->jobs[n] = job;
		nm_map_set(&hand->places, nm_text_of(job->id), n++);
	}
}

/* Tells a job its batch's state, or opens one for a batch that has none. */
static enum nm_code
take_one(struct nm_worker *worker, struct in_hand *hand,
         const struct nm_open_batch *batch, struct nm_err *err)
{
	uint32_t place = 0;
	enum nm_code rc;

	if (nm_map_find(&hand->places, nm_text_of(batch->id), &place) ==
	    NM_MAP_KNOWN) {
		hand->jobs[place]->told = batch->state;
		return NM_OK;
	}
	rc = nm_job_open(&worker->desk, batch->id, hand->end, err);
	if (!rc)
		hand->end = &(*hand->end)->next;
	return rc == NM_ABSENT ? NM_OK : rc;
}

/* Takes up the batches that are not final and not in hand, and sees which were
 * cancelled. */
static enum nm_code
take_up(struct nm_worker *worker, struct nm_err *err)
{
	const struct nm_open_batch *batches = NULL;
	struct nm_arena arena = {0};
	struct in_hand hand;
	int64_t began = nm_clock_machine_ms(), took;
	enum nm_code rc;
	size_t n = 0;

	rc = nm_store_batches_open(worker->desk.parts->store, &arena, &batches,
	                           &n, err);
	look_in_hand(worker, &arena, &hand);
	for (size_t i = 0; i < n && !rc; i++)
		rc = take_one(worker, &hand, &batches[i], err);
	nm_map_release(&hand.places);
	nm_arena_release(&arena);
	took = (nm_clock_machine_ms() - began) * LIST_SHARE;
	worker->list_ms = nm_clock_machine_ms() +
	                  (took > LIST_MS ? took : LIST_MS);
	return rc;
}

static void
drop(struct nm_worker *worker, struct nm_job **at)
{
	struct nm_job *job = *at;

	*at = job->next;
	nm_step_leave(job, &worker->desk);
}

/* A step failed, and will be tried again. */
static void
note_setback(struct nm_worker *worker, const struct nm_err *err)
{
	struct nm_metrics *metrics = worker->desk.parts->metrics;
	bool full = err->detail == ENOSPC || err->detail == EDQUOT;
	enum nm_trouble_kind kind = full ? NM_TROUBLE_DISK : NM_TROUBLE_STATE;
	char words[NM_ERR_TEXT_MAX + 64];

	snprintf(words, sizeof(words), "%s; batches wait for it", err->text);
	nm_trouble_note(&worker->trouble, kind, nm_clock_machine_ms(), words);
	atomic_fetch_add(&metrics->troubles[kind], 1);
	atomic_fetch_add(&metrics->setbacks, 1);
}

/* One step of each job; whether any has more to do, and when one is due. */
static bool
round_of_steps(struct nm_worker *worker, enum nm_step_keep keep,
               int64_t *due_ms)
{
	struct nm_job **at = &worker->jobs;
	struct nm_err err = {0};
	enum nm_step_did did;
	int64_t due, now;
	bool more = false;

	while (*at && !atomic_load(&worker->stop)) {
		now = nm_clock_machine_ms();
		if ((*at)->retry_ms > now) {
			at = &(*at)->next;
			continue;
		}
		if (nm_step_take(*at, &worker->desk, keep, &did, &due, &err)) {
			(*at)->retry_ms = now + RETRY_MS;
			note_setback(worker, &err);
			at = &(*at)->next;
			continue;
		}
		(*at)->retry_ms = 0;
		if (did == NM_STEP_ENDED) {
			drop(worker, at);
			continue;
		}
		more = more || did == NM_STEP_WORKED;
		if (did == NM_STEP_WAITS && due < *due_ms)
			*due_ms = due;
		at = &(*at)->next;
	}
	return more;
}

static void
work(struct nm_worker *worker)
{
	struct nm_vclock *clock = worker->desk.parts->clock;
	struct nm_err err = {0};
	enum nm_step_keep keep;
	int64_t due_ms;
	bool changed;

	while (!atomic_load(&worker->stop)) {
		changed = atomic_exchange(&worker->changed, false);
		keep = changed ? NM_STEP_KEEP_NOW : NM_STEP_KEEP_SOMETIMES;
		if ((changed || nm_clock_machine_ms() >= worker->list_ms) &&
		    take_up(worker, &err)) {
			worker->list_ms = nm_clock_machine_ms() + RETRY_MS;
			note_setback(worker, &err);
		}
		nm_trouble_well(&worker->trouble, nm_clock_machine_ms());
		nm_trouble_look(&worker->trouble, nm_clock_machine_ms(),
		                "batches go on");
		due_ms = INT64_MAX;
		if (round_of_steps(worker, keep, &due_ms))
			continue;
		if (!atomic_load(&worker->changed))
			nm_vclock_wait(clock, due_ms, LIST_MS, &worker->wakings);
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
		atomic_store(&worker->desk.parts->metrics->working, 1);
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
	new->trouble.options = parts->options;
	new->trouble.metrics = parts->metrics;
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
nm_worker_stop(struct nm_worker *worker)
{
	if (!worker)
		return;
	atomic_store(&worker->stop, true);
	nm_vclock_wake(worker->desk.parts->clock);
	pthread_join(worker->thread, NULL);
}

void
nm_worker_close(struct nm_worker *worker)
{
	if (!worker)
		return;
	nm_desk_release(&worker->desk);
	nm_buf_release(&worker->lock_path);
	free(worker);
}
