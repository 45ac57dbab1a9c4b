#include "server/reply.h"

#include "base/clock.h"
#include "server/result.h"

/* The status, and the body, which is not empty afterwards. */
static void
take_body(struct nm_upstream_reply *reply, const struct nm_http_reply *got,
          const struct nm_value *root, const char *reason,
          struct nm_buf *body)
{
	*reply = (struct nm_upstream_reply){ .status = 502 };
	nm_buf_clear(body);
	if (got && (root || got->status >= 300))
		reply->status = (unsigned)got->status;
	if (got && root)
		nm_json_write(body, root);
	else
		nm_result_add_error(body, 502, "upstream_error", got
			? "The upstream's reply is not a JSON object." : reason);
}

void
nm_reply_make(struct nm_upstream_reply *reply,
              const struct nm_http_reply *got, const struct nm_value *root,
              const char *reason, const struct nm_secret *key,
              struct nm_buf *body)
{
	take_body(reply, got, root, reason, body);
	if (root && reply->status >= 200 && reply->status <= 299)
		nm_usage_read(root, &reply->usage);
	if (got) {
		reply->retry_after = nm_http_header(got, "retry-after");
		reply->retry_after_ms = nm_http_header(got, "retry-after-ms");
		reply->should_retry = nm_http_header(got, "x-should-retry");
	}
	/* Some tell a key that they refuse. It is not the asker's. */
	nm_secret_redact(key, body->at, body->len);
	reply->body = nm_buf_text(body);
}

void
nm_reply_refuse(struct nm_upstream_reply *reply, unsigned status,
                const char *message, struct nm_buf *body)
{
	*reply = (struct nm_upstream_reply){ .status = status };
	nm_buf_clear(body);
	nm_result_add_error(body, status, NULL, message);
	reply->body = nm_buf_text(body);
}

struct nm_retry_event
nm_reply_event(const struct nm_http_reply *got, enum nm_code code,
               const struct nm_value *root)
{
	struct nm_retry_event event = { .kind = NM_RETRY_REPLIED,
		.wall_ms = nm_clock_wall_ms(NULL) };

	if (code == NM_UNREACHABLE)
		event.kind = NM_RETRY_UNREACHABLE;
	else if (code == NM_AMBIGUOUS)
		event.kind = NM_RETRY_CUT;
	else if (code)
		event.kind = NM_RETRY_LOCAL;
	if (code)
		return event;
	event.status = got->status;
	event.type = nm_json_text(nm_json_path(root, "error.type"));
	event.code = nm_json_text(nm_json_path(root, "error.code"));
	event.should_retry = nm_http_header(got, "x-should-retry");
	event.retry_after_ms = nm_http_header(got, "retry-after-ms");
	event.retry_after = nm_http_header(got, "retry-after");
	return event;
}
