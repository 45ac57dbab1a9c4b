/*
 * loop: see loop.h.
 */
#include "net/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVENTS_AT_ONCE = 64 };

static int
on_socket(CURL *easy, curl_socket_t socket, int what, void *user,
          void *socket_user)
{
	struct nm_loop *loop = user;
	struct epoll_event event = { .data.fd = socket };

	(void)easy;
	(void)socket_user;
	if (what == CURL_POLL_REMOVE) {
		/* It may be closed already, and is then gone by itself. */
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, socket, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, socket, &event) == 0)
		return 0;
	if (errno != ENOENT ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, socket, &event))
		loop->failed = errno;
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct nm_loop *loop = user;

	(void)multi;
	loop->due_ms = timeout_ms < 0 ? -1 : nm_clock_machine_ms() + timeout_ms;
	return 0;
}

enum nm_code
nm_loop_open(struct nm_loop *loop, long connections_max, struct nm_err *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	*loop = (struct nm_loop){ .due_ms = -1, .epoll_fd = -1, .wake_fd = -1 };
	loop->multi = curl_multi_init();
	if (!loop->multi)
		return nm_fail(err, NM_IO, 0, "libcurl cannot be set up");
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	event.data.fd = loop->wake_fd;
	if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event)) {
		int reason = errno;

		nm_loop_close(loop);
		return nm_fail(err, NM_IO, reason,
		               "cannot watch connections: %s", strerror(reason));
	}
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	                  connections_max);
	return NM_OK;
}

void
nm_loop_close(struct nm_loop *loop)
{
	if (!loop->multi)
		return;
	curl_multi_cleanup(loop->multi);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	*loop = (struct nm_loop){ .due_ms = -1, .epoll_fd = -1, .wake_fd = -1 };
}

void
nm_loop_wake(struct nm_loop *loop)
{
	/* It can only fail by being full, and then a waking is due already. */
	(void)!write(loop->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

enum nm_code
nm_loop_add(struct nm_loop *loop, CURL *easy, struct nm_err *err)
{
	CURLMcode rc = curl_multi_add_handle(loop->multi, easy);

	if (rc)
		return nm_fail(err, NM_IO, rc, "libcurl takes no transfer: %s",
		               curl_multi_strerror(rc));
	return NM_OK;
}

void
nm_loop_remove(struct nm_loop *loop, CURL *easy)
{
	curl_multi_remove_handle(loop->multi, easy);
}

static CURLMcode
act(struct nm_loop *loop, curl_socket_t socket, uint32_t events)
{
	int mask = 0, running;
	uint64_t wakings;

	if (socket == loop->wake_fd) {
		(void)!read(loop->wake_fd, &wakings, sizeof(wakings));
		return CURLM_OK;
	}
	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	return curl_multi_socket_action(loop->multi, socket, mask, &running);
}

/* How long to wait at most: until curl's timer is due, or the caller's word. */
static int
wait_of(const struct nm_loop *loop, int wait_ms)
{
	int64_t left_ms;

	if (loop->due_ms < 0)
		return wait_ms;
	left_ms = loop->due_ms - nm_clock_machine_ms();
	if (left_ms <= 0)
		return 0;
	return left_ms < wait_ms ? (int)left_ms : wait_ms;
}

enum nm_code
nm_loop_poll(struct nm_loop *loop, int wait_ms, struct nm_err *err)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	CURLMcode rc = CURLM_OK;
	int count;

	count = epoll_wait(loop->epoll_fd, events, EVENTS_AT_ONCE,
	                   wait_of(loop, wait_ms));
	if (count < 0 && errno != EINTR)
		return nm_fail(err, NM_IO, errno,
		               "cannot watch connections: %s", strerror(errno));
	for (int i = 0; i < count && !rc; i++)
		rc = act(loop, events[i].data.fd, events[i].events);
	if (!rc && loop->due_ms >= 0 && nm_clock_machine_ms() >= loop->due_ms) {
		/* Cleared first: the call sets the next one. */
		loop->due_ms = -1;
		rc = act(loop, CURL_SOCKET_TIMEOUT, 0);
	}
	if (rc)
		return nm_fail(err, NM_IO, rc, "libcurl fails: %s",
		               curl_multi_strerror(rc));
	if (loop->failed)
		return nm_fail(err, NM_IO, loop->failed,
		               "cannot watch a connection: %s",
		               strerror(loop->failed));
	return NM_OK;
}

CURL *
nm_loop_ended(struct nm_loop *loop, CURLcode *how)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		*how = message->data.result;
		return message->easy_handle;
	}
	return NULL;
}
