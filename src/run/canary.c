/*
 * canary: see the header.
 */
#include "run/canary.h"

#include "eval/price.h"
#include "run/collect.h"
#include "state/answers.h"

enum { USUAL_ABOVE = 1000 };

int64_t
nm_canary_wished(int64_t wish, int64_t requests)
{
	if (wish == NM_CANARY_USUAL)
		return requests > USUAL_ABOVE;
	return wish < requests ? wish : requests;
}

int64_t
nm_canary_size(const struct nm_run *run)
{
	int64_t all = run->record.requests, first = all;
	int elsewhere = 0;
	size_t i;

	if (strcmp(run->record.mode, "direct") == 0)
		return 0;
	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		elsewhere |= !shard->bytes;
		if (shard->attempt == 1 && !shard->members.len &&
		    shard->first < first)
			first = shard->first;
	}
	return first == all && elsewhere ? 0 : first;
}

/* A 4xx says what is wrong with the request; else the service had its troubles. */
static enum nm_code
tell_failure(const struct nm_row *row, struct nm_err *err)
{
	int status = row->status_code;
	char what[64] = "no reply";

	if (status)
		snprintf(what, sizeof(what), "%d%s%.*s", status,
		         row->error_code.len ? " " : "",
		         row->error_code.len < 40 ? (int)row->error_code.len
		                                  : 40,
		         row->error_code.at ? row->error_code.at : "");
	return nm_fail(err, NM_REFUSED, status,
		"the canary %s: %s: %.*s; nothing else was sent",
		status >= 400 && status < 500 && status != 429
		? "was refused" : "got no answer", what,
		NM_TEXT_ARGS(row->error_message));
}

static enum nm_code
judge(const struct nm_row *row, struct nm_err *err)
{
	switch (row->class) {
	case NM_CLASS_HTTP_ERROR:
	case NM_CLASS_MISSING:
		return tell_failure(row, err);
	case NM_CLASS_TRUNCATED:
		return nm_fail(err, NM_UNFINISHED, 0,
			"the canary's answer was cut after %lld tokens: give"
			" more by --max-output-tokens; nothing else was sent"
			" (--canary 0 sends all the same, --new asks anew)",
			(long long)row->usage.output_tokens);
	case NM_CLASS_UNPARSEABLE:
		return nm_fail(err, NM_UNFINISHED, 0,
			"the canary's answer cannot be read: '%.*s'; nothing"
			" else was sent (--canary 0 sends all the same, --new"
			" asks anew)",
			row->content.len < 60 ? (int)row->content.len : 60,
			row->content.at ? row->content.at : "");
	default:
		return NM_OK;
	}
}

static int
is_failure(const struct nm_row *row)
{
	return row->class == NM_CLASS_HTTP_ERROR ||
	       row->class == NM_CLASS_MISSING;
}

/* The first that is not as it should be says why. */
static enum nm_code
judge_all(struct nm_run *run, struct nm_collect *collect, int64_t asked,
          struct nm_err *err)
{
	enum nm_code rc = NM_OK, verdict = NM_OK;
	struct nm_origin origin;
	struct nm_row row;
	int64_t i;

	for (i = 0; !rc && i < asked; i++) {
		rc = nm_collect_row(collect, i, (uint64_t)i, &row, &origin,
		                    err);
		if (!rc && is_failure(&row))
			rc = nm_answers_forget(run->journal, run->record.id, 1,
			                       i, err);
		if (!rc && !verdict)
			verdict = judge(&row, err);
	}
	return rc ? rc : verdict;
}

static enum nm_code
measure(struct nm_collect *collect, struct nm_canary *canary,
        struct nm_err *err)
{
	struct nm_usage sum = { 0 };
	struct nm_origin origin;
	enum nm_code rc = NM_OK;
	int64_t i, told = 0;
	struct nm_row row;

	for (i = 0; !rc && i < canary->asked; i++) {
		rc = nm_collect_row(collect, i, (uint64_t)i, &row, &origin,
		                    err);
		if (!rc && row.usage.present) {
			nm_price_add_usage(&sum, &row.usage);
			told++;
		}
	}
	canary->output_tokens = told
		? sum.output_tokens / told + (sum.output_tokens % told > 0)
		: 0;
	return rc;
}

/* Of the direct answers alone: batches' files may be large, and tell nothing here. */
static enum nm_code
collect_answers(struct nm_run *run, struct nm_collect *collect,
                struct nm_err *err)
{
	struct nm_direct_file *files;
	size_t n_files;
	enum nm_code rc = nm_via_direct_files(run, &files, &n_files, err);

	/* Later attempts are not the canary's. */
	if (rc || !n_files || files[0].attempt != 1)
		return rc;
	return nm_collect_add_file(collect, files[0].path, 1, NM_WAY_DIRECT,
	                           err);
}

/* There are models, and services, that are for batches alone. */
static int
may_lack_direct(enum nm_code rc, const struct nm_err *err)
{
	return rc == NM_UNREACHABLE || err->detail == 404;
}

enum nm_code
nm_canary_ask(struct nm_run *run, const struct nm_canary_wish *wish,
              struct nm_canary *canary, struct nm_err *err)
{
	struct nm_direct_wish direct = { .attempt = 1, .purse = wish->purse };
	struct nm_collect collect;
	enum nm_code rc;
	/* It was judged before the first batch, perhaps by another reading. */
	int passed = nm_run_has_sent(run) || !run->settings.canary;

	memset(canary, 0, sizeof(*canary));
	canary->asked = direct.count = nm_canary_size(run);
	if (!canary->asked)
		return NM_OK;
	rc = nm_via_direct(run, &direct, err);
	canary->answered = run->direct->done;
	if ((rc == NM_REFUSED || rc == NM_UNREACHABLE) && !passed)
		return nm_while(err, "asking the canary: nothing else was"
		                " sent%s", may_lack_direct(rc, err)
		                ? " (--canary 0 goes without one)" : "");
	if (rc)
		return rc;
	nm_collect_init(&collect, run->source, wish->reading);
	rc = collect_answers(run, &collect, err);
	if (!rc)
		rc = measure(&collect, canary, err);
	if (!rc && !passed)
		rc = judge_all(run, &collect, canary->asked, err);
	nm_collect_release(&collect);
	nm_run_show_shards(run);
	return rc;
}
