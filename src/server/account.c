#include "server/account.h"

#include <time.h>

#include "base/clock.h"
#include "base/digest.h"

enum { LOG_DIGITS = 16 }; /* of a body's digest: enough to tell bodies apart */

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What the call itself is. */
static void
put_call(struct nm_json_writer *w, const struct nm_visit *visit)
{
	const struct nm_call *call = &visit->call;

	nm_json_put_string(w, "request_id", visit->request_id);
	nm_json_put_string(w, "client_request_id",
	                   call->client_id ? call->client_id : "");
	nm_json_put_string(w, "tenant", call->tenant ? call->tenant : "");
	if (call->fault.rule)
		nm_json_put_string(w, "fault", call->fault.rule);
}

static void
write_log(struct nm_visit *visit, unsigned status, uint64_t bytes_out)
{
	struct nm_call *call = &visit->call;
	int64_t now_ms = nm_vclock_now_ms(call->parts->clock);
	struct nm_json_writer w = {0};
	struct nm_buf line = {0};
	char time[NM_CLOCK_TEXT_MAX], hex[NM_DIGEST_HEX_MAX];

	if (!visit->hall->log.fd_plus_one)
		return;
	nm_clock_utc(now_ms, time);
	w.out = &line;
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "time", time);
	nm_json_put_int(&w, "at_ms", now_ms);
	nm_json_put_string(&w, "method", visit->verb ? visit->verb : "");
	nm_json_put_text(&w, "path", call->path);
	nm_json_put_text(&w, "query", call->query);
	nm_json_put_int(&w, "status", (int64_t)status);
	nm_json_put_int(&w, "bytes_in", (int64_t)call->body_bytes);
	nm_json_put_int(&w, "bytes_out", (int64_t)bytes_out);
	nm_json_put_int(&w, "took_us", visit->took_us);
	put_call(&w, visit);
	if (call->body.len) {
		nm_digest_hex(NM_SHA256, call->body.at, call->body.len, hex);
		nm_json_put_text(&w, "body_sha256",
		                 (struct nm_text){ hex, LOG_DIGITS });
	}
	nm_buf_add_text(&line, nm_buf_text(&call->noted));
	nm_json_close_object(&w);
	nm_buf_add_byte(&line, '\n');
	nm_log_add(&visit->hall->log, nm_buf_text(&line));
	nm_buf_release(&line);
}

static void
count(struct nm_visit *visit, unsigned status, uint64_t bytes_out)
{
	struct nm_metrics *metrics = visit->call.parts->metrics;

	atomic_fetch_add(&metrics->requests[status < 600 ? status / 100 : 0], 1);
	atomic_fetch_add(&metrics->body_in_bytes,
	                 (int64_t)visit->call.body_bytes);
	atomic_fetch_add(&metrics->body_out_bytes, (int64_t)bytes_out);
	if (visit->call.fault.rule)
		atomic_fetch_add(&metrics->faults, 1);
}

void
nm_visit_account_open(struct nm_visit *visit)
{
	visit->began_us = now_us();
}

void
nm_visit_account_close(struct nm_visit *visit, unsigned status,
                       uint64_t bytes_out)
{
	count(visit, status, bytes_out);
	visit->logged = true;
	visit->took_us = now_us() - visit->began_us;
	write_log(visit, status, bytes_out);
}
