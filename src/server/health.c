/* How the server is: whether it works, what it has counted, what ails it. */
#include "server/call.h"

static const char *const kinds[NM_TROUBLE_KINDS] = {
	[NM_TROUBLE_UNREACHABLE] = "upstream_unreachable",
	[NM_TROUBLE_TLS] = "upstream_tls",
	[NM_TROUBLE_KEY] = "upstream_key",
	[NM_TROUBLE_MONEY] = "upstream_money",
	[NM_TROUBLE_NO_API] = "upstream_no_api",
	[NM_TROUBLE_FAILING] = "upstream_failing",
	[NM_TROUBLE_DISK] = "disk_full",
	[NM_TROUBLE_STATE] = "state"
};

/* Healthy is who can read the store. */
static enum nm_code
health(struct nm_call *call, struct nm_err *err)
{
	int64_t created, open;
	struct nm_buf body = {0};
	enum nm_code rc;

	rc = nm_store_check(call->parts->store, err);
	if (!rc)
		rc = nm_store_batch_count(call->parts->store, NULL, INT64_MAX,
		                          &created, &open, err);
	if (rc)
		return rc;
	nm_buf_add_string(&body, "{\"status\":\"ok\",\"version\":\"" NM_VERSION
	                  "\"}");
	nm_call_json(call, 200, &body);
	return NM_OK;
}

static void
add_metric(struct nm_buf *out, const char *name, const char *kind,
           const char *help, int64_t value)
{
	nm_buf_addf(out, "# HELP nightmail_%s %s\n# TYPE nightmail_%s %s\n"
	            "nightmail_%s %lld\n", name, help, name, kind, name,
	            (long long)value);
}

static void
add_requests(struct nm_buf *out, struct nm_metrics *metrics)
{
	static const char *const classes[] = {
		"none", "1xx", "2xx", "3xx", "4xx", "5xx"
	};

	nm_buf_add_string(out, "# HELP nightmail_requests_total Requests by the "
	                  "class of their answer.\n"
	                  "# TYPE nightmail_requests_total counter\n");
	for (size_t i = 0; i < 6; i++)
		nm_buf_addf(out, "nightmail_requests_total{status=\"%s\"} %lld\n",
		            classes[i], (long long)atomic_load(
			            &metrics->requests[i]));
}

static void
add_troubles(struct nm_buf *out, struct nm_metrics *metrics)
{
	nm_buf_add_string(out, "# HELP nightmail_troubles_total Times that "
	                  "something held rows or batches up, or lost a row, "
	                  "by its kind.\n"
	                  "# TYPE nightmail_troubles_total counter\n");
	for (size_t i = 1; i < NM_TROUBLE_KINDS; i++)
		nm_buf_addf(out, "nightmail_troubles_total{kind=\"%s\"} %lld\n",
		            kinds[i], (long long)atomic_load(
			            &metrics->troubles[i]));
	nm_buf_add_string(out, "# HELP nightmail_trouble Whether it does so now, by "
	                  "its kind.\n# TYPE nightmail_trouble gauge\n");
	for (size_t i = 1; i < NM_TROUBLE_KINDS; i++)
		nm_buf_addf(out, "nightmail_trouble{kind=\"%s\"} %d\n", kinds[i],
		            atomic_load(&metrics->trouble_since_s[i]) != 0);
}

static void
add_counters(struct nm_buf *out, struct nm_metrics *m)
{
	const struct {
		const char *name, *help;
		_Atomic int64_t *value;
	} counters[] = {
		{ "body_in_bytes_total", "Bytes of request bodies.",
		  &m->body_in_bytes },
		{ "body_out_bytes_total", "Bytes of answers' bodies.",
		  &m->body_out_bytes },
		{ "connections_total", "Connections opened.", &m->connections },
		{ "deadlines_total", "Connections ended for slowness.",
		  &m->cut_late },
		{ "batches_created_total", "Batches created.",
		  &m->batches_created },
		{ "batches_ended_total", "Batches ended, in any way.",
		  &m->batches_ended },
		{ "setbacks_total", "Steps of batches that failed, as on a full "
		  "disk; they are tried again.", &m->setbacks },
		{ "rows_completed_total", "Rows answered well.",
		  &m->rows_completed },
		{ "rows_failed_total", "Rows that failed.", &m->rows_failed },
		{ "upstream_requests_total", "Requests to the model behind.",
		  &m->upstream_requests },
		{ "upstream_retries_total", "Of these, repeated ones.",
		  &m->upstream_retries },
		{ "faults_total", "Scripted faults applied.", &m->faults }
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		add_metric(out, counters[i].name, "counter", counters[i].help,
		           atomic_load(counters[i].value));
}

static enum nm_code
tell_metrics(struct nm_call *call, struct nm_err *err)
{
	struct nm_metrics *m = call->parts->metrics;
	int64_t created = 0, open = 0, bytes = 0;
	struct nm_buf body = {0};
	enum nm_code rc;

	rc = nm_store_batch_count(call->parts->store, NULL, INT64_MAX, &created,
	                          &open, err);
	if (!rc)
		rc = nm_store_bytes(call->parts->store, NULL, &bytes, err);
	if (rc)
		return rc;
	add_requests(&body, m);
	add_troubles(&body, m);
	add_counters(&body, m);
	add_metric(&body, "connections", "gauge", "Connections open.",
	           atomic_load(&m->connections) -
	           atomic_load(&m->connections_closed));
	add_metric(&body, "working", "gauge", "Whether batches are worked on by "
	           "this process.", atomic_load(&m->working));
	add_metric(&body, "batches_open", "gauge", "Batches not yet final.",
	           open);
	add_metric(&body, "stored_bytes", "gauge", "Bytes of all files.", bytes);
	nm_call_text(call, 200, "text/plain; version=0.0.4; charset=utf-8",
	             &body);
	return NM_OK;
}

static void
put_trouble(struct nm_json_writer *w, struct nm_metrics *metrics,
            enum nm_trouble_kind kind, int64_t since_s)
{
	int64_t status = atomic_load(&metrics->trouble_status[kind]);

	nm_json_open_object(w, NULL);
	nm_json_put_string(w, "kind", kinds[kind]);
	nm_json_put_nonzero(w, "status", status);
	nm_json_put_int(w, "since", since_s);
	nm_json_close_object(w);
}

/* Kinds alone: the words that are told name folders and hosts, which are not
 * everybody's who has a key. */
static enum nm_code
list_trouble(struct nm_call *call, struct nm_err *err)
{
	struct nm_metrics *metrics = call->parts->metrics;
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };
	int64_t since_s;

	(void)err;
	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "object", "list");
	nm_json_open_array(&w, "data");
	for (int kind = 1; kind < NM_TROUBLE_KINDS; kind++) {
		since_s = atomic_load(&metrics->trouble_since_s[kind]);
		if (since_s)
			put_trouble(&w, metrics, (enum nm_trouble_kind)kind,
			            since_s);
	}
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_call_json(call, 200, &body);
	return NM_OK;
}

const struct nm_route nm_health_routes[] = {
	{ NM_GET, "/healthz", NM_TAKE_NONE, 0, health, NM_DOOR_OPEN },
	{ NM_GET, "/metrics", NM_TAKE_NONE, 0, tell_metrics, NM_DOOR_KEY },
	{ NM_GET, "/_control/trouble", NM_TAKE_NONE, 0, list_trouble,
	  NM_DOOR_KEY },
	{ .path = NULL }
};
