/*
 * option_man: a table -> the list of options in the manual's language, mdoc.
 */
#include <ctype.h>

#include "cli/option_inner.h"

/*
 * Adds text so that mdoc shows it as it is: no escapes, no hyphens made of
 * minuses; within a macro's line no word is taken for a macro.
 */
static void
add_escaped(struct nm_buf *out, const char *text, bool in_macro)
{
	size_t word;

	if (text[0] == '.' || text[0] == '\'')
		nm_buf_add_string(out, "\\&");
	for (; *text; text++) {
		word = strcspn(text, " ");
		if (in_macro && isupper((unsigned char)text[0]) && word <= 3)
			nm_buf_add_string(out, "\\&");
		for (; word; word--, text++) {
			if (*text == '\\')
				nm_buf_add_string(out, "\\e");
			else if (*text == '-')
				nm_buf_add_string(out, "\\-");
			else
				nm_buf_add_byte(out, *text);
		}
		if (!*text)
			break;
		nm_buf_add_byte(out, ' ');
	}
}

/* " Ar N", " Ar NAME …", " Op Ar ID", " Cm direct | batch". */
static void
add_argument(const struct nm_option *option, struct nm_buf *out)
{
	const char *rest = option->words;
	struct nm_text word;

	if (option->kind == NM_OPTION_FLAG)
		return;
	if (option->traits & NM_OPTION_BARE)
		nm_buf_add_string(out, " Op");
	if (option->kind == NM_OPTION_CHOICE) {
		for (word = nm_option_next_word(&rest); word.len;
		     word = nm_option_next_word(&rest))
			nm_buf_addf(out, " %sCm %.*s",
			            word.at == option->words ? "" : "| ",
			            NM_TEXT_ARGS(word));
		return;
	}
	nm_buf_addf(out, " Ar %s%s", option->argument,
	            option->kind == NM_OPTION_LIST ? " …" : "");
}

static void
add_item(const struct nm_option *option, struct nm_buf *out)
{
	struct nm_buf help = {0};

	nm_buf_add_string(out, ".It ");
	if (option->letter)
		nm_buf_addf(out, "Fl %c , ", option->letter);
	nm_buf_add_string(out, "Fl \\-");
	add_escaped(out, option->name, true);
	add_argument(option, out);
	nm_buf_add_byte(out, '\n');
	nm_option_add_help(option, &help);
	add_escaped(out, nm_buf_string(&help), false);
	nm_buf_add_string(out, ".\n");
	nm_buf_release(&help);
}

void
nm_option_table_man(const struct nm_option_table *table, struct nm_buf *out)
{
	const struct nm_option *option;
	bool open = false;
	size_t i;

	for (i = 0; (option = nm_option_table_at(table, i)); i++) {
		if (option->traits & NM_OPTION_HIDDEN)
			continue;
		if (option->group || !open) {
			if (open)
				nm_buf_add_string(out, ".El\n");
			if (option->group)
				nm_buf_addf(out, ".Ss %s\n", option->group);
			nm_buf_add_string(out, ".Bl -tag -width Ds\n");
			open = true;
		}
		add_item(option, out);
	}
	if (open)
		nm_buf_add_string(out, ".El\n");
}
