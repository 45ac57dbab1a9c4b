/*
 * attempts: see the header.
 */
#include "run/attempts.h"

#include "run/deadline.h"
#include "run/plan.h"
#include "run/via_direct.h"

struct file_list {
	struct nm_collect *collect;
	const char       **paths;
	size_t             n;
};

static enum nm_code
add_file(struct file_list *list, const char *path, int64_t attempt,
         enum nm_way way, struct nm_err *err)
{
	if (!path[0])
		return NM_OK;
	list->paths[list->n++] = path;
	return nm_collect_add_file(list->collect, path, attempt, way, err);
}

static int64_t
newest_attempt(const struct nm_run *run, const struct nm_direct_file *direct,
               size_t n_direct)
{
	int64_t newest = n_direct ? direct[n_direct - 1].attempt : 0;
	size_t i;

	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].attempt > newest)
			newest = run->shards[i].attempt;
	return newest;
}

/* One whose downloads were removed names files that are to be fetched again. */
static int
is_here(const struct nm_shard_record *shard, int64_t attempt)
{
	return shard->attempt == attempt && shard->state >= NM_SHARD_COLLECTED;
}

static enum nm_code
add_shards(struct nm_run *run, struct file_list *list, int64_t attempt,
           struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < run->n_shards; i++)
		if (is_here(&run->shards[i], attempt))
			rc = add_file(list, run->shards[i].output_path,
			              attempt, NM_WAY_BATCH, err);
	for (i = 0; !rc && i < run->n_shards; i++)
		if (is_here(&run->shards[i], attempt))
			rc = add_file(list, run->shards[i].error_path,
			              attempt, NM_WAY_BATCH, err);
	return rc;
}

enum nm_code
nm_attempts_collect(struct nm_run *run, struct nm_collect *collect,
                    const char *const **paths, size_t *n_paths,
                    int64_t *attempts, struct nm_err *err)
{
	struct file_list list = { .collect = collect };
	struct nm_direct_file *direct;
	size_t n_direct, next = 0;
	int64_t attempt, newest;
	enum nm_code rc;

	rc = nm_via_direct_files(run, &direct, &n_direct, err);
	if (rc)
		return rc;
	newest = newest_attempt(run, direct, n_direct);
	list.paths = nm_arena_array(&run->arena,
	                            2 * run->n_shards + n_direct + 1,
	                            sizeof(*list.paths));
	for (attempt = 1; !rc && attempt <= newest; attempt++) {
		if (next < n_direct && direct[next].attempt == attempt)
			rc = add_file(&list, direct[next++].path, attempt,
			              NM_WAY_DIRECT, err);
		if (!rc)
			rc = add_shards(run, &list, attempt, err);
	}
	if (rc)
		return rc;
	*paths = list.paths;
	*n_paths = list.n;
	*attempts = newest;
	return NM_OK;
}

static int
is_closed(const struct nm_shard_record *shard, enum nm_cancelled cancelled)
{
	if (strcmp(shard->status, "cancelled") == 0)
		return cancelled == NM_CANCELLED_LEFT &&
		       !nm_deadline_ended(shard);
	return shard->state == NM_SHARD_REFUSED ||
	       strcmp(shard->status, "failed") == 0;
}

static unsigned char *
mark_closed(const struct nm_run *run, enum nm_cancelled cancelled)
{
	static const unsigned char bits[8] = { 1, 2, 4, 8, 16, 32, 64, 128 };
	unsigned char *closed = NULL;
	size_t i;

	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];
		struct nm_members_walk walk;
		int64_t ordinal;

		if (!is_closed(shard, cancelled))
			continue;
		if (!closed)
			closed = calloc((size_t)run->source->count / 8 + 1,
			                1);
		if (!closed)
			abort();
		nm_members_walk_init(&walk, shard->first, shard->count,
		                     shard->members);
		while ((ordinal = nm_members_walk_next(&walk)) >= 0)
			if (ordinal < run->source->count)
				closed[ordinal >> 3] |= bits[ordinal & 7];
	}
	return closed;
}

static void
add_wanted(const struct nm_run *run, const struct nm_collect *collect,
           const struct nm_collect_want *want, enum nm_cancelled cancelled,
           struct nm_members *members)
{
	unsigned char *closed = mark_closed(run, cancelled);

	nm_collect_again(collect, want, closed, members);
	free(closed);
}

void
nm_attempts_next(const struct nm_run *run, const struct nm_collect *collect,
                 int64_t attempts, struct nm_members *members)
{
	struct nm_collect_want want = {
		.failures = attempts < run->settings.max_attempts,
		.reask = run->settings.reask,
	};

	/* Whoever cancels while a process follows means it; who asks for the rest of
	 * what has ended knows what was cancelled. */
	add_wanted(run, collect, &want, run->ended_before
	           ? run->settings.cancelled : NM_CANCELLED_LEFT, members);
}

int64_t
nm_attempts_left(const struct nm_run *run, const struct nm_collect *collect)
{
	struct nm_collect_want want = { .failures = 1 };
	struct nm_members members = { 0 };
	int64_t left;

	add_wanted(run, collect, &want, NM_CANCELLED_AGAIN, &members);
	left = members.count;
	nm_members_release(&members);
	return left;
}

enum nm_code
nm_attempts_plan(struct nm_run *run, const struct nm_members *members,
                 int64_t attempt, struct nm_err *err)
{
	struct nm_plan plan = { 0 };
	enum nm_code rc;

	rc = nm_plan_again(&plan, run, nm_buf_text(&members->bytes),
	                   members->count, attempt, err);
	if (!rc)
		rc = nm_run_add_shards(run, plan.shards, plan.n_shards, err);
	nm_plan_release(&plan);
	return rc;
}
