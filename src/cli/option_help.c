/*
 * option_help: a table -> what --help prints.
 */
#include "cli/option_inner.h"
#include "cli/terminal.h"

enum { COLUMN_MAX = 30 };

void
nm_option_add_argument(const struct nm_option *option, struct nm_buf *out)
{
	const char *more = option->kind == NM_OPTION_LIST ? "…" : "";
	const char *argument = option->argument;

	if (option->kind == NM_OPTION_FLAG)
		return;
	if (option->kind == NM_OPTION_CHOICE && option->words)
		argument = option->words;
	if (option->traits & NM_OPTION_BARE)
		nm_buf_addf(out, " [%s%s]", argument, more);
	else
		nm_buf_addf(out, " %s%s", argument, more);
}

void
nm_option_add_help(const struct nm_option *option, struct nm_buf *out)
{
	const char *standard = option->preset;
	struct nm_option shown = nm_option_shown(option);
	struct nm_buf range = {0};

	nm_buf_add_string(out, option->help);
	if (option->otherwise)
		standard = option->otherwise;
	if (shown.min > 0 || shown.max > 0)
		nm_option_add_range(&shown, &range);
	if (range.len && standard)
		nm_buf_addf(out, " (%s; default %s)", range.at, standard);
	else if (range.len)
		nm_buf_addf(out, " (%s)", range.at);
	else if (standard)
		nm_buf_addf(out, " (default %s)", standard);
	nm_buf_release(&range);
}

static void
add_blanks(struct nm_buf *out, int count)
{
	while (count-- > 0)
		nm_buf_add_byte(out, ' ');
}

/* The bytes up to the next blank that stands outside brackets. */
static size_t
word_len(const char *text)
{
	size_t len;
	int depth = 0;

	for (len = 0; text[len] && (depth > 0 || text[len] != ' '); len++)
		depth += (text[len] == '[') - (text[len] == ']');
	return len;
}

/* Adds words from column `at` on, broken at blanks, later lines from `indent`. */
static void
add_wrapped(struct nm_buf *out, const char *text, int at, int indent,
            int width)
{
	struct nm_text word;
	bool first = true;
	int columns;

	for (; *text; text += word.len) {
		text += strspn(text, " ");
		word = (struct nm_text){ text, word_len(text) };
		columns = nm_terminal_columns(word);
		if (!first && at + 1 + columns > width) {
			nm_buf_add_byte(out, '\n');
			add_blanks(out, indent);
			at = indent;
		} else if (!first) {
			nm_buf_add_byte(out, ' ');
			at++;
		}
		nm_buf_add_text(out, word);
		at += columns;
		first = false;
	}
	nm_buf_add_byte(out, '\n');
}

/* "  left   text", the text from `column` on; a long left has its own line. */
static void
add_entry(struct nm_buf *out, const char *left, const char *text, int column,
          int width)
{
	int at = 2 + nm_terminal_columns(nm_text_of(left));

	nm_buf_addf(out, "  %s", left);
	if (at + 2 > column) {
		nm_buf_add_byte(out, '\n');
		at = 0;
	}
	add_blanks(out, column - at);
	add_wrapped(out, text, column, column, width);
}

static void
add_left(const struct nm_option *option, struct nm_buf *out)
{
	if (option->letter)
		nm_buf_addf(out, "-%c, ", option->letter);
	nm_buf_addf(out, "--%s", option->name);
	nm_option_add_argument(option, out);
}

/* Where the texts begin: two after the longest left side, within bounds. */
static int
column_of(const struct nm_option_table *table)
{
	const struct nm_option *option;
	struct nm_buf left = {0};
	int longest = 0, columns;
	size_t i;

	for (i = 0; (option = nm_option_table_at(table, i)); i++) {
		nm_buf_clear(&left);
		add_left(option, &left);
		columns = 2 + nm_terminal_columns(nm_buf_text(&left)) + 2;
		if (!(option->traits & NM_OPTION_HIDDEN) &&
		    columns <= COLUMN_MAX && columns > longest)
			longest = columns;
	}
	nm_buf_release(&left);
	return longest;
}

static void
add_options(const struct nm_option_table *table, int width,
            struct nm_buf *out)
{
	int column = column_of(table);
	struct nm_buf left = {0}, text = {0};
	const struct nm_option *option;
	size_t i;

	for (i = 0; (option = nm_option_table_at(table, i)); i++) {
		if (option->traits & NM_OPTION_HIDDEN)
			continue;
		if (option->group)
			nm_buf_addf(out, "\n%s:\n", option->group);
		nm_buf_clear(&left);
		nm_buf_clear(&text);
		add_left(option, &left);
		nm_option_add_help(option, &text);
		add_entry(out, nm_buf_string(&left), nm_buf_string(&text), column,
		          width);
	}
	nm_buf_release(&left);
	nm_buf_release(&text);
}

static void
add_notes(const struct nm_option_note *notes, const char *heading,
          int width, struct nm_buf *out)
{
	const struct nm_option_note *note;
	int column = 0, columns;

	if (!notes || !notes->term)
		return;
	nm_buf_addf(out, "\n%s:\n", heading);
	for (note = notes; note->term; note++) {
		columns = 2 + nm_terminal_columns(nm_text_of(note->term)) + 2;
		if (columns <= COLUMN_MAX && columns > column)
			column = columns;
	}
	for (note = notes; note->term; note++)
		add_entry(out, note->term, note->text, column ? column : 6, width);
}

static void
add_examples(const struct nm_option_table *table, int width,
             struct nm_buf *out)
{
	const struct nm_option_note *notes = table->examples;

	if (!notes || !notes->term)
		return;
	nm_buf_add_string(out, "\nExamples:\n");
	for (; notes->term; notes++) {
		add_blanks(out, 2);
		add_wrapped(out, notes->text, 2, 2, width);
		/* A command is never broken: people copy it. */
		nm_buf_addf(out, "    %s%s%s\n",
		            notes->term[0] == '-' ? table->program : "",
		            notes->term[0] == '-' ? " " : "", notes->term);
	}
}

void
nm_option_table_help(const struct nm_option_table *table, int width,
                     struct nm_buf *out)
{
	const char *const *synopsis = table->synopsis;
	const char *lead = "Usage: ";
	int indent = 7 + nm_terminal_columns(nm_text_of(table->program)) + 1;

	for (; synopsis && *synopsis; synopsis++) {
		nm_buf_addf(out, "%s%s ", lead, table->program);
		add_wrapped(out, *synopsis, indent, indent, width);
		lead = "       ";
	}
	nm_buf_add_byte(out, '\n');
	add_wrapped(out, table->purpose, 0, 0, width);
	add_options(table, width, out);
	add_notes(table->exits, "Exit status", width, out);
	add_notes(table->environment, "Environment", width, out);
	add_notes(table->files, "Files", width, out);
	add_examples(table, width, out);
}
