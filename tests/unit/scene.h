/*
 * scene: an api over a canned server, its clock a thousand times as fast, so that
 * its pauses are real and yet short.
 *
 * Calling sequence: scene_begin, calls, scene_stop, look at what was seen,
 * scene_release.
 */
#ifndef NM_TESTS_SCENE_H
#define NM_TESTS_SCENE_H

#include "canned.h"
#include "remote/api.h"

#define SCENE_KEY "sk-test-0123456789abcdef"

struct scene {
	struct canned     canned;
	struct nm_clock   clock;
	struct nm_account account;
	struct nm_api     api;
	struct nm_arena   arena;
};

static inline void
scene_begin(struct scene *scene, const struct canned_step *steps,
            size_t n_steps)
{
	struct nm_buf url = {0};
	struct nm_err err = {0};

	*scene = (struct scene){0};
	canned_start(&scene->canned, steps, n_steps);
	nm_buf_addf(&url, "%s/v1", scene->canned.url);
	assert_int_equal(nm_clock_init(&scene->clock, "fast=1000", NULL, &err),
	                 NM_OK);
	assert_int_equal(nm_account_open_local(&scene->account,
	                                       nm_buf_string(&url), SCENE_KEY,
	                                       &err), NM_OK);
	assert_int_equal(nm_api_open(&scene->api, &scene->account,
	                             &scene->clock, &err), NM_OK);
	nm_buf_release(&url);
}

static inline void
scene_stop(struct scene *scene)
{
	canned_stop(&scene->canned);
}

static inline void
scene_release(struct scene *scene)
{
	nm_api_close(&scene->api);
	nm_account_close(&scene->account);
	nm_arena_release(&scene->arena);
	canned_release(&scene->canned);
}

/* Does the request of a step hold these words? */
static inline void
scene_expect(const struct scene *scene, size_t step, const char *words)
{
	const char *seen = nm_buf_string(&scene->canned.seen[step]);

	if (!strstr(seen, words))
		fail_msg("no \"%s\" in request %zu:\n%s", words, step, seen);
}

#endif
