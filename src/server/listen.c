#include "server/listen.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "server/options.h"
#include "server/socket.h"
#include "server/visit.h"

enum {
	CONNECTION_BYTES = 32 << 10, /* head and buffers; touched as needed */
	SILENCE_S = 120,
	FAREWELL_MS = 1000
};

struct nm_listen {
	struct nm_hall     hall;
	struct MHD_Daemon *daemon;
	struct nm_socket   socket;
	struct nm_buf      cert, key;
};

static void
on_connection(void *ctx, struct MHD_Connection *c, void **socket_context,
              enum MHD_ConnectionNotificationCode what)
{
	struct nm_hall *hall = ctx;
	const union MHD_ConnectionInfo *info;
	struct nm_link *link;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		link = *socket_context;
		if (link)
			nm_watch_remove(hall->watch, link);
		free(link);
		*socket_context = NULL;
		atomic_fetch_add(&hall->parts->metrics->connections_closed, 1);
		return;
	}
	link = calloc(1, sizeof(*link));
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!link || !info)
		abort();
	link->fd = info->connect_fd;
	*socket_context = link;
	nm_watch_add(hall->watch, link);
	atomic_fetch_add(&hall->parts->metrics->connections, 1);
}

/* Paths and queries are ours to decode, as they came. */
static size_t
leave_escapes(void *ctx, struct MHD_Connection *c, char *text)
{
	(void)ctx;
	(void)c;
	return strlen(text);
}

/* holds: how the line ends that begins what is wanted of it. */
static enum nm_code
read_pem(const char *path, const char *holds, struct nm_buf *pem,
         struct nm_err *err)
{
	enum nm_code rc;

	pem->max = 1 << 20;
	rc = nm_file_read(path, pem, err);
	if (!rc && (!strstr(nm_buf_string(pem), "-----BEGIN ") ||
	            !strstr(nm_buf_string(pem), holds)))
		rc = nm_fail(err, NM_INPUT, 0, "%s holds no PEM \"%.*s\"", path,
		             (int)(strlen(holds) - 5), holds);
	return rc;
}

static enum nm_code
read_tls(struct nm_listen *listen, struct nm_err *err)
{
	const struct nm_server_options *options = listen->hall.parts->options;
	enum nm_code rc;

	if (!options->tls_cert && !options->tls_key)
		return NM_OK;
	if (!options->tls_cert || !options->tls_key)
		return nm_fail(err, NM_USAGE, 0,
		               "--tls-cert and --tls-key go together");
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return nm_fail(err, NM_USAGE, 0, "this libmicrohttpd has no TLS; "
		               "put a proxy in front");
	rc = read_pem(options->tls_cert, "CERTIFICATE-----", &listen->cert, err);
	if (!rc)
		rc = read_pem(options->tls_key, "PRIVATE KEY-----", &listen->key,
		              err);
	return rc;
}

/* Nobody comes in any more once the door closes. MHD_quiesce_daemon would say so
 * earlier, but its threads may take the socket out of their sets at once with it, and
 * the library ends the process for that. */
static enum MHD_Result
admit(void *user, const struct sockaddr *address, socklen_t len)
{
	struct nm_hall *hall = user;

	(void)address;
	(void)len;
	return atomic_load(&hall->closing) ? MHD_NO : MHD_YES;
}

static enum nm_code
start_daemon(struct nm_listen *listen, struct nm_err *err)
{
	const struct nm_server_options *options = listen->hall.parts->options;
	/* TLS 1.0 and 1.1 are no protection any more (RFC 8996). */
	char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, listen->cert.at },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, listen->key.at },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities },
		{ MHD_OPTION_END, 0, NULL }
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
	                 MHD_ALLOW_SUSPEND_RESUME |
	                 (listen->cert.at ? MHD_USE_TLS : 0);

	listen->daemon = MHD_start_daemon(
		flags, 0, admit, &listen->hall, nm_visit_go_on, &listen->hall,
		MHD_OPTION_LISTEN_SOCKET, listen->socket.fd,
		MHD_OPTION_THREAD_POOL_SIZE, options->threads,
		MHD_OPTION_CONNECTION_LIMIT, options->max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, nm_visit_uri, &listen->hall,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, nm_visit_end, &listen->hall,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, &listen->hall,
		MHD_OPTION_ARRAY, listen->cert.at ? tls : &tls[3],
		MHD_OPTION_END);
	/* Where it does not start, it has closed the socket, whose number may be
	 * another file's by now. */
	if (!listen->daemon)
		listen->socket.fd = -1;
	if (!listen->daemon && listen->cert.at)
		return nm_fail(err, NM_INPUT, 0, "cannot serve TLS with the "
		               "certificate %s and the key %s: do they belong "
		               "together?", options->tls_cert, options->tls_key);
	if (!listen->daemon)
		return nm_fail(err, NM_IO, errno, "cannot start the HTTP server");
	return NM_OK;
}

enum nm_code
nm_listen_open(const struct nm_parts *parts, struct nm_listen **listen,
               struct nm_err *err)
{
	const struct nm_server_options *options = parts->options;
	struct nm_listen *made = calloc(1, sizeof(*made));
	enum nm_code rc;

	if (!made)
		abort();
	made->socket.fd = -1;
	made->hall.parts = parts;
	pthread_mutex_init(&made->hall.lock, NULL);
	pthread_rwlock_init(&made->hall.keys_lock, NULL);
	rc = nm_keys_open(&made->hall.keys, options->api_key_file, err);
	if (!rc && options->log)
		rc = nm_log_open(&made->hall.log, options->log, err);
	if (!rc)
		rc = read_tls(made, err);
	if (!rc)
		rc = nm_socket_open(&made->socket, options, err);
	if (!rc)
		rc = nm_watch_open(options->deadline_ms, parts->metrics,
		                   &made->hall.watch, err);
	if (!rc)
		rc = nm_porter_open(&made->hall.porter, err);
	if (!rc)
		rc = start_daemon(made, err);
	if (rc)
		nm_listen_close(made);
	else
		*listen = made;
	return rc;
}

enum nm_code
nm_listen_reload_keys(struct nm_listen *listen, struct nm_err *err)
{
	struct nm_hall *hall = &listen->hall;
	struct nm_keys fresh = {0}, old;
	enum nm_code rc;

	rc = nm_keys_open(&fresh, hall->parts->options->api_key_file, err);
	if (rc)
		return rc;
	pthread_rwlock_wrlock(&hall->keys_lock);
	old = hall->keys;
	hall->keys = fresh;
	pthread_rwlock_unlock(&hall->keys_lock);
	nm_keys_close(&old);
	return NM_OK;
}

unsigned
nm_listen_port(const struct nm_listen *listen)
{
	return listen->socket.port;
}

const char *
nm_listen_url(const struct nm_listen *listen)
{
	return nm_buf_string(&listen->socket.url);
}

void
nm_listen_drain(struct nm_listen *listen, int64_t max_ms)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	int64_t end_ms = nm_clock_machine_ms() + max_ms;

	atomic_store(&listen->hall.closing, 1);
	nm_watch_hurry(listen->hall.watch);
	while (atomic_load(&listen->hall.under_way) > 0 &&
	       nm_clock_machine_ms() < end_ms)
		nanosleep(&pause, NULL);
}

void
nm_listen_close(struct nm_listen *listen)
{
	if (!listen)
		return;
	if (listen->hall.watch)
		nm_watch_hurry(listen->hall.watch);
	/* Before the daemon, which wants no call put off. */
	nm_porter_close(&listen->hall.porter);
	if (listen->daemon) {
		/* What was answered just now goes out first. */
		nm_listen_drain(listen, FAREWELL_MS);
		MHD_stop_daemon(listen->daemon); /* closes the socket, too */
		listen->socket.fd = -1;
	}
	nm_watch_close(listen->hall.watch);
	nm_socket_close(&listen->socket);
	nm_hall_empty(&listen->hall);
	nm_keys_close(&listen->hall.keys);
	nm_log_close(&listen->hall.log);
	if (listen->key.at)
		explicit_bzero(listen->key.at, listen->key.len);
	nm_buf_release(&listen->cert);
	nm_buf_release(&listen->key);
	pthread_rwlock_destroy(&listen->hall.keys_lock);
	pthread_mutex_destroy(&listen->hall.lock);
	free(listen);
}
