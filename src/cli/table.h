/*
 * table: rows and columns for the terminal. libsmartcols inside.
 * Knows texts alone.
 *
 * Calling sequence: open, add…, write, release.
 */
#ifndef NM_CLI_TABLE_H
#define NM_CLI_TABLE_H

#include "base/buf.h"

enum nm_table_align {
	NM_TABLE_LEFT,
	NM_TABLE_RIGHT
};

enum nm_table_room {
	NM_TABLE_WHOLE, /* never cut while another column can be */
	NM_TABLE_CUT    /* gives way when the terminal is narrow */
};

struct nm_table_column {
	const char         *title; /* NULL in all columns = no heading line */
	enum nm_table_align align;
	enum nm_table_room  room;
};

struct nm_table {
	void  *inner;
	size_t n_columns;
};

void nm_table_open(struct nm_table *table,
                   const struct nm_table_column *columns, size_t n_columns);

/* n_columns cells, copied; NULL is an empty one. Control characters are escaped. */
void nm_table_add(struct nm_table *table, const char *const *cells);

/* Appends the lines; at most `width` columns wide, 0 = whole. Once. A cell that was cut
 * ends in "…". */
void nm_table_write(struct nm_table *table, int width, struct nm_buf *out);

void nm_table_release(struct nm_table *table);

/*
 * sheet: keys and their values, one a line, values aligned. Zeroed is ready.
 * A key that is NULL or "" goes on below the value before.
 */
struct nm_sheet {
	struct nm_buf text;   /* key NUL value NUL … */
	int           widest; /* key, in columns */
};

void nm_sheet_add(struct nm_sheet *sheet, const char *key,
                  const char *format, ...) NM_PRINTF(3, 4);
void nm_sheet_write(const struct nm_sheet *sheet, int width,
                    struct nm_buf *out);
void nm_sheet_release(struct nm_sheet *sheet);

#endif
