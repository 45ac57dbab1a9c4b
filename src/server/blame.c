#include "server/blame.h"

#include "net/http.h"

enum { DOUBTS = 2 };

void
nm_blame_init(struct nm_blame *blame, const struct nm_parts *parts,
              const struct nm_secret *key)
{
	*blame = (struct nm_blame){ .parts = parts, .key = key,
		.trouble = { .options = parts->options } };
}

static enum nm_trouble_kind
kind_of(const struct nm_retry_event *event, const struct nm_err *err)
{
	if (event->kind == NM_RETRY_UNREACHABLE)
		return nm_http_is_tls(err) ? NM_TROUBLE_TLS
		                           : NM_TROUBLE_UNREACHABLE;
	if (event->kind != NM_RETRY_REPLIED)
		return NM_TROUBLE_NONE;
	if (event->status == 401 || event->status == 403)
		return NM_TROUBLE_KEY;
	if (event->status == 429 &&
	    nm_retry_is_billing(event->type, event->code))
		return NM_TROUBLE_MONEY;
	return NM_TROUBLE_NONE;
}

static void
note_trouble(struct nm_blame *blame, enum nm_trouble_kind kind, int status,
             const struct nm_err *err, int64_t now_ms)
{
	const char *variable = blame->parts->options->upstream_key_env;
	char words[NM_ERR_TEXT_MAX + 128];

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
	else
		snprintf(words, sizeof(words), "upstream: %s; rows wait for it",
		         err->text);
	nm_trouble_note(&blame->trouble, kind, now_ms, words);
}

/* Some refuse a request before they look at the key, which an answer alone
 * proves. */
static void
note_reply(struct nm_blame *blame, int status, int64_t now_ms)
{
	enum nm_trouble_kind told = blame->trouble.told;
	bool answered = status >= 200 && status <= 299;

	if (answered) {
		blame->answers++;
		blame->answered_ms = now_ms;
	}
	if (answered || (status < 500 && told != NM_TROUBLE_KEY &&
	                 told != NM_TROUBLE_MONEY))
		nm_trouble_well(&blame->trouble, now_ms);
}

/* A key with which others got answers meanwhile is well: what it still may not
 * have is the row's affair. */
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
                 const struct nm_retry_event *event,
                 const struct nm_err *err, int64_t now_ms)
{
	enum nm_trouble_kind kind = kind_of(event, err);

	if (kind == NM_TROUBLE_NONE) {
		if (event->kind == NM_RETRY_REPLIED)
			note_reply(blame, event->status, now_ms);
		return false;
	}
	atomic_fetch_add(&blame->parts->metrics->troubles[kind], 1);
	/* One that fails while others are answered is no news. */
	if (!blame->answers ||
	    now_ms - blame->answered_ms >= NM_TROUBLE_CALM_MS)
		note_trouble(blame, kind, event->status, err, now_ms);
	return (kind == NM_TROUBLE_KEY || kind == NM_TROUBLE_MONEY) &&
		is_held(blame, doubt);
}

void
nm_blame_look(struct nm_blame *blame, int64_t now_ms)
{
	nm_trouble_look(&blame->trouble, now_ms, "the upstream answers again");
}
