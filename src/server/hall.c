#include "server/hall.h"

enum { SPARE_MAX = 256, KEPT_NOTES_BYTES = 16 << 10 };

struct nm_visit *
nm_hall_take_visit(struct nm_hall *hall)
{
	struct nm_visit *visit;

	pthread_mutex_lock(&hall->lock);
	visit = hall->spare;
	if (visit) {
		hall->spare = visit->next_spare;
		hall->n_spare--;
	}
	pthread_mutex_unlock(&hall->lock);
	if (!visit)
		visit = calloc(1, sizeof(*visit));
	if (!visit)
		abort();
	visit->hall = hall;
	return visit;
}

static void
free_visit(struct nm_visit *visit)
{
	nm_answer_release(&visit->answer);
	nm_body_release(&visit->body);
	nm_buf_release(&visit->call.noted);
	nm_arena_release(&visit->call.arena);
	free(visit);
}

void
nm_hall_give_back(struct nm_visit *visit)
{
	struct nm_hall *hall = visit->hall;
	struct nm_arena arena;
	struct nm_body body;
	struct nm_buf noted;

	nm_answer_release(&visit->answer);
	nm_body_clear(&visit->body);
	nm_arena_clear(&visit->call.arena);
	nm_buf_clear(&visit->call.noted);
	if (visit->call.noted.cap > KEPT_NOTES_BYTES ||
	    visit->call.arena.bytes > KEPT_NOTES_BYTES) {
		nm_buf_release(&visit->call.noted);
		nm_arena_release(&visit->call.arena);
	}
	arena = visit->call.arena;
	body = visit->body;
	noted = visit->call.noted;
	memset(visit, 0, sizeof(*visit));
	visit->call.arena = arena;
	visit->body = body;
	visit->call.noted = noted;
	visit->hall = hall;
	pthread_mutex_lock(&hall->lock);
	if (hall->n_spare < SPARE_MAX) {
		visit->next_spare = hall->spare;
		hall->spare = visit;
		hall->n_spare++;
		visit = NULL;
	}
	pthread_mutex_unlock(&hall->lock);
	if (visit)
		free_visit(visit);
}

void
nm_hall_empty(struct nm_hall *hall)
{
	struct nm_visit *visit;

	while ((visit = hall->spare)) {
		hall->spare = visit->next_spare;
		free_visit(visit);
	}
	hall->n_spare = 0;
}
