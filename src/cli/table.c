/*
 * table: libsmartcols draws the rows; sheets are drawn here.
 */
#include "cli/table.h"

#include <libsmartcols.h>

#include "cli/terminal.h"

/* Exhausted memory ends the process, as everywhere in this library. */
static void *
must(void *thing)
{
	if (!thing)
		abort();
	return thing;
}

static int
column_flags(const struct nm_table_column *column)
{
	int flags = 0;

	if (column->align == NM_TABLE_RIGHT)
		flags |= SCOLS_FL_RIGHT;
	if (column->room == NM_TABLE_CUT)
		flags |= SCOLS_FL_TRUNC;
	return flags;
}

void
nm_table_open(struct nm_table *table, const struct nm_table_column *columns,
              size_t n_columns)
{
	struct libscols_table *inner = must(scols_new_table());
	bool titled = false;
	size_t i;

	for (i = 0; i < n_columns; i++) {
		titled = titled || columns[i].title;
		must(scols_table_new_column(inner,
			columns[i].title ? columns[i].title : "", 0,
			column_flags(&columns[i])));
	}
	if (!titled)
		scols_table_enable_noheadings(inner, 1);
	if (scols_table_set_column_separator(inner, "  "))
		abort();
	table->inner = inner;
	table->n_columns = n_columns;
}

void
nm_table_add(struct nm_table *table, const char *const *cells)
{
	struct libscols_line *line;
	struct nm_buf safe = {0};
	size_t i;

	line = must(scols_table_new_line(table->inner, NULL));
	for (i = 0; i < table->n_columns; i++) {
		nm_buf_clear(&safe);
		nm_terminal_add(&safe, nm_text_of(cells[i]), 0);
		if (scols_line_set_data(line, i, nm_buf_string(&safe)))
			abort();
	}
	nm_buf_release(&safe);
}

/* Blanks at the ends of lines would be seen when the text is pasted. */
static void
add_trimmed(struct nm_buf *out, const char *text)
{
	const char *end;
	size_t len;

	for (; *text; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		for (len = (size_t)(end - text); len && text[len - 1] == ' ';)
			len--;
		nm_buf_add(out, text, len);
		nm_buf_add_byte(out, '\n');
	}
}

/* Of the cells that do not fit: cut names must not be taken for whole ones. */
static void
mark_cuts(struct libscols_table *inner, struct libscols_column *column, size_t number)
{
	int width = (int)scols_column_get_width(column);
	struct libscols_line *line;
	struct nm_buf cut = {0};
	struct nm_text cell;
	size_t i;

	for (i = 0; i < scols_table_get_nlines(inner); i++) {
		line = must(scols_table_get_line(inner, i));
		cell = nm_text_of(scols_line_get_column_data(line, column));
		if (nm_terminal_columns(cell) <= width)
			continue;
		nm_buf_clear(&cut);
		nm_terminal_add(&cut, cell, width);
		if (scols_line_set_data(line, number, nm_buf_string(&cut)))
			abort();
	}
	nm_buf_release(&cut);
}

/* The widths are known once it is drawn. */
static void
cut(struct libscols_table *inner)
{
	struct libscols_column *column;
	char *drawn = NULL;
	size_t i;

	if (scols_print_table_to_string(inner, &drawn))
		abort();
	free(drawn);
	for (i = 0; i < scols_table_get_ncols(inner); i++) {
		column = must(scols_table_get_column(inner, i));
		if (scols_column_is_trunc(column))
			mark_cuts(inner, column, i);
	}
}

void
nm_table_write(struct nm_table *table, int width, struct nm_buf *out)
{
	struct libscols_table *inner = table->inner;
	char *text = NULL;

	if (width > 0) {
		scols_table_set_termforce(inner, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(inner, (size_t)width);
		cut(inner);
	} else {
		scols_table_set_termforce(inner, SCOLS_TERMFORCE_NEVER);
	}
	if (scols_print_table_to_string(inner, &text))
		abort();
	if (text)
		add_trimmed(out, text);
	free(text);
}

void
nm_table_release(struct nm_table *table)
{
	scols_unref_table(table->inner);
	memset(table, 0, sizeof(*table));
}

void
nm_sheet_add(struct nm_sheet *sheet, const char *key, const char *format, ...)
{
	struct nm_text name = nm_text_of(key);
	int columns = nm_terminal_columns(name);
	va_list args;

	if (columns > sheet->widest)
		sheet->widest = columns;
	nm_buf_add_text(&sheet->text, name);
	nm_buf_add_byte(&sheet->text, '\0');
	va_start(args, format);
	nm_buf_addv(&sheet->text, format, args);
	va_end(args);
	nm_buf_add_byte(&sheet->text, '\0');
}

/* What stands before the next NUL; moves on behind it. */
static struct nm_text
take_string(const char **at, const char *end)
{
	struct nm_text text = { *at, strnlen(*at, (size_t)(end - *at)) };

	*at += text.len + 1;
	return text;
}

void
nm_sheet_write(const struct nm_sheet *sheet, int width, struct nm_buf *out)
{
	const char *at = nm_buf_string(&sheet->text);
	const char *end = at + sheet->text.len;
	int room = width > 0 ? width - sheet->widest - 2 : 0;
	struct nm_text key, value;

	if (width > 0 && room < 1)
		room = 1;
	while (at < end) {
		key = take_string(&at, end);
		value = take_string(&at, end);
		nm_buf_addf(out, "%.*s%*s", NM_TEXT_ARGS(key),
		            sheet->widest - nm_terminal_columns(key) + 2, "");
		nm_terminal_add(out, value, room);
		nm_buf_add_byte(out, '\n');
	}
}

void
nm_sheet_release(struct nm_sheet *sheet)
{
	nm_buf_release(&sheet->text);
	memset(sheet, 0, sizeof(*sheet));
}
