/*
 * option_standard: the options that every program has, after those of its own table.
 */
#include "cli/option_inner.h"

static const struct nm_option standard[] = {
	{ .id = OPTION_HELP, .name = "help", .letter = 'h', .group = "Help",
	  .help = "show this and leave" },
	{ .id = OPTION_VERSION, .name = "version",
	  .help = "show the version and leave" },
	{ .id = OPTION_PRINT_MAN, .name = "print-man",
	  .traits = NM_OPTION_HIDDEN,
	  .help = "print the list of options as the manual has it" },
	{ .id = OPTION_PRINT_COMPLETION, .name = "print-completion",
	  .kind = NM_OPTION_CHOICE, .argument = "SHELL",
	  .words = "bash|zsh|fish", .traits = NM_OPTION_HIDDEN,
	  .help = "print a completion script" },
};

const struct nm_option *
nm_option_table_at(const struct nm_option_table *table, size_t i)
{
	size_t n = 0;

	while (table->options[n].name) {
		if (n == i)
			return &table->options[n];
		n++;
	}
	i -= n;
	return i < sizeof(standard) / sizeof(*standard) ? &standard[i] : NULL;
}
