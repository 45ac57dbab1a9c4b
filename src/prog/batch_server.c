/*
 * batch_server: the Batch API server by itself. Options in, the server's life,
 * exit status out.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/message.h"
#include "cli/option.h"
#include "server/server.h"

enum {
	PORT = 1, LISTEN, STATE_DIR, ANSWER_KEY, SEED, CLOCK, FAULTS, LOG,
	API_KEY_FILE, TLS_CERT, TLS_KEY, INSECURE, UPSTREAM, UPSTREAM_KEY_ENV,
	CONCURRENCY, UPSTREAM_TIMEOUT, MODELS, UNKNOWN_FILE, MAX_BATCHES, DISK_QUOTA,
	MAX_CONNECTIONS, THREADS, DELAY_VALIDATING, DELAY_IN_PROGRESS,
	DELAY_FINALIZING, DELAY_CANCELLING, QUIET, MIX
};

static const struct nm_option options[] = {
	{ .id = PORT, .letter = 'p', .name = "port", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "0", .max = 65535,
	  .help = "port to listen on; 0 takes a free one, which is printed",
	  .group = "Where" },
	{ .id = LISTEN, .name = "listen", .kind = NM_OPTION_TEXT,
	  .argument = "ADDRESS", .preset = "127.0.0.1",
	  .help = "address to listen on; beyond this machine a key and TLS are "
	          "demanded" },
	{ .id = STATE_DIR, .name = "state-dir", .kind = NM_OPTION_TEXT,
	  .argument = "DIR", .otherwise = "server within $NIGHTMAIL_STATE, else within "
	               "$XDG_STATE_HOME/nightmail",
	  .help = "folder that holds everything the server knows" },
	{ .id = LOG, .name = "log", .kind = NM_OPTION_TEXT, .argument = "FILE",
	  .help = "append each request as a line of JSON" },
	{ .id = QUIET, .letter = 'q', .name = "quiet",
	  .help = "say nothing but errors (the listening line is a result)" },

	{ .id = ANSWER_KEY, .name = "answer-key", .kind = NM_OPTION_LIST,
	  .argument = "FILE", .group = "The simulated model",
	  .help = "datasets whose questions the simulated model knows the "
	          "answers of" },
	{ .id = SEED, .name = "seed", .kind = NM_OPTION_WHOLE, .argument = "N",
	  .preset = "0", .max = 1e15,
	  .help = "seed of simulated answers and of faults" },
	{ .id = MIX, .name = "mix", .kind = NM_OPTION_TEXT, .argument = "SHARES",
	  .preset = "55/10/20/10/5",
	  .help = "per cent of known questions that it answers with all answers, "
	          "all and invented ones, some, invented ones alone, and none" },
	{ .id = MODELS, .name = "models", .kind = NM_OPTION_TEXT,
	  .argument = "NAMES", .otherwise = "any",
	  .help = "the only models supported, with commas between" },

	{ .id = UPSTREAM, .name = "upstream", .kind = NM_OPTION_TEXT,
	  .argument = "URL", .group = "A real model behind",
	  .help = "OpenAI-compatible base URL that requests are sent to" },
	{ .id = UPSTREAM_KEY_ENV, .name = "upstream-key-env",
	  .kind = NM_OPTION_TEXT, .argument = "NAME",
	  .preset = "NIGHTMAIL_UPSTREAM_KEY",
	  .help = "environment variable that holds its key" },
	{ .id = CONCURRENCY, .name = "concurrency", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "32", .min = 1, .max = 1024,
	  .help = "requests to it at once" },
	{ .id = UPSTREAM_TIMEOUT, .name = "upstream-timeout",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "600",
	  .min = 0.1, .max = 86400,
	  .help = "how long a reply of it may take; then it is asked again" },

	{ .id = CLOCK, .name = "clock", .kind = NM_OPTION_TEXT,
	  .argument = "MODE", .preset = "real", .group = "Time and faults",
	  .help = "real, fast=N (N times as fast), or step (moved by "
	          "POST /_control/clock)" },
	{ .id = FAULTS, .name = "faults", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "script of misbehaviour" },
	{ .id = UNKNOWN_FILE, .name = "unknown-file", .kind = NM_OPTION_CHOICE,
	  .argument = "WHEN", .words = "async|sync", .preset = "async",
	  .help = "refuse a batch of an unknown file at once (sync), or let the "
	          "batch fail (async)" },
	{ .id = DELAY_VALIDATING, .name = "delay-validating",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.15",
	  .max = 1e6, .help = "least time a batch spends validating" },
	{ .id = DELAY_IN_PROGRESS, .name = "delay-in-progress",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.15",
	  .max = 1e6, .help = "least time a batch is in progress" },
	{ .id = DELAY_FINALIZING, .name = "delay-finalizing",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.1",
	  .max = 1e6, .help = "least time a batch spends finalizing" },
	{ .id = DELAY_CANCELLING, .name = "delay-cancelling",
	  .kind = NM_OPTION_NUMBER, .argument = "SECONDS", .preset = "0.1",
	  .max = 1e6, .help = "least time a batch spends cancelling" },

	{ .id = API_KEY_FILE, .name = "api-key-file", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .group = "Who may come",
	  .help = "lines \"NAME sha256:DIGEST\" or \"NAME KEY\"; each name sees "
	          "only its own files and batches" },
	{ .id = TLS_CERT, .name = "tls-cert", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "certificate chain, PEM" },
	{ .id = TLS_KEY, .name = "tls-key", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "its private key, PEM" },
	{ .id = INSECURE, .name = "insecure",
	  .help = "listen beyond this machine without a key or TLS" },
	{ .id = MAX_BATCHES, .name = "max-batches", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .otherwise = "no limit", .min = 1, .max = 1e9,
	  .help = "batches of one key in progress at once" },
	{ .id = DISK_QUOTA, .name = "disk-quota", .kind = NM_OPTION_WHOLE,
	  .argument = "MB", .otherwise = "no limit", .min = 1, .max = 1e9,
	  .help = "megabytes that the files of one key may take" },
	{ .id = MAX_CONNECTIONS, .name = "max-connections",
	  .kind = NM_OPTION_WHOLE, .argument = "N", .preset = "4096", .min = 8,
	  .max = 1e6, .help = "connections at once" },
	{ .id = THREADS, .name = "threads", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "2", .min = 2, .max = 64,
	  .help = "threads that serve HTTP" },
	{ .name = NULL }
};

static const char *const synopsis[] = {
	"[--port N] [--state-dir DIR] [OPTION]...", NULL
};

static const struct nm_option_clash clashes[] = {
	{ UPSTREAM, ANSWER_KEY, "a real model answers, and needs no key" },
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

static const struct nm_option_table table = {
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

static void
read_wish(const struct nm_options *given, const char *state_dir,
          struct nm_server_options *wish)
{
	const char *unknown = nm_options_text(given, UNKNOWN_FILE);

	wish->state_dir = state_dir;
	wish->listen = nm_options_text(given, LISTEN);
	wish->port = (unsigned)nm_options_whole(given, PORT);
	wish->answer_keys = nm_options_list(given, ANSWER_KEY,
	                                    &wish->n_answer_keys);
	wish->mix = nm_options_text(given, MIX);
	wish->seed = (uint64_t)nm_options_whole(given, SEED);
	wish->clock = nm_options_text(given, CLOCK);
	wish->faults = nm_options_text(given, FAULTS);
	wish->log = nm_options_text(given, LOG);
	wish->api_key_file = nm_options_text(given, API_KEY_FILE);
	wish->tls_cert = nm_options_text(given, TLS_CERT);
	wish->tls_key = nm_options_text(given, TLS_KEY);
	wish->exposure = nm_options_given(given, INSECURE) ? NM_OPEN : NM_GUARDED;
	wish->unknown_file = strcmp(unknown, "sync") == 0
	                     ? NM_UNKNOWN_FILE_SYNC : NM_UNKNOWN_FILE_ASYNC;
	wish->upstream = nm_options_text(given, UPSTREAM);
	wish->upstream_key_env = nm_options_text(given, UPSTREAM_KEY_ENV);
	wish->models = nm_options_text(given, MODELS);
	wish->concurrency = (unsigned)nm_options_whole(given, CONCURRENCY);
	wish->reply_ms = (int64_t)(nm_options_number(given, UPSTREAM_TIMEOUT) *
	                           1000);
	wish->threads = (unsigned)nm_options_whole(given, THREADS);
	wish->max_connections = (unsigned)nm_options_whole(given,
	                                                   MAX_CONNECTIONS);
	wish->max_batches = nm_options_whole(given, MAX_BATCHES);
	wish->disk_quota_bytes = nm_options_whole(given, DISK_QUOTA) * 1000000;
	wish->validating_ms = delay_ms(given, DELAY_VALIDATING);
	wish->in_progress_ms = delay_ms(given, DELAY_IN_PROGRESS);
	wish->finalizing_ms = delay_ms(given, DELAY_FINALIZING);
	wish->cancelling_ms = delay_ms(given, DELAY_CANCELLING);
}

static enum nm_code
find_state_dir(const struct nm_options *given, struct nm_buf *state_dir,
               struct nm_err *err)
{
	enum nm_code rc;

	if (nm_options_text(given, STATE_DIR)) {
		nm_buf_add_string(state_dir, nm_options_text(given, STATE_DIR));
		return NM_OK;
	}
	rc = nm_path_state(state_dir, err);
	nm_buf_add_string(state_dir, "/server");
	return rc;
}

/* Whoever says it again, and not in the same breath, will not wait. What was
 * durable is. */
static void *
end_at_once(void *ctx)
{
	const struct timespec breath = { .tv_nsec = 300000000 };
	sigset_t signals;
	int caught;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	nanosleep(&breath, NULL);
	/* What came meanwhile is the same one: it went to the group, too. */
	while (sigtimedwait(&signals, NULL, &(struct timespec){0}) > 0)
		continue;
	sigwait(&signals, &caught);
	_exit(130);
	return ctx;
}

static void
expect_impatience(void)
{
	pthread_t thread;

	/* It ends with the process. Without it one waits, that is all. */
	if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
		pthread_detach(thread);
}

/* Until it is told to stop. SIGHUP tells one with keys to read them anew. */
static void
wait_for_end(const sigset_t *signals, const struct nm_server_options *wish,
             struct nm_server *server, struct nm_message *message)
{
	struct nm_err err = {0};
	int caught;

	for (;;) {
		sigwait(signals, &caught);
		if (caught != SIGHUP || !wish->api_key_file)
			break;
		if (nm_server_reload_keys(server, &err))
			nm_message_warn(message, "%s; the keys of before stay",
			                err.text);
		else
			nm_message_note(message, "keys read anew");
	}
	nm_message_note(message, "stopping");
}

/* Said with --quiet too: somebody has to do something, or may stop. */
static void
tell(void *user, const char *words)
{
	struct nm_err news;

	(void)!nm_fail(&news, NM_UNFINISHED, 0, "%s", words);
	nm_message_error(user, &news);
}

static enum nm_code
serve(const struct nm_options *given, struct nm_message *message,
      struct nm_err *err)
{
	struct nm_server_options wish = {0};
	struct nm_server *server = NULL;
	struct nm_buf state_dir = {0};
	sigset_t signals;
	enum nm_code rc;

	/* Blocked before any thread begins, so that all inherit it and the
	 * signal waits for us. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = find_state_dir(given, &state_dir, err);
	if (rc)
		goto done;
	read_wish(given, nm_buf_string(&state_dir), &wish);
	wish.tell = tell;
	wish.tell_user = message;
	rc = nm_server_start(&wish, &server, err);
	if (rc)
		goto done;
	if (nm_options_given(given, INSECURE))
		nm_message_warn(message, "INSECURE: whoever reaches %s may read and "
		                "change everything here, or listen in on the way",
		                nm_server_url(server));
	printf("batch_server: listening on %s (state: %s)\n",
	       nm_server_url(server), nm_server_folder(server));
	fflush(stdout);
	wait_for_end(&signals, &wish, server, message);
	expect_impatience();
done:
	nm_server_stop(server);
	nm_buf_release(&state_dir);
	return rc;
}

/* What follows ":NUMBER"; NULL if text does not begin so. */
static const char *
read_number(const char *text, size_t *number)
{
	char *end;

	if (text[0] != ':' || text[1] < '0' || text[1] > '9')
		return NULL;
	*number = strtoul(text + 1, &end, 10);
	return end;
}

/* What follows "PATH:LINE:COLUMN: "; NULL if text does not begin so. */
static const char *
read_place(const char *text, const char *path, size_t *line, size_t *column)
{
	size_t len = strlen(path);
	const char *at = strncmp(text, path, len) == 0
		? read_number(text + len, line) : NULL;

	if (at)
		at = read_number(at, column);
	return at && strncmp(at, ": ", 2) == 0 ? at + 2 : NULL;
}

/* The text of a line (from 1); its `at` is NULL when there is none. */
static struct nm_text
find_line(struct nm_text left, size_t line)
{
	const char *end;

	for (;;) {
		end = memchr(left.at, '\n', left.len);
		if (--line == 0)
			break;
		if (!end)
			return (struct nm_text){0};
		left.len -= (size_t)(end + 1 - left.at);
		left.at = end + 1;
	}
	if (end)
		left.len = (size_t)(end - left.at);
	return left;
}

/* Shows the place in a fault script that an error names. Returns whether it could. */
static bool
show_spot(struct nm_message *message, const char *path,
          const struct nm_err *err)
{
	struct nm_buf script = {0};
	struct nm_spot spot = { .file = path };
	size_t line = 0, column = 0;
	struct nm_err ignored;

	spot.problem = read_place(err->text, path, &line, &column);
	if (!spot.problem || !line || !column)
		return false;
	if (!nm_file_read(path, &script, &ignored) && script.len)
		spot.text = find_line(nm_buf_text(&script), line);
	spot.line = line;
	spot.byte = column - 1;
	if (spot.text.at)
		nm_message_spot(message, &spot);
	nm_buf_release(&script);
	return spot.text.at != NULL;
}

int
main(int argc, char **argv)
{
	struct nm_options given = {0};
	struct nm_message message = {0};
	struct nm_err err = {0};
	int status = 0;
	enum nm_code rc;

	nm_message_init(&message, "batch_server");
	rc = nm_options_read(&given, &table, argc, argv, &err);
	if (!rc && nm_options_given(&given, QUIET))
		message.level = NM_MESSAGE_QUIET;
	if (!rc && !given.answered)
		rc = serve(&given, &message, &err);
	if (rc && nm_options_text(&given, FAULTS) &&
	    show_spot(&message, nm_options_text(&given, FAULTS), &err))
		status = nm_code_exit_status(rc);
	else if (rc)
		status = nm_message_error(&message, &err);
	nm_options_release(&given);
	return nm_message_close_stdout(&message, status);
}
