/* The answer's body on its way out: whole, cut short, or drop by drop. */
#include "server/visit.h"

#include <time.h>
#include <unistd.h>

enum { DROP_MS = 20 };

/* A body that a fault spoils. Lives as long as its response. */
struct feed {
	struct nm_call_answer  answer;
	struct nm_watch       *watch;
	struct MHD_Connection *connection;
	struct nm_link        *link;
	struct nm_delay        delay;
	uint64_t               padded_from; /* only line breaks from here on */
	uint64_t               end;  /* where it breaks off; UINT64_MAX = never */
	int64_t                bytes_per_s; /* 0 = as fast as it goes */
	int64_t                began_ms;
};

static int64_t
mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
free_feed(void *ctx)
{
	struct feed *feed = ctx;

	nm_answer_release(&feed->answer);
	free(feed);
}

static void
go_on(void *ctx)
{
	struct feed *feed = ctx;

	atomic_store(&feed->link->put_off, 0);
	MHD_resume_connection(feed->connection);
}

/* How much may go out now; 0 when the client must wait. */
static size_t
allowance(struct feed *feed, uint64_t sent, size_t max)
{
	int64_t due;

	if (!feed->bytes_per_s)
		return max;
	due = (mono_ms() - feed->began_ms) * feed->bytes_per_s / 1000 + 1;
	if (due <= (int64_t)sent)
		return 0;
	return (uint64_t)due - sent < max ? (size_t)((uint64_t)due - sent) : max;
}

static ssize_t
read_feed(void *ctx, uint64_t at, char *out, size_t max)
{
	struct feed *feed = ctx;
	struct nm_call_answer *answer = &feed->answer;
	struct nm_text bytes;
	ssize_t n;

	if (at >= feed->end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > feed->end - at)
		max = (size_t)(feed->end - at);
	max = allowance(feed, at, max);
	if (!max) {
		if (nm_watch_hurries(feed->watch))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		atomic_store(&feed->link->put_off, 1);
		MHD_suspend_connection(feed->connection);
		feed->delay.act = go_on;
		feed->delay.ctx = feed;
		nm_watch_later(feed->watch, &feed->delay, DROP_MS);
		return 0;
	}
	if (at >= feed->padded_from) {
		memset(out, '\n', max);
		return (ssize_t)max;
	}
	if (answer->kind == NM_ANSWER_FILE) {
		if (max > feed->padded_from - at)
			max = (size_t)(feed->padded_from - at);
		n = pread(answer->fd_plus_one - 1, out, max,
		          (off_t)(answer->from + at));
		return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
	}
	bytes = answer->kind == NM_ANSWER_BUF ? nm_buf_text(&answer->body)
	                                      : answer->fixed;
	if (max > bytes.len - at)
		max = (size_t)(bytes.len - at);
	memcpy(out, bytes.at + at, max);
	return (ssize_t)max;
}

static struct MHD_Response *
make_feed(struct nm_visit *visit)
{
	const struct nm_fault *fault = &visit->call.fault;
	struct feed *feed = calloc(1, sizeof(*feed));
	uint64_t bytes = nm_answer_bytes(&visit->answer);
	struct MHD_Response *response;

	if (!feed)
		abort();
	feed->answer = visit->answer;
	feed->answer.headers = NULL;
	feed->watch = visit->hall->watch;
	feed->connection = visit->connection;
	feed->link = visit->link;
	feed->padded_from = bytes;
	if (visit->answer.kind == NM_ANSWER_FILE)
		bytes += fault->pad_bytes;
	feed->end = fault->cut && fault->cut_bytes < bytes ? fault->cut_bytes
	                                                   : UINT64_MAX;
	feed->bytes_per_s = fault->trickle_bytes_per_s;
	feed->began_ms = mono_ms();
	response = MHD_create_response_from_callback(bytes, 32768, read_feed,
	                                             feed, free_feed);
	if (!response)
		free_feed(feed);
	return response;
}

struct MHD_Response *
nm_response_make(struct nm_visit *visit)
{
	struct nm_call_answer *answer = &visit->answer;
	struct nm_header *headers = answer->headers;
	struct MHD_Response *response;

	if (visit->call.fault.cut || visit->call.fault.pad_bytes ||
	    visit->call.fault.trickle_bytes_per_s) {
		response = make_feed(visit);
	} else if (answer->kind == NM_ANSWER_FILE) {
		response = MHD_create_response_from_fd_at_offset64(
			answer->bytes, answer->fd_plus_one - 1, answer->from);
		if (!response)
			nm_answer_release(answer);
	} else if (answer->kind == NM_ANSWER_BUF) {
		response = MHD_create_response_from_buffer_with_free_callback(
			answer->body.len, answer->body.at, free);
		if (!response)
			nm_answer_release(answer);
	} else {
		response = MHD_create_response_from_buffer(
			answer->fixed.len, (void *)(uintptr_t)answer->fixed.at,
			MHD_RESPMEM_PERSISTENT);
	}
	/* All of it is the response's now. */
	*answer = (struct nm_call_answer){ .status = answer->status,
	                                   .type = answer->type,
	                                   .headers = headers };
	return response;
}
