/*
 * chat: one direct request in the multi loop, and what its reply says about
 * pace. Knows one call; must not know questions, or when and whether to send
 * again (the verdict says what is due, the caller schedules).
 */
#ifndef NM_REMOTE_CHAT_H
#define NM_REMOTE_CHAT_H

#include "remote/api.h"

/* x-ratelimit-*; -1 = not told. */
struct nm_chat_limits {
	int64_t requests_limit, requests_left, requests_reset_ms;
	int64_t tokens_limit, tokens_left, tokens_reset_ms;
};

/* How one try ended. Texts and pointers live during `done`. */
struct nm_chat_reply {
	enum nm_code             code;    /* as in api.h; bad JSON is OK */
	int                      status;  /* 0 = no reply */
	struct nm_text           body;
	struct nm_text           request_id;
	struct nm_chat_limits    limits;
	struct nm_retry_verdict  verdict; /* NEVER for a success */
	const struct nm_refusal *refusal; /* status 0 when it is none */
	const struct nm_err     *err;     /* NULL for a success */
	int64_t                  elapsed_ms;
};

struct nm_chat;

struct nm_chat_wish {
	const char    *path;       /* NULL = "/chat/completions"; lent until … */
	struct nm_text body;       /* … it ended, as this is */
	int            tries;      /* made before this one */
	int64_t        waited_ms;  /* since the first of them began */
	int64_t        total_ms;   /* time-out of this try; 0 = 600 s */
	void         (*done)(void *user, const struct nm_chat_reply *reply);
	void          *user;
};

/*
 * Starts; `done` is called once from within nm_http_poll(api->http, …), and may
 * start others. *out (may be NULL) lives until `done` returns or it is
 * cancelled. NM_USAGE as nm_http_start.
 */
enum nm_code nm_chat_start(struct nm_api *api, const struct nm_chat_wish *wish,
                           struct nm_chat **out, struct nm_err *err)
	NM_MUST_USE;

/* Ends it at once; its `done` is not called. */
void nm_chat_cancel(struct nm_chat *chat);

/* Reads "6m0s", "8.64s", "2ms", "1h2m3s" as milliseconds, rounded up; a bare
 * number is seconds. -1 for anything else. */
int64_t nm_chat_read_duration(struct nm_text text);

#endif
