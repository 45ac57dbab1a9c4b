#include "canned.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SEEN_MAX_BYTES = 8 << 20 };

static void
expect(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "canned server: %s: %s\n", what, strerror(errno));
	abort();
}

static void
hang_up(struct canned *canned, enum canned_end end)
{
	struct linger abrupt = { .l_onoff = 1 };

	if (canned->connection < 0)
		return;
	if (end == CANNED_RESET)
		setsockopt(canned->connection, SOL_SOCKET, SO_LINGER, &abrupt,
		           sizeof(abrupt));
	else
		shutdown(canned->connection, SHUT_WR);
	close(canned->connection);
	canned->connection = -1;
}

/* True when there is something to read on the connection (or somebody new, when
 * fresh); false when it is time to stop. */
static bool
wait_for(struct canned *canned, bool fresh)
{
	for (;;) {
		struct pollfd fds[3] = {
			{ .fd = canned->stopper[0], .events = POLLIN },
			{ .fd = canned->listener, .events = POLLIN },
			{ .fd = canned->connection, .events = POLLIN },
		};

		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents)
			return false;
		if (fds[1].revents) {
			hang_up(canned, CANNED_CLOSE);
			canned->connection = accept(canned->listener, NULL, NULL);
			expect(canned->connection >= 0, "accept");
			canned->n_connections++;
			if (fresh)
				return true;
			continue;
		}
		if (canned->connection >= 0 && fds[2].revents) {
			char byte;

			if (recv(canned->connection, &byte, 1, MSG_PEEK) > 0)
				return true;
			close(canned->connection);
			canned->connection = -1;
		}
	}
}

static size_t
body_length(const struct nm_buf *seen)
{
	const char *line = strcasestr(nm_buf_string(seen),
	                              "\r\nContent-Length:");

	return line ? strtoul(line + 17, NULL, 10) : 0;
}

static void
say(struct canned *canned, const char *bytes, size_t len, size_t piece)
{
	struct timespec pause = { .tv_nsec = 2000000 };

	while (len > 0) {
		size_t part = piece && piece < len ? piece : len;
		ssize_t sent = send(canned->connection, bytes, part,
		                    MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		len -= (size_t)sent;
		if (piece && len > 0)
			nanosleep(&pause, NULL);
	}
}

/* Reads one request as far as the step wants; false when the client left. */
static bool
hear(struct canned *canned, const struct canned_step *step,
     struct nm_buf *seen)
{
	size_t head = 0, whole = 0;
	bool told = false;

	while (head == 0 || seen->len < whole) {
		char *room = nm_buf_room(seen, 1 << 16);
		ssize_t got;
		char *end;

		expect(room != NULL, "a request too large");
		got = recv(canned->connection, room, 1 << 16, 0);
		if (got <= 0)
			return false;
		nm_buf_took(seen, (size_t)got);
		end = memmem(seen->at, seen->len, "\r\n\r\n", 4);
		if (!end)
			continue;
		head = (size_t)(end - seen->at) + 4;
		whole = head + (step->reading == CANNED_WHOLE
		                ? body_length(seen) : 0);
		if (step->interim && !told)
			say(canned, step->interim, strlen(step->interim), 0);
		told = true;
	}
	return true;
}

static void *
serve(void *user)
{
	struct canned *canned = user;

	for (size_t i = 0; i < canned->n_steps; i++) {
		const struct canned_step *step = &canned->steps[i];

		canned->seen[i].max = SEEN_MAX_BYTES;
		if (!wait_for(canned, step->reading == CANNED_NOTHING))
			break;
		canned->n_seen++;
		if (step->reading != CANNED_NOTHING &&
		    !hear(canned, step, &canned->seen[i])) {
			hang_up(canned, CANNED_CLOSE);
			continue;
		}
		if (step->reply)
			say(canned, step->reply,
			    step->len ? step->len : strlen(step->reply),
			    step->piece_bytes);
		if (step->end == CANNED_CLOSE || step->end == CANNED_RESET)
			hang_up(canned, step->end);
	}
	while (wait_for(canned, true))
		hang_up(canned, CANNED_RESET);
	return NULL;
}

void
canned_start(struct canned *canned, const struct canned_step *steps,
             size_t n_steps)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);

	*canned = (struct canned){
		.steps = steps, .n_steps = n_steps, .connection = -1
	};
	expect(n_steps <= CANNED_STEPS_MAX, "too many steps");
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	canned->listener = socket(AF_INET, SOCK_STREAM, 0);
	expect(canned->listener >= 0, "socket");
	expect(bind(canned->listener, (struct sockaddr *)&at, size) == 0, "bind");
	expect(listen(canned->listener, 16) == 0, "listen");
	expect(getsockname(canned->listener, (struct sockaddr *)&at,
	                   &size) == 0, "getsockname");
	expect(pipe(canned->stopper) == 0, "pipe");
	snprintf(canned->url, sizeof(canned->url), "http://127.0.0.1:%d",
	         ntohs(at.sin_port));
	expect(pthread_create(&canned->thread, NULL, serve, canned) == 0,
	       "thread");
}

void
canned_stop(struct canned *canned)
{
	expect(write(canned->stopper[1], "x", 1) == 1, "write");
	pthread_join(canned->thread, NULL);
	hang_up(canned, CANNED_CLOSE);
	close(canned->listener);
	close(canned->stopper[0]);
	close(canned->stopper[1]);
}

void
canned_release(struct canned *canned)
{
	for (size_t i = 0; i < CANNED_STEPS_MAX; i++)
		nm_buf_release(&canned->seen[i]);
}
