/*
 * manager_options: see the header. Texts here are the manual's texts too.
 */
#include "prog/manager_options.h"

#define DAY_MS INT64_C(86400000)

enum { CLEAN_DAYS = 7, PRUNE_DAYS = 90 };

static const char *const synopsis[] = {
	"--status ID",
	"--list [--limit N]",
	"--cancel ID | RUN",
	"--wait ID | --errors ID | --download ID [-o FILE]",
	"--runs",
	"--clean | --prune [--older-than SPAN]",
	"--check FILE...",
	"--submit FILE... [--max-cost USD] [--new]",
	NULL
};

static const struct nm_option options[] = {
	{ .id = MANAGER_STATUS, .name = "status", .kind = NM_OPTION_TEXT,
	  .traits = NM_OPTION_ONCE,
	  .argument = "ID", .group = "One batch",
	  .help = "show how far a batch is, and what to do next" },
	{ .id = MANAGER_CANCEL, .name = "cancel", .kind = NM_OPTION_TEXT,
	  .traits = NM_OPTION_ONCE,
	  .argument = "ID",
	  .help = "cancel a batch, or a run of --runs with all its batches; what "
	          "has finished is kept" },
	{ .id = MANAGER_WAIT, .name = "wait", .kind = NM_OPTION_TEXT,
	  .traits = NM_OPTION_ONCE,
	  .argument = "ID", .help = "wait until a batch has ended, and one of "
	  "--submit until nothing is left to send again" },
	{ .id = MANAGER_ERRORS, .name = "errors", .kind = NM_OPTION_TEXT,
	  .traits = NM_OPTION_ONCE,
	  .argument = "ID",
	  .help = "show why requests of a batch failed, grouped by reason" },
	{ .id = MANAGER_DOWNLOAD, .name = "download", .kind = NM_OPTION_TEXT,
	  .traits = NM_OPTION_ONCE,
	  .argument = "ID",
	  .help = "save a batch's results: one line a request, in the order "
	          "of the requests" },
	{ .id = MANAGER_OUTPUT, .letter = 'o', .name = "output",
	  .kind = NM_OPTION_TEXT, .argument = "FILE",
	  .otherwise = "ID.jsonl",
	  .help = "where --download saves; - is standard output" },
	{ .id = MANAGER_POLL_INTERVAL, .name = "poll-interval",
	  .kind = NM_OPTION_SPAN, .argument = "SECONDS", .preset = "30",
	  .min = 100, .max = 86400000,
	  .help = "longest pause between two looks of --wait" },

	{ .id = MANAGER_LIST, .name = "list", .group = "All batches",
	  .help = "list the account's batches, newest first" },
	{ .id = MANAGER_LIMIT, .name = "limit", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .preset = "10", .min = 1, .max = 1000000,
	  .help = "batches that --list shows at most" },
	{ .id = MANAGER_RUNS, .name = "runs",
	  .help = "list this machine's runs, newest first, with their "
	          "batches" },

	{ .id = MANAGER_CLEAN, .name = "clean", .group = "Tidying up",
	  .help = "delete the service's files of runs whose results are on "
	          "this machine" },
	{ .id = MANAGER_PRUNE, .name = "prune",
	  .help = "forget old finished runs and their downloads on this "
	          "machine, and what interrupted work left there; never "
	          "results" },
	{ .id = MANAGER_OLDER_THAN, .name = "older-than",
	  .kind = NM_OPTION_SPAN, .argument = "SPAN",
	  .otherwise = "7d with --clean, 90d with --prune", .min = 0,
	  .max = 315360000000.0, .traits = NM_OPTION_UNIT,
	  .help = "leave runs alone that are younger" },
	{ .id = MANAGER_YES, .letter = 'y', .name = "yes",
	  .help = "do not ask before deleting" },

	{ .id = MANAGER_CHECK, .name = "check", .kind = NM_OPTION_LIST,
	  .argument = "FILE", .group = "Request files",
	  .help = "check request files as the service would, without sending "
	          "them" },
	{ .id = MANAGER_SUBMIT, .name = "submit", .kind = NM_OPTION_LIST,
	  .argument = "FILE",
	  .help = "send request files, in as many batches as the limits want; "
	          "--wait then follows them, --download saves the results" },
	{ .id = MANAGER_NEW, .name = "new",
	  .help = "submit afresh, though the same file's run is unfinished" },
	{ .id = MANAGER_SHARD_REQUESTS, .name = "shard-requests",
	  .kind = NM_OPTION_WHOLE, .argument = "N", .preset = "50000",
	  .min = 1, .max = 50000,
	  .help = "requests of one batch at most" },
	{ .id = MANAGER_MAX_ATTEMPTS, .name = "max-attempts",
	  .kind = NM_OPTION_WHOLE, .argument = "N", .preset = "3",
	  .min = 1, .max = 100,
	  .help = "send a request that the service failed (5xx, 429, expired, "
	          "missing) N times at most" },
	{ .id = MANAGER_PATIENCE, .name = "patience",
	  .kind = NM_OPTION_SPAN, .argument = "SECONDS", .preset = "15",
	  .min = 1, .max = 3600000,
	  .help = "how long to look for a submission whose reply was lost, or "
	          "that was refused, before it is sent again, or given up by "
	          "--cancel" },
	{ .id = MANAGER_OUTAGE, .name = "outage",
	  .kind = NM_OPTION_SPAN, .argument = "DURATION", .preset = "6h",
	  .min = 1, .max = 604800000, .traits = NM_OPTION_UNIT,
	  .help = "how long --submit and --wait bear that a service which has "
	          "answered is away or fails" },
	{ .id = MANAGER_PRICES, .name = "prices", .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .otherwise = "the shipped one",
	  .help = "price table of --check's estimate and of --max-cost" },
	{ .id = MANAGER_MAX_COST, .name = "max-cost", .kind = NM_OPTION_TEXT,
	  .argument = "USD", .otherwise = "no limit",
	  .help = "send nothing when the files of --submit could cost more "
	          "than this together" },

	{ .id = MANAGER_LOCAL, .name = "local", .group = "Service",
	  .help = "use the built-in server with its simulated model: no key, "
	          "no network, no cost" },
	{ .id = MANAGER_BASE_URL, .name = "base-url", .kind = NM_OPTION_TEXT,
	  .argument = "URL", .otherwise = "OPENAI_BASE_URL, else OpenAI's",
	  .help = "base of another service with the same API" },

	{ .id = MANAGER_JSON, .name = "json", .group = "Output",
	  .help = "print JSON instead of text" },
	{ .id = MANAGER_QUIET, .letter = 'q', .name = "quiet",
	  .help = "no progress and no notes on stderr" },
	{ .name = NULL }
};

static const struct nm_option_clash clashes[] = {
	{ MANAGER_LOCAL, MANAGER_BASE_URL, "each names a service" },
	{ 0, 0, NULL }
};

static const struct nm_option_note exits[] = {
	{ "0", "done" },
	{ "1", "done, but the batch or run had already ended (--cancel), did not "
	       "complete or left requests that failed and may be sent again "
	       "(--wait), has requests without a result (--download), or the "
	       "answer was no" },
	{ "2", "wrong or clashing options, no key, --max-cost would be passed, "
	       "or nobody could be asked" },
	{ "3", "a request file has faults (--check), or a setting is wrong" },
	{ "4", "the service refused, knows no such id or cannot be reached" },
	{ "5", "this machine: disk, rights or the journal" },
	{ "130", "interrupted; what is at work goes on" },
	{ NULL, NULL }
};

static const struct nm_option_note environment[] = {
	{ "OPENAI_API_KEY", "the key; needed unless --local is given" },
	{ "OPENAI_BASE_URL", "base of another service with the same API" },
	{ "OPENAI_ORG_ID", "sent as OpenAI-Organization" },
	{ "OPENAI_PROJECT_ID", "sent as OpenAI-Project" },
	{ "HTTPS_PROXY, NO_PROXY", "as curl(1) has them" },
	{ "CURL_CA_BUNDLE, SSL_CERT_FILE", "certificates to trust" },
	{ "NIGHTMAIL_STATE", "folder of the journal and of --local's server" },
	{ "XDG_STATE_HOME", "where nightmail/ is that folder, without the above; "
	                    "~/.local/state when it is not set" },
	{ "NIGHTMAIL_DATA", "folder of prices.json" },
	{ "NIGHTMAIL_CLOCK", "fast=N: all waiting runs N times as fast" },
	{ "NO_COLOR", "no colours on the terminal" },
	{ "TZ", "the time zone that times are shown in" },
	{ NULL, NULL }
};

static const struct nm_option_note files[] = {
	{ ".env", "the OPENAI_ variables above, where the environment has them"
	          " not" },
	{ "~/.local/state/nightmail/journal.db",
	  "what was sent and what came back" },
	{ NULL, NULL }
};

static const struct nm_option_note examples[] = {
	{ "--status batch_abc123xyz", "how far that batch is" },
	{ "--list --limit 20", "the newest twenty batches" },
	{ "--cancel batch_abc123xyz", "stop it, and keep what is finished" },
	{ "--list --json | jq -r '.[].id'", "ids alone" },
	{ "--list --local", "the batches of the built-in server" },
	{ NULL, NULL }
};

const struct nm_option_table nm_manager_options = {
	.program = "batch_manager",
	.purpose = "look after batches: status, list, cancel and more",
	.synopsis = synopsis,
	.options = options,
	.clashes = clashes,
	.exits = exits,
	.environment = environment,
	.files = files,
	.examples = examples
};

static const int actions[] = {
	MANAGER_STATUS, MANAGER_LIST, MANAGER_CANCEL, MANAGER_WAIT,
	MANAGER_ERRORS, MANAGER_DOWNLOAD, MANAGER_RUNS, MANAGER_CLEAN,
	MANAGER_PRUNE, MANAGER_CHECK, MANAGER_SUBMIT
};

/* Options that only some actions know; the list of those ends with 0. */
static const struct {
	int         option;
	int         of[4];
	const char *where;
} belongings[] = {
	{ MANAGER_LIMIT, { MANAGER_LIST }, "--list" },
	{ MANAGER_OUTPUT, { MANAGER_DOWNLOAD }, "--download" },
	{ MANAGER_POLL_INTERVAL, { MANAGER_WAIT }, "--wait" },
	{ MANAGER_NEW, { MANAGER_SUBMIT }, "--submit" },
	{ MANAGER_SHARD_REQUESTS, { MANAGER_SUBMIT }, "--submit" },
	{ MANAGER_PATIENCE, { MANAGER_SUBMIT, MANAGER_WAIT, MANAGER_CANCEL },
	  "--submit, --wait or --cancel" },
	{ MANAGER_MAX_ATTEMPTS, { MANAGER_WAIT }, "--wait" },
	{ MANAGER_MAX_COST, { MANAGER_SUBMIT }, "--submit" },
	{ MANAGER_PRICES, { MANAGER_CHECK, MANAGER_SUBMIT },
	  "--check or --submit" },
	{ MANAGER_OLDER_THAN, { MANAGER_CLEAN, MANAGER_PRUNE },
	  "--clean or --prune" },
	{ MANAGER_YES, { MANAGER_CLEAN, MANAGER_PRUNE },
	  "--clean or --prune" },
};

static enum nm_code
check_belongings(const struct nm_options *given, int action,
                 struct nm_err *err)
{
	size_t i;

	for (i = 0; i < sizeof(belongings) / sizeof(*belongings); i++) {
		if (!nm_options_given(given, belongings[i].option) ||
		    belongings[i].of[0] == action ||
		    belongings[i].of[1] == action ||
		    belongings[i].of[2] == action)
			continue;
		return nm_fail(err, NM_USAGE, 0, "%s goes with %s, not with %s",
		               nm_options_name(given, belongings[i].option),
		               belongings[i].where,
		               nm_options_name(given, action));
	}
	return NM_OK;
}

enum nm_code
nm_manager_action(const struct nm_options *given,
                  enum nm_manager_option *action, struct nm_err *err)
{
	int found = 0;
	enum nm_code rc;
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (!nm_options_given(given, actions[i]))
			continue;
		if (found)
			return nm_fail(err, NM_USAGE, 0,
				"%s and %s do not go together: one thing at a "
				"time", nm_options_name(given, found),
				nm_options_name(given, actions[i]));
		found = actions[i];
	}
	if (!found)
		return nm_fail(err, NM_USAGE, 0,
			"nothing to do: give --status ID, --list or --cancel ID "
			"(--help shows the others)");
	rc = check_belongings(given, found, err);
	if (!rc)
		*action = (enum nm_manager_option)found;
	return rc;
}

int64_t
nm_manager_older_than_ms(const struct nm_options *given,
                         enum nm_manager_option action)
{
	if (nm_options_given(given, MANAGER_OLDER_THAN))
		return nm_options_whole(given, MANAGER_OLDER_THAN);
	return (action == MANAGER_CLEAN ? CLEAN_DAYS : PRUNE_DAYS) * DAY_MS;
}
