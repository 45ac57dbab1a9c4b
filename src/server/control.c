/* What steers the server beside the API: time and faults. */
#include "base/clock.h"
#include "server/call.h"
#include "server/worker.h"

/* A year and a day at once; more is a slip of the pen. */
#define MOVE_MAX_MS ((int64_t)366 * 86400 * 1000)

static enum nm_code
tell_time(struct nm_call *call, struct nm_err *err)
{
	int64_t now_ms = nm_vclock_now_ms(call->parts->clock);
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };
	char text[NM_CLOCK_TEXT_MAX];

	(void)err;
	nm_clock_utc(now_ms, text);
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "mode", nm_vclock_mode(call->parts->clock));
	nm_json_put_double(&w, "speed", nm_vclock_speed(call->parts->clock));
	nm_json_put_int(&w, "now_ms", now_ms);
	nm_json_put_int(&w, "now", now_ms / 1000);
	nm_json_put_string(&w, "utc", text);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
	return NM_OK;
}

/* {"advance":"24h"}, {"advance_ms":N} or {"to":unix seconds}; *by_ms is below 0
 * where it is none of them. */
static enum nm_code
read_move(struct nm_call *call, int64_t *by_ms, struct nm_err *err)
{
	const char *span = nm_json_string(nm_json_get(call->root, "advance"));
	int64_t to_s = nm_json_int(nm_json_get(call->root, "to"), -1);

	*by_ms = nm_json_int(nm_json_get(call->root, "advance_ms"), -1);
	if (nm_json_count(call->root) != 1)
		*by_ms = -1;
	else if (span)
		return nm_clock_read_span(span, by_ms, err);
	else if (to_s >= 0 && to_s < INT64_MAX / 1000)
		*by_ms = to_s * 1000 - nm_vclock_now_ms(call->parts->clock);
	return NM_OK;
}

static enum nm_code
move_time(struct nm_call *call, struct nm_err *err)
{
	struct nm_vclock *clock = call->parts->clock;
	struct nm_refusal refusal = { .status = 400 };
	int64_t by_ms;
	enum nm_code rc = read_move(call, &by_ms, err);

	if (!rc && (by_ms < 0 || by_ms > MOVE_MAX_MS))
		rc = nm_fail(err, NM_USAGE, 0, "say one of \"advance\":\"24h\", "
		             "\"advance_ms\":N and \"to\":unix seconds; time goes "
		             "forward, by a year at most");
	if (!rc)
		rc = nm_vclock_move(clock, by_ms, err);
	if (rc == NM_USAGE || rc == NM_REFUSED) {
		nm_call_refuse(call, &refusal, "%s.", err->text);
		return NM_OK;
	}
	if (rc)
		return rc;
	nm_worker_wake(call->parts->worker);
	return tell_time(call, err);
}

static enum nm_code
reload_faults(struct nm_call *call, struct nm_err *err)
{
	struct nm_refusal refusal = { .status = 400 };
	struct nm_buf body = {0};
	enum nm_code rc = nm_faults_load(call->parts->faults, NULL, err);

	if (rc) {
		nm_call_refuse(call, &refusal, "%s.", err->text);
		return NM_OK;
	}
	nm_worker_wake(call->parts->worker);
	nm_buf_add_string(&body, "{\"object\":\"faults\",\"loaded\":true}");
	nm_call_json(call, 200, &body);
	return NM_OK;
}

const struct nm_route nm_control_routes[] = {
	{ NM_GET, "/_control/clock", NM_TAKE_NONE, 0, tell_time, NM_DOOR_KEY },
	{ NM_POST, "/_control/clock", NM_TAKE_JSON, 0, move_time, NM_DOOR_KEY },
	{ NM_POST, "/_control/faults", NM_TAKE_NONE, 0, reload_faults,
	  NM_DOOR_KEY },
	{ .path = NULL }
};
