/*
 * options: what a server is to be: where it listens, what it keeps, who may come, and
 * how its batches go. Data alone; what cannot be is told by who reads it.
 */
#ifndef NM_SERVER_OPTIONS_H
#define NM_SERVER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* What to do about a batch of a file that is not there. */
enum nm_unknown_file { NM_UNKNOWN_FILE_ASYNC, NM_UNKNOWN_FILE_SYNC };

/* Beyond loopback: refused without key and TLS, unless open. */
enum nm_exposure { NM_GUARDED, NM_OPEN };

/* Texts are needed during start only. Zero means the default in brackets. */
struct nm_server_options {
	const char *state_dir;       /* must be given */
	const char *listen;          /* address [127.0.0.1] */
	unsigned    port;            /* [a free one] */
	const char *const *answer_keys; /* files; copied to the state folder, where
	                                every later server over it finds them */
	size_t      n_answer_keys;
	const char *mix;             /* see model.h [55/10/20/10/5] */
	uint64_t    seed;            /* of simulated answers and of faults */
	const char *clock;           /* [real] */
	const char *faults;          /* script [none] */
	const char *log;             /* requests as JSON Lines [none] */
	const char *api_key_file;    /* a key a line [none needed] */
	const char *tls_cert, *tls_key; /* PEM files [plain HTTP] */
	enum nm_exposure exposure;
	enum nm_unknown_file unknown_file;
	const char *upstream;        /* base URL [the simulated model] */
	const char *upstream_key_env;/* variable that holds its key
	                                [NIGHTMAIL_UPSTREAM_KEY] */
	const char *models;          /* "a,b": the only ones supported [any] */
	unsigned    concurrency;     /* requests to the upstream at once [32] */
	int64_t     reply_ms;        /* for its whole reply, real [10 min] */
	unsigned    threads;         /* that serve HTTP [2] */
	unsigned    max_connections; /* [4096] */
	int64_t     max_batches;     /* of one key, not final at once [no limit] */
	int64_t     disk_quota_bytes;/* of one key's files [no limit] */
	int64_t     window_ms;       /* a batch's [24 h] */
	/* How long a batch stays in a state at least, virtual [150, 150, 100, 100];
	 * -1 is not at all. */
	int64_t     validating_ms, in_progress_ms, finalizing_ms, cancelling_ms;
	int64_t     deadline_ms;     /* of a request's head, real [15 s] */
	/* Told, in a line without full stop, what holds batches up and only whoever
	 * runs the server can mend, and when it is over. On threads of the server's,
	 * from before start returns until stop does; may not call it [nobody]. */
	void      (*tell)(void *user, const char *words);
	void       *tell_user;
};

#endif
