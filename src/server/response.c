#include "server/response.h"

#include <unistd.h>

#include "base/clock.h"
#include "server/options.h"

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
	due = (nm_clock_machine_ms() - feed->began_ms) * feed->bytes_per_s /
	      1000 + 1;
	if (due <= (int64_t)sent)
		return 0;
	return (uint64_t)due - sent < max ? (size_t)((uint64_t)due - sent) : max;
}

/* Not a byte may go yet: the next drop is for later. */
static void
wait_for_drop(struct feed *feed)
{
	atomic_store(&feed->link->put_off, 1);
	MHD_suspend_connection(feed->connection);
	feed->delay.act = go_on;
	feed->delay.ctx = feed;
	nm_watch_later(feed->watch, &feed->delay, DROP_MS);
}

/* The body's own bytes from a place on, max at most. */
static ssize_t
read_body(struct feed *feed, uint64_t at, char *out, size_t max)
{
	struct nm_call_answer *answer = &feed->answer;
	struct nm_text bytes = answer->fixed;
	ssize_t n;

	if (answer->kind == NM_ANSWER_FILE) {
		if (max > feed->padded_from - at)
			max = (size_t)(feed->padded_from - at);
		n = pread(answer->fd_plus_one - 1, out, max,
		          (off_t)(answer->from + at));
		return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (answer->kind == NM_ANSWER_BUF)
		bytes = nm_buf_text(&answer->body);
	if (max > bytes.len - at)
		max = (size_t)(bytes.len - at);
	memcpy(out, bytes.at + at, max);
	return (ssize_t)max;
}

static ssize_t
read_feed(void *ctx, uint64_t at, char *out, size_t max)
{
	struct feed *feed = ctx;

	if (at >= feed->end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > feed->end - at)
		max = (size_t)(feed->end - at);
	max = allowance(feed, at, max);
	if (!max && nm_watch_hurries(feed->watch))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!max) {
		wait_for_drop(feed);
		return 0;
	}
	if (at < feed->padded_from)
		return read_body(feed, at, out, max);
	memset(out, '\n', max);
	return (ssize_t)max;
}

uint64_t
nm_response_bytes(const struct nm_visit *visit)
{
	const struct nm_fault *fault = &visit->call.fault;
	uint64_t bytes = nm_answer_bytes(&visit->answer);

	if (visit->answer.kind == NM_ANSWER_FILE)
		bytes += fault->pad_bytes;
	return fault->cut && fault->cut_bytes < bytes ? fault->cut_bytes : bytes;
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
	feed->began_ms = nm_clock_machine_ms();
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

/* ---- headers ---- */

/* Whether the script has a header of this name. */
static bool
is_scripted(const struct nm_visit *visit, const char *name)
{
	const char *const *pair = visit->call.fault.headers;

	for (; pair && pair[0] && pair[1]; pair += 2)
		if (strcasecmp(pair[0], name) == 0)
			return true;
	return false;
}

static void
add_header(struct nm_visit *visit, struct MHD_Response *response,
           const char *name, const char *value)
{
	if (!is_scripted(visit, name))
		MHD_add_response_header(response, name, value);
}

/* The server's own time, as HTTP writes it in every locale. */
static void
add_date(struct nm_visit *visit, struct MHD_Response *response)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)nm_vclock_now_s(visit->call.parts->clock);
	struct tm utc;
	char text[64];

	if (!gmtime_r(&now, &utc))
		return;
	snprintf(text, sizeof(text), "%.3s, %02d %.3s %d %02d:%02d:%02d GMT",
	         days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon,
	         utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
	add_header(visit, response, "Date", text);
}

void
nm_response_add_headers(struct nm_visit *visit, struct MHD_Response *response)
{
	const char *const *pair = visit->call.fault.headers;
	char number[24];

	add_date(visit, response);
	add_header(visit, response, "Content-Type", visit->answer.type);
	add_header(visit, response, "x-request-id", visit->request_id);
	add_header(visit, response, "openai-version", "2020-10-01");
	add_header(visit, response, "openai-organization", "org-nightmail");
	snprintf(number, sizeof(number), "%lld",
	         (long long)(visit->took_us / 1000));
	add_header(visit, response, "openai-processing-ms", number);
	if (visit->answer.status == 401) /* RFC 9110, 15.5.2 */
		add_header(visit, response, "WWW-Authenticate",
		           "Bearer realm=\"OpenAI API\"");
	for (struct nm_header *h = visit->answer.headers; h; h = h->next)
		add_header(visit, response, h->name, h->value);
	for (; pair && pair[0] && pair[1]; pair += 2)
		MHD_add_response_header(response, pair[0], pair[1]);
	if (visit->hang_up || atomic_load(&visit->hall->closing))
		MHD_add_response_header(response, "Connection", "close");
}
