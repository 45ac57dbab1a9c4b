/* option: what words become, what is refused and how, and what help says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/option.h"

enum {
	DATASETS = 1, LIMIT, MODE, POLL, MAX_COST, MODEL, DRY_RUN, OUT, WAIT,
	CANARY, DEADLINE
};

static const struct nm_option options[] = {
	{ .id = DATASETS, .name = "datasets", .kind = NM_OPTION_LIST,
	  .argument = "NAME", .preset = "1-hop", .words = "1-hop|2-hop|3-hop",
	  .help = "datasets to ask", .group = "Questions" },
	{ .id = LIMIT, .name = "limit", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .min = 1, .otherwise = "all",
	  .help = "first N questions of each" },
	{ .id = MODE, .name = "mode", .kind = NM_OPTION_CHOICE,
	  .argument = "MODE", .words = "direct|batch", .preset = "direct",
	  .help = "how to ask", .group = "How" },
	{ .id = POLL, .name = "poll-interval", .kind = NM_OPTION_SPAN,
	  .argument = "SECONDS", .min = 1000, .max = 3600000, .preset = "30",
	  .help = "longest pause" },
	{ .id = MAX_COST, .name = "max-cost", .kind = NM_OPTION_NUMBER,
	  .argument = "USD", .max = 1e9, .help = "send no more than this costs" },
	{ .id = MODEL, .name = "model", .kind = NM_OPTION_TEXT,
	  .argument = "MODEL", .help = "the model's name" },
	{ .id = DRY_RUN, .name = "dry-run", .help = "create, do not wait" },
	{ .id = OUT, .name = "output", .letter = 'o', .kind = NM_OPTION_TEXT,
	  .argument = "FILE", .help = "where to" },
	{ .id = WAIT, .name = "wait", .kind = NM_OPTION_LIST,
	  .argument = "ID", .traits = NM_OPTION_BARE, .help = "follow" },
	{ .id = DEADLINE, .name = "deadline", .kind = NM_OPTION_SPAN,
	  .argument = "DURATION", .max = 604800000,
	  .traits = NM_OPTION_HIDDEN | NM_OPTION_UNIT, .help = "until when" },
	{ .id = CANARY, .name = "canary", .kind = NM_OPTION_WHOLE,
	  .argument = "N", .max = 100, .traits = NM_OPTION_HIDDEN,
	  .help = "first ones" },
	{0}
};

static const struct nm_option_clash clashes[] = {
	{ LIMIT, OUT, "one is for asking, the other for fetching" },
	{0}
};

static const char *const synopsis[] = { "[--mode direct|batch] [options]", NULL };

static const struct nm_option_table table = {
	.program = "prog", .purpose = "asks", .synopsis = synopsis,
	.options = options, .clashes = clashes,
};

enum { WORDS_MAX = 12 };

/* Splits at blanks; '' stands for an empty word. */
static int
split(const char *line, char *room, char **argv)
{
	int argc = 0;

	memcpy(room, line, strlen(line) + 1);
	argv[argc++] = (char *)"prog";
	while (*room) {
		argv[argc] = room;
		room += strcspn(room, " ");
		if (*room)
			*room++ = '\0';
		if (strcmp(argv[argc], "''") == 0)
			argv[argc][0] = '\0';
		argc++;
	}
	argv[argc] = NULL;
	return argc;
}

static enum nm_code
read_line(struct nm_options *got, const char *line, char *room,
          struct nm_err *err)
{
	char *argv[WORDS_MAX];
	int argc = split(line, room, argv);

	return nm_options_read(got, &table, argc, argv, err);
}

static const struct {
	const char *line, *text, *why;
} refused[] = {
	{ "--limit 0", "--limit: '0' is not a whole number from 1 up",
	  "below the range" },
	{ "--limit -1", "--limit: '-1' is not a whole number from 1 up",
	  "a negative number is a value, no option" },
	{ "--limit x", "--limit: 'x' is not a whole number from 1 up",
	  "no number" },
	{ "--limit 1.5", "--limit: '1.5' is not a whole number from 1 up",
	  "a fraction" },
	{ "--limit 5x", "--limit: '5x' is not a whole number from 1 up",
	  "something behind it" },
	{ "--limit 9223372036854775808",
	  "--limit: '9223372036854775808' is not a whole number from 1 up",
	  "past 64 bits" },
	{ "--canary 101",
	  "--canary: '101' is not a whole number from 0 to 100",
	  "above the range" },
	{ "--limit", "--limit: its N is missing", "last word" },
	{ "--limit --dry-run", "--limit: its N is missing before "
	  "'--dry-run'", "the next option is no value" },
	{ "--model -o x", "--model: its MODEL is missing before '-o'",
	  "a letter is an option too" },
	{ "--model ''", "--model: its MODEL is empty", "empty value" },
	{ "--model=", "--model: its MODEL is empty", "empty after =" },
	{ "--datasets", "--datasets: its NAME is missing", "empty list" },
	{ "--datasets --limit 3", "--datasets: its NAME is missing before "
	  "'--limit'", "a list wants a word" },
	{ "--mode fast", "--mode: 'fast' is not direct or batch",
	  "not among the words" },
	{ "--mode direc", "--mode: 'direc' is not direct or batch",
	  "words are not shortened" },
	{ "--poll-interval 0", "--poll-interval: '0' is not a time such "
	  "as 90s, 15m, 24h or 7d, from 1s to 60m", "too short" },
	{ "--poll-interval soon", "--poll-interval: 'soon' is not a time "
	  "such as 90s, 15m, 24h or 7d, from 1s to 60m", "no time" },
	{ "--deadline 24", "--deadline: '24' of what? Say 24s, 24m, 24h or 24d",
	  "hours are meant" },
	{ "--deadline 1.5", "--deadline: '1.5' of what? Say 1.5s, 1.5m, 1.5h or "
	  "1.5d", "a part of a day" },
	{ "--deadline 99d", "--deadline: '99d' is not a time such as 90s, 15m, "
	  "24h or 7d, from 0s to 7d", "too long" },
	{ "--max-cost -2", "--max-cost: '-2' is not a number from 0 up",
	  "below nothing" },
	{ "--max-cost nan", "--max-cost: 'nan' is not a number from 0 up",
	  "strtod would take it" },
	{ "--max-cost 0x10", "--max-cost: '0x10' is not a number from 0 up",
	  "strtod would take it" },
	{ "--max-cost 1e999",
	  "--max-cost: '1e999' is not a number from 0 up", "infinite" },
	{ "--max-cost 1e10",
	  "--max-cost: '1e10' is not a number from 0 to 1000000000",
	  "over an end that is told only then" },
	{ "--dryrun", "there is no option '--dryrun'; is --dry-run meant? "
	  "See --help", "one letter short" },
	{ "--datasest 1-hop", "there is no option '--datasest'; is "
	  "--datasets meant? See --help", "two swapped" },
	{ "--cannary 3", "there is no option '--cannary'; see --help",
	  "hidden options are not suggested" },
	{ "--colour", "there is no option '--colour'; see --help",
	  "nothing near" },
	{ "--mod x", "'--mod' may be --mode, --model", "a shared beginning" },
	{ "--dry-run=yes", "--dry-run takes no value", "a flag" },
	{ "-x", "there is no option '-x'; see --help", "a letter" },
	{ "-o", "-o: its FILE is missing", "a letter without value" },
	{ "-limit 5", "there is no option '-limit'; is --limit meant? "
	  "See --help", "one dash" },
	{ "5", "'5' belongs to no option; see --help", "stands alone" },
	{ "--dry-run 5", "'5' belongs to no option; see --help",
	  "after a flag" },
	{ "--datasets=1-hop 2-hop", "'2-hop' belongs to no option; see "
	  "--help", "after = a list is that word alone" },
	{ "-- 5", "'5' belongs to no option; see --help", "after --" },
	{ "--limit 5 -o x",
	  "--limit and --output: one is for asking, the other for fetching",
	  "a clash" },
};

static void
test_refused(void **state)
{
	char room[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct nm_options got = {0};
		struct nm_err err = {0};

		if (read_line(&got, refused[i].line, room, &err) != NM_USAGE ||
		    strcmp(err.text, refused[i].text) != 0)
			fail_msg("%s (%s): got \"%s\"", refused[i].line,
			         refused[i].why, err.text);
		assert_int_equal(nm_code_exit_status(err.code), 2);
		nm_options_release(&got);
	}
}

/* All values as one line: what stands in the rows below. */
static void
describe(const struct nm_options *got, struct nm_buf *out)
{
	const char *const *words;
	size_t i, count;

	words = nm_options_list(got, DATASETS, &count);
	for (i = 0; i < count; i++)
		nm_buf_addf(out, "%s%s", i ? "," : "", words[i]);
	nm_buf_addf(out, " limit=%lld mode=%s poll=%lld cost=%g",
	            (long long)nm_options_whole(got, LIMIT),
	            nm_options_text(got, MODE),
	            (long long)nm_options_whole(got, POLL),
	            nm_options_number(got, MAX_COST));
	if (nm_options_given(got, DRY_RUN))
		nm_buf_add_string(out, " dry");
	if (nm_options_text(got, OUT))
		nm_buf_addf(out, " out=%s", nm_options_text(got, OUT));
	(void)nm_options_list(got, WAIT, &count);
	if (nm_options_given(got, WAIT))
		nm_buf_addf(out, " wait%zu", count);
}

static void
test_taken(void **state)
{
	static const struct {
		const char *line, *values, *why;
	} rows[] = {
		{ "", "1-hop limit=0 mode=direct poll=30000 cost=0", "presets" },
		{ "--datasets 1-hop 2-hop --limit 10",
		  "1-hop,2-hop limit=10 mode=direct poll=30000 cost=0",
		  "several words after one flag" },
		{ "--datasets 2-hop --dry-run --datasets=3-hop",
		  "2-hop,3-hop limit=0 mode=direct poll=30000 cost=0 dry",
		  "used twice, it adds; the preset is gone" },
		{ "--mode=batch --poll-interval 5m --max-cost 2.5",
		  "1-hop limit=0 mode=batch poll=300000 cost=2.5", "all forms" },
		{ "--limit 5 --limit 7",
		  "1-hop limit=7 mode=direct poll=30000 cost=0", "the last counts" },
		{ "--lim 5", "1-hop limit=5 mode=direct poll=30000 cost=0",
		  "shortened while clear" },
		{ "-o x", "1-hop limit=0 mode=direct poll=30000 cost=0 out=x",
		  "a letter" },
		{ "-ox", "1-hop limit=0 mode=direct poll=30000 cost=0 out=x",
		  "a letter, joined" },
		{ "--output=-", "1-hop limit=0 mode=direct poll=30000 cost=0 out=-",
		  "a lone dash is a value" },
		{ "--output -", "1-hop limit=0 mode=direct poll=30000 cost=0 out=-",
		  "a lone dash is a value" },
		{ "--wait", "1-hop limit=0 mode=direct poll=30000 cost=0 wait0",
		  "bare" },
		{ "--wait a b --dry-run",
		  "1-hop limit=0 mode=direct poll=30000 cost=0 dry wait2",
		  "bare, but with words" },
		{ "--wait --dry-run",
		  "1-hop limit=0 mode=direct poll=30000 cost=0 dry wait0",
		  "bare, and an option next" },
	};
	char room[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_options got = {0};
		struct nm_buf values = {0};
		struct nm_err err = {0};

		if (read_line(&got, rows[i].line, room, &err))
			fail_msg("%s: %s", rows[i].line, err.text);
		describe(&got, &values);
		if (strcmp(nm_buf_string(&values), rows[i].values) != 0)
			fail_msg("%s (%s): got \"%s\"", rows[i].line,
			         rows[i].why, nm_buf_string(&values));
		nm_buf_release(&values);
		nm_options_release(&got);
	}
}

static const char help_text[] =
	"Usage: prog [--mode direct|batch] [options]\n"
	"\n"
	"asks\n"
	"\n"
	"Questions:\n"
	"  --datasets NAME…         datasets to ask (default 1-hop)\n"
	"  --limit N                first N questions of each (from 1 up; default\n"
	"                           all)\n"
	"\n"
	"How:\n"
	"  --mode direct|batch      how to ask (default direct)\n"
	"  --poll-interval SECONDS  longest pause (from 1s to 60m; default 30)\n"
	"  --max-cost USD           send no more than this costs\n"
	"  --model MODEL            the model's name\n"
	"  --dry-run                create, do not wait\n"
	"  -o, --output FILE        where to\n"
	"  --wait [ID…]             follow\n"
	"\n"
	"Help:\n"
	"  -h, --help               show this and leave\n"
	"  --version                show the version and leave\n";

static void
test_help(void **state)
{
	struct nm_buf out = {0};

	(void)state;
	nm_option_table_help(&table, 75, &out);
	assert_string_equal(nm_buf_string(&out), help_text);
	nm_buf_release(&out);
}

static void
test_man(void **state)
{
	struct nm_buf out = {0};

	(void)state;
	nm_option_table_man(&table, &out);
	assert_non_null(strstr(nm_buf_string(&out),
		".Ss Questions\n.Bl -tag -width Ds\n.It Fl \\-datasets Ar NAME …\n"
		"datasets to ask (default 1\\-hop).\n"));
	assert_non_null(strstr(nm_buf_string(&out),
		".It Fl \\-mode Cm direct | Cm batch\n"));
	assert_non_null(strstr(nm_buf_string(&out),
		".It Fl o , Fl \\-output Ar FILE\nwhere to.\n"));
	assert_non_null(strstr(nm_buf_string(&out),
		".It Fl \\-wait Op Ar ID …\n"));
	assert_null(strstr(nm_buf_string(&out), "canary"));
	nm_buf_release(&out);
}

static void
test_completions_name_what_is_visible(void **state)
{
	static const char *const shells[] = { "bash", "zsh", "fish" };
	struct nm_err err;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct nm_buf out = {0};

		assert_int_equal(nm_option_table_completion(&table, shells[i],
		                                            &out, &err), NM_OK);
		assert_non_null(strstr(nm_buf_string(&out), "datasets"));
		assert_non_null(strstr(nm_buf_string(&out), "direct batch"));
		assert_null(strstr(nm_buf_string(&out), "canary"));
		nm_buf_release(&out);
	}
	assert_int_equal(nm_option_table_completion(&table, "ksh", NULL, &err),
	                 NM_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_man),
		cmocka_unit_test(test_completions_name_what_is_visible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
