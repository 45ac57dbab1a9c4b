/*
 * completion: a table -> a completion script for bash, zsh or fish.
 */
#include <stdio.h>

#include "cli/option_inner.h"

enum completes {
	NOTHING,
	WORDS,
	FILES,
	FOLDERS
};

/* What an option's argument is completed with: its words, or by its name. */
static enum completes
completes(const struct nm_option *option)
{
	const char *argument = option->argument ? option->argument : "";

	if (option->words && option->kind != NM_OPTION_LIST)
		return WORDS;
	if (strcmp(argument, "DIR") == 0)
		return FOLDERS;
	if (strcmp(argument, "FILE") == 0)
		return FILES;
	return option->words ? WORDS : NOTHING;
}

static bool
visible(const struct nm_option *option)
{
	return !(option->traits & NM_OPTION_HIDDEN);
}

/* "a|b" -> "a b". */
static void
add_words(const struct nm_option *option, struct nm_buf *out)
{
	const char *rest = option->words;
	struct nm_text word;

	for (word = nm_option_next_word(&rest); word.len;
	     word = nm_option_next_word(&rest))
		nm_buf_addf(out, "%s%.*s", word.at == option->words ? "" : " ",
		            NM_TEXT_ARGS(word));
}

/* Text inside single quotes; each byte of `escape` gets a backslash. */
static void
add_quoted(struct nm_buf *out, const char *text, const char *escape)
{
	for (; *text; text++) {
		if (*text == '\'')
			nm_buf_add_string(out, "'\\'");
		else if (strchr(escape, *text))
			nm_buf_add_byte(out, '\\');
		nm_buf_add_byte(out, *text);
	}
}

static void
add_bash_case(const struct nm_option *option, struct nm_buf *out)
{
	nm_buf_add_byte(out, '\t');
	if (option->letter)
		nm_buf_addf(out, "-%c|", option->letter);
	nm_buf_addf(out, "--%s)\n", option->name);
	switch (completes(option)) {
	case WORDS:
		nm_buf_add_string(out, "\t\twords='");
		add_words(option, out);
		nm_buf_add_string(out, "'\n");
		break;
	case FILES:
		nm_buf_add_string(out, "\t\tpaths=-f\n");
		break;
	case FOLDERS:
		nm_buf_add_string(out, "\t\tpaths=-d\n");
		break;
	case NOTHING:
		break;
	}
	/* What takes one word is done after it; a list goes on. */
	nm_buf_addf(out, "\t\tmost=%s ;;\n",
	            option->kind == NM_OPTION_LIST ? "9999" : "1");
}

static void
add_bash(const struct nm_option_table *table, struct nm_buf *out)
{
	const struct nm_option *option;
	size_t i;

	nm_buf_addf(out, "# bash completion for %s\n_%s()\n{\n",
	            table->program, table->program);
	nm_buf_add_string(out,
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1))\n"
		"\tlocal words='' paths='' most=0 behind\n"
		"\t[[ $cur == = ]] && cur=''\n"
		"\twhile ((at > 0)) && [[ ${COMP_WORDS[at]} != -* ]]; do\n"
		"\t\t((at--))\n"
		"\tdone\n"
		"\tbehind=$((COMP_CWORD - at))\n"
		"\t[[ ${COMP_WORDS[at + 1]} == = ]] && ((behind--))\n"
		"\tcase ${COMP_WORDS[at]} in\n");
	for (i = 0; (option = nm_option_table_at(table, i)); i++)
		if (visible(option) && option->kind != NM_OPTION_FLAG)
			add_bash_case(option, out);
	nm_buf_add_string(out,
		"\tesac\n"
		"\tCOMPREPLY=()\n"
		"\tif [[ $cur != -* ]] && ((behind <= most)); then\n"
		"\t\t[[ $words ]] && mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
		"\t\tif [[ $paths ]]; then\n"
		"\t\t\tcompopt -o filenames 2>/dev/null\n"
		"\t\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen $paths -- \"$cur\")\n"
		"\t\tfi\n"
		"\t\treturn\n"
		"\tfi\n"
		"\tmapfile -t COMPREPLY < <(compgen -W '");
	for (i = 0; (option = nm_option_table_at(table, i)); i++)
		if (visible(option))
			nm_buf_addf(out, "%s--%s", i ? " " : "", option->name);
	nm_buf_addf(out, "' -- \"$cur\")\n}\ncomplete -F _%s %s\n",
	            table->program, table->program);
}

/* "'--limit=[help]:N:action'", with its letter a second time. */
static void
add_zsh_option(const struct nm_option *option, const char *dashed,
               struct nm_buf *out)
{
	bool takes = option->kind != NM_OPTION_FLAG;
	bool list = option->kind == NM_OPTION_LIST;

	nm_buf_addf(out, " \\\n\t'%s%s%s[", list ? "*" : "", dashed,
	            takes && !list && dashed[1] == '-' ? "=" : "");
	add_quoted(out, option->help, "[]\\:");
	nm_buf_add_byte(out, ']');
	if (takes) {
		nm_buf_add_string(out, list ? ":*-*:" :
		                  option->traits & NM_OPTION_BARE ? "::" : ":");
		add_quoted(out, option->argument, ":");
		nm_buf_add_byte(out, ':');
		switch (completes(option)) {
		case WORDS:
			nm_buf_add_byte(out, '(');
			add_words(option, out);
			nm_buf_add_byte(out, ')');
			break;
		case FILES:
			nm_buf_add_string(out, "_files");
			break;
		case FOLDERS:
			nm_buf_add_string(out, "_files -/");
			break;
		case NOTHING:
			nm_buf_add_byte(out, ' ');
			break;
		}
	}
	nm_buf_add_byte(out, '\'');
}

static void
add_zsh(const struct nm_option_table *table, struct nm_buf *out)
{
	const struct nm_option *option;
	char dashed[64];
	size_t i;

	nm_buf_addf(out, "#compdef %s\n_arguments", table->program);
	for (i = 0; (option = nm_option_table_at(table, i)); i++) {
		if (!visible(option))
			continue;
		if (option->letter) {
			snprintf(dashed, sizeof(dashed), "-%c", option->letter);
			add_zsh_option(option, dashed, out);
		}
		snprintf(dashed, sizeof(dashed), "--%s", option->name);
		add_zsh_option(option, dashed, out);
	}
	nm_buf_add_byte(out, '\n');
}

static void
add_fish_option(const struct nm_option_table *table,
                const struct nm_option *option, struct nm_buf *out)
{
	nm_buf_addf(out, "complete -c %s -l %s", table->program, option->name);
	if (option->letter)
		nm_buf_addf(out, " -s %c", option->letter);
	if (option->kind != NM_OPTION_FLAG &&
	    !(option->traits & NM_OPTION_BARE))
		nm_buf_add_string(out, " -r");
	switch (completes(option)) {
	case WORDS:
		nm_buf_add_string(out, " -f -a '");
		add_words(option, out);
		nm_buf_add_byte(out, '\'');
		break;
	case FILES:
		nm_buf_add_string(out, " -F");
		break;
	case FOLDERS:
		nm_buf_add_string(out, " -f -a '(__fish_complete_directories)'");
		break;
	case NOTHING:
		nm_buf_add_string(out, " -f");
		break;
	}
	nm_buf_add_string(out, " -d '");
	/* Inside fish's single quotes a quote is escaped, not left and come back to. */
	for (const char *at = option->help; *at; at++) {
		if (*at == '\'' || *at == '\\')
			nm_buf_add_byte(out, '\\');
		nm_buf_add_byte(out, *at);
	}
	nm_buf_add_string(out, "'\n");
}

enum nm_code
nm_option_table_completion(const struct nm_option_table *table,
                           const char *shell, struct nm_buf *out,
                           struct nm_err *err)
{
	const struct nm_option *option;
	size_t i;

	if (strcmp(shell, "bash") == 0) {
		add_bash(table, out);
	} else if (strcmp(shell, "zsh") == 0) {
		add_zsh(table, out);
	} else if (strcmp(shell, "fish") == 0) {
		nm_buf_addf(out, "complete -c %s -f\n", table->program);
		for (i = 0; (option = nm_option_table_at(table, i)); i++)
			if (visible(option))
				add_fish_option(table, option, out);
	} else {
		return nm_fail(err, NM_USAGE, 0,
		               "'%s' is not bash, zsh or fish", shell);
	}
	return NM_OK;
}
