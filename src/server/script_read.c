/* The reader of fault scripts: words to rules. */
#include "server/script_parts.h"

#include <inttypes.h>

enum { MAX_RULES = 10000 };

/* "of batch N", where it stands. */
static enum nm_code
take_batches(struct nm_script *script, struct nm_words *r,
             struct nm_which *batches)
{
	*batches = (struct nm_which){0};
	if (!nm_words_take(r, "of"))
		return NM_OK;
	if (!nm_words_take(r, "batch") && !nm_words_take(r, "batches"))
		return nm_words_bad_next(r, "after 'of' comes 'batch'");
	return nm_script_take_which(script, r, NM_OF_BATCHES, batches);
}

/* ---- rows ---- */

static const struct {
	const char       *name, *second;
	enum nm_row_class class;
	enum nm_twist     twist;
} classes[] = {
	{ "expired", NULL, NM_ROW_EXPIRED, NM_TWIST_NONE },
	{ "cancelled", NULL, NM_ROW_CANCELLED, NM_TWIST_NONE },
	{ "status", "0", NM_ROW_STATUS_ZERO, NM_TWIST_NONE },
	{ "malformed", NULL, NM_ROW_MALFORMED, NM_TWIST_NONE },
	{ "missing", NULL, NM_ROW_MISSING, NM_TWIST_NONE },
	{ "doubled", NULL, NM_ROW_DOUBLED, NM_TWIST_NONE },
	{ "unknown", "id", NM_ROW_UNKNOWN, NM_TWIST_NONE },
	{ "unknown", NULL, NM_ROW_UNKNOWN, NM_TWIST_NONE },
	{ "renamed", NULL, NM_ROW_RENAMED, NM_TWIST_NONE },
	{ "refusal", NULL, NM_ROW_TWISTED, NM_TWIST_REFUSAL },
	{ "truncated", NULL, NM_ROW_TWISTED, NM_TWIST_TRUNCATED },
	{ "filtered", NULL, NM_ROW_TWISTED, NM_TWIST_FILTERED },
	{ "prose", NULL, NM_ROW_TWISTED, NM_TWIST_PROSE },
	{ "fenced", NULL, NM_ROW_TWISTED, NM_TWIST_FENCED },
	{ "null", NULL, NM_ROW_TWISTED, NM_TWIST_NULL },
	{ "separators", NULL, NM_ROW_TWISTED, NM_TWIST_SEPARATORS },
	{ "several", NULL, NM_ROW_TWISTED, NM_TWIST_SEVERAL },
};

static enum nm_code
take_http_error(struct nm_words *r, struct nm_row_fault *fault)
{
	enum nm_code rc = nm_words_status(r, &fault->status);

	if (rc)
		return rc;
	fault->class = NM_ROW_HTTP_ERROR;
	if (nm_words_peek(r)->text && !nm_words_peek(r)->quoted &&
	    strcmp(nm_words_peek(r)->text, "in") != 0)
		fault->code = r->words[r->next++].text;
	if (nm_words_peek(r)->text && nm_words_peek(r)->quoted)
		fault->message = r->words[r->next++].text;
	if (!nm_words_take(r, "in"))
		return NM_OK;
	if (!nm_words_take(r, "output"))
		return nm_words_bad_next(r, "after 'in' comes 'output'");
	fault->in_output = true;
	return NM_OK;
}

static enum nm_code
take_class(struct nm_words *r, struct nm_row_fault *fault)
{
	size_t at = r->next;

	if (nm_words_take(r, "http_error"))
		return take_http_error(r, fault);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		r->next = at;
		if (!nm_words_take(r, classes[i].name) ||
		    (classes[i].second && !nm_words_take(r, classes[i].second)))
			continue;
		fault->class = classes[i].class;
		fault->twist = classes[i].twist;
		return NM_OK;
	}
	r->next = at;
	return nm_words_bad_next(r, "no class of a row");
}

static enum nm_code
read_row(struct nm_script *script, struct nm_words *r)
{
	struct nm_row_rule rule = {0};
	enum nm_code rc = nm_script_take_which(script, r, NM_OF_ROWS,
	                                       &rule.which);

	if (!rc && !nm_words_after_colon(r))
		rc = take_batches(script, r, &rule.batches);
	if (!rc && !nm_words_after_colon(r))
		return nm_words_lack(r, "a ':' is missing before the class");
	if (!rc)
		rc = take_class(r, &rule.fault);
	if (rc)
		return rc;
	script->rows = reallocarray(script->rows, script->n_rows + 1,
	                            sizeof(*script->rows));
	if (!script->rows)
		abort();
	script->rows[script->n_rows++] = rule;
	return NM_OK;
}

/* ---- batches ---- */

static enum nm_code
take_fail(struct nm_words *r, struct nm_batch_fault *fault)
{
	enum nm_code rc = nm_words_text(r, "a code", &fault->fail_code);

	if (!rc && nm_words_peek(r)->text && nm_words_peek(r)->quoted)
		fault->fail_message = r->words[r->next++].text;
	if (!rc && nm_words_take(r, "param"))
		rc = nm_words_text(r, "a param", &fault->fail_param);
	if (!rc && nm_words_take(r, "line"))
		rc = nm_words_count(r, "a line", &fault->fail_line);
	return rc;
}

static enum nm_code
take_quota(struct nm_script *script, struct nm_words *r,
           struct nm_batch_fault *fault)
{
	uint64_t number = 0;
	enum nm_code rc;

	if (nm_words_take(r, "creations")) {
		rc = nm_words_rate(r, &number);
		script->creations_an_hour = (int64_t)number;
		return rc;
	}
	(void)nm_words_take(r, "enqueued");
	if (nm_words_take(r, "tokens")) {
		rc = nm_words_count(r, "tokens", &number);
		fault->quota_tokens = (int64_t)number;
		return rc;
	}
	if (nm_words_take(r, "requests")) {
		rc = nm_words_count(r, "requests", &number);
		fault->quota_requests = (int64_t)number;
		return rc;
	}
	return nm_words_bad_next(r, "a quota is of tokens, requests or creations");
}

static void
add_stale(struct nm_script *script, struct nm_words *r, const char *method,
          const char *path, int64_t span_s)
{
	nm_script_add_call(script, r, method, path)->fault.stale_s = span_s;
}

static enum nm_code
take_stale(struct nm_script *script, struct nm_words *r,
           struct nm_batch_fault *fault)
{
	bool files = nm_words_take(r, "files");
	int64_t span;
	enum nm_code rc;

	if (!files && !nm_words_take(r, "batches"))
		return nm_words_bad_next(r, "stale are 'files' or 'batches'");
	rc = nm_words_span(r, "a span", &span);
	if (rc)
		return rc;
	span = span == INT64_MAX ? span : (span + 999) / 1000;
	if (files) {
		fault->stale_files_s = span;
		add_stale(script, r, "*", "/v1/files**", span);
		add_stale(script, r, "POST", "/v1/batches", span);
	} else {
		add_stale(script, r, "*", "/v1/batches/**", span);
		add_stale(script, r, "GET", "/v1/batches", span);
	}
	return NM_OK;
}

static enum nm_code
take_order(struct nm_script *script, struct nm_words *r,
           struct nm_batch_fault *fault)
{
	if (!nm_words_take(r, "shuffled"))
		return nm_words_bad_next(r, "an order is 'shuffled'");
	fault->shuffled = true;
	fault->order_seed = script->seed;
	if (nm_words_take(r, "seed"))
		return nm_words_number(r, "a seed", &fault->order_seed);
	return NM_OK;
}

static enum nm_code
take_state(struct nm_words *r, struct nm_batch_fault *fault)
{
	static const struct {
		const char         *name;
		enum nm_batch_state state;
	} states[] = {
		{ "validating", NM_BATCH_VALIDATING },
		{ "in_progress", NM_BATCH_IN_PROGRESS },
		{ "finalizing", NM_BATCH_FINALIZING },
		{ "cancelling", NM_BATCH_CANCELLING },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (nm_words_take(r, states[i].name))
			return nm_words_span(r, "a span",
				&fault->dwell_ms[states[i].state]);
	return nm_words_bad_next(r, "no rule begins with");
}

/* What calls see, and what is counted over batches, is not of one batch. */
static bool
is_of_one_batch(const struct nm_words *r)
{
	return strcmp(r->words[0].text, "stale") != 0 &&
	       (strcmp(r->words[0].text, "quota") != 0 ||
	        strcmp(r->words[1].text, "creations") != 0);
}

static enum nm_code
read_batch(struct nm_script *script, struct nm_words *r)
{
	struct nm_batch_rule rule = {0};
	uint64_t rate = 0;
	enum nm_code rc;

	for (int i = 0; i < NM_BATCH_STATES; i++)
		rule.fault.dwell_ms[i] = -1;
	if (nm_words_take(r, "order")) {
		rc = take_order(script, r, &rule.fault);
	} else if (nm_words_take(r, "pace")) {
		rc = nm_words_rate(r, &rate);
		rule.fault.rows_an_hour = (int64_t)rate;
	} else if (nm_words_take(r, "fail")) {
		rc = take_fail(r, &rule.fault);
	} else if (nm_words_take(r, "quota")) {
		rc = take_quota(script, r, &rule.fault);
	} else if (nm_words_take(r, "stale")) {
		rc = take_stale(script, r, &rule.fault);
	} else {
		rc = take_state(r, &rule.fault);
	}
	if (!rc && is_of_one_batch(r))
		rc = take_batches(script, r, &rule.batches);
	if (rc)
		return rc;
	script->batches = reallocarray(script->batches, script->n_batches + 1,
	                               sizeof(*script->batches));
	if (!script->batches)
		abort();
	script->batches[script->n_batches++] = rule;
	return NM_OK;
}

static enum nm_code
read_shown(struct nm_script *script, struct nm_words *r, struct nm_fault shown)
{
	enum nm_code rc = NM_OK;

	if (!shown.empty_ids)
		rc = nm_script_take_counts(script, r, &shown.counts);
	else if (!nm_words_take(r, "empty"))
		rc = nm_words_bad_next(r, "ids are 'empty'");
	shown.rule = nm_arena_string(&script->arena, r->whole);
	if (!rc)
		nm_script_add_call(script, r, "*", "/v1/batches**")->fault = shown;
	return rc;
}

static enum nm_code
read_line(struct nm_script *script, struct nm_words *r)
{
	enum nm_code rc = nm_words_split(r);

	if (rc || r->n == 0)
		return rc;
	if (nm_words_take(r, "on"))
		rc = nm_script_read_call(script, r);
	else if (nm_words_take(r, "row") || nm_words_take(r, "rows"))
		rc = read_row(script, r);
	else if (nm_words_take(r, "ids"))
		rc = read_shown(script, r, (struct nm_fault){ .empty_ids = true });
	else if (nm_words_take(r, "counts"))
		rc = read_shown(script, r, (struct nm_fault){0});
	else
		rc = read_batch(script, r);
	if (!rc && nm_words_peek(r)->text)
		rc = nm_words_bad_next(r, "nothing more was expected");
	return rc;
}

enum nm_code
nm_script_read(struct nm_script *script, const char *name,
               struct nm_text text, uint64_t seed, struct nm_err *err)
{
	struct nm_words r = { .arena = &script->arena, .name = name,
	                      .err = err };
	enum nm_code rc = NM_OK;
	const char *end;
	size_t len;

	*script = (struct nm_script){ .seed = seed };
	while (text.len && !rc) {
		end = memchr(text.at, '\n', text.len);
		len = end ? (size_t)(end - text.at) : text.len;
		r.line++;
		r.whole = nm_arena_text(&script->arena,
			(struct nm_text){ text.at, len }).at;
		text.at += len + (end != NULL);
		text.len -= len + (end != NULL);
		rc = r.line > MAX_RULES ?
			nm_words_bad(&r, "the script is too long", NULL) :
			read_line(script, &r);
	}
	if (rc)
		nm_script_release(script);
	return rc;
}
