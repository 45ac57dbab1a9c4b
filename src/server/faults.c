#include "server/faults.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/map.h"
#include "server/script.h"

enum { SCRIPT_MAX_BYTES = 1 << 20 };

/* How often a rule's selector was met. */
struct hits {
	uint64_t count;
	int64_t  first_ms;
};

/* A script in use. Invariant: users counts the table and who took it. */
struct use {
	struct nm_script script; /* first: a borrowed script leads back to here */
	struct hits     *hits;   /* one a call rule; guarded by the faults' lock */
	unsigned         users;
};

struct nm_faults {
	pthread_mutex_t lock;
	struct use     *use;
	struct nm_buf   file;    /* empty = none */
	uint64_t        seed;
	struct nm_map   batches; /* id -> number, from 1 */
	atomic_bool     quiet;   /* no rules: calls need no lock */
};

static void
let_go(struct use *use)
{
	if (!use || --use->users)
		return;
	nm_script_release(&use->script);
	free(use->hits);
	free(use);
}

static enum nm_code
read_script(const char *file, uint64_t seed, struct use **out,
            struct nm_err *err)
{
	struct nm_buf text = { .max = SCRIPT_MAX_BYTES };
	struct use *use = calloc(1, sizeof(*use));
	enum nm_code rc = NM_OK;

	if (!use)
		abort();
	if (file)
		rc = nm_file_read(file, &text, err);
	if (!rc)
		rc = nm_script_read(&use->script, file, nm_buf_text(&text), seed,
		                    err);
	nm_buf_release(&text);
	if (rc) {
		free(use);
		return rc;
	}
	use->users = 1;
	use->hits = calloc(use->script.n_calls + 1, sizeof(*use->hits));
	if (!use->hits)
		abort();
	*out = use;
	return NM_OK;
}

enum nm_code
nm_faults_load(struct nm_faults *faults, const char *file,
               struct nm_err *err)
{
	struct use *use, *old;
	struct nm_buf name = {0};
	enum nm_code rc;

	pthread_mutex_lock(&faults->lock);
	nm_buf_add_string(&name, file ? file : nm_buf_string(&faults->file));
	pthread_mutex_unlock(&faults->lock);
	rc = read_script(name.len ? nm_buf_string(&name) : NULL, faults->seed,
	                 &use, err);
	if (rc)
		goto done;
	pthread_mutex_lock(&faults->lock);
	old = faults->use;
	faults->use = use;
	nm_map_clear(&faults->batches);
	nm_buf_clear(&faults->file);
	nm_buf_add_text(&faults->file, nm_buf_text(&name));
	atomic_store(&faults->quiet, use->script.n_calls == 0);
	let_go(old);
	pthread_mutex_unlock(&faults->lock);
done:
	nm_buf_release(&name);
	return rc;
}

enum nm_code
nm_faults_open(const char *file, uint64_t seed, struct nm_faults **faults,
               struct nm_err *err)
{
	struct nm_faults *new = calloc(1, sizeof(*new));
	enum nm_code rc;

	if (!new)
		abort();
	pthread_mutex_init(&new->lock, NULL);
	new->seed = seed;
	rc = nm_faults_load(new, file, err);
	if (rc) {
		nm_faults_close(new);
		return rc;
	}
	*faults = new;
	return NM_OK;
}

void
nm_faults_close(struct nm_faults *faults)
{
	if (!faults)
		return;
	let_go(faults->use);
	nm_buf_release(&faults->file);
	nm_map_release(&faults->batches);
	pthread_mutex_destroy(&faults->lock);
	free(faults);
}

static const char *
copy(struct nm_arena *arena, const char *text)
{
	return text ? nm_arena_string(arena, text) : NULL;
}

static const char *const *
copy_headers(struct nm_arena *arena, const char *const *headers,
             const char *const *more)
{
	const char **all;
	size_t n = 0, had = 0;

	while (headers && headers[had])
		had++;
	for (size_t i = 0; more && more[i]; i++)
		n++;
	if (n == 0)
		return headers;
	all = nm_arena_array(arena, had + n + 1, sizeof(*all));
	for (size_t i = 0; i < had; i++)
		all[i] = headers[i];
	for (size_t i = 0; i < n; i++)
		all[had + i] = copy(arena, more[i]);
	return all;
}

/* What an earlier rule said stands; a later one adds what was not said. */
static void
add_rule(struct nm_fault *fault, const struct nm_call_rule *rule,
         uint64_t salt, struct nm_arena *arena)
{
	const struct nm_fault *more = &rule->fault;
	uint64_t spread = rule->cut_most - more->cut_bytes + 1;

	fault->rule = fault->rule ?
		nm_arena_printf(arena, "%s; %s", fault->rule, more->rule) :
		copy(arena, more->rule);
	if (!fault->delay_ms)
		fault->delay_ms = more->delay_ms;
	if (!fault->status) {
		fault->status = more->status;
		fault->acts = more->acts;
		fault->body = copy(arena, more->body);
	}
	fault->headers = copy_headers(arena, fault->headers, more->headers);
	if (!fault->loss)
		fault->loss = more->loss;
	if (!fault->cut && more->cut) {
		fault->cut = true;
		fault->cut_bytes = more->cut_bytes +
			nm_hash(rule->which.seed + 1, &salt, sizeof(salt)) % spread;
	}
	if (!fault->trickle_bytes_per_s)
		fault->trickle_bytes_per_s = more->trickle_bytes_per_s;
	if (!fault->stale_s)
		fault->stale_s = more->stale_s;
	if (!fault->pad_bytes)
		fault->pad_bytes = more->pad_bytes;
	fault->no_ranges = fault->no_ranges || more->no_ranges;
	fault->empty_ids = fault->empty_ids || more->empty_ids;
	if (!fault->counts)
		fault->counts = copy(arena, more->counts);
}

void
nm_faults_call(struct nm_faults *faults, const char *method,
               struct nm_text path, int64_t now_ms, struct nm_arena *arena,
               struct nm_fault *fault)
{
	const struct nm_call_rule *rule;
	struct hits *hits;
	struct use *use;

	*fault = (struct nm_fault){0};
	/* What puts a script right is not itself spoilt. */
	if (atomic_load(&faults->quiet) ||
	    nm_path_fits("/_control/**", path))
		return;
	pthread_mutex_lock(&faults->lock);
	use = faults->use;
	for (size_t i = 0; i < use->script.n_calls; i++) {
		rule = &use->script.calls[i];
		hits = &use->hits[i];
		if ((strcmp(rule->method, "*") != 0 &&
		     strcmp(rule->method, method) != 0) ||
		    !nm_path_fits(rule->path, path))
			continue;
		if (hits->count++ == 0)
			hits->first_ms = now_ms;
		if (nm_which_is(&rule->which, hits->count, i,
		                now_ms - hits->first_ms, (struct nm_text){0}))
			add_rule(fault, rule, (hits->count << 16) + i, arena);
	}
	pthread_mutex_unlock(&faults->lock);
}

const struct nm_script *
nm_faults_script_take(struct nm_faults *faults, const char *batch_id,
                      uint64_t *number)
{
	uint32_t known = 0;
	struct use *use;

	pthread_mutex_lock(&faults->lock);
	use = faults->use;
	use->users++;
	(void)nm_map_find(&faults->batches, nm_text_of(batch_id), &known);
	*number = known;
	pthread_mutex_unlock(&faults->lock);
	return &use->script;
}

void
nm_faults_script_release(struct nm_faults *faults,
                         const struct nm_script *script)
{
	if (!script)
		return;
	pthread_mutex_lock(&faults->lock);
	let_go((struct use *)(uintptr_t)script);
	pthread_mutex_unlock(&faults->lock);
}

uint64_t
nm_faults_batch_number(struct nm_faults *faults, const char *id)
{
	uint32_t number;

	pthread_mutex_lock(&faults->lock);
	number = (uint32_t)faults->batches.count + 1;
	(void)nm_map_add(&faults->batches, nm_text_of(id), &number);
	pthread_mutex_unlock(&faults->lock);
	return number;
}

int64_t
nm_faults_creations_an_hour(struct nm_faults *faults)
{
	int64_t most;

	pthread_mutex_lock(&faults->lock);
	most = faults->use->script.creations_an_hour;
	pthread_mutex_unlock(&faults->lock);
	return most;
}
