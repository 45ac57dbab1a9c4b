/*
 * server_options: see the header.
 */
#include "prog/server_options.h"

#include <string.h>

#include "base/path.h"

static const struct nm_option options[] = {
	{ .id = SERVER_PORT, .letter = 'p', .name = "port", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "0", .max = 65535,
	  .help = "port to listen on; 0 takes a free one, which is printed",
	  .group = "Where" },
	{ .id = SERVER_LISTEN, .name = "listen", .kind = NM_OPTION_TEXT,
	  .argument = "ADDRESS", .preset = "127.0.0.1",
	  .help = "address to listen on; beyond this machine a key and TLS are "
	          "demanded" },
	{ .id = SERVER_STATE_DIR, .name = "state-dir", .kind = NM_OPTION_TEXT,
	  .argument = "DIR", .otherwise = "server within $NIGHTMAIL_STATE, else within "
	               "$XDG_STATE_HOME/nightmail",
	  .help = "folder that holds everything the server knows" },
	{ .id = SERVER_LOG, .name = "log", .kind = NM_OPTION_TEXT, .argument = "FILE",
	  .help = "append each request as a line of JSON" },
	{ .id = SERVER_QUIET, .letter = 'q', .name = "quiet",
	  .help = "say nothing but errors (the listening line is a result)" },

	{ .id = SERVER_ANSWER_KEY, .name = "answer-key", .kind = NM_OPTION_LIST,
	  .argument = "FILE", .group = "The simulated model",
	  .help = "datasets whose questions the simulated model knows the "
	          "answers of" },
	{ .id = SERVER_SEED, .name = "seed", .kind = NM_OPTION_WHOLE, .argument = "N",
	  .preset = "0", .max = 1e15,
	  .help = "seed of simulated answers and of faults" },
	{ .id = SERVER_MIX, .name = "mix", .kind = NM_OPTION_TEXT, .argument = "SHARES",
	  .preset = "55/10/20/10/5",
	  .help = "per cent of known questions that it answers with all answers, "
	          "all and invented ones, some, invented ones alone, and none" },
	{ .id = SERVER_MODELS, .name = "models", .kind = NM_OPTION_TEXT,
	  .argument = "NAMES", .otherwise = "any",
	  .help = "the only models supported, with commas between" },

	{ .id = SERVER_UPSTREAM, .name = "upstream", .kind = NM_OPTION_TEXT,
	  .argument = "URL", .group = "A real model behind",
	  .help = "OpenAI-compatible base URL that requests are sent to" },
	{ .id = SERVER_UPSTREAM_KEY_ENV, .name = "upstream-key-env",
	  .kind = NM_OPTION_TEXT, .argument = "NAME",
	  .preset = "NIGHTMAIL_UPSTREAM_KEY",
	  .help = "environment variable that holds its key" },
	{ .id = SERVER_CONCURRENCY, .name = "concurrency", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "32", .min = 1, .max = 1024,
	  .help = "requests to it at once" },
	{ .id = SERVER_UPSTREAM_TIMEOUT, .name = "upstream-timeout",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "600",
	  .min = 0.1, .max = 86400,
	  .help = "how long a reply of it may take; then it is asked again" },

	{ .id = SERVER_CLOCK, .name = "clock", .kind = NM_OPTION_TEXT,
	  .argument = "MODE", .preset = "real", .group = "Time and faults",
	  .help = "real, fast=N (N times as fast), or step (moved by "
	          "POST /_control/clock)" },
	{ .id = SERVER_FAULTS, .name = "faults", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "script of misbehaviour" },
	{ .id = SERVER_UNKNOWN_FILE, .name = "unknown-file", .kind = NM_OPTION_CHOICE,
	  .argument = "WHEN", .words = "async|sync", .preset = "async",
	  .help = "refuse a batch of an unknown file at once (sync), or let the "
	          "batch fail (async)" },
	{ .id = SERVER_DELAY_VALIDATING, .name = "delay-validating",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.15",
	  .max = 1e6, .help = "least time a batch spends validating" },
	{ .id = SERVER_DELAY_IN_PROGRESS, .name = "delay-in-progress",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.15",
	  .max = 1e6, .help = "least time a batch is in progress" },
	{ .id = SERVER_DELAY_FINALIZING, .name = "delay-finalizing",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.1",
	  .max = 1e6, .help = "least time a batch spends finalizing" },
	{ .id = SERVER_DELAY_CANCELLING, .name = "delay-cancelling",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.1",
	  .max = 1e6, .help = "least time a batch spends cancelling" },

	{ .id = SERVER_API_KEY_FILE, .name = "api-key-file", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .group = "Who may come",
	  .help = "lines \"NAME sha256:DIGEST\" or \"NAME KEY\"; each name sees "
	          "only its own files and batches" },
	{ .id = SERVER_TLS_CERT, .name = "tls-cert", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "certificate chain, PEM" },
	{ .id = SERVER_TLS_KEY, .name = "tls-key", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "its private key, PEM" },
	{ .id = SERVER_INSECURE, .name = "insecure",
	  .help = "listen beyond this machine without a key or TLS" },
	{ .id = SERVER_MAX_BATCHES, .name = "max-batches", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .otherwise = "no limit", .min = 1, .max = 1e9,
	  .help = "batches of one key in progress at once" },
	{ .id = SERVER_DISK_QUOTA, .name = "disk-quota", .kind = NM_OPTION_WHOLE,
	  .argument = "MB", .otherwise = "no limit", .min = 1, .max = 1e9,
	  .help = "megabytes that the files of one key may take" },
	{ .id = SERVER_MAX_CONNECTIONS, .name = "max-connections",
	  .kind = NM_OPTION_WHOLE, .argument = "N", .preset = "4096", .min = 8,
	  .max = 1e6, .help = "connections at once" },
	{ .id = SERVER_THREADS, .name = "threads", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "2", .min = 2, .max = 64,
	  .help = "threads that serve HTTP" },
	{ .name = NULL }
};

static const char *const synopsis[] = {
	"[--port N] [--state-dir DIR] [OPTION]...", NULL
};

static const struct nm_option_clash clashes[] = {
	{ SERVER_UPSTREAM, SERVER_ANSWER_KEY, "a real model answers, and needs no key" },
	{ 0, 0, NULL }
};

static const struct nm_option_note exits[] = {
	{ "0", "stopped by SIGTERM or SIGINT, all state kept" },
	{ "2", "wrong options, or unsafe ones" },
	{ "3", "a file given cannot be used: key, fault script, certificate" },
	{ "5", "this machine: port taken, folder not writable, disk full" },
	{ "130", "a second SIGTERM or SIGINT, which waits for nothing" },
	{ NULL, NULL }
};

static const struct nm_option_note environment[] = {
	{ "NIGHTMAIL_UPSTREAM_KEY", "key of the model behind (--upstream)" },
	{ "HTTPS_PROXY, NO_PROXY", "of the way to the model behind, as curl(1) "
	                           "has them" },
	{ "CURL_CA_BUNDLE, SSL_CERT_FILE", "certificates to trust on that way" },
	{ "NIGHTMAIL_STATE", "folder that the state folder is in by default" },
	{ "XDG_STATE_HOME", "where nightmail/ is that folder, without the above; "
	                    "~/.local/state when it is not set" },
	{ NULL, NULL }
};

static const struct nm_option_note files[] = {
	{ "DIR/server.db", "what is known of files and batches (SQLite)" },
	{ "DIR/files/", "the files' bytes" },
	{ NULL, NULL }
};

static const struct nm_option_note examples[] = {
	{ "batch_server --port 8080 --answer-key data/metaqa/1-hop/vanilla/"
	  "qa_test.txt", "a practice server on this machine" },
	{ "batch_server --port 8080 --upstream http://127.0.0.1:8000/v1",
	  "a Batch API for a vLLM server" },
	{ "batch_server --clock step --faults night.faults",
	  "24 hours in milliseconds, and what can go wrong in them" },
	{ NULL, NULL }
};

const struct nm_option_table nm_batch_server_options = {
	.program = "batch_server",
	.purpose = "a Batch API of your own, with a simulated model or a real one",
	.synopsis = synopsis,
	.options = options,
	.clashes = clashes,
	.exits = exits,
	.environment = environment,
	.files = files,
	.examples = examples
};

/* Seconds as the server's options have them: -1 is not at all. */
static int64_t
delay_ms(const struct nm_options *given, int id)
{
	double seconds = nm_options_number(given, id);

	return seconds <= 0 ? -1 : (int64_t)(seconds * 1000 + 0.5);
}

void
nm_batch_server_wish(const struct nm_options *given, const char *state_dir,
                     struct nm_server_options *wish)
{
	const char *unknown = nm_options_text(given, SERVER_UNKNOWN_FILE);

	wish->state_dir = state_dir;
	wish->listen = nm_options_text(given, SERVER_LISTEN);
	wish->port = (unsigned)nm_options_whole(given, SERVER_PORT);
	wish->answer_keys = nm_options_list(given, SERVER_ANSWER_KEY,
	                                    &wish->n_answer_keys);
	wish->mix = nm_options_text(given, SERVER_MIX);
	wish->seed = (uint64_t)nm_options_whole(given, SERVER_SEED);
	wish->clock = nm_options_text(given, SERVER_CLOCK);
	wish->faults = nm_options_text(given, SERVER_FAULTS);
	wish->log = nm_options_text(given, SERVER_LOG);
	wish->api_key_file = nm_options_text(given, SERVER_API_KEY_FILE);
	wish->tls_cert = nm_options_text(given, SERVER_TLS_CERT);
	wish->tls_key = nm_options_text(given, SERVER_TLS_KEY);
	wish->exposure = nm_options_given(given, SERVER_INSECURE)
	                 ? NM_OPEN : NM_GUARDED;
	wish->unknown_file = strcmp(unknown, "sync") == 0
	                     ? NM_UNKNOWN_FILE_SYNC : NM_UNKNOWN_FILE_ASYNC;
	wish->upstream = nm_options_text(given, SERVER_UPSTREAM);
	wish->upstream_key_env = nm_options_text(given, SERVER_UPSTREAM_KEY_ENV);
	wish->models = nm_options_text(given, SERVER_MODELS);
	wish->concurrency = (unsigned)nm_options_whole(given,
	                                               SERVER_CONCURRENCY);
	wish->reply_ms =
		(int64_t)(1000 *
	                  nm_options_number(given, SERVER_UPSTREAM_TIMEOUT));
	wish->threads = (unsigned)nm_options_whole(given, SERVER_THREADS);
	wish->max_connections =
		(unsigned)nm_options_whole(given, SERVER_MAX_CONNECTIONS);
	wish->max_batches = nm_options_whole(given, SERVER_MAX_BATCHES);
	wish->disk_quota_bytes =
		nm_options_whole(given, SERVER_DISK_QUOTA) * 1000000;
	wish->validating_ms = delay_ms(given, SERVER_DELAY_VALIDATING);
	wish->in_progress_ms = delay_ms(given, SERVER_DELAY_IN_PROGRESS);
	wish->finalizing_ms = delay_ms(given, SERVER_DELAY_FINALIZING);
	wish->cancelling_ms = delay_ms(given, SERVER_DELAY_CANCELLING);
}

enum nm_code
nm_batch_server_state_dir(const struct nm_options *given,
                          struct nm_buf *state_dir, struct nm_err *err)
{
	enum nm_code rc;

	if (nm_options_text(given, SERVER_STATE_DIR)) {
		nm_buf_add_string(state_dir, nm_options_text(given, SERVER_STATE_DIR));
		return NM_OK;
	}
	rc = nm_path_state(state_dir, err);
	nm_buf_add_string(state_dir, "/server");
	return rc;
}
