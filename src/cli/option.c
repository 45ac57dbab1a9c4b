/*
 * option: reads and checks argv against a table. glibc's argp cuts the words
 * apart; its own help, messages and exits are turned off.
 */
#include "cli/option.h"

#include <argp.h>
#include <errno.h>

#include "cli/option_inner.h"
#include "cli/terminal.h"

/* Above every letter, so that argp takes it for no short option. */
enum { KEY_BASE = 1000, HELP_WIDTH_MAX = 100 };

/* What argp hands to the parser. */
struct reading {
	struct nm_options *options;
	struct nm_err     *err;
	enum nm_code       rc;
};

static enum nm_code
take_preset(struct nm_options *options, struct nm_option_value *value,
            struct nm_err *err)
{
	const char *rest = value->option->preset;
	struct nm_text word = { NULL, 0 };
	enum nm_code rc = NM_OK;

	if (!rest)
		return NM_OK;
	if (value->option->kind != NM_OPTION_LIST)
		return nm_option_value_take(value, rest, &options->arena, err);
	while (!rc && *rest) {
		word.at = rest;
		word.len = strcspn(rest, " ");
		rest += word.len + (rest[word.len] == ' ');
		rc = nm_option_value_take(value,
		                          nm_arena_text(&options->arena, word).at,
		                          &options->arena, err);
	}
	return rc;
}

static bool
is_option_word(const char *word)
{
	return word[0] == '-' && word[1];
}

/* A value that stands apart and looks like an option is a value forgotten. */
static bool
is_forgotten(const struct nm_options *options, const char *word)
{
	const struct nm_option *option;
	size_t i;

	if (!is_option_word(word))
		return false;
	if (word[1] == '-')
		return true;
	for (i = 0; (option = nm_option_table_at(options->table, i)); i++)
		if (option->letter == word[1] && !word[2])
			return true;
	return false;
}

static struct nm_option_value *
value_of_key(struct nm_options *options, int key)
{
	const struct nm_option *option;
	size_t i;

	for (i = 0; (option = nm_option_table_at(options->table, i)); i++)
		if (key == KEY_BASE + option->id ||
		    (option->letter && key == option->letter))
			return &options->values[option->id];
	return NULL;
}

/* Takes the words after a list (or a bare option) up to the next option. */
static enum nm_code
take_following(struct reading *reading, struct nm_option_value *value,
               struct argp_state *state, bool some)
{
	enum nm_code rc = NM_OK;

	while (!rc && state->next < state->argc &&
	       !is_option_word(state->argv[state->next])) {
		if (some && value->option->kind != NM_OPTION_LIST)
			break;
		rc = nm_option_value_take(value, state->argv[state->next++],
		                          &reading->options->arena, reading->err);
		some = true;
	}
	return rc;
}

static enum nm_code
take_option(struct reading *reading, struct nm_option_value *value,
            const char *arg, struct argp_state *state)
{
	bool bare = value->option->traits & NM_OPTION_BARE;
	bool apart = arg && arg == state->argv[state->next - 1];
	enum nm_code rc = NM_OK;

	if (value->given && value->option->traits & NM_OPTION_ONCE)
		return nm_fail(reading->err, NM_USAGE, 0,
		               "%s is given twice: one at a time", value->dashed);
	if (!value->given) {
		value->count = 0;
		value->text = NULL;
	}
	value->given = true;
	if (value->option->kind == NM_OPTION_FLAG)
		return NM_OK;
	if (apart && is_forgotten(reading->options, arg))
		return nm_fail(reading->err, NM_USAGE, 0,
		               "%s: its %s is missing before '%s'", value->dashed,
		               value->option->argument, arg);
	if (arg)
		rc = nm_option_value_take(value, arg, &reading->options->arena,
		                          reading->err);
	if (!rc && (apart || !arg) &&
	    (bare || value->option->kind == NM_OPTION_LIST))
		rc = take_following(reading, value, state, arg != NULL);
	return rc;
}

static enum nm_code
answer(struct reading *reading, const struct nm_option_value *value)
{
	const struct nm_option_table *table = reading->options->table;
	int width = nm_terminal_width(1);
	struct nm_buf out = {0};
	enum nm_code rc = NM_OK;

	if (width > HELP_WIDTH_MAX)
		width = HELP_WIDTH_MAX;
	if (value->option->id == OPTION_HELP)
		nm_option_table_help(table, width ? width : 80, &out);
	else if (value->option->id == OPTION_VERSION)
		nm_buf_addf(&out, "%s (nightmail) %s\n", table->program,
		            NM_VERSION);
	else if (value->option->id == OPTION_PRINT_MAN)
		nm_option_table_man(table, &out);
	else
		rc = nm_option_table_completion(table, value->text, &out,
		                                reading->err);
	/* A failed write shows when stdout is closed. */
	fwrite(nm_buf_string(&out), 1, out.len, stdout);
	nm_buf_release(&out);
	reading->options->answered = 1;
	return rc;
}

static error_t
parse_key(int key, char *arg, struct argp_state *state)
{
	struct reading *reading = state->input;
	struct nm_option_value *value;

	if (key == ARGP_KEY_ARG) {
		reading->rc = nm_fail(reading->err, NM_USAGE, 0, "'%s' belongs to "
		                      "no option; see --help", arg);
		return EINVAL;
	}
	if (key == ARGP_KEY_ERROR && !reading->rc &&
	    !reading->options->answered)
		reading->rc = nm_option_suggest(reading->options->table,
		                                state->argv, state->next,
		                                state->argc, reading->err);
	value = value_of_key(reading->options, key);
	if (!value)
		return ARGP_ERR_UNKNOWN;
	reading->rc = take_option(reading, value, arg, state);
	if (!reading->rc && value->option->id > NM_OPTION_ID_MAX)
		reading->rc = answer(reading, value);
	/* An answered question ends the reading as an error does. */
	return reading->rc || reading->options->answered ? EINVAL : 0;
}

static struct argp_option *
argp_options_of(struct nm_options *options)
{
	const struct nm_option *option;
	struct argp_option *list;
	size_t i, n = 0;

	while (nm_option_table_at(options->table, n))
		n++;
	list = nm_arena_array(&options->arena, n + 1, sizeof(*list));
	for (i = 0; i < n; i++) {
		option = nm_option_table_at(options->table, i);
		list[i].name = option->name;
		list[i].key = option->letter ? option->letter
		                             : KEY_BASE + option->id;
		if (option->kind != NM_OPTION_FLAG)
			list[i].arg = option->argument;
		if (option->traits & NM_OPTION_BARE)
			list[i].flags = OPTION_ARG_OPTIONAL;
	}
	return list;
}

static enum nm_code
prepare(struct nm_options *options, struct nm_err *err)
{
	const struct nm_option *option;
	struct nm_option_value *value;
	enum nm_code rc;
	size_t i;

	options->values = nm_arena_array(&options->arena, OPTION_ID_END,
	                                 sizeof(*options->values));
	for (i = 0; (option = nm_option_table_at(options->table, i)); i++) {
		value = &options->values[option->id];
		value->option = option;
		value->dashed = nm_arena_printf(&options->arena, "--%s",
		                                option->name);
		rc = take_preset(options, value, err);
		if (rc)
			return rc;
	}
	return NM_OK;
}

static enum nm_code
check_clashes(const struct nm_options *options, struct nm_err *err)
{
	const struct nm_option_clash *clash = options->table->clashes;

	for (; clash && clash->one; clash++)
		if (nm_options_given(options, clash->one) &&
		    nm_options_given(options, clash->other))
			return nm_fail(err, NM_USAGE, 0, "%s and %s: %s",
			               nm_options_name(options, clash->one),
			               nm_options_name(options, clash->other),
			               clash->why);
	return NM_OK;
}

enum nm_code
nm_options_read(struct nm_options *options,
                const struct nm_option_table *table, int argc, char **argv,
                struct nm_err *err)
{
	struct reading reading = { .options = options, .err = err };
	struct argp argp = { .parser = parse_key };

	options->table = table;
	reading.rc = prepare(options, err);
	if (reading.rc)
		return reading.rc;
	argp.options = argp_options_of(options);
	/* Its result says less than what parse_key has noted. */
	(void)argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS |
	                 ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &reading);
	if (reading.rc || options->answered)
		return reading.rc;
	return check_clashes(options, err);
}

void
nm_options_release(struct nm_options *options)
{
	nm_arena_release(&options->arena);
	memset(options, 0, sizeof(*options));
}

bool
nm_options_given(const struct nm_options *options, int id)
{
	return options->values[id].given;
}

const char *
nm_options_text(const struct nm_options *options, int id)
{
	return options->values[id].text;
}

int64_t
nm_options_whole(const struct nm_options *options, int id)
{
	return options->values[id].whole;
}

double
nm_options_number(const struct nm_options *options, int id)
{
	return options->values[id].number;
}

const char *const *
nm_options_list(const struct nm_options *options, int id, size_t *count)
{
	*count = options->values[id].count;
	return options->values[id].words;
}

const char *
nm_options_name(const struct nm_options *options, int id)
{
	return options->values[id].dashed;
}
