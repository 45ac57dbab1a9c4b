/*
 * crew: see the header.
 */
#include "base/crew.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"

/* One is at work in each hand's, while the caller fills or empties another. */
enum { PIECES_A_HAND = 2 };

/*
 * Pieces are numbered as they are given; number n stands at place n % n_pieces.
 * Invariant: taken <= begun <= given <= taken + n_pieces, where those below `taken`
 * were handed back. done[place] is that of the last piece begun there.
 */
struct nm_crew {
	struct nm_crew_options options;
	char           *pieces;
	bool           *done;
	uint64_t        n_pieces;
	uint64_t        given, begun, taken;
	uint64_t        finished; /* how many; of those in turn, the first ones */
	bool            stop;
	pthread_mutex_t lock;
	pthread_cond_t  gave, did;
	pthread_t       threads[NM_CREW_HANDS_MAX];
	int             n_threads;
};

static void *
piece_at(const struct nm_crew *crew, uint64_t number)
{
	return crew->pieces + number % crew->n_pieces * crew->options.piece_bytes;
}

/* Whether there is a piece that nobody has begun and that may be. */
static bool
is_work(const struct nm_crew *crew)
{
	return crew->begun < crew->given
	    && !(crew->options.in_turn && crew->finished < crew->begun);
}

/* Does the oldest piece that nobody has begun; the lock is held but for the work. */
static void
work_on_next(struct nm_crew *crew)
{
	uint64_t number = crew->begun++;

	pthread_mutex_unlock(&crew->lock);
	crew->options.work(piece_at(crew, number));
	pthread_mutex_lock(&crew->lock);
	crew->done[number % crew->n_pieces] = true;
	crew->finished++;
	pthread_cond_signal(&crew->did);
	if (crew->options.in_turn)
		pthread_cond_signal(&crew->gave);
}

static void *
be_a_hand(void *user)
{
	struct nm_crew *crew = user;

	pthread_mutex_lock(&crew->lock);
	while (!crew->stop) {
		if (is_work(crew))
			work_on_next(crew);
		else
			pthread_cond_wait(&crew->gave, &crew->lock);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static int
count_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* In turn, one beside the caller has all there is to do. */
static int
count_hands(const struct nm_crew_options *options)
{
	int hands = options->hands ? options->hands : count_processors();
	int most = options->in_turn ? 2 : NM_CREW_HANDS_MAX;

	return hands < 1 ? 1 : hands > most ? most : hands;
}

/* Signals are the caller's to see. */
static void
call_hands(struct nm_crew *crew, int hands)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (crew->n_threads < hands - 1
	       && !pthread_create(&crew->threads[crew->n_threads], NULL,
	                          be_a_hand, crew))
		crew->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct nm_crew *
nm_crew_open(const struct nm_crew_options *options)
{
	struct nm_crew *crew = calloc(1, sizeof(*crew));
	int hands = count_hands(options);

	if (!crew)
		nm_die("out of memory");
	crew->options = *options;
	crew->n_pieces = (uint64_t)hands * PIECES_A_HAND;
	crew->pieces = calloc(crew->n_pieces, options->piece_bytes);
	crew->done = calloc(crew->n_pieces, sizeof(*crew->done));
	if (!crew->pieces || !crew->done)
		nm_die("out of memory");
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->gave, NULL);
	pthread_cond_init(&crew->did, NULL);
	call_hands(crew, hands);
	return crew;
}

/* The oldest piece that was not handed back, when it is done. */
static void *
take_oldest(struct nm_crew *crew)
{
	uint64_t number = crew->taken;

	pthread_mutex_lock(&crew->lock);
	while (crew->begun <= number || !crew->done[number % crew->n_pieces]) {
		if (is_work(crew))
			work_on_next(crew);
		else
			pthread_cond_wait(&crew->did, &crew->lock);
	}
	crew->taken++;
	pthread_mutex_unlock(&crew->lock);
	return piece_at(crew, number);
}

/* given and taken are changed by the caller's thread alone. */
void *
nm_crew_turn(struct nm_crew *crew)
{
	if (crew->given - crew->taken == crew->n_pieces)
		return take_oldest(crew);
	return piece_at(crew, crew->given);
}

void
nm_crew_give(struct nm_crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->done[crew->given % crew->n_pieces] = false;
	crew->given++;
	pthread_cond_signal(&crew->gave);
	pthread_mutex_unlock(&crew->lock);
}

void *
nm_crew_rest(struct nm_crew *crew)
{
	return crew->taken < crew->given ? take_oldest(crew) : NULL;
}

static void
send_hands_home(struct nm_crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->stop = true;
	pthread_cond_broadcast(&crew->gave);
	pthread_mutex_unlock(&crew->lock);
	while (crew->n_threads)
		pthread_join(crew->threads[--crew->n_threads], NULL);
}

void
nm_crew_close(struct nm_crew *crew)
{
	uint64_t place;

	if (!crew)
		return;
	send_hands_home(crew);
	for (place = 0; crew->options.release && place < crew->n_pieces; place++)
		crew->options.release(piece_at(crew, place));
	pthread_cond_destroy(&crew->gave);
	pthread_cond_destroy(&crew->did);
	pthread_mutex_destroy(&crew->lock);
	free(crew->pieces);
	free(crew->done);
	free(crew);
}
