#include "server/blame.h"

#include "net/http.h"

enum { DOUBTS = 2 };

void
nm_blame_init(struct nm_blame *blame, const struct nm_parts *parts,
              const struct nm_secret *key, const char *where)
{
	*blame = (struct nm_blame){ .parts = parts, .key = key, .where = where,
		.trouble = { .options = parts->options,
		             .metrics = parts->metrics } };
}

/* Others were asked at the same address, and well: it is none of its endpoints. */
static bool
is_no_endpoint(const struct nm_blame *blame, enum nm_endpoint endpoint)
{
	return blame->endpoints && !(blame->endpoints & 1u << endpoint);
}

static enum nm_trouble_kind
kind_of(const struct nm_blame *blame, const struct nm_try *tried)
{
	const struct nm_retry_event *event = tried->event;

	if (event->kind == NM_RETRY_UNREACHABLE)
		return nm_http_is_tls(tried->err) ? NM_TROUBLE_TLS
		                                  : NM_TROUBLE_UNREACHABLE;
	if (event->kind != NM_RETRY_REPLIED)
		return NM_TROUBLE_NONE;
	if (event->status == 401 || event->status == 403)
		return NM_TROUBLE_KEY;
	if (event->status == 429 &&
	    nm_retry_is_billing(event->type, event->code))
		return NM_TROUBLE_MONEY;
	if (tried->astray && !is_no_endpoint(blame, tried->endpoint))
		return NM_TROUBLE_NO_API;
	return NM_TROUBLE_NONE;
}

/* What a later try may get past, and what is no answer to any request. */
static bool
is_failure(const struct nm_retry_event *event)
{
	return event->kind == NM_RETRY_CUT ||
		(event->kind == NM_RETRY_REPLIED &&
		 (event->status >= 500 || event->status == 408 ||
		  event->status == 429));
}

static void
note_trouble(struct nm_blame *blame, enum nm_trouble_kind kind,
             const struct nm_try *tried)
{
	const char *variable = blame->parts->options->upstream_key_env;
	int status = tried->event->status;
	char words[2 * NM_ERR_TEXT_MAX];

	if (kind == NM_TROUBLE_KEY && nm_secret_held(blame->key))
		snprintf(words, sizeof(words), "the upstream refuses the key of "
		         "%s (HTTP %d); rows wait for it", variable, status);
	else if (kind == NM_TROUBLE_KEY)
		snprintf(words, sizeof(words), "the upstream asks for a key (HTTP "
		         "%d), and %s is not set; rows wait for it", status,
		         variable);
	else if (kind == NM_TROUBLE_MONEY)
		snprintf(words, sizeof(words), "the upstream wants money first "
		         "(HTTP %d); rows wait for it", status);
	else if (kind == NM_TROUBLE_NO_API)
		snprintf(words, sizeof(words), "what answers at %s is no API such "
		         "as OpenAI's (HTTP %d): mend --upstream, whose path "
		         "mostly ends in /v1; rows wait for it", blame->where,
		         status);
	else
		snprintf(words, sizeof(words), "upstream: %s; rows wait for it",
		         tried->err->text);
	if (kind == NM_TROUBLE_NO_API)
		atomic_store(&blame->parts->metrics->trouble_status[kind],
		             status);
	nm_trouble_note(&blame->trouble, kind, tried->now_ms, words);
}

/* Some refuse a request before they look at the key, which an answer alone
 * proves. */
static void
note_reply(struct nm_blame *blame, const struct nm_try *tried)
{
	bool unproven = blame->trouble.known & (1u << NM_TROUBLE_KEY |
	                                        1u << NM_TROUBLE_MONEY);
	int status = tried->event->status;
	bool answered = status >= 200 && status <= 299 && !tried->astray;

	blame->replies++;
	blame->lost = 0;
	if (answered) {
		blame->answers++;
		blame->answered_ms = tried->now_ms;
		blame->endpoints |= 1u << tried->endpoint;
	}
	if (answered || (!unproven && !tried->astray))
		nm_trouble_well(&blame->trouble, tried->now_ms);
}

static void
note_failure(struct nm_blame *blame, struct nm_doubt *doubt, int64_t now_ms)
{
	if (doubt->replies != blame->replies)
		doubt->failures = 0;
	doubt->replies = blame->replies;
	doubt->failures++;
	if (blame->trouble.told == NM_TROUBLE_FAILING &&
	    doubt->failures > DOUBTS) /* it lasts: no news */
		nm_trouble_note(&blame->trouble, NM_TROUBLE_FAILING, now_ms, "");
}

/* A key with which others got answers meanwhile is well, and so is an address: what is
 * still refused is the row's affair. */
static bool
is_held(const struct nm_blame *blame, struct nm_doubt *doubt)
{
	if (!doubt->refused)
		doubt->answers = blame->answers;
	doubt->refused = true;
	if (blame->answers != doubt->answers)
		doubt->doubts++;
	return doubt->doubts <= DOUBTS;
}

bool
nm_blame_outcome(struct nm_blame *blame, struct nm_doubt *doubt,
                 const struct nm_try *tried)
{
	enum nm_trouble_kind kind = kind_of(blame, tried);

	doubt->tries++;
	if (kind == NM_TROUBLE_NONE) {
		if (is_failure(tried->event))
			note_failure(blame, doubt, tried->now_ms);
		else if (tried->event->kind == NM_RETRY_REPLIED)
			note_reply(blame, tried);
		return false;
	}
	atomic_fetch_add(&blame->parts->metrics->troubles[kind], 1);
	/* One that fails while others are answered is no news. */
	if (!blame->answers ||
	    tried->now_ms - blame->answered_ms >= NM_TROUBLE_CALM_MS)
		note_trouble(blame, kind, tried);
	return (kind == NM_TROUBLE_KEY || kind == NM_TROUBLE_MONEY ||
	        kind == NM_TROUBLE_NO_API) && is_held(blame, doubt);
}

static void
note_failing(struct nm_blame *blame, const struct nm_doubt *doubt,
             const struct nm_try *tried)
{
	int status = tried->event->kind == NM_RETRY_REPLIED
		? tried->event->status : 0;
	char what[NM_ERR_TEXT_MAX] = "", words[2 * NM_ERR_TEXT_MAX];
	const char *remedy = "mend it, or stop this server until it is well: rows "
		"without an answer are kept";

	if (status == 429)
		remedy = "ask less at once (--concurrency)";
	else if (!status)
		remedy = "mend it, ask less at once (--concurrency) or wait longer "
			"(--upstream-timeout)";
	if (status)
		snprintf(what, sizeof(what), "HTTP %d", status);
	snprintf(words, sizeof(words), "the upstream at %s fails (%s), and rows "
	         "are given up after %d %s; %s", blame->where,
	         status ? what : tried->err->text, doubt->tries,
	         doubt->tries == 1 ? "try" : "tries", remedy);
	atomic_store(
		&blame->parts->metrics->trouble_status[NM_TROUBLE_FAILING],
		status);
	nm_trouble_note(&blame->trouble, NM_TROUBLE_FAILING, tried->now_ms,
	                words);
}

void
nm_blame_given_up(struct nm_blame *blame, const struct nm_doubt *doubt,
                  const struct nm_try *tried)
{
	if (!is_failure(tried->event))
		return;
	atomic_fetch_add(&blame->parts->metrics->troubles[NM_TROUBLE_FAILING], 1);
	blame->lost++;
	if (doubt->failures > DOUBTS || blame->lost > DOUBTS)
		note_failing(blame, doubt, tried);
}

void
nm_blame_look(struct nm_blame *blame, int64_t now_ms)
{
	nm_trouble_look(&blame->trouble, now_ms, "the upstream answers again");
}
