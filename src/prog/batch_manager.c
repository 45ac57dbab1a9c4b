/*
 * batch_manager: looks after batches and this machine's runs. Options in, one
 * action, exit status out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "prog/descriptors.h"
#include "prog/manager.h"
#include "prog/signals.h"
#include "task/batch_id.h"
#include "task/command.h"

struct bound {
	enum nm_manager_option option;
	enum { BOUND_TEXT, BOUND_WHOLE, BOUND_SPAN, BOUND_FLAG } kind;
};

/* Whether an action talks to the service. */
enum reach { ALONE, SERVICE };

static const struct {
	enum nm_manager_option option;
	enum reach             reach;
	enum nm_code         (*act)(struct nm_manager *manager,
	                            struct nm_err *err);
} actions[] = {
	{ MANAGER_STATUS, SERVICE, nm_manage_status },
	{ MANAGER_LIST, SERVICE, nm_manage_list },
	{ MANAGER_SUBMIT, SERVICE, nm_manage_submit },
	{ MANAGER_CANCEL, SERVICE, nm_manage_cancel },
	{ MANAGER_WAIT, SERVICE, nm_manage_wait },
	{ MANAGER_ERRORS, SERVICE, nm_manage_errors },
	{ MANAGER_DOWNLOAD, SERVICE, nm_manage_download },
	{ MANAGER_RUNS, ALONE, nm_manage_runs },
	{ MANAGER_CLEAN, SERVICE, nm_manage_clean },
	{ MANAGER_PRUNE, ALONE, nm_manage_prune },
	{ MANAGER_CHECK, ALONE, nm_manage_check },
};

enum nm_code
nm_manager_id(const struct nm_manager *manager, const char **id,
              struct nm_err *err)
{
	const char *text = nm_options_text(&manager->options,
	                                   (int)manager->action);
	const char *name = nm_options_name(&manager->options,
	                                   (int)manager->action);
	enum nm_code rc = nm_batch_id_check(text, name, err);

	if (!rc)
		*id = text;
	return rc;
}

bool
nm_manager_wants_json(const struct nm_manager *manager)
{
	return nm_options_given(&manager->options, MANAGER_JSON);
}

static void
add_bound(const struct nm_options *given, const struct bound *bound,
          struct nm_buf *command)
{
	int64_t number = nm_options_whole(given, bound->option);

	if (!nm_options_given(given, bound->option))
		return;
	nm_buf_addf(command, " %s", nm_options_name(given, bound->option));
	switch (bound->kind) {
	case BOUND_TEXT:
		nm_command_add_word(command,
		                    nm_options_text(given, bound->option));
		break;
	case BOUND_WHOLE:
		nm_buf_addf(command, " %" PRId64, number);
		break;
	case BOUND_SPAN:
		nm_buf_addf(command, " %gs", (double)number / 1000);
		break;
	case BOUND_FLAG:
		break;
	}
}

void
nm_manager_add_bounds(const struct nm_manager *manager, struct nm_buf *command)
{
	static const struct bound bounds[] = {
		{ MANAGER_MAX_COST, BOUND_TEXT },
		{ MANAGER_PRICES, BOUND_TEXT },
		{ MANAGER_SHARD_REQUESTS, BOUND_WHOLE },
		{ MANAGER_MAX_ATTEMPTS, BOUND_WHOLE },
		{ MANAGER_POLL_INTERVAL, BOUND_SPAN },
		{ MANAGER_PATIENCE, BOUND_SPAN },
		{ MANAGER_OUTAGE, BOUND_SPAN },
		{ MANAGER_JSON, BOUND_FLAG },
	};

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		add_bound(&manager->options, &bounds[i], command);
	nm_buf_add_text(command, nm_buf_text(&manager->service.flags));
}

enum nm_code
nm_manager_find_journal(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_buf folder = {0}, path = {0};
	enum nm_code rc;

	if (manager->journal)
		return NM_OK;
	rc = nm_path_state(&folder, err);
	if (rc)
		goto done;
	nm_path_join(&path, nm_buf_string(&folder), "journal.db");
	if (access(nm_buf_string(&path), F_OK) != 0)
		rc = nm_fail(err, NM_ABSENT, 0, "nothing is recorded in %s",
		             nm_buf_string(&folder));
	else
		rc = nm_journal_open(nm_buf_string(&folder), &manager->journal,
		                     err);
done:
	nm_buf_release(&folder);
	nm_buf_release(&path);
	return rc;
}

enum nm_code
nm_manager_make_journal(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_buf folder = {0};
	enum nm_code rc;

	if (manager->journal)
		return NM_OK;
	rc = nm_path_state(&folder, err);
	if (!rc)
		rc = nm_journal_open(nm_buf_string(&folder), &manager->journal,
		                     err);
	nm_buf_release(&folder);
	return rc;
}

void
nm_manager_print(const struct nm_buf *text)
{
	fwrite(nm_buf_string(text), 1, text->len, stdout);
}

static enum nm_code
reach_service(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_service_wish wish = {
		.kind = nm_options_given(&manager->options, MANAGER_LOCAL)
		                ? NM_SERVICE_LOCAL
		                : NM_SERVICE_REMOTE,
		.base_url = nm_options_text(&manager->options,
		                            MANAGER_BASE_URL),
		.stop = nm_signals_stop_flag(),
	};

	return nm_service_open(&manager->service, &wish, err);
}

static enum nm_code
work(struct nm_manager *manager, struct nm_err *err)
{
	enum nm_code rc = nm_manager_action(&manager->options,
	                                    &manager->action, err);
	size_t i = 0;

	if (rc)
		return rc;
	if (nm_clock_init(&manager->clock, getenv("NIGHTMAIL_CLOCK"),
	                  nm_signals_stop_flag(), err))
		return nm_while(err, "reading NIGHTMAIL_CLOCK");
	while (actions[i].option != manager->action)
		i++;
	if (actions[i].reach == ALONE)
		return actions[i].act(manager, err);
	rc = reach_service(manager, err);
	if (rc)
		return rc;
	rc = actions[i].act(manager, err);
	nm_service_close(&manager->service);
	return rc;
}

int
main(int argc, char **argv)
{
	struct nm_manager manager = { .typed = argv[0] };
	struct nm_err err = {0};
	int status = 0;
	enum nm_code rc;

	nm_message_init(&manager.message, "batch_manager");
	rc = nm_options_read(&manager.options, &nm_manager_options, argc, argv,
	                     &err);
	if (!rc && nm_options_given(&manager.options, MANAGER_QUIET))
		manager.message.level = NM_MESSAGE_QUIET;
	if (!rc && !manager.options.answered) {
		nm_signals_init();
		nm_descriptors_raise();
		rc = work(&manager, &err);
	}
	if (rc)
		status = nm_message_error(&manager.message, &err);
	nm_journal_close(manager.journal);
	nm_options_release(&manager.options);
	return nm_message_close_stdout(&manager.message, status);
}
