#include "server/server.h"

#include <pthread.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "server/listen.h"
#include "server/model.h"
#include "server/upstream.h"
#include "server/worker.h"

enum {
	DRAIN_MS = 10000,
	SWEEP_REAL_MS = 5000
};

struct nm_server {
	struct nm_arena          arena;   /* of the options' texts */
	struct nm_server_options options;
	struct nm_parts          parts;
	struct nm_metrics        metrics;
	struct nm_listen        *listen;
	pthread_t                sweeper;
	int                      sweeping; /* the thread has been started */
	atomic_int               stopping;
};

/* 0 is the default, -1 is none. */
static int64_t
span_or(int64_t given_ms, int64_t preset_ms)
{
	return given_ms < 0 ? 0 : given_ms ? given_ms : preset_ms;
}

static const char *
keep(struct nm_arena *arena, const char *text)
{
	return text ? nm_arena_string(arena, text) : NULL;
}

static void
resolve(struct nm_server *server, const struct nm_server_options *given)
{
	struct nm_server_options *o = &server->options;
	struct nm_arena *arena = &server->arena;

	*o = *given;
	o->mix = NULL;
	o->answer_keys = NULL;
	o->n_answer_keys = 0;
	o->state_dir = keep(arena, given->state_dir);
	o->listen = keep(arena, given->listen ? given->listen : "127.0.0.1");
	o->clock = keep(arena, given->clock);
	o->faults = keep(arena, given->faults);
	o->log = keep(arena, given->log);
	o->api_key_file = keep(arena, given->api_key_file);
	o->tls_cert = keep(arena, given->tls_cert);
	o->tls_key = keep(arena, given->tls_key);
	o->upstream = keep(arena, given->upstream);
	o->upstream_key_env = keep(arena, given->upstream_key_env
	                           ? given->upstream_key_env
	                           : "NIGHTMAIL_UPSTREAM_KEY");
	o->models = keep(arena, given->models);
	o->concurrency = given->concurrency ? given->concurrency : 32;
	o->reply_ms = given->reply_ms ? given->reply_ms : 600000;
	o->threads = given->threads ? given->threads : 2;
	o->max_connections = given->max_connections ? given->max_connections
	                                            : 4096;
	o->window_ms = given->window_ms ? given->window_ms
	                                : (int64_t)24 * 3600 * 1000;
	o->validating_ms = span_or(given->validating_ms, 150);
	o->in_progress_ms = span_or(given->in_progress_ms, 150);
	o->finalizing_ms = span_or(given->finalizing_ms, 100);
	o->cancelling_ms = span_or(given->cancelling_ms, 100);
	o->deadline_ms = given->deadline_ms ? given->deadline_ms : 15000;
}

/* Named by content, so that a key is there once however often it is added. */
static enum nm_code
copy_key(struct nm_store *store, const char *path, struct nm_err *err)
{
	struct nm_buf target = {0}, name = {0};
	struct nm_digest digest;
	char hex[NM_DIGEST_HEX_MAX], chunk[16384];
	ssize_t n;
	int fd = -1;
	enum nm_code rc;

	rc = nm_file_open(path, &fd, err);
	if (rc)
		return rc;
	nm_digest_init(&digest, NM_SHA256);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		nm_digest_add(&digest, chunk, (size_t)n);
	nm_digest_finish(&digest, hex);
	close(fd);
	nm_buf_addf(&name, "%.16s-", hex);
	nm_path_add_safe(&name, nm_text_of(nm_path_base(path)));
	nm_store_path(store, "keys", nm_buf_string(&name), &target);
	if (access(nm_buf_string(&target), F_OK) != 0)
		rc = nm_file_copy(path, nm_buf_string(&target), 0600, err);
	nm_buf_release(&target);
	nm_buf_release(&name);
	return rc;
}

/* Takes away what has expired, soon after it has. */
static void *
sweep(void *ctx)
{
	struct nm_server *server = ctx;
	struct nm_vclock *clock = server->parts.clock;
	uint64_t seen = 0;

	while (!atomic_load(&server->stopping)) {
		/* A sweep that fails is tried again; nothing depends on it. */
		(void)!nm_store_sweep(server->parts.store,
		                      nm_vclock_now_s(clock), NULL);
		nm_vclock_wait(clock, INT64_MAX, SWEEP_REAL_MS, &seen);
	}
	return NULL;
}

static enum nm_code
open_parts(struct nm_server *server, const struct nm_server_options *given,
           struct nm_err *err)
{
	const struct nm_server_options *o = &server->options;
	struct nm_parts *parts = &server->parts;
	struct nm_buf keys = {0};
	enum nm_code rc;

	parts->options = o;
	parts->metrics = &server->metrics;
	rc = nm_store_open(o->state_dir, &parts->store, err);
	if (!rc)
		nm_store_limit(parts->store, &(struct nm_store_limits){
			.bytes = o->disk_quota_bytes,
			.open_batches = o->max_batches });
	if (!rc)
		rc = nm_vclock_open(o->clock, nm_store_folder(parts->store),
		                    &parts->clock, err);
	if (!rc)
		rc = nm_faults_open(o->faults, o->seed, &parts->faults, err);
	for (size_t i = 0; !rc && i < given->n_answer_keys; i++)
		rc = copy_key(parts->store, given->answer_keys[i], err);
	if (rc)
		return rc;
	nm_path_join(&keys, nm_store_folder(parts->store), "keys");
	rc = nm_model_open(nm_buf_string(&keys), o->seed, &parts->model, err);
	nm_buf_release(&keys);
	if (!rc && given->mix)
		rc = nm_model_mix(parts->model, given->mix, err);
	if (!rc && o->upstream)
		rc = nm_upstream_open(parts, &parts->upstream, err);
	if (!rc)
		rc = nm_worker_open(parts, &parts->worker, err);
	if (!rc)
		rc = nm_listen_open(parts, &server->listen, err);
	return rc;
}

enum nm_code
nm_server_start(const struct nm_server_options *options,
                struct nm_server **server, struct nm_err *err)
{
	struct nm_server *made = calloc(1, sizeof(*made));
	int code;
	enum nm_code rc;

	if (!made)
		abort();
	resolve(made, options);
	rc = open_parts(made, options, err);
	if (!rc) {
		code = pthread_create(&made->sweeper, NULL, sweep, made);
		if (code)
			rc = nm_fail(err, NM_IO, code,
			             "cannot start a thread: %s", strerror(code));
		else
			made->sweeping = 1;
	}
	if (rc)
		nm_server_stop(made);
	else
		*server = made;
	return rc;
}

unsigned
nm_server_port(const struct nm_server *server)
{
	return nm_listen_port(server->listen);
}

const char *
nm_server_url(const struct nm_server *server)
{
	return nm_listen_url(server->listen);
}

const char *
nm_server_folder(const struct nm_server *server)
{
	return nm_store_folder(server->parts.store);
}

enum nm_code
nm_server_add_key(struct nm_server *server, const char *path,
                  struct nm_err *err)
{
	enum nm_code rc = copy_key(server->parts.store, path, err);

	return rc ? rc : nm_model_refresh(server->parts.model, err);
}

enum nm_code
nm_server_reload_keys(struct nm_server *server, struct nm_err *err)
{
	return nm_listen_reload_keys(server->listen, err);
}

void
nm_server_stop(struct nm_server *server)
{
	if (!server)
		return;
	if (server->listen)
		nm_listen_drain(server->listen, DRAIN_MS);
	atomic_store(&server->stopping, 1);
	if (server->sweeping) {
		nm_vclock_wake(server->parts.clock);
		pthread_join(server->sweeper, NULL);
	}
	nm_worker_stop(server->parts.worker);
	/* After the worker, who asks it; before listen, whose calls it answers. Those
	 * that come until listen is closed find both still there. */
	nm_upstream_stop(server->parts.upstream);
	nm_listen_close(server->listen);
	nm_worker_close(server->parts.worker);
	nm_upstream_close(server->parts.upstream);
	if (server->parts.model)
		nm_model_close(server->parts.model);
	if (server->parts.faults)
		nm_faults_close(server->parts.faults);
	nm_vclock_close(server->parts.clock);
	nm_store_close(server->parts.store);
	nm_arena_release(&server->arena);
	free(server);
}
