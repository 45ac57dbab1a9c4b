#include "server/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)(const void *)address)
		              ->sin_addr.s_addr) >> 24) == 127;
	return address->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(
		       &((const struct sockaddr_in6 *)(const void *)address)
		       ->sin6_addr);
}

/* Beyond this machine nothing is served that anybody on the way may read. */
static enum nm_code
check_exposure(const struct nm_server_options *options, const char *host,
               const struct sockaddr *address, struct nm_err *err)
{
	if (is_loopback(address) || options->exposure == NM_OPEN)
		return NM_OK;
	if (!options->api_key_file)
		return nm_fail(err, NM_USAGE, 0, "will not listen on %s without "
		               "--api-key-file (or --insecure)", host);
	if (!options->tls_cert)
		return nm_fail(err, NM_USAGE, 0, "will not listen on %s without "
		               "--tls-cert and --tls-key (or --insecure, behind a "
		               "proxy that does TLS)", host);
	return NM_OK;
}

/* Listens there, and sets the port that it came to; false with errno. */
static bool
bind_to(struct nm_socket *made, const struct addrinfo *where)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	int on = 1;

	made->fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (made->fd < 0)
		return false;
	setsockopt(made->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(made->fd, where->ai_addr, where->ai_addrlen) ||
	    listen(made->fd, BACKLOG) ||
	    getsockname(made->fd, (struct sockaddr *)&bound, &len))
		return false;
	made->port = ntohs(
		bound.ss_family == AF_INET6
			? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
			: ((struct sockaddr_in *)(void *)&bound)->sin_port);
	return true;
}

enum nm_code
nm_socket_open(struct nm_socket *made, const struct nm_server_options *options,
               struct nm_err *err)
{
	const char *host = options->listen;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	                          .ai_flags = AI_PASSIVE }, *found = NULL;
	char port[8];
	int code;
	enum nm_code rc;

	snprintf(port, sizeof(port), "%u", options->port);
	code = getaddrinfo(host, port, &hints, &found);
	if (code)
		return nm_fail(err, NM_USAGE, 0, "cannot listen on %s: %s", host,
		               gai_strerror(code));
	rc = check_exposure(options, host, found->ai_addr, err);
	if (rc)
		goto done;
	if (!bind_to(made, found)) {
		rc = nm_fail(err, NM_IO, errno, "cannot listen on %s port %u: %s",
		             host, options->port, strerror(errno));
		goto done;
	}
	/* A name may stand for such an address as well. */
	nm_buf_addf(&made->url, strchr(host, ':')
	            ? "%s://[%s]:%u/v1" : "%s://%s:%u/v1",
	            options->tls_cert ? "https" : "http", host, made->port);
done:
	freeaddrinfo(found);
	return rc;
}

void
nm_socket_close(struct nm_socket *made)
{
	if (made->fd >= 0)
		close(made->fd);
	nm_buf_release(&made->url);
	*made = (struct nm_socket){ .fd = -1 };
}
