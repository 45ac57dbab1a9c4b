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
#include "cli/message.h"
#include "prog/server_options.h"
#include "server/server.h"

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
	rc = nm_batch_server_state_dir(given, &state_dir, err);
	if (rc)
		goto done;
	nm_batch_server_wish(given, nm_buf_string(&state_dir), &wish);
	wish.tell = tell;
	wish.tell_user = message;
	rc = nm_server_start(&wish, &server, err);
	if (rc)
		goto done;
	if (nm_options_given(given, SERVER_INSECURE))
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
	rc = nm_options_read(&given, &nm_batch_server_options, argc, argv, &err);
	if (!rc && nm_options_given(&given, SERVER_QUIET))
		message.level = NM_MESSAGE_QUIET;
	if (!rc && !given.answered)
		rc = serve(&given, &message, &err);
	if (rc && nm_options_text(&given, SERVER_FAULTS) &&
	    show_spot(&message, nm_options_text(&given, SERVER_FAULTS), &err))
		status = nm_code_exit_status(rc);
	else if (rc)
		status = nm_message_error(&message, &err);
	nm_options_release(&given);
	return nm_message_close_stdout(&message, status);
}
